"""RowBinary blocks taken apart: into columns for the native protocol, and into the shards' rows."""

from __future__ import annotations

import datetime as dt
import hashlib
import struct
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from headcount_aggregator.warehouse.tables import FIXED, Table

Values = tuple[Any, ...]
_EPOCH = dt.date(1970, 1, 1)


@cache
def _day(number: int) -> dt.date:
    return _EPOCH + dt.timedelta(days=number)


@cache
def _steps(table: Table) -> Sequence[struct.Struct | None]:
    """How a row is read: runs of columns of fixed size, each unpacked at once, and texts (``None``)."""
    steps: list[struct.Struct | None] = []
    run = ""
    for _, kind in table.columns:
        if kind == "Text":
            steps += [struct.Struct("<" + run), None]
            run = ""
        else:
            run += FIXED.get(kind, "16s")
    return [step for step in [*steps, struct.Struct("<" + run)] if step is None or step.size]


def decode_rows(table: Table, block: bytes) -> Iterator[tuple[Values, bytes]]:
    """Each row of a block: its values (days as numbers, texts decoded), and its own bytes."""
    steps, at, end = _steps(table), 0, len(block)
    while at < end:
        begun, values = at, list[Any]()
        for step in steps:
            if step is not None:
                values += step.unpack_from(block, at)
                at += step.size
            else:
                size, shift = 0, 0
                while True:
                    byte = block[at]
                    at += 1
                    size |= (byte & 0x7F) << shift
                    shift += 7
                    if byte < 0x80:
                        break
                values.append(block[at : at + size].decode())
                at += size
        yield tuple(values), block[begun:at]


def columns_of(table: Table, block: bytes) -> list[list[Any]]:
    """A block as the native protocol's columns; days are dates."""
    columns = [list(column) for column in zip(*(values for values, _ in decode_rows(table, block)), strict=True)]
    for at, (_, kind) in enumerate(table.columns):
        if kind == "Date":
            columns[at] = [_day(number) for number in columns[at]]
    return columns


def shard_of(unit: str, shards: int) -> int:
    """The place of a unit's shard (0 the first): a hash of its name (hex), the same for ever."""
    return _place(bytes.fromhex(unit), shards)


def by_shard(table: Table, block: bytes, shards: int) -> dict[int, bytes]:
    """A block's rows, by the place of the shard that is to hold them.

    A row that belongs to a unit goes where the unit goes. A row of ``final`` goes by its cell, one of ``frontier`` by
    its node and day, so that writing it again finds the row it replaces. The watermark goes to every shard.
    """
    if table is Table.WATERMARK:
        return dict.fromkeys(range(shards), block)
    names = [name for name, _ in table.columns]
    told = ("settled", "rows", "total", "checksum")
    key = [at for at, name in enumerate(names) if name not in ("n", "held", "version", *told)]
    parts: dict[int, list[bytes]] = {}
    for values, raw in decode_rows(table, block):
        whose = values[0] if names[0] == "unit" else repr([values[at] for at in key]).encode()
        parts.setdefault(_place(whose, shards), []).append(raw)
    return {place: b"".join(rows) for place, rows in parts.items()}


def _place(whose: bytes, shards: int) -> int:
    return int.from_bytes(hashlib.blake2b(whose, digest_size=8).digest(), "little") % shards
