"""Provisional totals of periods that are still open: whole measures only, whole tens, never below k. Pure.

A wide count is the sum of what is said of its days already, sealed or provisional: it tells nothing that
they do not, least of all of a day that is hidden.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from headcount_wire.catalog import TOTAL, Catalog, Measure
from headcount_wire.facts import Fact

from headcount_aggregator.periods import Period, PeriodKind, period_of
from headcount_aggregator.release import counts, people, wide_people
from headcount_aggregator.release.block import Block
from headcount_aggregator.release.day_sums import Cells, Sums, whole
from headcount_aggregator.release.family import Decision, Family, Part, Rule
from headcount_aggregator.release.people import Everyone
from headcount_aggregator.release.period_numbers import Statistics
from headcount_aggregator.release.threshold import number_of
from headcount_aggregator.release.wide_people import WHOLE_PLACE, DayTold
from headcount_aggregator.released import NO_PEOPLE, Number, State, Statistic

TENS = 10


class Provisional:
    """What is said of one app's open periods. ``first`` is its first day, ``open_days`` those not sealed yet.

    ``sealed`` tells what the sealed days tell.
    """

    def __init__(
        self, catalog: Catalog, first: int, open_days: Collection[int], cells: Cells, rule: Rule, sealed: Statistics
    ) -> None:
        self._sealed = sealed
        self._catalog = catalog
        self._first = first
        self._cells = cells
        self._rule = rule
        self._open: dict[tuple[int, int], DayTold] = {}
        self._days = {day: list(self._of_day(period_of(PeriodKind.DAY, day))) for day in sorted(open_days)}

    def of_period(self, period: Period, blocks: Iterable[Block]) -> Iterator[Number]:
        """People and counts of an open period, rounded down. Hidden ones are said too, with the reason.

        ``blocks`` are those of the sealed counts that touch the period.
        """
        if period.kind is PeriodKind.DAY:
            yield from self._days[period.first]
            return
        everyone = self._everyone_in(period)
        if everyone:
            yield self._total(everyone.decision)
        inside = [b for b in blocks if period.first <= b.days[0] and b.days[-1] <= period.last]
        for measure in self._others():
            if measure.reach and everyone and period.first <= self._first:
                yield replace(wide_people.silent(measure, period), provisional=True)
            elif measure.reach:
                days = [self._measure_told(measure, day) for day in self._span(period)]
                found = wide_people.of_measure(
                    measure, period, everyone, days, self._cells, self._rule, as_around=self._all_did(days, period)
                )
                yield self._total(found)
            if measure.kind in counts.COUNTED:
                yield self._sum(measure, period, [block for block in inside if block.measure == measure.code])

    def _of_day(self, period: Period) -> Iterator[Number]:
        everyone = self._everyone(period)
        if everyone:
            yield self._people(everyone.measure, period.first, everyone.decision, None)
        for measure in self._others():
            found = people.of_measure_on_day(measure, period, everyone, self._cells, self._rule)
            yield self._people(measure, period.first, found, everyone)
            if measure.kind in counts.COUNTED:
                yield self._total(counts.on_day(measure, period.first, found, everyone, self._cells, self._rule))

    def _sum(self, measure: Measure, period: Period, blocks: list[Block]) -> Number:
        """The count of an open week or month: its blocks, and its open days as they are said themselves."""
        span = range(max(self._first, period.first), period.last + 1)
        said = [
            number.value
            for day, numbers in self._days.items()
            for number in numbers
            if day in span and number.statistic is Statistic.COUNT and number.measure == measure.code and number.value
        ]
        covered = {day for block in blocks for day in block.days}
        sealed = [day for day in span if day not in self._days and day < max(self._days, default=0)]
        known = sum(said) + sum(block.total for block in blocks)
        state = State.SHOWN if known else State.FEWER_THAN_K
        number = number_of(Family(Statistic.COUNT, period, measure.code, Part(0, 0)), state, Part(known, 0))
        left_out = sum(day not in covered for day in sealed)
        return replace(self._rounded(number, known), left_out=left_out)

    def _everyone_in(self, period: Period) -> Everyone | None:
        """All active people of an open week or month, told by what is told of its days so far."""
        active = self._catalog.active
        if active is None:
            return None
        days = [self._people_told(active, period, day) for day in self._span(period)]
        begins = period.first <= self._first
        if begins:
            days = [self._with_new(active, day, told) for day, told in zip(self._span(period), days, strict=True)]
        new = wide_people.new_on(active, self._span(period), self._cells) if begins else None
        return wide_people.everyone(active, period, days, self._cells, self._rule, new, open_days=True)

    def _with_new(self, active: Measure, day: int, told: DayTold) -> DayTold:
        """What an open day tells in the app's first periods: nothing, where its new people are hidden."""
        if day not in self._days:
            return told
        new, everybody = (whole(sums) for sums in self._new_and_all(active, day))
        part = Part(new, new, (everybody - new,))
        return told if self._rule.state_of(part, subset=True) is State.SHOWN else DayTold({}, frozenset({TOTAL}))

    def _new_and_all(self, active: Measure, day: int) -> tuple[Sums, Sums]:
        today = self._cells.day(day)
        return today.of(active.code, Fact.AGE), today.reaching(active.code, 0)

    def _span(self, period: Period) -> range:
        return range(max(self._first, period.first), min(period.last, max(self._days, default=0)) + 1)

    def _people_told(self, active: Measure, period: Period, day: int) -> DayTold:
        if day in self._days:
            return self._open[active.code, day]
        return self._sealed.first_time_told(day) if period.first <= self._first else self._sealed.people_told(day)

    def _all_did(self, days: Sequence[DayTold], period: Period) -> bool:
        active = self._catalog.active
        if active is None:
            return False
        told = [
            self._open[active.code, day] if day in self._days else self._sealed.people_told(day)
            for day in self._span(period)
        ]
        return wide_people.are_all(days, told)

    def _measure_told(self, measure: Measure, day: int) -> DayTold:
        return self._open[measure.code, day] if day in self._days else self._sealed.measure_told(measure.code, day)

    def _everyone(self, period: Period) -> Everyone | None:
        active = self._catalog.active
        return people.everyone(active, period, self._cells, self._rule) if active else None

    def _others(self) -> Iterator[Measure]:
        yield from (measure for measure in self._catalog.measures.values() if measure.kind not in NO_PEOPLE)

    def _people(self, measure: Measure, day: int, decision: Decision, around: Everyone | None) -> Number:
        number = self._total(decision)
        off = decision.exact - number.value if number.value is not None else 0
        near = number.value
        if decision.state is State.FEW_ON_A_SIDE and around is not None:
            # Of up to 29 people, or 39, half: as near to either side.
            near = (self._total(around.decision).value or 0) // 2 + TENS // 2
        values = {} if near is None else {WHOLE_PLACE: near}
        hidden = number.value is None
        self._open[measure.code, day] = DayTold(values, frozenset({TOTAL} if hidden else ()), off, about=hidden)
        return number

    def _total(self, decision: Decision) -> Number:
        number = decision.numbers[0]
        if number.state is State.SHOWN and not decision.exact:
            number = replace(number, state=State.FEWER_THAN_K)
        return self._rounded(number, decision.exact)

    def _rounded(self, number: Number, exact: int) -> Number:
        shown = number.state is State.SHOWN
        value = max(self._rule.k, exact // TENS * TENS) if shown else None
        return replace(number, value=value, rounding=TENS, provisional=True)
