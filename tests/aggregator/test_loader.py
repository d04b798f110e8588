"""Exactly once, from sealed segments to cells, whatever is sent twice and wherever the loader dies."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from headcount_aggregator.cell_reader import WarehouseCells, read_cells
from headcount_aggregator.cells import CellQuery
from headcount_aggregator.load.disk import Disk
from headcount_aggregator.load.loader import Loader, LoaderBusy
from headcount_aggregator.load.unit import Units
from headcount_aggregator.warehouse import Warehouse
from headcount_aggregator.warehouse.embedded import Embedded, open_embedded
from headcount_aggregator.warehouse.tables import Table
from headcount_wire.clock import ManualClock
from headcount_wire.organisation import Organisation
from headcount_wire.segment import Stream

from tests.aggregator.conftest import CUT_CATALOG, ORGANISATION, TODAY, Spooled, record_of, spool
from tests.homes.fresh import HOMES, lose

__all__ = ["HOMES"]  # the claims below hold in each of them


def cells_of(warehouse: Warehouse, stream: Stream = Stream.LIVE) -> Counter[tuple[int, int, int, int, int]]:
    """Every total in the warehouse."""
    query = CellQuery(0, 65_000, ("day", "measure", "label", "fact", "slot"), stream=stream)
    rows = WarehouseCells(warehouse).sums(query)
    return Counter({(row.day, row.measure, row.label, row.fact, row.slot): row.n for row in rows})


def ids(draw: random.Random, count: int) -> list[bytes]:
    return [draw.randbytes(16) for _ in range(count)]


def test_sums_are_exact_and_duplicates_count_once(tmp_path: Path, loader: Loader, warehouse: Warehouse) -> None:
    """Reports sent twice, to the same worker or another, before or after a load, are counted once."""
    draw = random.Random(1)
    count = Spooled()
    records = [(report_id, record_of(draw)) for report_id in ids(draw, 200)]
    spool(tmp_path / "spool", records[:120], "w0", count=count)
    spool(tmp_path / "spool", records[60:150], "w1", count=count)
    first = loader.load_once()
    spool(tmp_path / "spool", records[100:], "w1", count=count)
    second = loader.load_once()

    assert (first.records, first.duplicates) == (150, 60)
    assert (second.records, second.duplicates) == (50, 50)
    assert cells_of(warehouse) == count.totals
    assert not list((tmp_path / "spool").glob("*/*.seg"))


def test_breakdowns_add_up_and_age_is_cut_by_first_use(tmp_path: Path, loader: Loader, warehouse: Warehouse) -> None:
    """Each breakdown's values add up to the total; age is cut by the context of first use, all else by today's."""
    draw = random.Random(2)
    count = Spooled()
    records = [(report_id, record_of(draw)) for report_id in ids(draw, 100)]
    spool(tmp_path / "spool", records, count=count)
    loader.load_once()
    reader = WarehouseCells(warehouse)
    by_os = reader.sums(CellQuery(TODAY, TODAY, ("fact", "value1"), measures=(1,), labels=(0,), breakdowns=(8,)))
    expected: Counter[tuple[int, str]] = Counter()
    for _, record in records:
        for fact in (4, 5):
            origin = record.origin if fact == 5 and record.origin else record.context
            expected[fact, origin[0]] += 1
    assert {(row.fact, row.value1): row.n for row in by_os} == expected
    nested = reader.sums(
        CellQuery(TODAY, TODAY, ("value1", "value2"), measures=(2,), labels=(2,), facts=(1,), breakdowns=(13,))
    )
    joined = sum(n for (_, measure, label, fact, _), n in count.totals.items() if (measure, label, fact) == (2, 2, 1))
    assert sum(row.n for row in nested) == joined
    assert {row.value2 for row in nested} == {"3.0", "3.1"}


def test_small_groups_wait_and_then_go_as_totals(
    tmp_path: Path, loader: Loader, warehouse: Warehouse, clock: ManualClock
) -> None:
    """Fewer than 20 reports of a day are in no table; at 20 they go; at the freeze as totals without cuts."""
    draw = random.Random(3)
    count = Spooled()
    records = [(report_id, record_of(draw)) for report_id in ids(draw, 26)]
    spool(tmp_path / "spool", records[:19], count=count)
    loader.load_once()
    assert cells_of(warehouse) == Counter()
    spool(tmp_path / "spool", records[19:20], count=count)
    loader.load_once()
    assert cells_of(warehouse) == count.totals
    twenty = Counter(count.totals)
    spool(tmp_path / "spool", records[20:], count=count)
    loader.load_once()
    assert cells_of(warehouse) == twenty

    clock.advance(3.99 * 86_400.0)
    loader.load_once()
    assert cells_of(warehouse) == count.totals
    ((cut,),) = warehouse.query(f"SELECT sum(n) FROM {Table.LANDING.sql} FINAL WHERE breakdown = 8 AND fact = 4")
    assert cut == 20, "the last six reports have no cut"


def test_debug_data_is_apart_and_at_once(tmp_path: Path, loader: Loader, warehouse: Warehouse) -> None:
    """One report under a debug key is there at once, and in no live sum."""
    count = Spooled()
    record = record_of(random.Random(4), stream=Stream.DEBUG)
    spool(tmp_path / "spool", [(b"d" * 16, record)], count=count)
    loader.load_once()
    assert cells_of(warehouse) == Counter()
    assert cells_of(warehouse, Stream.DEBUG) == count.totals


def test_pushing_again_changes_nothing(tmp_path: Path, loader: Loader, warehouse: Warehouse) -> None:
    """A unit pushed twice, or in part, or repaired after rows were lost, leaves the same sums."""
    draw = random.Random(5)
    count = Spooled()
    spool(tmp_path / "spool", [(report_id, record_of(draw)) for report_id in ids(draw, 50)], count=count)
    loader.load_once()
    units = Units(tmp_path / "units", Disk())
    ((_, rows),) = units.rows(units.header(1))
    warehouse.insert(Table.LANDING, rows)
    warehouse.insert(Table.LANDING, rows)
    assert cells_of(warehouse) == count.totals
    assert loader.reconcile() == 0
    lose(warehouse)
    assert loader.reconcile() == 1
    assert cells_of(warehouse) == count.totals


def test_one_loader_at_a_time(
    tmp_path: Path, loader: Loader, organisation: Organisation, warehouse: Warehouse, clock: ManualClock
) -> None:
    """A second loader on the same folder is refused."""
    with pytest.raises(LoaderBusy):
        Loader(tmp_path / "spool", tmp_path / "units", organisation, warehouse, clock)
    assert loader.load_once().units == 0


def test_a_bad_segment_is_set_aside(tmp_path: Path, loader: Loader, warehouse: Warehouse) -> None:
    """A file that is no segment blocks nothing and is not deleted."""
    count = Spooled()
    draw = random.Random(6)
    spool(tmp_path / "spool", [(report_id, record_of(draw)) for report_id in ids(draw, 30)], count=count)
    bad = tmp_path / "spool/w0/00000000000000000000-bad.seg"
    bad.write_bytes(b"no segment")
    result = loader.load_once()
    assert (result.quarantined, result.records) == (1, 30)
    assert bad.with_suffix(".bad").exists()
    assert cells_of(warehouse) == count.totals


def test_ids_and_units_are_forgotten_with_their_window(
    tmp_path: Path, loader: Loader, organisation: Organisation, warehouse: Warehouse, clock: ManualClock
) -> None:
    """After the window no id is on the disk; the newest unit stays, with what it carries."""
    draw = random.Random(7)
    count = Spooled()
    spool(tmp_path / "spool", [(report_id, record_of(draw)) for report_id in ids(draw, 30)], count=count)
    loader.load_once()
    clock.advance(10 * 86_400.0)
    late = record_of(draw, day=TODAY + 10)
    spool(tmp_path / "spool", [(b"x" * 16, late)], count=count)
    loader.load_once()
    loader.forget()
    loader.close()
    left = b"".join(path.read_bytes() for path in (tmp_path / "units").glob("*.ids"))
    assert not any(report_id in left for report_id in count.ids[:30])
    clock.advance(5 * 86_400.0)
    again = Loader(tmp_path / "spool", tmp_path / "units", organisation, warehouse, clock)
    again.load_once()
    assert cells_of(warehouse) == count.totals
    loader._lock = os.dup(again._lock)
    again.close()


class Died(BaseException):
    """The loader's process ends here."""


class DyingDisk(Disk):
    """Dies before or after its k-th durable operation; a write may be half done."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.step = 0

    def die(self) -> None:
        raise Died

    def _hit(self) -> None:
        self.step += 1
        if self.step == self.at:
            self.die()

    def write(self, path: Path, data: bytes) -> None:
        self._hit()
        self.step += 1
        if self.step == self.at:
            path.write_bytes(data[: len(data) // 2])
            self.die()
        super().write_parts(path, (data,))
        self._hit()

    def write_parts(self, path: Path, parts: Iterable[bytes]) -> None:
        self.write(path, b"".join(parts))

    def rename(self, source: Path, target: Path) -> None:
        self._hit()
        super().rename(source, target)
        self._hit()

    def remove(self, path: Path) -> None:
        self._hit()
        super().remove(path)
        self._hit()


def test_dying_at_every_durable_step_changes_no_number(
    tmp_path: Path, organisation: Organisation, warehouse: Warehouse, clock: ManualClock
) -> None:
    """Whatever step the loader dies at, the next one ends with the same sums.

    Every step is tried on chDB; what dies is the same in each home, so on a server and a cluster it is every fourth.
    """
    step = 0
    stride = 1 if isinstance(warehouse, Embedded) else 4
    while True:
        step += stride
        folder = tmp_path / str(step)
        draw = random.Random(step)
        count = Spooled()
        records = [(report_id, record_of(draw)) for report_id in ids(draw, 60)]
        spool(folder / "spool", records[:40], "w0", count=count)
        spool(folder / "spool", records[20:], "w1", count=count)
        lose(warehouse)
        disk = DyingDisk(step)
        dying = Loader(folder / "spool", folder / "units", organisation, warehouse, clock, disk)
        try:
            dying.load_once()
        except Died:
            pass
        else:
            dying.close()
            assert step > 12
            return
        dying.close()
        again = Loader(folder / "spool", folder / "units", organisation, warehouse, clock)
        again.load_once()
        again.close()
        assert cells_of(warehouse) == count.totals, f"died at step {step}"


PROGRAM = """
import pathlib, sys
from headcount_aggregator.load.loader import Loader
from headcount_aggregator.warehouse.embedded import open_embedded
from headcount_wire.clock import ManualClock
from headcount_wire.organisation import load_organisation
folder = pathlib.Path(sys.argv[1])
loader = Loader(folder / "spool", folder / "units", load_organisation(folder / "organisation.toml"),
    open_embedded(folder / "warehouse"), ManualClock(20_000 * 86_400.0 + 43_200.0))
print("ready", flush=True)
while True:
    loader.load_once()
"""


@pytest.mark.parametrize("seed", range(3))
def test_sigkill_of_the_loader_changes_no_number(tmp_path: Path, seed: int) -> None:
    """Loader and database killed again and again while segments arrive: no report lost, none doubled."""
    (tmp_path / "catalog.toml").write_text(CUT_CATALOG)
    (tmp_path / "organisation.toml").write_text(ORGANISATION)
    draw = random.Random(seed)
    count = Spooled()
    for _ in range(3):
        command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        for n in range(draw.randint(2, 12)):
            records = [(report_id, record_of(draw)) for report_id in ids(draw, 25)]
            again = [(report_id, record_of(random.Random(1))) for report_id in count.ids[-3:]]
            spool(tmp_path / "spool", records + again, f"w{n % 2}", count=count)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    end = open_embedded(tmp_path / "warehouse")
    from headcount_wire.organisation import load_organisation

    clock = ManualClock(TODAY * 86_400.0 + 43_200.0)
    last = Loader(tmp_path / "spool", tmp_path / "units", load_organisation(tmp_path / "organisation.toml"), end, clock)
    last.load_once()
    last.flush_all()
    last.close()
    assert cells_of(end) == count.totals
    end.close()
    reopened = read_cells(tmp_path / "warehouse")
    assert cells_of(reopened._warehouse) == count.totals
    reopened._warehouse.close()
