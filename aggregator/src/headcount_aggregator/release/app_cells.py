"""One app's cells as the statistics are given them: read by day or by span, each as seldom as can be."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence

from headcount_wire.catalog import TOTAL
from headcount_wire.facts import Fact
from headcount_wire.segment import Stream

from headcount_aggregator.cells import PLACE, Cell, CellQuery, CellReader, Column, Span
from headcount_aggregator.release.day_sums import DaySums, Key

DAYS_KEPT = 45
"""On-time days kept in memory: a month and the days that are still open."""

SUMS_AT_ONCE = 2_000_000
"""Sums of on-time days kept while periods are sealed, some 160 bytes each: a year asks each measure for its days."""

SPANS_KEPT = 8

_BY: tuple[Column, ...] = (*PLACE, "value1", "value2")
_ADD_OVER_DAYS = (int(Fact.FIRST), int(Fact.AGE), int(Fact.WEEK_AGE))


class AppCells:
    """The cells of one Customer's app; ``begin`` lets go of what may have grown."""

    def __init__(self, reader: CellReader, span: Span, stream: Stream = Stream.LIVE) -> None:
        self._reader = reader
        self._app = span
        self._stream = stream
        self._days: OrderedDict[int, DaySums] = OrderedDict()
        self._held = 0
        self._keys: dict[Key, Key] = {}
        self._spans: OrderedDict[tuple[int, int], DaySums] = OrderedDict()
        self._late: tuple[int, int, Mapping[int, DaySums]] = (0, -1, {})
        self._late_steps: Mapping[int, Sequence[Cell]] | None = None

    def day(self, day: int) -> DaySums:
        """The on-time sums of a day; frozen days are read once."""
        if day < self._app.first:
            return DaySums()
        found = self._days.get(day)
        if found is None:
            keys = self._keys if len(self._days) >= DAYS_KEPT else None
            found = DaySums.of_values(self._reader.by_value(self._query(day, day, PLACE, late=0)), keys)
            self._days[day] = found
            self._held += found.size
            self._keep(1, SUMS_AT_ONCE)
        return found

    def span(self, first: int, last: int) -> DaySums:
        """The on-time sums of all days together, of the facts of active people that add over days."""
        found = self._spans.get((first, last))
        if found is None:
            asked = self._query(first, last, PLACE, late=0, facts=_ADD_OVER_DAYS)
            found = self._spans[first, last] = DaySums.of_values(self._reader.by_value(asked))
            while len(self._spans) > SPANS_KEPT:
                self._spans.popitem(last=False)
        return found

    def late(self, first: int, last: int) -> Mapping[int, DaySums]:
        """What came after its day was frozen, by day, as it is now."""
        if not (self._late[0] <= first and last <= self._late[1]):
            asked = self._query(first, last, ("day", *_BY), late=1, breakdowns=(TOTAL,))
            by_day = _by_day(self._reader.sums(asked))
            self._late = (first, last, {day: DaySums(found) for day, found in by_day.items()})
            self._late_steps = None
        return {day: sums for day, sums in self._late[2].items() if first <= day <= last}

    def steps(self, day: int) -> DaySums:
        """How far funnels came that were entered on a day: all that came until now, on time and late."""
        first, last, _ = self._late
        if not first <= day <= last:
            self.late(day, day)
        if self._late_steps is None:
            asked = self._query(*self._late[:2], ("day", *_BY), late=1, facts=(int(Fact.STEP),))
            self._late_steps = _by_day(self._reader.sums(asked))
        return self.day(day).with_more(Fact.STEP, self._late_steps.get(day, ()))

    def begin(self, first: int, last: int, through: int) -> None:
        """Begin to look at an app again, with the late cells of a span of days, as they are now.

        Of what was read before, only days up to ``through``, the newest sealed one, are kept: a provisional
        total has read the others while they were still filling.
        """
        for day in [day for day in self._days if day > through]:
            self._held -= self._days.pop(day).size
        for span in [span for span in self._spans if span[1] > through]:
            del self._spans[span]
        self._late = (0, -1, {})
        self.late(first, last)

    def rest(self) -> None:
        """Let go of days that only a wide period needed."""
        self._keep(DAYS_KEPT, -1)
        self._keys = {}

    def _keep(self, days: int, sums: int) -> None:
        """Let go of the days that were read first, down to so many, or to so many sums of all."""
        while len(self._days) > days and self._held > sums:
            self._held -= self._days.popitem(last=False)[1].size

    def _query(
        self,
        first: int,
        last: int,
        by: tuple[Column, ...],
        *,
        late: int,
        facts: tuple[int, ...] | None = None,
        breakdowns: tuple[int, ...] | None = None,
    ) -> CellQuery:
        return CellQuery(
            first,
            last,
            by,
            customers=(self._app.customer,),
            apps=(self._app.app,),
            facts=facts,
            breakdowns=breakdowns,
            late=late,
            stream=self._stream,
        )


def _by_day(rows: Sequence[Cell]) -> dict[int, list[Cell]]:
    found: dict[int, list[Cell]] = {}
    for row in rows:
        found.setdefault(row.day, []).append(row)
    return found
