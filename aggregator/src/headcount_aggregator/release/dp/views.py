"""The views that are declared by a catalog: what noise is drawn for, and how much one device can change. Pure.

A view is one vector of numbers over a closed list of values, released for every period of a kind. One device
changes it by at most ``squared`` (the square of the L2 norm): caps bound what it adds to a day, and once-a-day facts
add one. What can be had from other released numbers is no view: a week's counts are its days', returning people are
people less new ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from math import isqrt

from headcount_wire.catalog import TOTAL, Catalog, Measure
from headcount_wire.facts import Fact, Kind

from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.release.quantiles import MEASURED
from headcount_aggregator.released import NO_PEOPLE, Statistic

CHANGE_MOST = 1_000
"""The most one device may change a view by: noise for more would leave nothing to see, so there is no such view."""


class Axis(StrEnum):
    """What the numbers of a view are told apart by: nothing or values of a breakdown, labels, or slots."""

    VALUES = "values"
    LABELS = "labels"
    SLOTS = "slots"


class Share(StrEnum):
    """Which part of the budget a view is paid from."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


TOUCHED = {
    PeriodKind.DAY: 31,
    PeriodKind.WEEK: 6,
    PeriodKind.ROLLING_28: 9,
    PeriodKind.MONTH: 1,
    PeriodKind.QUARTER: 1,
    PeriodKind.YEAR: 1,
}
"""How many periods of a kind the days of one calendar month can lie in; windows of 28 days end on Sundays only."""


@dataclass(frozen=True, slots=True)
class View:
    """One view. ``once``: a device is in it on one day of its life only, so that its days cost as much as one."""

    statistic: Statistic
    kind: PeriodKind
    measure: int
    purpose: str
    share: Share
    squared: int
    breakdown: int = TOTAL
    axis: Axis = Axis.VALUES
    once: bool = False

    @property
    def name(self) -> str:
        """The name in a ledger."""
        return f"{self.statistic}/{self.kind}/{self.measure}/{self.breakdown}/{self.axis}"

    @property
    def touched(self) -> int:
        """How many releases of it the days of one device in one calendar month can change."""
        return 1 if self.once else TOUCHED[self.kind]


def declared_views(catalog: Catalog) -> tuple[View, ...]:
    """Every view of a catalog, in a fixed order. Server-side instances are no people: they have none."""
    if catalog.instances:
        return ()
    measures = sorted(catalog.measures.values(), key=lambda measure: measure.code)
    found = [view for measure in measures for view in _of_measure(measure)]
    return tuple(view for view in found if isqrt(view.squared - 1) + 1 <= CHANGE_MOST)


def _of_measure(measure: Measure) -> Iterator[View]:
    if measure.kind is Kind.ACTIVE:
        yield from _of_active(measure)
    elif measure.kind is Kind.FUNNEL:
        yield _view(Statistic.FUNNEL, PeriodKind.DAY, measure, Share.DAY, axis=Axis.SLOTS)
        yield from _cuts(Statistic.FUNNEL, PeriodKind.DAY, measure, Share.DAY, axis=Axis.SLOTS)
    elif measure.kind not in NO_PEOPLE:
        yield _view(Statistic.PEOPLE, PeriodKind.DAY, measure, Share.DAY)
        if measure.kind is Kind.FLAG:
            yield from _cuts(Statistic.PEOPLE, PeriodKind.DAY, measure, Share.DAY)
        else:
            yield from _of_counts(measure)
        if measure.reach:
            for kind, share in ((PeriodKind.WEEK, Share.WEEK), (PeriodKind.MONTH, Share.MONTH)):
                yield _view(Statistic.PEOPLE, kind, measure, share)
                yield from _cuts(Statistic.PEOPLE, kind, measure, share)


def _of_active(active: Measure) -> Iterator[View]:
    for kind, share in (
        (PeriodKind.DAY, Share.DAY),
        (PeriodKind.WEEK, Share.WEEK),
        (PeriodKind.MONTH, Share.MONTH),
    ):
        yield _view(Statistic.PEOPLE, kind, active, share)
        yield from _cuts(Statistic.PEOPLE, kind, active, share)
    yield _view(Statistic.PEOPLE, PeriodKind.ROLLING_28, active, Share.WEEK)
    yield _view(Statistic.PEOPLE, PeriodKind.QUARTER, active, Share.MONTH)
    yield _view(Statistic.PEOPLE, PeriodKind.YEAR, active, Share.MONTH)
    yield _view(Statistic.RETENTION_WEEK, PeriodKind.WEEK, active, Share.WEEK, axis=Axis.SLOTS)
    yield _view(Statistic.NEW_PEOPLE, PeriodKind.DAY, active, Share.MONTH, once=True)
    yield from _cuts(Statistic.NEW_PEOPLE, PeriodKind.DAY, active, Share.MONTH, once=True, one_dimension=True)


def _of_counts(measure: Measure) -> Iterator[View]:
    """Counts are told by day: a week's sum of seven days has less noise than a view of the week would."""
    squared = measure.cap * measure.cap
    yield _view(Statistic.COUNT, PeriodKind.DAY, measure, Share.DAY, squared=squared)
    if measure.label:
        yield _view(Statistic.COUNT, PeriodKind.DAY, measure, Share.DAY, squared=squared, axis=Axis.LABELS)
    yield from _cuts(Statistic.COUNT, PeriodKind.DAY, measure, Share.DAY, squared=squared)
    for fact, statistic in (
        (Fact.SEVERITY, Statistic.SEVERITY),
        (Fact.SCREEN, Statistic.PROBLEM_SCREEN),
        (Fact.MOVE, Statistic.MOVES),
    ):
        if fact in measure.facts:
            yield _view(statistic, PeriodKind.DAY, measure, Share.DAY, squared=squared, axis=Axis.SLOTS)
    if measure.kind in MEASURED:
        week = 49 * squared  # seven days, each with the cap, all in one bucket
        yield _view(Statistic.QUANTILE, PeriodKind.WEEK, measure, Share.WEEK, squared=week, axis=Axis.SLOTS)


def _view(
    statistic: Statistic,
    kind: PeriodKind,
    measure: Measure,
    share: Share,
    *,
    squared: int = 1,
    breakdown: int = TOTAL,
    axis: Axis = Axis.VALUES,
    once: bool = False,
) -> View:
    return View(statistic, kind, measure.code, measure.purpose, share, squared, breakdown, axis, once)


def _cuts(
    statistic: Statistic,
    kind: PeriodKind,
    measure: Measure,
    share: Share,
    *,
    squared: int = 1,
    axis: Axis = Axis.VALUES,
    once: bool = False,
    one_dimension: bool = False,
) -> Iterator[View]:
    for breakdown in measure.breakdowns:
        if breakdown.second is None or not one_dimension:
            yield _view(
                statistic, kind, measure, share, squared=squared, breakdown=breakdown.code, axis=axis, once=once
            )
