"""Does every copy in the warehouse hold what the units say? What is missing is pushed again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from headcount_aggregator.load.rows import Block
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
    """A block that a copy of its shard does not hold as it was written; shards and copies are counted from 1."""

    block: Block
    shard: int
    copy: int
    rows: int


class Compared(NamedTuple):
    """What a comparison found: differences, and how many copies did not answer (they are compared another time)."""

    differences: tuple[Difference, ...]
    silent: int

    @property
    def blocks(self) -> list[Block]:
        """The blocks that differ anywhere, each once."""
        return list({found.block.unit: found.block for found in self.differences}.values())


def compare(warehouse: Warehouse, load_day: int, blocks: Iterable[Block]) -> Compared:
    """Compare rows, sum and hash of a load day's blocks with what was written, in every copy of their shard.

    A block is looked for on its own shard only. A copy that does not answer is passed over, unless every copy
    of its shard is silent: then the ``WarehouseError`` is raised.
    """
    wanted = [block for block in blocks if block.rows]
    shards = warehouse.shards
    differences: list[Difference] = []
    silent = 0
    for place, shard in enumerate(shards):
        mine = [block for block in wanted if shard_of(block.unit, len(shards)) == place]
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
                Difference(block, place + 1, number, found.get(block.unit, (0, 0, 0))[0])
                for block in mine
                if found.get(block.unit) != (block.rows, block.total, block.checksum)
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
