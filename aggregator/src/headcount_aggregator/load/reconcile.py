"""Does the warehouse hold what the units say? What is missing is pushed again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from headcount_aggregator.load.unit import Header
from headcount_aggregator.warehouse import Warehouse
from headcount_aggregator.warehouse.tables import Table

_HASHED = (
    *("row", "stream", "partner", "customer", "app", "toUInt16(day)", "late", "measure", "label", "fact", "slot"),
    *("breakdown", "value1", "value2", "n"),
)
_TEXT = ", ',', ".join(column if column.startswith("value") else f"toString({column})" for column in _HASHED)
_HASH = f"reinterpretAsUInt64(substring(MD5(concat({_TEXT})), 1, 8))"


def checksum(rows: Iterable[Sequence[int | str | bytes]]) -> int:
    """The sum, modulo 2**64, of a hash of each landing row without unit and load day: order does not matter."""
    total = 0
    for _, row, _, *cell in rows:
        text = ",".join(map(str, (row, *cell)))
        total += int.from_bytes(hashlib.md5(text.encode(), usedforsecurity=False).digest()[:8], "little")
    return total % 2**64


def held(warehouse: Warehouse, load_day: int) -> tuple[int, int, int]:
    """Rows, sum and checksum of everything the warehouse holds of a load day."""
    ((rows, total, check),) = warehouse.query(
        f"SELECT count(), toString(sum(n)), toString(sum({_HASH})) FROM {Table.LANDING.sql} FINAL "
        f"WHERE load_day = toDate({int(load_day)})"
    )
    return int(rows), int(total), int(check)


def differing(warehouse: Warehouse, load_day: int, headers: Iterable[Header]) -> list[Header]:
    """The units of a load day whose rows, sum or checksum in the warehouse are not those of the header.

    MD5 because every ClickHouse from 18.16 on and Python have it; nothing here resists an attacker.
    """
    held = {
        str(unit).lower(): (int(rows), int(total), int(check))
        for unit, rows, total, check in warehouse.query(
            f"SELECT hex(unit), count(), toString(sum(n)), toString(sum({_HASH})) FROM {Table.LANDING.sql} FINAL "
            f"WHERE load_day = toDate({int(load_day)}) GROUP BY unit"
        )
    }
    return [
        header
        for header in headers
        if header.rows and held.get(header.unit) != (header.rows, header.total, header.checksum)
    ]
