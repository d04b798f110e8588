"""Reports as trees that can be wrong in every way: keys that stand twice, numbers no type holds, headers that lie.

A tree is made of ``Pairs`` (a map, in order, repeats allowed), lists, scalars, and ``Token`` (bytes that are written
as they are). ``read`` makes one of a body, ``write`` a body of one.
"""

from __future__ import annotations

import json
import random
import struct
from dataclasses import dataclass
from typing import Any, cast

import msgpack
from headcount_wire import codec

LIES = (-3, -1, 1, 2, 15, 2**16, 2**31)
"""By how much a header of msgpack may misstate the number of things behind it."""


class Pairs(list[tuple[Any, Any]]):
    """A map as the list of its pairs."""


@dataclass(frozen=True)
class Token:
    """Bytes of one encoding, written as they are."""

    json: bytes
    msgpack: bytes


def read(media: str, body: bytes) -> Any:
    """The tree of a body; raises ``ValueError`` for bytes that are none."""
    try:
        if media == codec.JSON:
            return json.loads(body.decode(), object_pairs_hook=Pairs)
        return msgpack.unpackb(body, raw=False, strict_map_key=False, object_pairs_hook=Pairs)
    except (RecursionError, TypeError, msgpack.UnpackException) as error:
        raise ValueError from error


def write(media: str, tree: Any, draw: random.Random, *, liar: int = 0) -> bytes:
    """The bytes of a tree. ``liar``: which header of msgpack lies, counted from 1; 0 for none."""
    return _json(tree) if media == codec.JSON else _Packer(draw, liar).pack(tree)


def places(tree: Any) -> list[tuple[Any, int]]:
    """Every value in a tree but itself, as the map or list it stands in and its number in there."""
    found: list[tuple[Any, int]] = []
    waiting = [tree]
    while waiting:
        holder = waiting.pop()
        for at, entry in enumerate(holder if isinstance(holder, list) else ()):
            found.append((holder, at))
            waiting.append(entry[1] if isinstance(holder, Pairs) else entry)
    return found


def value_at(holder: Any, at: int) -> Any:
    """The value at a place."""
    return holder[at][1] if isinstance(holder, Pairs) else holder[at]


def put(holder: Any, at: int, value: Any) -> None:
    """Set the value at a place."""
    holder[at] = (holder[at][0], value) if isinstance(holder, Pairs) else value


def _json(tree: Any) -> bytes:
    if isinstance(tree, Token):
        return tree.json
    if isinstance(tree, Pairs):
        return b"{" + b",".join(_json(key) + b":" + _json(value) for key, value in tree) + b"}"
    if isinstance(tree, list):
        return b"[" + b",".join(map(_json, tree)) + b"]"
    if isinstance(tree, bytes):
        tree = tree.decode("latin-1")
    return json.dumps(tree, ensure_ascii=isinstance(tree, str) and not tree.isprintable(), default=str).encode(
        "utf-8", "surrogatepass"
    )


class _Packer:
    """Writes msgpack; one of its headers may lie, and any may be wider than it needs to be."""

    def __init__(self, draw: random.Random, liar: int) -> None:
        self._draw = draw
        self._liar = liar
        self._headers = 0

    def pack(self, tree: Any) -> bytes:
        if isinstance(tree, Token):
            return tree.msgpack
        if isinstance(tree, Pairs):
            inner = b"".join(self.pack(key) + self.pack(value) for key, value in tree)
            return self._header(len(tree), 0x80, 16, (0xDE, 0xDF)) + inner
        if isinstance(tree, list):
            return self._header(len(tree), 0x90, 16, (0xDC, 0xDD)) + b"".join(map(self.pack, tree))
        if isinstance(tree, str):
            text = tree.encode("utf-8", "surrogatepass")
            return self._header(len(text), 0xA0, 32, (0xD9, 0xDA, 0xDB)) + text
        try:
            return cast("bytes", msgpack.packb(tree, use_bin_type=True))
        except (OverflowError, ValueError):
            return b"\xc0"

    def _header(self, size: int, short: int, below: int, wide: tuple[int, ...]) -> bytes:
        self._headers += 1
        if self._headers == self._liar:
            size = max(0, size + self._draw.choice(LIES))
        if size < below and self._draw.random() < 0.9:
            return bytes((short | size,))
        forms = [(code, form) for code, form in zip(wide[::-1], (">I", ">H", ">B"), strict=False)]
        fitting = [(code, form) for code, form in forms if size < 256 ** struct.calcsize(form)]
        code, form = self._draw.choice(fitting) if self._draw.random() < 0.3 else fitting[-1]
        return bytes((code,)) + struct.pack(form, size)
