"""What a rule shows of a population's numbers, held against the truth."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from headcount_aggregator.periods import Period, PeriodKind, period_of
from headcount_aggregator.release.block import Block
from headcount_aggregator.release.counts import blocks_of_day
from headcount_aggregator.release.dp import DiscreteGaussian, Ledger, budget_of
from headcount_aggregator.release.dp.noisy import Noisy
from headcount_aggregator.release.dp.releases import NoisyReleases, parts_of
from headcount_aggregator.release.dp.vectors import vector
from headcount_aggregator.release.dp.views import Axis, View, declared_views
from headcount_aggregator.release.period_numbers import Statistics
from headcount_aggregator.release.threshold import Threshold
from headcount_aggregator.released import Number, Statistic

from benchmarks.utility.population import ACTIVE, FIRST_DAY, JOINED, SHARED, SPAN, Population, catalog

Key = tuple[Statistic, int, int, int, str, str]
"""Statistic, measure, label, breakdown and values of one number."""

NAMES = {ACTIVE: "people", JOINED: "joins", SHARED: "people who shared"}
CUTS = {0: "whole", 8: "by system", 24: "by language", 40: "by version", 13: "by system and version"}


@dataclass
class Line:
    """One kind of number: how much of it is shown, and how far from the truth that is."""

    shown: int = 0
    true: int = 0
    shown_activity: int = 0
    activity: int = 0
    errors: list[float] = field(default_factory=list)

    @property
    def plain(self) -> dict[str, float | None]:
        """The line's figures: shares of numbers and of what they count, and the median relative error."""
        return {
            "numbers_shown": round(self.shown / self.true, 3) if self.true else None,
            "activity_shown": round(self.shown_activity / self.activity, 3) if self.activity else None,
            "relative_error": round(median(self.errors), 4) if self.errors else None,
        }


def rules() -> tuple[str, ...]:
    """The rules that are compared."""
    return ("threshold", "dp strict", "dp standard", "dp light")


def measure(population: Population, rule: str, seed: int) -> dict[str, Line]:
    """The lines of a rule."""
    released = _threshold(population) if rule == "threshold" else _noisy(population, rule.split()[1], seed)
    found: dict[str, Line] = defaultdict(Line)
    for period, numbers in released:
        shown = {_key(n): n.value for n in numbers if n.value is not None and n.period is period.kind}
        for key, true in _truth(population, period):
            line = found[_name(key, period.kind)]
            line.true += 1
            line.activity += true
            value = shown.get(key)
            if value is not None:
                line.shown += 1
                line.shown_activity += true
                line.errors.append(abs(value - true) / true)
    return dict(found)


def _periods() -> Iterator[Period]:
    for day in range(FIRST_DAY, FIRST_DAY + SPAN):
        yield period_of(PeriodKind.DAY, day)
    for day in range(FIRST_DAY, FIRST_DAY + SPAN, 7):
        yield period_of(PeriodKind.WEEK, day)
    yield period_of(PeriodKind.MONTH, FIRST_DAY)


def _threshold(population: Population) -> Iterator[tuple[Period, Iterable[Number]]]:
    statistics = Statistics(catalog(), FIRST_DAY - 60, population, Threshold(20))
    blocks: list[Block] = []
    for period in _periods():
        if period.kind is PeriodKind.DAY:
            numbers = list(statistics.of_day(period.first))
            blocks += blocks_of_day(numbers)
        else:
            numbers, added = statistics.of_span(period, [block for block in blocks if block.days[0] >= period.first])
            blocks += added if period.kind is PeriodKind.WEEK else []
        yield period, numbers


def _noisy(population: Population, preset: str, seed: int) -> Iterator[tuple[Period, Iterable[Number]]]:
    noise = DiscreteGaussian(random.Random(seed).randbytes)
    releases = NoisyReleases(catalog(), budget_of(catalog(), preset), FIRST_DAY - 60, population, noise)
    ledger = Ledger()
    kept: dict[Period, Sequence[Noisy]] = {}
    for period in _periods():
        release = releases.of_period(period, ledger, list(parts_of(period, lambda part: kept.get(part, ()))))
        for one in release.spent:
            ledger.record(one)
        kept[period] = release.noisy
        yield period, release.numbers


def _truth(population: Population, period: Period) -> Iterator[tuple[Key, int]]:
    """Every number of a period that is not zero."""
    for view in _views():
        kind = period.kind
        if view.statistic is Statistic.PEOPLE and view.kind is kind:
            yield from _exact(view, [period], population)
        elif view.statistic is Statistic.COUNT:
            days = [period_of(PeriodKind.DAY, day) for day in range(period.first, period.last + 1)]
            yield from _exact(view, days, population)


def _views() -> list[View]:
    wanted = (Statistic.PEOPLE, Statistic.COUNT)
    return [
        view
        for view in declared_views(catalog())
        if view.statistic in wanted and view.axis is Axis.VALUES and view.measure in NAMES
    ]


def _exact(view: View, periods: Iterable[Period], population: Population) -> Iterator[tuple[Key, int]]:
    sums: dict[Key, int] = defaultdict(int)
    for period in periods:
        domain, values = vector(view, period, catalog(), population)
        for place, n in zip(domain.places(), values, strict=True):
            if n:
                sums[view.statistic, view.measure, place.label, view.breakdown, place.value1, place.value2] += n
    yield from sums.items()


def _key(n: Number) -> Key:
    return n.statistic, n.measure, n.label, n.breakdown, n.value1, n.value2


def _name(key: Key, kind: PeriodKind) -> str:
    what = f"{NAMES[key[1]]}" if key[0] is Statistic.PEOPLE or key[1] == JOINED else ""
    if key[0] is Statistic.PEOPLE and key[1] == JOINED:
        what = "people who joined"
    return f"{what} a {kind.value}, {CUTS[key[3]]}"
