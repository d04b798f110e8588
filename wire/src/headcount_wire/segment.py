"""What an edge hands over: segments of stripped records, byte for byte.

A segment is a header and records, all integers little-endian::

    header   magic "HCSEG" + version u8 | worker 8 bytes | sequence u32 | created day u16 | crc32 u32
    record   length u32 | crc32 u32 | report id 16 bytes | payload (``length`` bytes)
    payload  kind u8 | stream u8 | created day u16 | partner u32 | customer u32 | app u32 |
             catalog u32 | context 6 x (length u8, text) | origin flag u8 [6 x (length u8, text)] |
             count u8 | count x day
    day      day u16 | count u16 | count x tally
    tally    measure u16 | label u8 | fact u8 | slot u16 | n u32

A payload's kind is its segment's version. Version 2, written now, is this; version 1 had, instead of the days, a
count u16 and as many tallies with a day u16 of their own in front, and stays readable.

The record's crc covers length, id and payload. A reader stops at the first record whose length
or crc is wrong: what stands before it is whole, and behind it a write was cut off. A *sealed* segment
has no write that was cut off: what is wrong in it was damaged later, and ``salvage`` goes on behind
it to the next record whose crc is right. Nothing in a record names a device: the report id is
random, for this upload only.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from headcount_wire import limits
from headcount_wire.dimensions import Dimension
from headcount_wire.errors import MalformedSegment
from headcount_wire.report import REPORT_ID_BYTES

MAGIC = b"HCSEG"
VERSION = 2
_VERSION_1 = 1
VERSIONS_READ = (_VERSION_1, VERSION)

_HEADER = struct.Struct("<5sB8sIHI")
_FRAME = struct.Struct(f"<II{REPORT_ID_BYTES}s")
_LENGTH = struct.Struct("<I")
PAYLOAD = struct.Struct("<BBHIIII")
_COUNT = struct.Struct("<H")
DAY = struct.Struct("<HH")
TALLY = struct.Struct("<HBBHI")
_DAYS_MAX = 255
_TALLY_OF_VERSION_1 = struct.Struct("<HHBBHI")

VERSION_AT = len(MAGIC)
HEADER_BYTES = _HEADER.size
FRAME_BYTES = _FRAME.size
FILE_BYTES_MOST = 8 * limits.SEGMENT_BYTES
"""No segment is as large: a writer ends one that is full, and adds no more than another such size at once."""


class Stream(IntEnum):
    """Which data a record belongs to; the two never meet in one sum."""

    LIVE = 0
    DEBUG = 1


class DayTally(NamedTuple):
    """A tally with its local day, as a record holds it."""

    day: int
    measure: int
    label: int
    fact: int
    slot: int
    n: int


Values = tuple[str, str, str, str, str, str]
"""One value per ``Dimension``, in the order of their codes; ``unknown`` where none was granted."""

assert len(Dimension) == 6


@dataclass(frozen=True, slots=True)
class Record:
    """One stripped report. ``tallies`` are six-tuples in the order of ``DayTally``."""

    stream: Stream
    created: int
    partner: int
    customer: int
    app: int
    catalog: int
    context: Values
    origin: Values | None
    tallies: tuple[tuple[int, int, int, int, int, int], ...]


Packed = tuple[int, int, bytes]
"""One local day's tallies as a record holds them: the day, how many, and the bytes of each (``pack_tally``)."""


class Salvaged(NamedTuple):
    """What a damaged segment still holds. ``gaps``: stretches nothing could be read of, each of one record or more."""

    records: list[tuple[bytes, Record]]
    gaps: int
    lost_bytes: int


@dataclass(frozen=True, slots=True)
class Header:
    """Who wrote a segment, and when."""

    worker: bytes
    sequence: int
    created: int


def encode_header(header: Header) -> bytes:
    """The first bytes of a segment file."""
    bare = _HEADER.pack(MAGIC, VERSION, header.worker, header.sequence, header.created, 0)[:-4]
    return bare + _LENGTH.pack(zlib.crc32(bare))


def decode_header(data: bytes) -> Header:
    """The header at the start of a segment's bytes; raises ``MalformedSegment``."""
    if len(data) < HEADER_BYTES:
        raise MalformedSegment("the segment's header is cut off")
    magic, version, worker, sequence, created, crc = _HEADER.unpack_from(data)
    if magic != MAGIC:
        raise MalformedSegment("this file is no segment")
    if zlib.crc32(data[: HEADER_BYTES - 4]) != crc:
        raise MalformedSegment("the segment's header is corrupt")
    if version not in VERSIONS_READ:
        known = " and ".join(map(str, VERSIONS_READ))
        raise MalformedSegment(f"segment version {version} is not known to this reader (it knows {known})")
    return Header(worker, sequence, created)


pack_tally = TALLY.pack
"""The bytes of ``(measure, label, fact, slot, n)``."""


def encode_record(report_id: bytes, record: Record) -> bytes:
    """One framed record, ready to append; raises ``MalformedSegment`` when it is too large."""
    source = encode_source(
        record.stream,
        record.created,
        record.partner,
        record.customer,
        record.app,
        record.catalog,
        record.context,
        record.origin,
    )
    by_day = groupby(record.tallies, key=itemgetter(0))
    told = [(day, [pack_tally(*tally[1:]) for tally in tallies]) for day, tallies in by_day]
    return frame(report_id, source, [(day, len(tallies), b"".join(tallies)) for day, tallies in told])


@lru_cache(maxsize=4096)
def encode_source(
    stream: Stream,
    created: int,
    partner: int,
    customer: int,
    app: int,
    catalog: int,
    context: Values,
    origin: Values | None,
) -> bytes:
    """A payload up to its tallies: whose it is, of which day, by which catalog and in which context."""
    return encode_whose(stream, created, partner, customer, app, catalog) + encode_values(context, origin)


def encode_whose(stream: Stream, created: int, partner: int, customer: int, app: int, catalog: int) -> bytes:
    """A payload's first part: whose it is, of which day and by which catalog."""
    return PAYLOAD.pack(VERSION, stream, created, partner, customer, app, catalog)


def encode_values(context: Values, origin: Values | None) -> bytes:
    """A payload's second part: in which context, and in which one something was first used."""
    then = b"\x00" if origin is None else b"\x01" + _pack_values(origin)
    return _pack_values(context) + then


def frame(report_id: bytes, source: bytes, told: Sequence[Packed]) -> bytes:
    """One framed record of what is packed already; raises ``MalformedSegment`` when it is too large."""
    if len(told) > _DAYS_MAX:
        raise MalformedSegment("a record tells of more days than the format allows")
    parts = [source, bytes((len(told),))]
    for day, number, tallies in told:
        parts += (DAY.pack(day, number), tallies)
    payload = b"".join(parts)
    if len(payload) > limits.RECORD_BYTES:
        raise MalformedSegment("a record is larger than the format allows")
    crc = zlib.crc32(payload, zlib.crc32(report_id, zlib.crc32(_LENGTH.pack(len(payload)))))
    return _FRAME.pack(len(payload), crc, report_id) + payload


def decode_payload(payload: bytes, version: int = VERSION) -> Record:
    """The record in a payload whose crc was right, of a segment of this version; raises ``MalformedSegment``."""
    try:
        kind, stream, created, partner, customer, app, catalog = PAYLOAD.unpack_from(payload)
        if kind != version:
            raise MalformedSegment(f"record kind {kind} is not known in a segment of version {version}")
        context, at = _unpack_values(payload, PAYLOAD.size)
        origin: Values | None = None
        flag, at = payload[at], at + 1
        if flag:
            origin, at = _unpack_values(payload, at)
        tallies = _unpack_days(payload, at) if kind == VERSION else _unpack_version_1(payload, at)
        return Record(Stream(stream), created, partner, customer, app, catalog, context, origin, tallies)
    except (struct.error, IndexError, ValueError):
        raise MalformedSegment("a record's payload is not of this format") from None


def _unpack_days(payload: bytes, at: int) -> tuple[tuple[int, int, int, int, int, int], ...]:
    tallies: list[tuple[int, int, int, int, int, int]] = []
    count, at = payload[at], at + 1
    for _ in range(count):
        day, lines = DAY.unpack_from(payload, at)
        at, end = at + DAY.size, at + DAY.size + lines * TALLY.size
        tallies += [(day, *line) for line in TALLY.iter_unpack(payload[at:end])]
        at = end
    if at != len(payload):
        raise MalformedSegment("a record's tallies do not fill it")
    return tuple(tallies)


def _unpack_version_1(payload: bytes, at: int) -> tuple[tuple[int, int, int, int, int, int], ...]:
    (count,) = _COUNT.unpack_from(payload, at)
    body = payload[at + _COUNT.size :]
    if len(body) != count * _TALLY_OF_VERSION_1.size:
        raise MalformedSegment("a record's tallies do not fill it")
    return tuple(_TALLY_OF_VERSION_1.iter_unpack(body))


def whole_bytes(data: bytes) -> int:
    """How many bytes from the start are whole: the header and every record before the first bad one."""
    return max((end for _, _, end in _frames(data)), default=HEADER_BYTES)


def kept_bytes(data: bytes) -> int:
    """How many bytes of a segment that its writer left open are kept: all but a write that was cut off.

    No whole record stands behind a write that was cut off. Where one does, the disk damaged what is before it:
    then all is kept, and ``salvage`` finds what is whole and counts the rest. Raises ``MalformedSegment``.
    """
    whole = whole_bytes(data)
    return whole if _next_frame(data, whole) == len(data) else len(data)


def records(data: bytes) -> Iterator[tuple[bytes, Record]]:
    """``(report id, record)`` for every whole record, in order; stops at the first bad one.

    Raises ``MalformedSegment`` for a bad header, or for a record whose crc is right and
    whose payload is not (a newer writer): such a segment is set aside whole.
    """
    for report_id, payload, _ in _frames(data):
        yield report_id, decode_payload(payload, data[VERSION_AT])


def salvage(data: bytes) -> Salvaged:
    """Every record of a sealed segment whose crc is right, also behind damage, and how much is lost.

    Raises ``MalformedSegment`` as ``records`` does.
    """
    frames, gaps, lost = whole_frames(data)
    return Salvaged([(name, decode_payload(payload, data[VERSION_AT])) for name, payload in frames], gaps, lost)


def whole_frames(data: bytes) -> tuple[list[tuple[bytes, bytes]], int, int]:
    """The id and payload of every record whose crc is right, and ``salvage``'s gaps and lost bytes."""
    decode_header(data)
    found: list[tuple[bytes, bytes]] = []
    at, gaps, lost = HEADER_BYTES, 0, 0
    while at < len(data):
        frame = _frame_at(data, at)
        if frame is None:
            behind = _next_frame(data, at)
            gaps, lost, at = gaps + 1, lost + behind - at, behind
            continue
        report_id, payload, at = frame
        found.append((report_id, payload))
    return found, gaps, lost


def _frames(data: bytes) -> Iterator[tuple[bytes, bytes, int]]:
    decode_header(data)
    at = HEADER_BYTES
    while (frame := _frame_at(data, at)) is not None:
        yield frame
        at = frame[2]


def _frame_at(data: bytes, at: int) -> tuple[bytes, bytes, int] | None:
    """The record at a place, as ``(report id, payload, end)``; ``None`` when there is no whole one."""
    if at + FRAME_BYTES > len(data):
        return None
    length, crc, report_id = _FRAME.unpack_from(data, at)
    start = at + FRAME_BYTES
    payload = data[start : start + length] if length <= limits.RECORD_BYTES else b""
    if len(payload) != length or zlib.crc32(_LENGTH.pack(length) + report_id + payload) != crc:
        return None
    return report_id, payload, start + length


def _next_frame(data: bytes, at: int) -> int:
    """Where the first whole record behind a place begins, or the end of the data."""
    kind = data[VERSION_AT]
    for place in range(at + 1, len(data) - FRAME_BYTES - PAYLOAD.size + 1):
        # A look at the payload's first two bytes spares nearly every crc.
        if (
            data[place + FRAME_BYTES] == kind
            and data[place + FRAME_BYTES + 1] <= Stream.DEBUG
            and _frame_at(data, place)
        ):
            return place
    return len(data)


def _pack_values(values: Values) -> bytes:
    return b"".join(bytes((len(raw),)) + raw for raw in (value.encode("ascii") for value in values))


def _unpack_values(payload: bytes, at: int) -> tuple[Values, int]:
    found: list[str] = []
    for _ in Dimension:
        length = payload[at]
        raw = payload[at + 1 : at + 1 + length]
        if len(raw) != length:
            raise MalformedSegment("a record's context is cut off")
        found.append(raw.decode("ascii"))
        at += 1 + length
    os, os_version, language, time_zone, app_version, device_class = found
    return (os, os_version, language, time_zone, app_version, device_class), at
