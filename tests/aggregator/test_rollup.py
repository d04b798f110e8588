"""Roll-up: the same sums before, during and after it, and nothing left that tells loads apart."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from headcount_aggregator import rollup
from headcount_aggregator.cell_reader import WarehouseCells
from headcount_aggregator.cells import PLACE, Cell, CellQuery
from headcount_aggregator.load.disk import Disk
from headcount_aggregator.load.loader import Loader
from headcount_aggregator.load.unit import Units
from headcount_aggregator.warehouse import Reason, Warehouse, WarehouseError
from headcount_aggregator.warehouse.columns import decode_rows
from headcount_aggregator.warehouse.embedded import Embedded
from headcount_aggregator.warehouse.tables import Table, encode_rows
from headcount_wire.clock import ManualClock
from headcount_wire.segment import Stream

from tests.aggregator.conftest import TODAY, Spooled, record_of, spool
from tests.homes.fresh import HOMES, half_of, lose

__all__ = ["HOMES"]  # the claims below hold in each of them

DAY = 86_400.0
ALL = CellQuery(
    0,
    65_000,
    ("partner", "customer", "app", "day", "late", "measure", "label", "fact", "slot", "breakdown", "value1", "value2"),
    breakdowns=None,
)


def every_cell(warehouse: Warehouse) -> dict[tuple[object, ...], int]:
    """Every live cell and its sum."""
    return {tuple(row[:-1]): row.n for row in WarehouseCells(warehouse).sums(ALL)}


def load_days(folder: Path, loader: Loader, clock: ManualClock, days: int, draw: random.Random, count: Spooled) -> None:
    """Some days of loading: each day's reports speak of that day and of the two before."""
    for _ in range(days):
        today = int(clock.now() // DAY)
        for back in range(3):
            records = [(draw.randbytes(16), record_of(draw, day=today - back)) for _ in range(25)]
            spool(folder / "spool", records, f"w{back}", count=count)
        loader.load_once()
        clock.advance(DAY)


def columns_in(warehouse: Warehouse) -> list[tuple[str, str, str]]:
    """Table, name and type of every column of the warehouse's own database, on its first shard."""
    here = warehouse.shards[0]
    ((database,),) = here.query("SELECT currentDatabase()")
    found = here.query(f"SELECT table, name, type FROM system.columns WHERE database = '{database}'")
    return [(str(table), str(name), str(kind)) for table, name, kind in found]


def rows_in(warehouse: Warehouse, table: Table) -> int:
    return sum(int(shard.query(f"SELECT count() FROM {table.sql}")[0][0]) for shard in warehouse.shards)


def test_roll_up_changes_no_cell(tmp_path: Path, loader: Loader, warehouse: Warehouse, clock: ManualClock) -> None:
    """Every cell has the same sum before and after, landing is empty, and later loads add to it."""
    draw, count = random.Random(1), Spooled()
    load_days(tmp_path, loader, clock, 3, draw, count)
    before = every_cell(warehouse)
    assert loader.compact() == 3
    assert rows_in(warehouse, Table.LANDING) == 0
    assert every_cell(warehouse) == before
    assert (loader.compact(), loader.reconcile()) == (0, 0)

    load_days(tmp_path, loader, clock, 2, draw, count)
    both = every_cell(warehouse)
    loader.compact()
    assert every_cell(warehouse) == both
    totals: Counter[tuple[object, ...]] = Counter()
    for row in WarehouseCells(warehouse).sums(CellQuery(0, 65_000, ("day", "measure", "label", "fact", "slot"))):
        totals[row.day, row.measure, row.label, row.fact, row.slot] = row.n
    assert totals == count.totals


def test_sums_by_value_are_the_cells(tmp_path: Path, loader: Loader, warehouse: Warehouse, clock: ManualClock) -> None:
    """What is read as lists of values is what is read cell by cell, before a roll-up, after it and beside new loads."""

    def both() -> tuple[dict[tuple[object, ...], int], dict[tuple[object, ...], int]]:
        reader = WarehouseCells(warehouse)
        by_value = reader.by_value(CellQuery(0, 65_000, PLACE, breakdowns=None))
        cells = reader.sums(CellQuery(0, 65_000, (*PLACE, "value1", "value2"), breakdowns=None))
        return (
            {(*place, *values): n for *place, sums in by_value for values, n in sums.items()},
            {cell[6:-1]: cell.n for cell in cells},
        )

    draw, count = random.Random(11), Spooled()
    for _ in range(3):
        load_days(tmp_path, loader, clock, 1, draw, count)
        loaded = both()
        assert loaded[0] == loaded[1]
        assert len(loaded[0]) > 100
        loader.compact()
        assert both() == loaded


def test_a_day_of_many_spans_is_rolled_up_whole(
    tmp_path: Path, loader: Loader, warehouse: Warehouse, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However few rows are added at once, no cell is left out, and a row outside the spans is found."""
    monkeypatch.setattr(rollup, "CELLS_AT_ONCE", 50)
    draw, count = random.Random(12), Spooled()
    load_days(tmp_path, loader, clock, 2, draw, count)
    before = every_cell(warehouse)
    assert loader.compact() == 2
    assert every_cell(warehouse) == before
    load_days(tmp_path, loader, clock, 1, draw, count)
    stray = (5, 999, 3, TODAY + 2, 0, 1, 0, 4, 40, 0, "", "", 7, 0, TODAY + 2)
    warehouse.insert(Table.FINAL, encode_rows(Table.FINAL, [stray]))
    with pytest.raises(WarehouseError) as caught:
        loader.compact()
    assert caught.value.reason is Reason.MISMATCH


def test_today_is_not_rolled_up(tmp_path: Path, loader: Loader, warehouse: Warehouse, clock: ManualClock) -> None:
    """A load day is rolled up once it is over; by the end of the next day nothing tells its loads apart."""
    count = Spooled()
    draw = random.Random(2)
    spool(tmp_path / "spool", [(draw.randbytes(16), record_of(draw)) for _ in range(30)], count=count)
    loader.load_once()
    assert loader.compact() == 0
    clock.advance(DAY)
    assert loader.compact() == 1
    names = {name for table, name, _ in columns_in(warehouse) if table == "final"}
    assert names == {name for name, _ in Table.FINAL.columns}
    assert names.isdisjoint({"unit", "row", "load_day"})


class Died(BaseException):
    """The store's process ends here."""


class DyingWarehouse:
    """Dies before or after its k-th change of the tables; a roll-up's insert may be half done."""

    def __init__(self, warehouse: Warehouse, at: int, whole: DyingWarehouse | None = None) -> None:
        self._warehouse = warehouse
        self.dialect = warehouse.dialect
        self.query = warehouse.query
        self.close = warehouse.close
        self.replicas = warehouse.replicas
        self.at = at
        self.step = 0
        self.whole = whole or self

    @property
    def shards(self) -> list[Warehouse]:
        """Every shard, as mortal as the whole."""
        return [type(self)(one, self.at, self.whole) for one in self._warehouse.shards]

    def die(self) -> None:
        raise Died

    def _hit(self) -> None:
        self.whole.step += 1
        if self.whole.step == self.whole.at:
            self.die()

    def execute(self, statement: str) -> None:
        self._hit()
        if statement.startswith(f"INSERT INTO {Table.FINAL.sql}"):
            self.whole.step += 1
            if self.whole.step == self.whole.at:
                self._warehouse.execute(half_of(statement))
                self.die()
        self._warehouse.execute(statement)
        self._hit()

    def insert(self, table: Table, block: bytes) -> None:
        self._hit()
        self._warehouse.insert(table, block)
        self._hit()


def test_dying_in_a_roll_up_changes_no_cell_at_any_instant(
    tmp_path: Path, loader: Loader, warehouse: Warehouse, clock: ManualClock
) -> None:
    """Wherever it dies, also with half an insert done, readers see the same cells at once, and after the next run.

    Every step on chDB; on a server and a cluster, where a step takes far longer, every third.
    """
    draw, count = random.Random(3), Spooled()
    step = 0
    stride = 1 if isinstance(warehouse, Embedded) else 3
    while True:
        step += stride
        load_days(tmp_path, loader, clock, 2, draw, count)
        before = every_cell(warehouse)
        loader._warehouse = DyingWarehouse(warehouse, step)
        try:
            loader.compact()
        except Died:
            assert every_cell(warehouse) == before, f"died at step {step}"
            loader._warehouse = warehouse
            loader.compact()
            assert every_cell(warehouse) == before, f"resumed after step {step}"
            assert rows_in(warehouse, Table.LANDING) == 0
        else:
            loader._warehouse = warehouse
            assert step > 10
            assert every_cell(warehouse) == before
            return


def test_a_resurrected_partition_is_read_by_nobody(
    tmp_path: Path, loader: Loader, warehouse: Warehouse, clock: ManualClock
) -> None:
    """Rows that a crash brings back below the watermark change no cell, and are dropped again."""
    load_days(tmp_path, loader, clock, 1, random.Random(4), Spooled())
    loader.compact()
    before = every_cell(warehouse)
    units = Units(tmp_path / "units", Disk())
    for _, rows in units.rows(units.header(1)):
        warehouse.insert(Table.LANDING, rows)
    assert every_cell(warehouse) == before
    assert loader.reconcile() == 0
    loader.compact()
    assert rows_in(warehouse, Table.LANDING) == 0
    assert every_cell(warehouse) == before


def test_lost_rows_are_pushed_again_before_a_roll_up(
    tmp_path: Path, loader: Loader, warehouse: Warehouse, clock: ManualClock
) -> None:
    """A roll-up builds on what the units say, not on what the database happens to hold."""
    load_days(tmp_path, loader, clock, 1, random.Random(5), Spooled())
    before = every_cell(warehouse)
    lose(warehouse)
    assert loader.compact() == 1
    assert every_cell(warehouse) == before


def test_sums_that_do_not_come_out_stop_the_roll_up(
    tmp_path: Path, loader: Loader, warehouse: Warehouse, clock: ManualClock
) -> None:
    """With a wrong row in final the watermark stays, the landing rows stay, and the reason says so."""
    load_days(tmp_path, loader, clock, 1, random.Random(6), Spooled())
    held = rows_in(warehouse, Table.LANDING)
    stray = (5, 11, 3, TODAY, 0, 1, 0, 4, 40, 0, "", "", 7, 0, TODAY)
    warehouse.insert(Table.FINAL, encode_rows(Table.FINAL, [stray]))
    with pytest.raises(WarehouseError) as caught:
        loader.compact()
    assert caught.value.reason is Reason.MISMATCH
    assert rollup.watermark(warehouse) == 0
    assert rows_in(warehouse, Table.LANDING) == held


def test_a_changed_row_is_found_and_mended(tmp_path: Path, loader: Loader, warehouse: Warehouse) -> None:
    """Reconciliation compares a hash too: two rows whose errors cancel in the sum do not pass."""
    draw, count = random.Random(7), Spooled()
    spool(tmp_path / "spool", [(draw.randbytes(16), record_of(draw)) for _ in range(40)], count=count)
    loader.load_once()
    assert loader.reconcile() == 0
    before = every_cell(warehouse)
    units = Units(tmp_path / "units", Disk())
    ((_, block),) = units.rows(units.header(1))
    rows = [list(values) for values, _ in decode_rows(Table.LANDING, block)]
    rows[1][-1] += 1
    rows[2][-1] -= 1
    warehouse.insert(Table.LANDING, encode_rows(Table.LANDING, rows))
    assert every_cell(warehouse) != before
    assert loader.reconcile() == 1
    assert every_cell(warehouse) == before


def test_debug_data_is_forgotten_after_a_day(
    tmp_path: Path, loader: Loader, warehouse: Warehouse, clock: ManualClock
) -> None:
    """What a debug key sent is in no table and in no unit two days on, and never in final."""
    count = Spooled()
    record = record_of(random.Random(8), stream=Stream.DEBUG)
    spool(tmp_path / "spool", [(b"d" * 16, record)], count=count)
    loader.load_once()
    assert rows_in(warehouse, Table.DEBUG) > 0
    assert list((tmp_path / "units").glob("*.debug"))
    clock.advance(DAY)
    loader.compact()
    loader.forget()
    assert rows_in(warehouse, Table.DEBUG) > 0, "it stays a whole day"
    clock.advance(DAY)
    loader.forget()
    assert rows_in(warehouse, Table.DEBUG) == rows_in(warehouse, Table.FINAL) == 0
    assert not list((tmp_path / "units").glob("*.debug"))


def test_ids_are_forgotten_one_by_one_and_not_before_the_spool_is_drained(
    tmp_path: Path, loader: Loader, clock: ManualClock
) -> None:
    """An old id goes 9 days after its creation though younger ones stand beside it, unless an old segment waits."""
    draw, count = random.Random(9), Spooled()
    old = [(b"o" * 16, record_of(draw, day=TODAY - 7))]
    young = [(draw.randbytes(16), record_of(draw, day=TODAY)) for _ in range(30)]
    spool(tmp_path / "spool", old + young, count=count)
    loader.load_once()
    clock.advance(3 * DAY)
    waiting = tmp_path / "spool/w0" / f"{int((TODAY - 1) * DAY * 1e9):020d}-{'0' * 16}-000009.open"
    waiting.write_bytes(b"")

    def remembered() -> set[bytes]:
        return {report_id for report_id, _ in Units(tmp_path / "units", Disk()).ids()}

    loader.forget()
    assert b"o" * 16 in remembered(), "a worker's open segment may still repeat it"
    waiting.unlink()
    loader.forget()
    assert remembered() == {report_id for report_id, _ in young}


COARSE = {"UInt8", "UInt16", "UInt32", "Int64", "Date", "String", "LowCardinality(String)"}
NAMES = {name for table in Table for name, _ in table.columns} | {"number", "checksum"}


def test_the_schema_holds_no_identifier_and_nothing_finer_than_a_day(warehouse: Warehouse) -> None:
    """Only declared columns, of coarse types; a unit's name is where a unit is, and in no other table."""
    columns = columns_in(warehouse)
    assert {str(table) for table, _, _ in columns} == {
        "landing",
        "debug",
        "final",
        "watermark",
        "frontier",
        "migrations",
    }
    for table, name, kind in columns:
        assert name in NAMES, (table, name)
        if name == "unit":
            assert (table in ("landing", "debug"), kind) == (True, "FixedString(16)")
        else:
            assert kind in COARSE, (table, name, kind)
    assert {name for name in Cell._fields if name != "stream"} < {name for name, _ in Table.FINAL.columns}
