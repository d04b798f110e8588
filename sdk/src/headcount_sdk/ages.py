"""The facts that follow from what a device knows of its own past. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from headcount_wire import days, limits
from headcount_wire.facts import WHOLE, Fact, First
from headcount_wire.report import Tally

from headcount_sdk.markers import Markers


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
