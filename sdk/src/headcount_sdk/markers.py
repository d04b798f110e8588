"""What the device knows of its own past, and the facts that follow from it. Pure.

A marker is the last day of a measure that the server has acknowledged. Gap, age and first-in-
period facts are made when a report is sealed, day after day, relative to the markers; they move
only when the report is acknowledged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from headcount_wire import days, limits
from headcount_wire.facts import WHOLE, Fact, First
from headcount_wire.report import Tally

Context = tuple[tuple[str, str], ...]
"""Context fields as sorted ``(name, value)`` pairs."""


@dataclass(slots=True)
class Markers:
    """``last``: each measure's last acknowledged day. ``first_use``: the day of first use."""

    last: dict[int, int] = field(default_factory=dict)
    first_use: int | None = None
    origin: Context = ()

    def copy(self) -> Markers:
        """A copy to work ahead on while a report is sealed."""
        return Markers(dict(self.last), self.first_use, self.origin)

    def advance(self, measure: int, day: int) -> None:
        """The server has this day of the measure."""
        self.last[measure] = max(day, self.last.get(measure, day))

    def forget_after(self, day: int) -> bool:
        """Reset what lies after a day, which a wrong clock must have made; whether anything did."""
        ahead = [measure for measure, last in self.last.items() if last > day]
        for measure in ahead:
            del self.last[measure]
        wrong_start = self.first_use is not None and self.first_use > day
        if wrong_start:
            self.first_use = None
        return bool(ahead) or wrong_start


def gap_fact(markers: Markers, measure: int, day: int) -> Tally:
    """Days since the measure's last acknowledged day; 31 also for never."""
    last = markers.last.get(measure)
    gap = limits.GAP_MAX_DAYS if last is None else min(limits.GAP_MAX_DAYS, max(1, day - last))
    return Tally(measure, WHOLE, Fact.GAP, gap, 1)


def active_facts(markers: Markers, measure: int, day: int) -> Iterator[Tally]:
    """All facts of an active day: gap, age, first in week, month, quarter, year, age in weeks."""
    yield gap_fact(markers, measure, day)
    first_use = day if markers.first_use is None else min(markers.first_use, day)
    yield Tally(measure, WHOLE, Fact.AGE, min(limits.AGE_MAX_DAYS, day - first_use), 1)
    last = markers.last.get(measure)
    for first, start in (
        (First.WEEK, days.week_start(day)),
        (First.MONTH, days.month_start(day)),
        (First.QUARTER, days.quarter_start(day)),
        (First.YEAR, days.year_start(day)),
    ):
        if last is None or last < start:
            yield Tally(measure, WHOLE, Fact.FIRST, first, 1)
    if last is None or last < days.week_start(day):
        weeks = min(limits.WEEK_AGE_MAX, days.weeks_between(first_use, day))
        yield Tally(measure, WHOLE, Fact.WEEK_AGE, weeks, 1)
