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

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

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
    spans = [(shard, _spans(shard, load_day)) for shard in warehouse.shards]
    for shard, mine in spans:
        for span in mine:
            _add(shard, load_day, span)
    for shard, mine in spans:
        _verify(shard, load_day, mine)
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


class _Span(NamedTuple):
    """Rows of a load day that are added at once: of some Customers and local days, and of a share of their measures."""

    customers: tuple[int, int]
    days: tuple[int, int]
    share: tuple[int, int] = (1, 0)

    @property
    def sql(self) -> str:
        """What its rows and its cells have in common."""
        (from_customer, to_customer), (first, last), (parts, part) = self
        of = f"customer BETWEEN {from_customer} AND {to_customer} AND day BETWEEN toDate({first}) AND toDate({last})"
        return f"{of} AND measure % {parts} = {part}" if parts > 1 else of


def _spans(warehouse: Warehouse, load_day: int) -> list[_Span]:
    """A load day's rows, parted by month and in the order of the key, each of bounded size.

    One goes into one partition; memory is bounded by it, however much a day or a Customer holds.
    """
    counted = warehouse.query(
        "SELECT toUInt16(toStartOfMonth(day)) AS month, customer, count(), toUInt16(min(day)), toUInt16(max(day)) "
        f"FROM {Table.LANDING.sql} WHERE load_day = toDate({load_day}) "
        "GROUP BY month, customer ORDER BY month, customer"
    )
    spans: list[_Span] = []
    months: dict[int, list[tuple[int, ...]]] = {}
    for month, *found in counted:
        months.setdefault(int(month), []).append(tuple(map(int, found)))
    for of_month in months.values():
        for some in _bounded(of_month):
            customers, rows, first, last = zip(*some, strict=True)
            parts = -(-sum(rows) // CELLS_AT_ONCE)
            of = (min(customers), max(customers)), (min(first), max(last))
            spans += [_Span(*of, (parts, part)) for part in range(parts)]
    return spans


def _bounded(counted: Iterable[tuple[int, ...]]) -> Iterator[list[tuple[int, ...]]]:
    """Customers in lists of at most so many rows; one with more is in a list of its own."""
    some: list[tuple[int, ...]] = []
    size = 0
    for one in counted:
        if some and size + one[1] > CELLS_AT_ONCE:
            yield some
            some, size = [], 0
        some.append(one)
        size += one[1]
    if some:
        yield some


def _add(warehouse: Warehouse, load_day: int, span: _Span) -> None:
    """Add a span's rows. To cells of days that nothing was rolled up of yet there is nothing to add: most are such."""
    ((found,),) = warehouse.query(f"SELECT toUInt16(max(day)) FROM {Table.FINAL.sql} WHERE {span.sql}")
    (first, last), known = span.days, int(found)
    into = f"INSERT INTO {Table.FINAL.sql} ({_CELL}, n, held, version) {warehouse.dialect.insert_settings} "
    if first <= known:
        told = span._replace(days=(first, min(last, known))).sql
        loaded = f"FROM {Table.LANDING.sql} FINAL WHERE load_day = toDate({load_day}) AND {told}"
        warehouse.execute(
            f"{into}SELECT {_CELL}, sum(added), sum(kept), toUInt16({load_day}) FROM ("
            f"SELECT {_CELL}, n AS added, n AS kept, version AS through FROM {Table.FINAL.sql} FINAL "
            f"WHERE {told} AND ({_CELL}) IN (SELECT {_CELL} {loaded}) "
            f"UNION ALL SELECT {_CELL}, n AS added, toInt64(0) AS kept, toUInt16(0) AS through {loaded}"
            f") GROUP BY {_CELL} HAVING max(through) < {load_day}"
        )
    if known < last:
        new = span._replace(days=(max(first, known + 1), last)).sql
        warehouse.execute(
            f"{into}SELECT {_CELL}, sum(n), toInt64(0), toUInt16({load_day}) FROM {Table.LANDING.sql} FINAL "
            f"WHERE load_day = toDate({load_day}) AND {new} GROUP BY {_CELL}"
        )


def _verify(warehouse: Warehouse, load_day: int, spans: Sequence[_Span]) -> None:
    """Cells and sums of each span, and with the last one the sum of all that was loaded: none is outside the spans."""
    for place, span in enumerate(spans or (_Span((0, 0), (0, 0)),), 1):
        of = span.sql
        over = of if place < len(spans) else "1"
        loaded, added = warehouse.query(
            "SELECT cells, total, whole FROM ("
            f"SELECT 0 AS side, uniqExactIf({_CELL}, {of}) AS cells, toString(sumIf(n, {of})) AS total, "
            f"toString(sum(n)) AS whole FROM {Table.LANDING.sql} FINAL WHERE load_day = toDate({load_day}) AND {over} "
            f"UNION ALL SELECT 1 AS side, countIf({of}) AS cells, toString(sumIf(n - held, {of})) AS total, "
            f"toString(sum(n - held)) AS whole FROM {Table.FINAL.sql} FINAL WHERE version = {load_day} AND {over}"
            ") ORDER BY side"
        )
        if tuple(loaded) != tuple(added):
            raise WarehouseError(Reason.MISMATCH)
