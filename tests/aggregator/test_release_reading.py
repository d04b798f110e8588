"""How often the release layer reads a day: once, also for a year; where it keeps fewer days, it says the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from headcount_aggregator.cells import Cell, CellQuery, ValueSums
from headcount_aggregator.release import app_cells
from headcount_aggregator.release.run import Releaser
from headcount_wire import days

from tests.aggregator.world import FIRST_DAY, Use, World
from tests.attacks.memory_cells import MemoryCells
from tests.attacks.refreshing import organisation

LAST_DAY = days.parse("2026-12-31")


class Counting(MemoryCells):
    """Counts how often a day was read."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        super().__init__(cells)
        self.read: Counter[int] = Counter()

    def by_value(self, query: CellQuery) -> Sequence[ValueSums]:
        """The sums of a query by their values."""
        if query.first == query.last:
            self.read[query.first] += 1
        return super().by_value(query)


@pytest.fixture(scope="module")
def cells() -> list[Cell]:
    """A year in which 24 people are there each day, and so few join a meeting that no day says so by itself."""
    uses = [
        Use(device, day, "ios" if device % 2 else "android", "1.0", {2: 1} if device < 2 else {}, device < 3, ())
        for day in range(FIRST_DAY, LAST_DAY + 1)
        for device in range(24)
    ]
    return World(uses).cells


def sealed(folder: Path, reader: MemoryCells) -> dict[str, bytes]:
    Releaser(folder, reader).release_due(organisation(folder.parent), LAST_DAY + 20)
    return {path.name: path.read_bytes() for path in (folder / "1-1").glob("*.json")}


def test_a_year_reads_each_of_its_days_once(tmp_path: Path, cells: list[Cell], monkeypatch: pytest.MonkeyPatch) -> None:
    """All periods of a year are sealed of days that were read once; where fewer are kept, of the same numbers."""
    reader = Counting(cells)
    found = sealed(tmp_path / "kept", reader)
    assert any(f"-year-{days.parse('2026-01-01')}-" in name for name in found)
    assert {day: times for day, times in reader.read.items() if FIRST_DAY <= day <= LAST_DAY and times > 1} == {}
    assert len(reader.read) > 350
    monkeypatch.setattr(app_cells, "SUMS_AT_ONCE", 2_000)
    again = Counting(cells)
    assert sealed(tmp_path / "few", again) == found
    assert max(again.read.values()) > 1
