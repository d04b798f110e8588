"""Does every copy in the warehouse hold what the units say? What is missing is pushed again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from headcount_aggregator.load.unit import Header
from headcount_aggregator.warehouse import Warehouse, WarehouseError
from headcount_aggregator.warehouse.columns import shard_of
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


class Difference(NamedTuple):
    """A unit that a copy of its shard does not hold as its header says; shards and copies are counted from 1."""

    header: Header
    shard: int
    copy: int
    rows: int


class Compared(NamedTuple):
    """What a comparison found: differences, and how many copies did not answer (they are compared another time)."""

    differences: tuple[Difference, ...]
    silent: int

    @property
    def headers(self) -> list[Header]:
        """The units that differ anywhere, each once."""
        return list({found.header.number: found.header for found in self.differences}.values())


def compare(warehouse: Warehouse, load_day: int, headers: Iterable[Header]) -> Compared:
    """Compare rows, sum and hash of a load day's units with their headers, in every copy of their shard.

    A unit is looked for on its own shard only. A copy that does not answer is passed over, unless every copy
    of its shard is silent: then the ``WarehouseError`` is raised.
    """
    wanted = [header for header in headers if header.rows]
    shards = warehouse.shards
    differences: list[Difference] = []
    silent = 0
    for place, shard in enumerate(shards):
        mine = [header for header in wanted if shard_of(header.unit, len(shards)) == place]
        failures: list[WarehouseError] = []
        for number, copy in enumerate(shard.replicas, 1):
            try:
                found = _held(copy, load_day)
            except WarehouseError as error:
                if not error.reason.passes:
                    raise
                failures.append(error)
                continue
            differences += [
                Difference(header, place + 1, number, found.get(header.unit, (0, 0, 0))[0])
                for header in mine
                if found.get(header.unit) != (header.rows, header.total, header.checksum)
            ]
        if mine and len(failures) == len(shard.replicas):
            raise failures[0]
        silent += len(failures)
    return Compared(tuple(differences), silent)


def _held(copy: Warehouse, load_day: int) -> dict[str, tuple[int, int, int]]:
    """Rows, sum and hash of each unit that a copy holds of a load day.

    MD5 because every ClickHouse from 18.16 on and Python have it; nothing here resists an attacker.
    """
    return {
        str(unit).lower(): (int(rows), int(total), int(check))
        for unit, rows, total, check in copy.query(
            f"SELECT hex(unit), count(), toString(sum(n)), toString(sum({_HASH})) FROM {Table.LANDING.sql} FINAL "
            f"WHERE load_day = toDate({int(load_day)}) GROUP BY unit"
        )
    }
