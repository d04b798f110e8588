"""All numbers of one release, family by family: which statistics a period says. Pure.

``docs/statistics.md`` has the formula of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache, partial

from headcount_wire.catalog import Catalog, Measure
from headcount_wire.facts import Kind

from headcount_aggregator.periods import ROLLING, Period, PeriodKind, period_of
from headcount_aggregator.release import (
    counts,
    funnels,
    new_people,
    people,
    quantiles,
    quantities,
    retention,
    wide_people,
)
from headcount_aggregator.release.block import Block
from headcount_aggregator.release.day_sums import Cells
from headcount_aggregator.release.family import Decision, Rule
from headcount_aggregator.release.instances import InstanceCells
from headcount_aggregator.release.new_people import Newcomers, NewPeople
from headcount_aggregator.release.people import Everyone
from headcount_aggregator.release.threshold import Threshold
from headcount_aggregator.release.wide_people import DayTold
from headcount_aggregator.released import NO_PEOPLE, Number, State

DAYS_KEPT, DAYS_OF_YEAR = 128, 366
"""Days of which it is kept what they tell of active people: a quarter; and while a year is sealed."""
DAYS_OF_WINDOW = 31


class Statistics:
    """What may be said of one app, by one rule. ``first`` is the app's first day.

    In an app of server-side instances the rule's devices are requests, from 20 up whatever the Customer's k.
    ``keeps``: of how many days it is kept what they tell of active people.
    """

    def __init__(self, catalog: Catalog, first: int, cells: Cells, rule: Rule, keeps: int = DAYS_KEPT) -> None:
        self._catalog = catalog
        self._first = first
        self._instances = catalog.instances
        self._cells: Cells = InstanceCells(cells, catalog) if catalog.instances else cells
        self._rule: Rule = Threshold(quantities.FROM) if catalog.instances else rule
        self._others = [measure for measure in catalog.measures.values() if measure.kind not in NO_PEOPLE]
        self._everyone_on = lru_cache(keeps)(self._everyone_of_day)
        # What frozen days tell, for the windows around them: of active people, of an app's first days by who is new,
        # and of a measure's people, by its code.
        self.people_told = lru_cache(keeps)(self._people_told)
        self.first_time_told = lru_cache(keeps)(self._first_time_told)
        self.measure_told = lru_cache(sum(m.reach for m in self._others) * DAYS_OF_WINDOW)(self._measure_told)
        if active := catalog.active:
            everyone = partial(self._everyone, active)
            self._cohort = NewPeople(active, first, cells, rule, everyone, self.people_told).of

    def of_day(self, day: int) -> Iterator[Number]:
        """The release of a day: the day, the windows that end on it, the retention that ends on it."""
        period = period_of(PeriodKind.DAY, day)
        everyone = None
        if self._catalog.active:
            everyone = self._everyone(self._catalog.active, period)
            yield from everyone.decision.numbers
            new = self._cohort(period)
            yield from self._new_and_returning(everyone, new, period)
            yield from retention.by_day(everyone, new, day, self._first, self._cells, self._rule, self._cohort)
        for kind in ROLLING:
            yield from self._window(period_of(kind, day))
        for measure in self._others:
            found = self._measure_on_day(measure, period, everyone)
            yield from map(quantities.few, found) if self._instances else found
        for measure in self._catalog.measures.values():
            if measure.kind is Kind.FUNNEL:
                yield from self._funnel(measure, day - funnels.days_open(measure))
            if measure.kind is Kind.QUANTITY:
                yield from quantities.of_day(measure, day, self._cells.day(day))

    def of_span(self, period: Period, blocks: Iterable[Block]) -> tuple[list[Number], list[Block]]:
        """The release of a week or longer, and the blocks it adds to those given."""
        numbers: list[Number] = []
        added: list[Block] = []
        if self._catalog.active:
            everyone = self._everyone(self._catalog.active, period)
            numbers += everyone.decision.numbers
            new = self._cohort(period)
            numbers += self._new_and_returning(everyone, new, period)
            if period.kind is PeriodKind.WEEK:
                numbers += retention.by_week(everyone, new, period, self._first, self._cells, self._rule, self._cohort)
            numbers += self._reach(period, everyone)
        known = list(blocks)
        for measure in self._others:
            if measure.kind in counts.COUNTED:
                found, more = counts.in_span(
                    measure, period, self._first, known, self._cells, self._rule, self._everyone_on
                )
                numbers += found
                added += more
            if measure.kind in quantiles.MEASURED and _short(period):
                numbers += quantiles.of_period(
                    measure,
                    period,
                    self._first,
                    self._cells,
                    self._rule,
                    None if self._instances else self._everyone_on,
                )
        return [quantities.few(n) for n in numbers] if self._instances else numbers, added

    def _everyone(self, active: Measure, period: Period) -> Everyone:
        if period.kind is PeriodKind.DAY:
            return people.everyone(active, period, self._cells, self._rule)
        days = range(max(period.first, self._first), period.last + 1)
        # Before its first day nobody was there: all people are new, and what tells of new ones by day tells of them.
        begins = period.first <= self._first
        told = self.first_time_told if begins else self.people_told
        new = wide_people.new_on(active, days, self._cells) if begins else None
        return wide_people.everyone(active, period, [told(day) for day in days], self._cells, self._rule, new)

    def _people_told(self, day: int) -> DayTold:
        found = self._everyone_on(day)
        assert found is not None
        return wide_people.told_on(found.decision, found.exact)

    def _first_time_told(self, day: int) -> DayTold:
        found = self._everyone_on(day)
        assert found is not None
        new = self._cohort(period_of(PeriodKind.DAY, day))
        return wide_people.with_total(
            self.people_told(day), wide_people.told_on(new.decision, (), found.decision), found.exact
        )

    def _measure_told(self, code: int, day: int) -> DayTold:
        measure, everyone = self._catalog.by_code[code], self._everyone_on(day)
        found = people.of_measure_on_day(measure, period_of(PeriodKind.DAY, day), everyone, self._cells, self._rule)
        return wide_people.told_on(found, people.codes_of(measure), everyone.decision if everyone else None)

    def _everyone_of_day(self, day: int) -> Everyone | None:
        active = self._catalog.active
        return self._everyone(active, period_of(PeriodKind.DAY, day)) if active else None

    def _new_and_returning(self, everyone: Everyone, new: Newcomers, period: Period) -> Iterator[Number]:
        yield from new.decision.numbers
        yield from new_people.returning(everyone, new, period, self._rule).numbers

    def _window(self, period: Period) -> Iterator[Number]:
        everyone = None
        if self._catalog.active:
            everyone = self._everyone(self._catalog.active, period)
            yield from everyone.decision.numbers
        yield from self._reach(period, everyone)

    def _reach(self, period: Period, everyone: Everyone | None) -> Iterator[Number]:
        """Gaps reach back 31 days, so measures have people over at most a month."""
        for measure in self._others:
            if measure.reach and _short(period):
                span = range(max(period.first, self._first), period.last + 1)
                if everyone is not None and period.first <= self._first and not all(map(self._new_told, span)):
                    yield wide_people.silent(measure, period)
                    continue
                days = [self.measure_told(measure.code, day) for day in span]
                all_did = everyone is not None and wide_people.are_all(days, [self.people_told(day) for day in span])
                found = wide_people.of_measure(
                    measure, period, everyone, days, self._cells, self._rule, as_around=all_did
                )
                yield from found.numbers

    def _new_told(self, day: int) -> bool:
        return self._cohort(period_of(PeriodKind.DAY, day)).decision.state is State.SHOWN

    def _funnel(self, funnel: Measure, day: int) -> Iterator[Number]:
        """A funnel's attempts of the day whose windows are over by now."""
        if day >= self._first:
            yield from funnels.of_day(funnel, day, self._cells.steps(day), self._everyone_on(day), self._rule)

    def _measure_on_day(self, measure: Measure, period: Period, everyone: Everyone | None) -> Iterator[Number]:
        found: Decision = people.of_measure_on_day(measure, period, everyone, self._cells, self._rule)
        if not self._instances:
            yield from found.numbers
            yield from people.by_label(measure, period, everyone, found, self._cells, self._rule)
        if measure.kind in counts.COUNTED:
            times = counts.on_day(measure, period.first, found, everyone, self._cells, self._rule)
            yield from times.numbers
            if found.state is State.SHOWN:
                yield from counts.splits_on_day(measure, period.first, times, self._cells, self._rule)
        if measure.kind in quantiles.MEASURED:
            yield from quantiles.of_period(
                measure, period, self._first, self._cells, self._rule, None if self._instances else self._everyone_on
            )


def _short(period: Period) -> bool:
    return period.last - period.first < 31
