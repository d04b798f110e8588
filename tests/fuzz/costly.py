"""Bodies made to cost: each as large as a body may be, each of one thing a decoder could lose itself in."""

from __future__ import annotations

import struct
import zlib

import msgpack
import zstandard
from headcount_wire import codec, limits
from headcount_wire.report import Report, ReportDay, Tally

from tests.fuzz.mutations import Body

SIZE = limits.DECODED_BYTES
DAY = 20_000


def largest_report() -> Report:
    """As much as a report may say: 36 days, 4,096 tallies, each number as long as it can be."""
    per_day, rest = divmod(limits.TALLIES_PER_REPORT, limits.DAYS_PER_REPORT)
    tally = Tally(limits.CODE_MAX, 65, 255, limits.BUCKET_MAX, limits.CAP_MAX)
    days = [ReportDay(DAY - at, (tally,) * (per_day + (at < rest))) for at in reversed(range(limits.DAYS_PER_REPORT))]
    return Report("python/0.1.0", 1, 1, DAY, {"usage": 1}, tuple(days))


def control(media: str) -> Body:
    """The dearest body that is a report, filled with white space where its encoding has any."""
    if media == codec.JSON:
        return Body(media, codec.encode_json(largest_report()).ljust(SIZE))
    return Body(media, codec.encode_msgpack(largest_report()))


def _filled(start: bytes, unit: bytes, end: bytes = b"") -> bytes:
    return start + unit * ((SIZE - len(start) - len(end)) // len(unit)) + end


def _fields(number: int) -> bytes:
    return b"".join(b'"%06d":1,' % at for at in range(number))


_HEAD = b'{"catalog":1,"created":"2024-10-04","policy":1,"sdk":"x","v":1,'
_DAYS = b'"days":[["2024-10-04",[[1,0,1,0,1]]]],'
JSON: dict[str, bytes] = {
    "deep_lists": b"[" * SIZE,
    "deep_maps": _filled(b"", b'{"a":'),
    "deep_days": _filled(_HEAD + b'"purposes":{},"days":', b"["),
    "many_purposes": _HEAD + _DAYS + b'"purposes":{' + _fields(20_000) + b'"a":1}}',
    "many_context": _HEAD + _DAYS + b'"purposes":{},"context":{' + _fields(20_000) + b'"a":1}}',
    "many_unknown": _filled(b"{", b'"x":1,', b'"y":1}'),
    "one_key_often": _filled(b"{", b'"v":1,', b'"v":1}'),
    "many_tallies": _filled(_HEAD + b'"purposes":{},"days":[["2024-10-04",[', b"[1,0,1,0,1],", b"[1,0,1,0,1]]]]}"),
    "many_days": _filled(_HEAD + b'"purposes":{},"days":[', b'["2024-10-04",[[1,0,1,0,1]]],', b"[]]}"),
    "empty_lists": _filled(_HEAD + b'"purposes":{},"days":[', b"[],", b"[]]}"),
    "long_text": _filled(b'{"sdk":"', b"a", b'"}'),
    "long_name": _filled(_HEAD + _DAYS + b'"purposes":{"', b"a", b'":1}}'),
    "escapes": _filled(b'{"sdk":"', rb"\u0061", b'"}'),
    "surrogates": _filled(b'{"sdk":"', rb"\ud83d\ude00", b'"}'),
    "wide_text": _filled(b'{"sdk":"', "\U0001f600".encode(), b'"}'),
    "long_number": _filled(b'{"catalog":', b"9", b"}"),
    "long_fraction": _filled(b'{"catalog":0.', b"9", b"}"),
    "long_exponent": _filled(b'{"catalog":1e', b"9", b"}"),
    "minus": _filled(b'{"catalog":', b"-", b"}"),
    "white_space": b" " * SIZE,
    "nulls": b"\0" * SIZE,
    "no_utf8": b'"' + b"\xff" * (SIZE - 2) + b'"',
    "colons": _filled(_HEAD + b'"purposes":{},"days":[', b":"),
}


def _array(announced: int) -> bytes:
    return b"\xdd" + struct.pack(">I", announced)


_KNOWN: tuple[object, ...] = ("catalog", 1, "created", "2024-10-04", "policy", 1, "sdk", "x", "v", 1, "purposes", {})
_PACKED_HEAD = b"\x87" + b"".join(map(msgpack.packb, _KNOWN))
MSGPACK: dict[str, bytes] = {
    "deep_lists": b"\x91" * SIZE,
    "deep_maps": _filled(b"", b"\x81\xa1a"),
    "announced_list": _array(2**32 - 1),
    "announced_days": _PACKED_HEAD + msgpack.packb("days") + _array(2**32 - 1) + b"\x92\xaa2024-10-04",
    "announced_tallies": _PACKED_HEAD + msgpack.packb("days") + b"\x91\x92\xaa2024-10-04" + _array(2**32 - 1),
    "announced_map": b"\xdf\xff\xff\xff\xff",
    "announced_text": b"\x81\xdb\xff\xff\xff\xff",
    "announced_bytes": b"\x81\xa3sdk\xc6\xff\xff\xff\xff",
    "announced_extension": b"\x81\xa3sdk\xc9\xff\xff\xff\xff\x01",
    "lists_of_lists": _array(1000) + (_array(200) + b"\x90" * 200) * 1000,
    "many_tallies": _filled(
        _PACKED_HEAD + msgpack.packb("days") + b"\x91\x92\xaa2024-10-04" + _array(43_000), b"\x95\x01\x00\x01\x00\x01"
    ),
    "many_purposes": _filled(b"\x81\xa8purposes\xdf" + struct.pack(">I", 87_000), b"\xa1a\x01"),
    "one_key_often": _filled(b"\xdf" + struct.pack(">I", 87_000), b"\xa1v\x01"),
    "nils": b"\xc0" * SIZE,
    "timestamps": _filled(b"\x81\xa4days" + _array(40_000), b"\xd6\xff\x00\x00\x00\x00"),
    "floats": _filled(b"\x81\xa4days" + _array(29_000), b"\xcb" + b"\x7f" * 8),
    "long_text": _filled(b"\x81\xa3sdk\xdb" + struct.pack(">I", SIZE - 10), b"a"),
    "reserved": b"\xc1" * SIZE,
}
BODIES = {
    **{f"json_{name}": Body(codec.JSON, data[:SIZE]) for name, data in JSON.items()},
    **{f"msgpack_{name}": Body(codec.MSGPACK, data[:SIZE]) for name, data in MSGPACK.items()},
}
"""Plain bodies, by name."""

_BLOCK = bytes((0x02, 0x00, 0x10, 0x41))
"""A block of a zstd frame that stands for 128 KiB of one byte."""
_RAW = zlib.compressobj(9, zlib.DEFLATED, 31)
PACKED = {
    "gzip": Body(codec.JSON, _RAW.compress(bytes(60 * 2**20)) + _RAW.flush(), "gzip"),
    "gzip_that_lies": Body(codec.JSON, zlib.compressobj(9, wbits=31).compress(bytes(2**24)) + b"\0" * 8, "gzip"),
    "gzip_frames": Body(codec.JSON, (zlib.compress(b"", wbits=31)) * 3200, "gzip"),
    "deflate": Body(codec.JSON, zlib.compress(bytes(60 * 2**20), 9), "deflate"),
    "zstd_stated": Body(codec.JSON, zstandard.compress(bytes(2**28)), "zstd"),
    "zstd_unstated": Body(
        codec.JSON, zstandard.ZstdCompressor(write_content_size=False).compress(bytes(2**28)), "zstd"
    ),
    "zstd_that_lies": Body(codec.JSON, b"\x28\xb5\x2f\xfd\xa0\x01\x00\x00\x00" + _BLOCK * 16_000, "zstd"),
    "zstd_blocks": Body(codec.JSON, b"\x28\xb5\x2f\xfd\x00\x58" + _BLOCK * 16_000, "zstd"),
    "zstd_wide_window": Body(codec.JSON, b"\x28\xb5\x2f\xfd\x00\xa8" + _BLOCK * 16_000, "zstd"),
    "zstd_widest_window": Body(codec.JSON, b"\x28\xb5\x2f\xfd\x00\x68" + _BLOCK * 16_000, "zstd"),
    "zstd_empty_blocks": Body(codec.JSON, b"\x28\xb5\x2f\xfd\x00\x58" + bytes(3) * 21_000, "zstd"),
    "zstd_skipped": Body(codec.JSON, (b"\x50\x2a\x4d\x18" + bytes(4)) * 8_000, "zstd"),
}
"""Packed bodies that stand for far more than they are, by name."""


def packed(body: Body, coding: str) -> Body:
    """A plain body, packed so that it fits into a request."""
    data = zlib.compress(body.data, 9, wbits=31) if coding == "gzip" else zstandard.compress(body.data, 19)
    return Body(body.media, data, coding)
