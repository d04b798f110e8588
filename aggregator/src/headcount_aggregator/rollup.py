"""Roll-up: a day of loading becomes part of the final cells, and what told it apart is dropped.

``landing`` keeps units apart for at most 48 hours, so that they can be compared and pushed again.
Then the sums of one load day are added to ``final``, keyed by the cell alone: no unit, no load day.

A row of ``final`` holds ``n``, the sum up to load day ``version``, and ``held``, the sum before it.
A reader at watermark W takes ``landing`` above W and, of ``final``, ``n`` up to version W and ``held``
beyond it: at any instant, also after a crash in the middle, it sees each load day exactly once. An
interrupted roll-up is finished by running it again: cells that already have the version are left
alone. On a cluster each shard adds its own landing rows to its own final rows, so a cell may have a row on each,
and its sum is theirs; the watermark moves once every shard has come out, and the largest one counts wherever it
is read. No DDL is relied on; partitions are dropped only once nothing reads them, and dropped again
should a crash have brought them back.
"""

from __future__ import annotations

from headcount_wire import days

from headcount_aggregator.warehouse import Reason, Warehouse, WarehouseError
from headcount_aggregator.warehouse.tables import Table

CELLS_AT_ONCE = 200_000

_CELL = "partner, customer, app, day, late, measure, label, fact, slot, breakdown, value1, value2"


def watermark(warehouse: Warehouse) -> int:
    """The last load day that is rolled up (a day number; 0 before the first)."""
    ((found,),) = warehouse.query(f"SELECT toUInt16(max(load_day)) FROM {Table.WATERMARK.sql}")
    return int(found)


def loaded_days(warehouse: Warehouse) -> list[int]:
    """The load days above the watermark that the warehouse holds rows of, rising, whichever node loaded them."""
    found = warehouse.query(
        f"SELECT DISTINCT toUInt16(load_day) FROM {Table.LANDING.sql} WHERE load_day > toDate({watermark(warehouse)})"
    )
    return sorted(int(day) for (day,) in found)


def roll_up(warehouse: Warehouse, load_day: int) -> None:
    """Add one load day to the final cells and move the watermark over it.

    Every unit of the day must be in the warehouse. Raises ``WarehouseError`` with
    ``Reason.MISMATCH``, and moves nothing, when the sums do not come out.
    """
    load_day = int(load_day)
    for shard in warehouse.shards:
        for span in _spans(shard, load_day):
            _add(shard, load_day, span)
    for shard in warehouse.shards:
        for span in _spans(shard, load_day):
            _verify(shard, load_day, span)
        _verify(shard, load_day, "1", sum_only=True)
    warehouse.execute(
        f"INSERT INTO {Table.WATERMARK.sql} (load_day) {warehouse.dialect.insert_settings} SELECT toDate({load_day})"
    )


def drop_rolled_up(warehouse: Warehouse) -> int:
    """Drop the landing partitions at or below the watermark; returns how many there were."""
    return _drop(warehouse, Table.LANDING, watermark(warehouse) + 1)


def drop_debug(warehouse: Warehouse, before: int) -> int:
    """Drop what debug keys sent, as far as it was loaded before a day; returns how many partitions."""
    return _drop(warehouse, Table.DEBUG, before)


def _drop(warehouse: Warehouse, table: Table, before: int) -> int:
    dropped = set[int]()
    for shard in warehouse.shards:
        found = shard.query(
            f"SELECT DISTINCT toUInt16(load_day) FROM {table.sql} WHERE load_day < toDate({max(0, int(before))})"
        )
        for (day,) in found:
            shard.execute(f"ALTER TABLE {table.sql} DROP PARTITION '{days.text(int(day))}'")
            dropped.add(int(day))
    return len(dropped)


def _spans(warehouse: Warehouse, load_day: int) -> list[str]:
    """Conditions that part a load day's rows, each of one month and of bounded size, and in the order of the key.

    One is one insert, into one partition; memory is bounded by it, however much a day or a Customer holds.
    """
    counted = warehouse.query(
        f"SELECT toUInt16(toStartOfMonth(day)) AS month, customer, count() FROM {Table.LANDING.sql} "
        f"WHERE load_day = toDate({load_day}) GROUP BY month, customer ORDER BY month, customer"
    )
    spans: list[str] = []
    month = first = last = size = 0

    def end() -> None:
        parts = -(-size // CELLS_AT_ONCE)
        of = f"customer BETWEEN {first} AND {last}"
        of += f" AND day BETWEEN toDate({month}) AND toDate({days.month_start(month + 31) - 1})"
        spans.extend(f"{of} AND measure % {parts} = {part}" for part in range(parts))

    for its_month, customer, rows in counted:
        if its_month != month or size + int(rows) > CELLS_AT_ONCE:
            end()
            month, first, size = int(its_month), int(customer), 0
        last, size = int(customer), size + int(rows)
    end()
    return spans


def _add(warehouse: Warehouse, load_day: int, span: str) -> None:
    loaded = f"FROM {Table.LANDING.sql} FINAL WHERE load_day = toDate({load_day}) AND {span}"
    warehouse.execute(
        f"INSERT INTO {Table.FINAL.sql} ({_CELL}, n, held, version) {warehouse.dialect.insert_settings} "
        f"SELECT {_CELL}, sum(added), sum(kept), toUInt16({load_day}) FROM ("
        f"SELECT {_CELL}, n AS added, n AS kept, version AS through FROM {Table.FINAL.sql} FINAL "
        f"WHERE {span} AND ({_CELL}) IN (SELECT {_CELL} {loaded}) "
        f"UNION ALL SELECT {_CELL}, n AS added, toInt64(0) AS kept, toUInt16(0) AS through {loaded}"
        f") GROUP BY {_CELL} HAVING max(through) < {load_day}"
    )


def _verify(warehouse: Warehouse, load_day: int, span: str, *, sum_only: bool = False) -> None:
    """Cells and sums of a span; over all spans only the sum: nobody has to tell cells apart."""
    of = f"FROM {Table.LANDING.sql} FINAL WHERE load_day = toDate({load_day}) AND {span}"
    cells, rows = ("toUInt64(0)",) * 2 if sum_only else (f"uniqExact({_CELL})", "count()")
    loaded = warehouse.query(f"SELECT {cells}, toString(sum(n)) {of}")
    added = warehouse.query(
        f"SELECT {rows}, toString(sum(n - held)) FROM {Table.FINAL.sql} FINAL WHERE version = {load_day} AND {span}"
    )
    if [*map(tuple, loaded)] != [*map(tuple, added)]:
        raise WarehouseError(Reason.MISMATCH)
