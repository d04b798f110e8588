"""What a warehouse holds, read out day by day and compared: for moves and backups between any two homes.

What is copied is what is read: landing above the watermark, and of each final cell its sum at the watermark
(``rollup``). So a copy is the same on one shard or many, whatever was merged, dropped or half rolled up, and two
homes hold the same exactly when rows, sum and hash of every day are equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from headcount_aggregator.rollup import watermark
from headcount_aggregator.warehouse import Reason, Row, Table, Warehouse, WarehouseError
from headcount_aggregator.warehouse.tables import encode_rows

BLOCK_ROWS = 20_000
COPIED = (Table.LANDING, Table.DEBUG, Table.FINAL, Table.FRONTIER)
"""The tables that are copied; the watermark goes last, and alone."""

_CELL = [name for name, _ in Table.FINAL.columns if name not in ("n", "held", "version")]


class Held(NamedTuple):
    """What a table holds of a day: rows, the sum of ``n``, and the sum of the rows' hashes modulo 2**64."""

    rows: int = 0
    total: int = 0
    checksum: int = 0

    def plus(self, other: Held) -> Held:
        """Both together."""
        return Held(self.rows + other.rows, self.total + other.total, (self.checksum + other.checksum) % 2**64)


Progress = Callable[[str, int, int], None]
"""Is told the table, how many rows of it are done, and how many there are."""


def is_empty(warehouse: Warehouse) -> bool:
    """Whether no table holds a row."""
    return all(not int(warehouse.query(f"SELECT count() FROM {table.sql}")[0][0]) for table in Table)


def held(warehouse: Warehouse, table: Table, mark: int) -> dict[int, Held]:
    """What a table holds, by day (of loading, or of ``final`` the local day), read at a watermark."""
    found: dict[int, Held] = {}
    added = "total" if table is Table.FRONTIER else "n"
    for where in _partitions(warehouse, table, mark):
        for day, rows, total, check in warehouse.query(
            f"SELECT d, count(), toString(sum({added})), toString(sum({_hashed(table)})) "
            f"FROM ({_rows(table, mark, where)}) GROUP BY d"
        ):
            found[int(day)] = Held(int(rows), int(total), int(check))
    return found


def total(sums: dict[int, Held]) -> Held:
    """All days together."""
    whole = Held()
    for one in sums.values():
        whole = whole.plus(one)
    return whole


def blocks(warehouse: Warehouse, table: Table, mark: int, day: int) -> Iterator[tuple[bytes, int]]:
    """The rows of a day as RowBinary blocks of bounded size, each with its number of rows."""
    here = f"{_day_of(table)} = toDate({day})"
    waiting: list[Sequence[Any]] = []
    parts = [here]
    if "customer" in dict(table.columns):
        found = warehouse.query(f"SELECT DISTINCT customer FROM {table.sql} WHERE {here} ORDER BY customer")
        parts = [f"{here} AND customer = {int(customer)}" for (customer,) in found]
    for where in parts:
        for row in warehouse.query(f"SELECT {_listed(table)} FROM ({_rows(table, mark, where)})"):
            waiting.append(_whole(table, row, mark))
            if len(waiting) == BLOCK_ROWS:
                yield encode_rows(table, waiting), len(waiting)
                waiting = []
    if waiting:
        yield encode_rows(table, waiting), len(waiting)


def copy(source: Warehouse, target: Warehouse, progress: Progress) -> dict[Table, Held]:
    """Copy everything and verify it; returns what both hold. Run again after a cut, it goes on where it was.

    The target holds nothing, or a part of the same copy; the source may have gone on since that was cut short.
    Raises ``WarehouseError``, with ``Reason.MISMATCH`` when the two do not come out equal; then the target's
    watermark has not moved.
    """
    mark = watermark(source)
    copied: dict[Table, Held] = {}
    for table in COPIED:
        wanted = held(source, table, mark)
        _bring(source, target, table, mark, wanted, progress)
        if differing := _differing(target, table, mark, wanted):
            # What the source has dropped since, or erased, no insert takes out of the target.
            _clear(target, table, differing)
            _bring(source, target, table, mark, wanted, progress)
            if _differing(target, table, mark, wanted):
                raise WarehouseError(Reason.MISMATCH)
        copied[table] = total(wanted)
    set_watermark(target, mark)
    return copied


def set_watermark(target: Warehouse, mark: int) -> None:
    """Set the watermark of a warehouse that was filled at it; raises ``Reason.MISMATCH`` where it is another."""
    if mark:
        target.insert(Table.WATERMARK, encode_rows(Table.WATERMARK, [(mark,)]))
    if watermark(target) != mark:
        raise WarehouseError(Reason.MISMATCH)


def _bring(
    source: Warehouse, target: Warehouse, table: Table, mark: int, wanted: dict[int, Held], progress: Progress
) -> None:
    """Copy the days of a table that the target does not hold as wanted."""
    there = held(target, table, mark)
    whole, done = total(wanted).rows, 0
    progress(table.sql, done, whole)
    for day, sums in sorted(wanted.items()):
        if there.get(day) != sums:
            for block, _ in blocks(source, table, mark, day):
                target.insert(table, block)
        done += sums.rows
        progress(table.sql, done, whole)


def _differing(target: Warehouse, table: Table, mark: int, wanted: dict[int, Held]) -> list[int]:
    """The days that the target does not hold as wanted."""
    there = held(target, table, mark)
    return sorted(day for day in {*wanted, *there} if there.get(day) != wanted.get(day))


def _clear(target: Warehouse, table: Table, days: Sequence[int]) -> None:
    """Drop the partitions in which some days have rows."""
    parted = {Table.FINAL: "toString(toYYYYMM(day))", Table.FRONTIER: "'tuple()'"}
    among = f"toUInt16({_day_of(table)}) IN ({', '.join(str(int(day)) for day in days)})"
    for shard in target.shards:
        partition = parted.get(table, "concat('\\'', toString(load_day), '\\'')")
        for (name,) in shard.query(f"SELECT DISTINCT {partition} FROM {table.sql} WHERE {among}"):
            shard.execute(f"ALTER TABLE {table.sql} DROP PARTITION {name}")


def _day_of(table: Table) -> str:
    return "day" if table is Table.FINAL else "load_day"


def _partitions(warehouse: Warehouse, table: Table, mark: int) -> list[str]:
    """Conditions that take a table apart, so that no answer is larger than a month of it."""
    if table is not Table.FINAL:
        return ["1"]
    months = warehouse.query(f"SELECT DISTINCT toYYYYMM(day) FROM {table.sql}")
    return [f"toYYYYMM(day) = {int(month)}" for (month,) in sorted(months)]


def _rows(table: Table, mark: int, where: str) -> str:
    """A ``SELECT`` of a table's rows as they are read at a watermark, with their day as ``d``."""
    if table is Table.FINAL:
        cell = ", ".join(_CELL)
        return (
            f"SELECT {cell}, toUInt16(day) AS d, sum(v) AS n FROM ("
            f"SELECT {cell}, if(version > {mark}, held, n) AS v FROM {table.sql} FINAL WHERE {where}"
            f") GROUP BY {cell} HAVING n != 0"
        )
    columns = ", ".join(name for name, _ in table.columns)
    above = f" AND load_day > toDate({mark})" if table is Table.LANDING else ""
    return f"SELECT {columns}, toUInt16(load_day) AS d FROM {table.sql} FINAL WHERE {where}{above}"


def _selected(table: Table) -> list[tuple[str, str, str]]:
    """Name, type and expression of each column that is read."""
    kinds = [(name, kind) for name, kind in table.columns if name not in ("held", "version")]
    shown = {"Date": "toUInt16({})", "FixedString(16)": "lower(hex({}))", "Text": "{}"}
    return [(name, kind, shown.get(kind, "toString({})").format(name)) for name, kind in kinds]


def _listed(table: Table) -> str:
    return ", ".join(expression for _, _, expression in _selected(table))


def _hashed(table: Table) -> str:
    text = ", ',', ".join(f"toString({expression})" for _, _, expression in _selected(table))
    return f"reinterpretAsUInt64(substring(MD5(concat({text})), 1, 8))"


def _whole(table: Table, row: Row, mark: int) -> list[Any]:
    """A row as it is inserted."""
    values: list[Any] = []
    for (_, kind, _), value in zip(_selected(table), row, strict=True):
        if kind == "Text":
            values.append(str(value))
        else:
            values.append(bytes.fromhex(value) if kind == "FixedString(16)" else int(value))
    return [*values, values[-1], mark] if table is Table.FINAL else values
