"""A warehouse with something in it: some days loaded, the older ones rolled up."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from headcount_aggregator.cell_reader import WarehouseCells
from headcount_aggregator.cells import CellQuery
from headcount_aggregator.load.loader import Loader
from headcount_aggregator.warehouse import Warehouse
from headcount_wire.clock import ManualClock
from headcount_wire.organisation import load_organisation
from headcount_wire.segment import Stream

from tests.aggregator.conftest import CUT_CATALOG, ORGANISATION, TODAY, Spooled, record_of, spool

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


def totals(warehouse: Warehouse) -> Counter[tuple[int, int, int, int, int]]:
    """Every live total."""
    rows = WarehouseCells(warehouse).sums(CellQuery(0, 65_000, ("day", "measure", "label", "fact", "slot")))
    return Counter({(row.day, row.measure, row.label, row.fact, row.slot): row.n for row in rows})


@dataclass
class House:
    """A data folder with its organisation, a clock, and what was spooled into it."""

    data: Path
    clock: ManualClock
    count: Spooled
    draw: random.Random

    def loader(self, warehouse: Warehouse) -> Loader:
        """A loader of this folder."""
        organisation = load_organisation(self.organisation)
        return Loader(self.data / "spool", self.data / "units", organisation, warehouse, self.clock)

    @property
    def organisation(self) -> Path:
        """The organisation file."""
        return self.data.parent / "organisation.toml"

    def arrive(self, reports: int = 30, stream: Stream = Stream.LIVE) -> None:
        """Some reports of today, and of the day before, in two workers' spools."""
        today = int(self.clock.now() // DAY)
        for back in range(2):
            records = [(self.draw.randbytes(16), record_of(self.draw, today - back, stream)) for _ in range(reports)]
            spool(self.data / "spool", records, f"w{back}", count=self.count if stream is Stream.LIVE else Spooled())


def make_house(folder: Path, seed: int = 1) -> House:
    """An empty house in a folder."""
    (folder / "data/units").mkdir(parents=True)
    (folder / "data/spool").mkdir()
    (folder / "catalog.toml").write_text(CUT_CATALOG)
    (folder / "organisation.toml").write_text(ORGANISATION)
    return House(folder / "data", ManualClock(TODAY * DAY + 43_200.0), Spooled(), random.Random(seed))


def fill(house: House, warehouse: Warehouse, days: int = 3) -> None:
    """Load some days, and roll up all but the last; with debug data, and something still in the spool."""
    with closing(house.loader(warehouse)) as loader:
        for day in range(days):
            if day:
                house.clock.advance(DAY)
            house.arrive()
            house.arrive(2, Stream.DEBUG)
            loader.load_once()
            loader.compact()
