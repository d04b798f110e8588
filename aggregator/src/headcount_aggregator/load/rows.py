"""Sums as rows of landing, in blocks of bounded size, each with what the warehouse must hold of it.

The bytes are those of ``tables.encode_rows`` and the checksum is that of ``reconcile.checksum`` (a test holds
them to it); here what rows have in common is encoded once.
"""

from __future__ import annotations

import secrets
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from hashlib import md5
from typing import Protocol

from headcount_wire.segment_slices import TALLY_BYTES, unpack_tally

from headcount_aggregator.load.groups import Cut, GroupKey, Sums

ROWS_MOST = 50_000
"""Rows of one block: more of them at once take memory without being faster."""

_OF_GROUP = struct.Struct("<HBIIIHB").pack
_NO_N = bytes(4)
_FIRST_EIGHT = struct.Struct("<Q8x").iter_unpack
_TEXTS_MOST = 100_000


@dataclass(frozen=True, slots=True)
class Block:
    """One insert: named by 16 random bytes, of one load day. ``at`` and ``length``: where it is in its file."""

    unit: str
    load_day: int
    rows: int
    total: int
    checksum: int
    at: int = 0
    length: int = 0
    sha256: str = ""


class _Hash(Protocol):
    def digest(self) -> bytes: ...


@dataclass(slots=True)
class _Open:
    """A block that is being filled."""

    name: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    parts: list[bytes] = field(default_factory=list)
    rows: int = 0
    total: int = 0
    checksum: int = 0


def _md5() -> Callable[[bytes], _Hash]:
    """Said to be of no use for security it costs twice as much; only where that is asked for it has to be said."""
    try:
        md5(b"")  # noqa: S324  # nothing here resists an attacker
    except ValueError:
        return partial(md5, usedforsecurity=False)
    return md5


_hash = _md5()


class RowWriter:
    """Fills blocks of one load day; ``add`` gives each back when it is full, ``end`` the last one."""

    def __init__(self, load_day: int, rows_most: int = ROWS_MOST) -> None:
        self._load_day = load_day
        self._rows_most = rows_most
        self._open = _Open()
        self._texts: dict[bytes, str] = {}

    def add(self, key: GroupKey, cut: Cut, sums: Sums) -> Iterator[tuple[Block, bytes]]:
        """Add the sums of one cut of a group."""
        code, value1, value2 = cut
        head = _OF_GROUP(self._load_day, *key)
        raw1, raw2 = value1.encode("ascii"), value2.encode("ascii")
        tail = bytes((code, len(raw1))) + raw1 + bytes((len(raw2),)) + raw2
        head_text, tail_text = "," + ",".join(map(str, key)) + ",", f",{code},{value1},{value2},"
        todo = list(sums.items())
        while todo:
            room = self._rows_most - self._open.rows
            self._fill(head, tail, head_text, tail_text, todo[:room])
            todo = todo[room:]
            if self._open.rows == self._rows_most:
                yield self._close()

    def end(self) -> Iterator[tuple[Block, bytes]]:
        """The last block, if anything is in it."""
        if self._open.rows:
            yield self._close()

    def _fill(self, head: bytes, tail: bytes, head_text: str, tail_text: str, todo: list[tuple[bytes, int]]) -> None:
        block, texts = self._open, self._texts
        packed = struct.Struct(f"<{len(block.name)}sI{len(head)}s{TALLY_BYTES - len(_NO_N)}s{len(tail)}sq").pack
        row, name, parts = block.rows, block.name, block.parts
        if len(texts) > _TEXTS_MOST:
            texts.clear()
        hashes: list[bytes] = []
        for what, n in todo:
            text = texts.get(what)
            if text is None:
                text = texts[what] = _text_of(what)
            parts.append(packed(name, row, head, what, tail, n))
            hashes.append(_hash(f"{row}{head_text}{text}{tail_text}{n}".encode()).digest())
            row += 1
        block.rows = row
        block.checksum += sum([first for (first,) in _FIRST_EIGHT(b"".join(hashes))])
        block.total += sum([n for _, n in todo])

    def _close(self) -> tuple[Block, bytes]:
        full, self._open = self._open, _Open()
        block = Block(full.name.hex(), self._load_day, full.rows, full.total, full.checksum % 2**64)
        return block, b"".join(full.parts)


def _text_of(what: bytes) -> str:
    measure, label, fact, slot, _ = unpack_tally(what + _NO_N)
    return f"{measure},{label},{fact},{slot}"
