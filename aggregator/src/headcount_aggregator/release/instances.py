"""Apps of server-side instances: their counts are of requests, so requests stand behind them. Pure.

The rules for counts ask how many devices stand behind a number. Of an instance's counts that is how many
requests: all of them shown from 20 up, in groups of 20, and the days of a week in the same blocks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from headcount_wire.catalog import TOTAL, Catalog
from headcount_wire.facts import WHOLE, Fact

from headcount_aggregator.release.day_sums import Cells, DaySums, Key, Sums


class Requests(DaySums):
    """A day's sums whose devices are requests."""

    def __init__(self, sums: DaySums, catalog: Catalog) -> None:
        super().__init__(())
        self._of = sums
        self._catalog = catalog

    def of(self, measure: int, fact: Fact, slot: int = 0, breakdown: int = TOTAL, label: int = WHOLE) -> Sums:
        """The sums of one fact and slot, by value."""
        return self._of.of(measure, fact, slot, breakdown, label)

    def slots(self, measure: int, fact: Fact, breakdown: int = TOTAL, label: int = WHOLE) -> Mapping[int, Sums]:
        """The sums of one fact, by slot and value."""
        return self._of.slots(measure, fact, breakdown, label)

    def devices(self, measure: int, breakdown: int = TOTAL, label: int = WHOLE, *, active: bool = False) -> Sums:
        """Requests on this day, by value."""
        declared = self._catalog.by_code.get(measure)
        if declared is None or active:
            return {}
        found: Counter[Key] = Counter()
        for one in (declared.label_codes or (WHOLE,)) if label == WHOLE else (label,):
            for fact in (Fact.COUNT, Fact.BUCKET):
                for sums in self.slots(measure, fact, breakdown, one).values():
                    found.update(sums)
        return found


class InstanceCells:
    """An app's cells, each day's devices being its requests."""

    def __init__(self, cells: Cells, catalog: Catalog) -> None:
        self._cells = cells
        self._catalog = catalog

    def day(self, day: int) -> DaySums:
        """The on-time sums of a day."""
        return Requests(self._cells.day(day), self._catalog)

    def span(self, first: int, last: int) -> DaySums:
        """The on-time sums of all days of a span together."""
        return Requests(self._cells.span(first, last), self._catalog)

    def late(self, first: int, last: int) -> Mapping[int, DaySums]:
        """What came after its day was frozen, by day."""
        return {day: Requests(sums, self._catalog) for day, sums in self._cells.late(first, last).items()}

    def steps(self, day: int) -> DaySums:
        """Instances have no funnels."""
        return DaySums(())
