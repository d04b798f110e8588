"""One release under noise: which views are due, may be paid for, and what is told of them.

The path of a number: ``vector`` (exact) -> ``Noise`` -> ``kept`` -> a draft on the disk -> ``numbers_of``. Noise is
drawn once: what is in a draft is what is sealed, whatever happens in between.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from headcount_wire import days
from headcount_wire.catalog import TOTAL, Catalog

from headcount_aggregator.periods import Period, PeriodKind, period_of
from headcount_aggregator.release import funnels, quantities
from headcount_aggregator.release.day_sums import Cells
from headcount_aggregator.release.dp.budget import Budget, Planned
from headcount_aggregator.release.dp.ledger import Ledger, Spending
from headcount_aggregator.release.dp.noise import Noise
from headcount_aggregator.release.dp.noisy import Noisy, added
from headcount_aggregator.release.dp.told import all_numbers, kept, refused, returning_people
from headcount_aggregator.release.dp.vectors import vector
from headcount_aggregator.released import Number, Statistic

ADDING = frozenset(
    {
        Statistic.COUNT,
        Statistic.NEW_PEOPLE,
        Statistic.MOVES,
        Statistic.SEVERITY,
        Statistic.PROBLEM_SCREEN,
    }
)
"""What is told by day, so that a wider period is the sum of what was told of its days."""

PARTS = {PeriodKind.QUARTER: PeriodKind.MONTH, PeriodKind.YEAR: PeriodKind.QUARTER}
"""What a wider period is added up of; all others of days."""


@dataclass(frozen=True)
class Release:
    """All of one release: what is shown, what is kept for wider ones, and what it cost."""

    numbers: Sequence[Number]
    noisy: Sequence[Noisy]
    spent: Sequence[Spending]

    @property
    def plain(self) -> dict[str, Any]:
        """What stands in a sealed file beside the numbers."""
        return {"noisy": [one.plain for one in self.noisy], "spent": [one.plain for one in self.spent]}


class NoisyReleases:
    """The releases of one app, or of one scope whose cells are given as an app's are."""

    def __init__(self, catalog: Catalog, budget: Budget, first: int, cells: Cells, noise: Noise) -> None:
        self._catalog = catalog
        self._budget = budget
        self._first = first
        self._cells = cells
        self._noise = noise

    def of_period(self, period: Period, ledger: Ledger, earlier: Iterable[Noisy]) -> Release:
        """Draw the release of a period. ``earlier``: what was told of the days in it, for sums.

        The ledger is asked and not written: that is for who has sealed the release.
        """
        spent: list[Spending] = []
        noisy: list[Noisy] = []
        numbers: list[Number] = []
        trial = ledger.copy()
        for planned, over in self._due(period):
            spending = _spending(planned, over)
            if not trial.allows(spending, self._budget.rho):
                view = planned.view
                numbers.append(refused(view.statistic, over, view.measure, view.breakdown))
                continue
            trial.record(spending)
            spent.append(spending)
            noisy.append(self._drawn(planned, over))
        if period.kind is not PeriodKind.DAY:
            noisy += added(period.kind, period.first, period.last, earlier)
        numbers += (number for number in all_numbers(noisy) if number.last >= self._first)
        numbers += self._returning(noisy)
        numbers += self._quantities(period)
        return Release(numbers, noisy, spent)

    def _due(self, period: Period) -> Iterator[tuple[Planned, Period]]:
        """The views that a release holds, each with the period it is of."""
        for planned in self._budget.planned:
            view = planned.view
            if view.kind is period.kind:
                over = period
                if view.statistic is Statistic.FUNNEL:
                    over = period_of(PeriodKind.DAY, period.first - self._window(view.measure))
                if over.last >= self._first:
                    yield planned, over
            elif view.kind is PeriodKind.ROLLING_28 and _ends_a_week(period):
                yield planned, period_of(PeriodKind.ROLLING_28, period.last)

    def _window(self, funnel: int) -> int:
        return funnels.days_open(self._catalog.by_code[funnel])

    def _drawn(self, planned: Planned, over: Period) -> Noisy:
        view = planned.view
        domain, exact = vector(view, over, self._catalog, self._cells)
        noise = self._noise.draw(planned.scale, len(exact))
        return kept(
            Noisy(
                view.statistic,
                over.kind,
                over.first,
                over.last,
                view.measure,
                view.breakdown,
                domain,
                [n + more for n, more in zip(exact, noise, strict=True)],
                planned.scale**2,
                math.isqrt(view.squared),
                over.last - over.first + 1,
            )
        )

    def _returning(self, noisy: Sequence[Noisy]) -> Iterator[Number]:
        totals = {(one.statistic, one.kind, one.measure): one for one in noisy if one.breakdown == TOTAL}
        for (statistic, kind, measure), everyone in totals.items():
            new = totals.get((Statistic.NEW_PEOPLE, kind, measure))
            if statistic is Statistic.PEOPLE and new is not None:
                yield returning_people(everyone, new)

    def _quantities(self, period: Period) -> Iterator[Number]:
        """Server-side instances are no devices: their quantities have a rule of their own, and no noise."""
        if period.kind is PeriodKind.DAY:
            for measure in self._catalog.measures.values():
                if measure.kind is quantities.KIND:
                    yield from quantities.of_day(measure, period.first, self._cells.day(period.first))


def parts_of(period: Period, noisy_in: Callable[[Period], Iterable[Noisy]]) -> Iterator[Noisy]:
    """What wider sums are made of: what was told of the days, months or quarters of a period.

    ``noisy_in`` gives what a sealed release keeps; nothing for one that is not there, or was not under noise.
    """
    kind = PARTS.get(period.kind, PeriodKind.DAY)
    part = period_of(kind, period.first)
    while part.first <= period.last:
        yield from (one for one in noisy_in(part) if one.statistic in ADDING and one.kind is kind)
        part = period_of(kind, part.last + 1)


def _ends_a_week(period: Period) -> bool:
    return period.kind is PeriodKind.DAY and days.week_start(period.first) + 6 == period.first


def _spending(planned: Planned, over: Period) -> Spending:
    view = planned.view
    return Spending(view.purpose, view.name, over.first, over.last, view.squared, planned.scale, view.once)
