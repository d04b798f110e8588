"""What is done to a report on its way to a decoder: a closed list, each entry one kind of damage.

Each takes a source of chance and a ``Body``, and makes another ``Body``. Hypothesis gives a source that shrinks, the
fuzzer one with a seed; the seeds of both are the frozen vectors, good, lenient and bad.
"""

from __future__ import annotations

import gzip
import random
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import zstandard
from headcount_wire import codec, limits

from tests.contracts.test_vectors import BAD, GOOD, LENIENT, body_of, read
from tests.fuzz import trees
from tests.fuzz.trees import Pairs, Token

MOST_BYTES = 20_000
"""A mutated body is cut here: size itself has its own tests."""


@dataclass(frozen=True)
class Body:
    """Bytes as they would arrive: plain ones of a media type, or packed ones of a coding."""

    media: str
    data: bytes
    coding: str = ""


def _seeds(paths: list[Path]) -> tuple[Body, ...]:
    return tuple(Body(str(vector["content_type"]), body_of(vector)) for vector in map(read, paths))


SOUND, UNSOUND = _seeds([*GOOD, *LENIENT]), _seeds(BAD)
SEEDS = SOUND + UNSOUND
Mutation = Callable[[random.Random, Body], Body]

ODD: tuple[Any, ...] = (
    *[None, True, False, 0, -1, 1, 36, 37, 65, 66, 255, 256, 511, 512, 4096, 65_535, 65_536, 10**6, 10**6 + 1],
    *[2**31, 2**32, 2**53, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 10**30, -(2**63)],
    *[0.0, -0.0, 1.0, 1.5, 1e300, float("inf"), float("-inf"), float("nan")],
    *["", "a", "\x00", "\ud800", "\udfff\ud800", "ß", "\U0001f600", "a" * 41, "2024-10-04", "2024-02-30", "0000-00-00"],
    *["9999-12-31", "2024-10-04\n", "1e0", "os", ":", '"', "\\", b"", b"abc", [], [[]], Pairs()],
    *[Pairs([("os", "ios")]), Pairs([("os", "ios"), ("os", "ios")]), Pairs([("", 1)]), [1, 0, 4, 31, 1]],
)
TOKENS = tuple(
    Token(as_json, as_msgpack)
    for as_json, as_msgpack in (
        (b"NaN", b"\xca\x7f\xc0\x00\x00"),
        (b"-Infinity", b"\xcb\xff\xf0\x00\x00\x00\x00\x00\x00"),
        (b"1e400", b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff"),
        (b"-0", b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00"),
        (b"01", b"\xcc\x01"),
        (b"1E1", b"\xd0\x01"),
        (b"0x1", b"\xc1"),
        (b"9" * 400, b"\xd6\xff\x00\x00\x00\x00"),
        (b'"\\ud800"', b"\xa3\xed\xa0\x80"),
        (b'"\\udc00\\ud800"', b"\xa2\xff\xfe"),
        (b'"\xff"', b"\xa1\xff"),
        (b'"\xed\xa0\x80"', b"\xc4\x02ab"),
        (b'"\xc0\xaf"', b"\xa2\xc0\xaf"),
        (b'"\\u0000"', b"\xa1\x00"),
        (b'"\\x"', b"\xd4\x05\x00"),
        (b'"\x01"', b"\xc7\x05\x01abcde"),
        (b"tru", b"\xde\x00"),
        (b'"open', b"\xdb\xff\xff\xff\xff"),
        (b"/**/1", b"\xdd\xff\xff\xff\xff"),
        (b"'a'", b"\xdf\xff\xff\xff\xff"),
        (b"{,}", b"\xd9\xff"),
        (b"[1,]", b""),
        (b"", b"\xc0"),
    )
)
KEYS = (
    *sorted({"catalog", "context", "created", "days", "origin", "policy", "purposes", "sdk", "v"}),
    "os",
    "usage",
    "x",
    "",
)
CODINGS = ("gzip", "deflate", "zstd")


def _in_bytes(draw: random.Random, body: Body, change: Callable[[bytearray], None]) -> Body:
    data = bytearray(body.data)
    change(data)
    return replace(body, data=bytes(data[:MOST_BYTES]))


def _flip(draw: random.Random, body: Body) -> Body:
    def change(data: bytearray) -> None:
        for _ in range(draw.randint(1, 4)):
            if data:
                data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)

    return _in_bytes(draw, body, change)


def _splice(draw: random.Random, body: Body) -> Body:
    other = draw.choice(SEEDS).data

    def change(data: bytearray) -> None:
        at, end = sorted((draw.randint(0, len(data)), draw.randint(0, len(data))))
        start = draw.randint(0, len(other))
        data[at:end] = other[start : start + draw.randint(0, 40)]

    return _in_bytes(draw, body, change)


def _cut(draw: random.Random, body: Body) -> Body:
    return replace(body, data=body.data[: draw.randint(0, len(body.data))])


def _more(draw: random.Random, body: Body) -> Body:
    return replace(body, data=body.data + draw.choice((b"\0", b" ", b"{}", b"\xc0", b"]", body.data)))


def _in_tree(draw: random.Random, body: Body, change: Callable[[Any, int], None]) -> Body:
    """Change one place of the tree; of bytes that are none, or go too deep to be written again, flip some."""
    try:
        tree = trees.read(body.media, body.data)
        if found := trees.places(tree):
            change(*draw.choice(found))
        return replace(body, data=trees.write(body.media, tree, draw)[:MOST_BYTES])
    except (ValueError, RecursionError):
        return _flip(draw, body)


def _swap_type(draw: random.Random, body: Body) -> Body:
    return _in_tree(draw, body, lambda holder, at: trees.put(holder, at, draw.choice(ODD)))


def _no_value(draw: random.Random, body: Body) -> Body:
    return _in_tree(draw, body, lambda holder, at: trees.put(holder, at, draw.choice(TOKENS)))


def _nudge(draw: random.Random, body: Body) -> Body:
    def change(holder: Any, at: int) -> None:
        value = trees.value_at(holder, at)
        if type(value) is int:
            value += draw.choice((-1, 1, 2**16, 10**6))
        elif isinstance(value, str):
            value += draw.choice(("", "0", "/", "+", "\n", "\ud800"))
        trees.put(holder, at, value)

    return _in_tree(draw, body, change)


def _remove(draw: random.Random, body: Body) -> Body:
    return _in_tree(draw, body, lambda holder, at: holder.pop(at))


def _repeat(draw: random.Random, body: Body) -> Body:
    """The same again, also a key: a few times, or beyond every bound."""
    times = draw.choice((1, 1, 1, 2, 16, 37, 300))
    return _in_tree(draw, body, lambda holder, at: holder.extend([holder[at]] * times))


def _rename(draw: random.Random, body: Body) -> Body:
    def change(holder: Any, at: int) -> None:
        if isinstance(holder, Pairs):
            holder[at] = (draw.choice((*KEYS, *ODD[:20])), holder[at][1])
        else:
            draw.shuffle(holder)

    return _in_tree(draw, body, change)


def _nest(draw: random.Random, body: Body) -> Body:
    depth = draw.choice((1, 2, 30, 900, 1100, 6000))
    json, packed = draw.choice((((b"[", b"]"), b"\x91"), ((b'{"a":', b"}"), b"\x81\xa1a")))
    token = Token(json[0] * depth + b"1" + json[1] * depth, packed * depth + b"\x01")
    return _in_tree(draw, body, lambda holder, at: trees.put(holder, at, token))


def _lie(draw: random.Random, body: Body) -> Body:
    """A header of msgpack that announces more or less than there is; in JSON, a bracket too few or too many."""
    if body.media == codec.JSON:
        return _in_bytes(draw, body, lambda data: data.insert(draw.randint(0, len(data)), draw.choice(b'[]{}",:')))
    try:
        tree = trees.read(body.media, body.data)
        return replace(body, data=trees.write(body.media, tree, draw, liar=draw.randint(1, 30))[:MOST_BYTES])
    except (ValueError, RecursionError):
        return _flip(draw, body)


def _other_media(draw: random.Random, body: Body) -> Body:
    """The same tree in the other encoding, or the same bytes under the other's name."""
    other = codec.MSGPACK if body.media == codec.JSON else codec.JSON
    try:
        return Body(other, trees.write(other, trees.read(body.media, body.data), draw)[:MOST_BYTES])
    except (ValueError, RecursionError):
        return replace(body, media=other)


IN_THE_BODY: dict[str, Mutation] = {
    "flip": _flip,
    "splice": _splice,
    "cut": _cut,
    "more": _more,
    "swap_type": _swap_type,
    "no_value": _no_value,
    "nudge": _nudge,
    "remove": _remove,
    "repeat": _repeat,
    "rename": _rename,
    "nest": _nest,
    "lie": _lie,
    "other_media": _other_media,
}
"""Damage to the report itself."""


def pack(draw: random.Random, data: bytes, coding: str) -> bytes:
    """Bytes packed, as this or that library would."""
    match coding:
        case "gzip":
            return gzip.compress(data, draw.choice((0, 1, 9)), mtime=0)
        case "deflate":
            return zlib.compress(data, draw.choice((0, 1, 9)))
        case _:
            sized, summed = draw.random() < 0.5, draw.random() < 0.5
            return zstandard.ZstdCompressor(
                level=draw.choice((1, 3, 19)), write_content_size=sized, write_checksum=summed
            ).compress(data)


def _packed(draw: random.Random, body: Body) -> Body:
    return replace(body, data=pack(draw, body.data, coding := draw.choice(CODINGS)), coding=coding)


def _two_frames(draw: random.Random, body: Body) -> Body:
    coding, at = draw.choice(CODINGS), draw.randint(0, len(body.data))
    frames = pack(draw, body.data[:at], coding) + pack(draw, body.data[at:], coding)
    if coding == "zstd" and draw.random() < 0.5:
        frames = b"\x50\x2a\x4d\x18\x04\x00\x00\x00skip" + frames
    return replace(body, data=frames, coding=coding)


def _damaged(draw: random.Random, body: Body) -> Body:
    damage = draw.choice((_flip, _splice, _cut, _more))
    return damage(draw, _packed(draw, body))


def _bomb(draw: random.Random, body: Body) -> Body:
    coding = draw.choice(CODINGS)
    size = draw.choice((limits.DECODED_BYTES - 1, limits.DECODED_BYTES, limits.DECODED_BYTES + 1, 4 * 2**20))
    return replace(body, data=pack(draw, body.data + b" " * max(0, size - len(body.data)), coding), coding=coding)


def _lying_frame(draw: random.Random, body: Body) -> Body:
    """A frame whose own word on its size is wrong, in its head (zstd) or at its end (gzip)."""
    size = draw.choice((0, 1, len(body.data) + 1, 2**31, 2**32 - 1))
    if draw.random() < 0.5:
        data = gzip.compress(body.data, mtime=0)[:-4] + struct.pack("<I", size)
        return replace(body, data=data, coding="gzip")
    # A single segment with a size of four bytes: the descriptor 0xA0, then the size.
    block = struct.pack("<I", len(body.data) << 3 | 1)[:3] + body.data
    return replace(body, data=b"\x28\xb5\x2f\xfd\xa0" + struct.pack("<I", size) + block, coding="zstd")


def _wrong_coding(draw: random.Random, body: Body) -> Body:
    packed = _packed(draw, body)
    return replace(packed, coding=draw.choice(CODINGS))


AROUND_IT: dict[str, Mutation] = {
    "packed": _packed,
    "two_frames": _two_frames,
    "damaged": _damaged,
    "bomb": _bomb,
    "lying_frame": _lying_frame,
    "wrong_coding": _wrong_coding,
}
"""Damage to its compression."""


def mutated(draw: random.Random) -> Body:
    """A vector after some damage: most often one that was sound, most often with little done to it."""
    body = draw.choice(SOUND if draw.random() < 0.7 else SEEDS)
    for _ in range(draw.choice((1, 1, 1, 2, 2, 3))):
        body = IN_THE_BODY[draw.choice(tuple(IN_THE_BODY))](draw, body)
    return AROUND_IT[draw.choice(tuple(AROUND_IT))](draw, body) if draw.random() < 0.4 else body
