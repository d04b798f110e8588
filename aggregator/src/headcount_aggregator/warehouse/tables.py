"""The tables' columns, once: for migrations, for inserts, for the test of what may be stored.

There is no identifier among them and nothing finer than a day. ``unit`` and ``row`` name a
loaded unit's row, so that pushing it again is harmless; they name no device.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from enum import Enum

FIXED = {"UInt8": "B", "UInt16": "H", "UInt32": "I", "Int64": "q", "Date": "H"}
"""The types of fixed size, and how ``struct`` writes them."""


Columns = tuple[tuple[str, str], ...]

_CELL: Columns = (
    ("partner", "UInt32"),
    ("customer", "UInt32"),
    ("app", "UInt32"),
    ("day", "Date"),
    ("late", "UInt8"),
    ("measure", "UInt16"),
    ("label", "UInt8"),
    ("fact", "UInt8"),
    ("slot", "UInt16"),
    ("breakdown", "UInt8"),
    ("value1", "Text"),
    ("value2", "Text"),
    ("n", "Int64"),
)
_LOADED: Columns = (("unit", "FixedString(16)"), ("row", "UInt32"), ("load_day", "Date"), ("stream", "UInt8"), *_CELL)


class Table(Enum):
    """Each table with its columns and their types; ``Text`` is the dialect's type for few texts."""

    LANDING = ("landing", _LOADED)
    DEBUG = ("debug", _LOADED)
    FINAL = ("final", (*_CELL, ("held", "Int64"), ("version", "UInt16")))
    WATERMARK = ("watermark", (("load_day", "Date"),))
    FRONTIER = (
        "frontier",
        (
            *(("node", "Text"), ("load_day", "Date"), ("settled", "Date")),
            *(("rows", "UInt32"), ("total", "Int64"), ("checksum", "Int64")),
        ),
    )

    @property
    def columns(self) -> Columns:
        """Names and types, in order."""
        columns: Columns = self.value[1]
        return columns

    @property
    def sql(self) -> str:
        """The table's name in statements; its database is the home's."""
        return str(self.value[0])


def encode_rows(table: Table, rows: Iterable[Sequence[int | str | bytes]]) -> bytes:
    """Rows as ClickHouse's RowBinary, columns in the table's order; days are day numbers."""
    kinds = [kind for _, kind in table.columns]
    packers = [struct.Struct("<" + FIXED[kind]).pack if kind in FIXED else None for kind in kinds]
    parts: list[bytes] = []
    for row in rows:
        for kind, pack, value in zip(kinds, packers, row, strict=True):
            if pack is not None:
                parts.append(pack(value))
            elif kind == "Text":
                raw = str(value).encode()
                parts.append(bytes((len(raw),)) + raw)
            else:
                assert isinstance(value, bytes)
                parts.append(value)
    return b"".join(parts)
