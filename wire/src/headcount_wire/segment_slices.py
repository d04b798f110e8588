"""A segment's records as slices: for a reader that has met most of their bytes before.

A record says in which context what was counted; both are few thousand different things, said again and again.
The loader therefore looks at each record's bytes only to find where its parts are.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from headcount_wire import segment
from headcount_wire.dimensions import Dimension
from headcount_wire.errors import MalformedSegment
from headcount_wire.segment import (
    VERSION,
    Record,
    Stream,
    Values,
    decode_payload,
    encode_source,
    pack_tally,
    whole_frames,
)

_KIND = bytes((VERSION,))
_VALUES = range(len(Dimension))

unpack_tally = segment.TALLY.unpack
"""``(measure, label, fact, slot, n)`` out of a tally's bytes."""

TALLY_BYTES = segment.TALLY.size
FACT_AT = 3
"""Which byte of a packed tally is its fact."""

split_sum = struct.Struct("<6sI").unpack
"""A packed tally as the bytes of what it is a sum of, and ``n``."""


def split_tallies(tallies: bytes) -> list[bytes]:
    """The bytes of each tally of a day, or of many."""
    found: list[bytes] = []
    at = 0
    for step in _STEPS:
        while len(tallies) - at >= step.size:
            found += step.unpack_from(tallies, at)
            at += step.size
    return found


_STEPS = tuple(struct.Struct(f"{TALLY_BYTES}s" * number) for number in (1024, 64, 8, 1))
"""Many at once are faster. Few sizes: what takes so many apart holds 32 bytes for each."""


class Source(NamedTuple):
    """A payload up to its tallies: whose it is, of which day, by which catalog and in which context."""

    stream: Stream
    created: int
    partner: int
    customer: int
    app: int
    catalog: int
    context: Values
    origin: Values | None


class Sliced(NamedTuple):
    """One record as its parts' bytes, for a reader that has met most of them before.

    ``source`` is what ``encode_source`` made (``source_of`` reads it); ``told``: each local day with the bytes
    of its tallies (``split_tallies``).
    """

    report_id: bytes
    source: bytes
    told: tuple[tuple[int, bytes], ...]


class SlicedSegment(NamedTuple):
    """Every record of a sealed segment that can be read; ``gaps`` and ``lost_bytes`` as in ``Salvaged``."""

    records: list[Sliced]
    gaps: int
    lost_bytes: int


def salvage_sliced(data: bytes) -> SlicedSegment:
    """What ``salvage`` finds, in slices."""
    frames, gaps, lost = whole_frames(data)
    version = data[segment.VERSION_AT]
    return SlicedSegment([slice_payload(name, payload, version) for name, payload in frames], gaps, lost)


@lru_cache(maxsize=16_384)
def source_of(source: bytes) -> Source:
    """What the start of a payload says; raises ``MalformedSegment``."""
    record = decode_payload(source + b"\x00")
    return Source(
        record.stream,
        record.created,
        record.partner,
        record.customer,
        record.app,
        record.catalog,
        record.context,
        record.origin,
    )


def slice_payload(report_id: bytes, payload: bytes, version: int = VERSION) -> Sliced:
    """A payload's parts, none of them decoded twice; raises ``MalformedSegment`` for what ``decode_payload`` would."""
    if version != VERSION or payload[:1] != _KIND:
        return _slice_version_1(report_id, decode_payload(payload, version))
    try:
        at = segment.PAYLOAD.size
        for _ in _VALUES:
            at += 1 + payload[at]
        flag, at = payload[at], at + 1
        if flag:
            for _ in _VALUES:
                at += 1 + payload[at]
        source = payload[:at]
        source_of(source)
        told: list[tuple[int, bytes]] = []
        count, at = payload[at], at + 1
        for _ in range(count):
            day, lines = segment.DAY.unpack_from(payload, at)
            at += segment.DAY.size
            end = at + lines * TALLY_BYTES
            told.append((day, payload[at:end]))
            at = end
    except (struct.error, IndexError):
        raise MalformedSegment("a record's payload is not of this format") from None
    if at != len(payload):
        raise MalformedSegment("a record's tallies do not fill it")
    return Sliced(report_id, source, tuple(told) if count < 2 else _by_day(told))


def _by_day(told: Iterable[tuple[int, bytes]]) -> tuple[tuple[int, bytes], ...]:
    """Each day once: its number of reports is counted by it."""
    found: dict[int, bytes] = {}
    for day, tallies in told:
        found[day] = found.get(day, b"") + tallies
    return tuple(found.items())


def _slice_version_1(report_id: bytes, record: Record) -> Sliced:
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
    return Sliced(report_id, source, _by_day((day, pack_tally(*line)) for day, *line in record.tallies))
