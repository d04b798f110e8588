"""The crash tests can fail: each planted bug of the loader is caught by dying at every step."""

from __future__ import annotations

import random
import secrets
from pathlib import Path

import pytest
from headcount_aggregator.cell_reader import WarehouseCells
from headcount_aggregator.cells import CellQuery
from headcount_aggregator.load.batch import Batch
from headcount_aggregator.load.disk import Disk
from headcount_aggregator.load.loader import Loader, LoadResult
from headcount_aggregator.warehouse import Warehouse
from headcount_aggregator.warehouse.embedded import Embedded, open_embedded
from headcount_aggregator.warehouse.tables import Table
from headcount_wire.clock import ManualClock
from headcount_wire.organisation import Organisation, parse_organisation

from tests.aggregator.conftest import CUT_CATALOG, ORGANISATION, TODAY, Spooled, record_of, spool
from tests.aggregator.test_loader import Died as DiskDied
from tests.aggregator.test_loader import DyingDisk
from tests.aggregator.test_rollup import Died as WarehouseDied
from tests.aggregator.test_rollup import DyingWarehouse
from tests.homes.fresh import lose

MOST_STEPS = 40


class ForgetsIds(Loader):
    """Bug: ids of committed units are not remembered."""

    def _remember(self, ids: object) -> None:
        pass


class DoesNotRestore(Loader):
    """Bug: a restart begins with no ids and knows of no consumed source."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]  # passed on as they came
        self._seen.clear()
        self._consumed.clear()


class RemovesFirst(Loader):
    """Bug: sources are removed before the commit."""

    def _gather(self, paths: list[Path], fold_day: int) -> Batch:
        batch = super()._gather(paths, fold_day)
        self._remove(batch.sources)
        return batch


class NamesUnitsAtThePush(Loader):
    """Bug: rows are keyed by the attempt, not by the unit."""

    def _push_pending(self, result: LoadResult) -> None:
        for number in self._units.pending():
            for block, rows in self._units.rows(self._units.header(number)):
                self._warehouse.insert(Table.LANDING, rows.replace(bytes.fromhex(block.unit), secrets.token_bytes(16)))
            self._units.done(number)


class DropsTheCarry(Loader):
    """Bug: what a small group held is not taken over by the next unit."""

    def _gather(self, paths: list[Path], fold_day: int) -> Batch:
        self._carry = {}
        return super()._gather(paths, fold_day)


def totals(warehouse: Warehouse) -> dict[tuple[int, ...], int]:
    """Every total in the warehouse."""
    rows = WarehouseCells(warehouse).sums(CellQuery(0, 65_000, ("day", "measure", "label", "fact", "slot")))
    return {(row.day, row.measure, row.label, row.fact, row.slot): row.n for row in rows}


def dies_at(
    step: int, disk_dies: bool, kind: type[Loader], folder: Path, organisation: Organisation, warehouse: Embedded
) -> bool | None:
    """Whether the sums are right after dying at a step and starting again; ``None``: there is no such step."""
    clock = ManualClock(TODAY * 86_400.0 + 43_200.0)
    draw, count = random.Random(step), Spooled()
    records = [(draw.randbytes(16), record_of(draw)) for _ in range(60)]
    spool(folder / "spool", records[:15], "w0", count=count)
    lose(warehouse)
    first = Loader(folder / "spool", folder / "units", organisation, warehouse, clock)
    first.load_once()
    first.close()
    spool(folder / "spool", records[:40], "w0", count=count)
    spool(folder / "spool", records[20:], "w1", count=count)
    disk = DyingDisk(step) if disk_dies else Disk()
    tables: Warehouse = warehouse if disk_dies else DyingWarehouse(warehouse, step)
    dying = kind(folder / "spool", folder / "units", organisation, tables, clock, disk)
    died = False
    try:
        dying.load_once()
    except (DiskDied, WarehouseDied):
        died = True
    dying.close()
    again = kind(folder / "spool", folder / "units", organisation, warehouse, clock)
    again.load_once()
    spool(folder / "spool", records[30:50], "w1", count=count)
    again.load_once()
    again.flush_all()
    again.close()
    right = totals(warehouse) == dict(count.totals)
    return right if died or not right else None


def first_wrong(kind: type[Loader], folder: Path) -> str | None:
    """The first step at which a loader's death shows in the sums, of the disk's and the warehouse's."""
    (folder / "catalog.toml").write_text(CUT_CATALOG)
    organisation = parse_organisation(ORGANISATION, folder)
    warehouse = open_embedded(folder / "warehouse")
    try:
        for disk_dies in (True, False):
            for step in range(1, MOST_STEPS):
                place = folder / f"{disk_dies}-{step}"
                right = dies_at(step, disk_dies, kind, place, organisation, warehouse)
                if right is None:
                    assert step > 2, "nothing died"
                    break
                if not right:
                    return f"{'disk' if disk_dies else 'warehouse'} step {step}"
            else:
                pytest.fail("there are more steps than this test tries")
    finally:
        warehouse.close()
    return None


def test_the_loader_itself_is_right_at_every_step(tmp_path: Path) -> None:
    """Dying at any step of disk or warehouse, with a carry to take over and late repeats, changes no number."""
    assert first_wrong(Loader, tmp_path) is None


@pytest.mark.parametrize("kind", [ForgetsIds, DoesNotRestore, RemovesFirst, NamesUnitsAtThePush, DropsTheCarry])
def test_a_planted_bug_is_caught(tmp_path: Path, kind: type[Loader]) -> None:
    """A loader with this bug is found out by the same harness."""
    assert first_wrong(kind, tmp_path) is not None
