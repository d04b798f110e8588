"""New people: a cohort, of a day or of a wider period, and beside them those who return. Pure.

A device is new on one day only, so a wide number minus its days would be what is new on a hidden one.
A wide number is therefore of the days that are shown, and of hidden ones only where together they are
a *block*: at least k new devices, with k others around them on one of the days. The hidden days of a
week are gathered within a month, what is left of them over the month, then the quarter, then the year:
blocks lie in each other or apart. What is in no block counts with the middle of what can be told of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from headcount_wire.catalog import TOTAL, Measure
from headcount_wire.facts import Fact

from headcount_aggregator.periods import Period, PeriodKind, period_of
from headcount_aggregator.release.day_sums import WHOLE_KEY, Cells, Sums, whole
from headcount_aggregator.release.family import Decision, Family, Part, Rule, sides_told_from
from headcount_aggregator.release.people import TENS, Everyone, Exact, codes_of, exact, family, step_of
from headcount_aggregator.release.threshold import number_of
from headcount_aggregator.release.wide_people import DayTold, cuts
from headcount_aggregator.released import State, Statistic

PERIODS_KEPT = 512

_INNER = {PeriodKind.QUARTER: PeriodKind.MONTH, PeriodKind.YEAR: PeriodKind.QUARTER}


@dataclass(frozen=True, slots=True)
class Newcomers:
    """New people of a period, by the context of first use.

    ``exact`` are all of them, ``covered`` those of days that are shown or in a block: the number is made
    of these. ``left_out`` is how many days are not.
    """

    exact: Exact
    covered: Exact
    decision: Decision
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class _Day:
    """New devices of a day, the other active ones (``None`` where people are hidden), and whether they are shown."""

    new: int
    others: int | None
    shown: bool

    def two_sided(self, k: int) -> bool:
        """Whether it is not told on which side the few are: of few people more than k."""
        return self.others is not None and self.new + self.others < sides_told_from(k)


class NewPeople:
    """New people of an app. ``first`` is its first day; ``everyone`` tells all active people of a period,
    ``people_told`` what is said of them on a day.
    """

    def __init__(
        self,
        active: Measure,
        first: int,
        cells: Cells,
        rule: Rule,
        everyone: Callable[[Period], Everyone],
        people_told: Callable[[int], DayTold],
    ) -> None:
        self._active = active
        self._first = first
        self._cells = cells
        self._rule = rule
        self._everyone = everyone
        self._people_told = people_told
        # Days and weeks are asked for again and again, and do not change.
        self.of = lru_cache(PERIODS_KEPT)(self._of)
        self._day = lru_cache(PERIODS_KEPT)(self._of_day)

    def _of(self, period: Period) -> Newcomers:
        people = self._everyone(period)
        left = () if period.kind is PeriodKind.DAY else tuple(self._left(period))
        found, covered = self._all_and_covered(period, left)
        new = replace(family(Statistic.NEW_PEOPLE, period, self._active, covered, people.exact), cut_step=TENS)
        if left:
            new = replace(new, total=self._with_middle(new.total, people, found, left), subset=False)
        decision = self._rule.decide(new, people.decision)
        if period.kind is not PeriodKind.DAY:
            days = set(range(max(period.first, self._first), period.last + 1)) - set(left)
            decision = cuts(decision, covered, [self._people_told(day) for day in sorted(days)], self._rule.k)
        numbers = [replace(number, left_out=len(left)) for number in decision.numbers]
        return Newcomers(found, covered, replace(decision, numbers=numbers), len(left))

    def _all_and_covered(self, period: Period, left: Sequence[int]) -> tuple[Exact, Exact]:
        """All new devices, and those of the days that are not left out. Late ones are in neither."""
        active = self._active.code
        day = period.kind is PeriodKind.DAY
        sums = self._cells.day(period.first) if day else self._cells.span(period.first, period.last)
        codes = codes_of(self._active, one_dimension=True)

        def covered(code: int) -> Sums:
            rest = Counter(sums.of(active, Fact.AGE, 0, code))
            for one in left:
                rest.subtract(self._cells.day(one).of(active, Fact.AGE, 0, code))
            return +rest

        return exact(codes, lambda code: sums.of(active, Fact.AGE, 0, code)), exact(codes, covered)

    def _with_middle(self, part: Part, people: Everyone, found: Exact, left: Sequence[int]) -> Part:
        """The total with what can be told of the days that are left out; what is around it is told of too."""
        held = [self._day(day) for day in left]
        sides = [day for day in held if day.two_sided(self._rule.k)]
        days = [day for day in held if day not in sides]
        few = [day.new for day in days if day.new < self._rule.k]
        middle = self._rule.k // 2
        told = middle * (min(len(few), 1) if sum(few) < self._rule.k else len(few))
        told += sum(day.new + (day.others or 0) - middle for day in days if day.new >= self._rule.k)
        told += sum((day.new + (day.others or 0)) // 2 for day in sides)
        most = people.decision.numbers[0].value or 0
        around = whole(people.exact[TOTAL])
        outside = (around - part.value, around - whole(found[TOTAL]))
        return Part(min(part.value + told, max(part.value, most)), part.contributors, outside)

    def _left(self, period: Period) -> Iterator[int]:
        """The days of a period whose new people are neither shown nor in a block."""
        if period.kind is PeriodKind.WEEK:
            for days in _parted(period, PeriodKind.MONTH):
                yield from self._settled(days)
        elif period.kind is PeriodKind.MONTH:
            weeks = _parted(period, PeriodKind.WEEK)
            yield from self._settled([day for days in weeks for day in self._settled(days)])
        else:
            inner, rest = period_of(_INNER[period.kind], period.first), list[int]()
            while inner.first <= period.last:
                rest += self._left(inner)
                inner = period_of(inner.kind, inner.last + 1)
            yield from self._settled(rest)

    def _settled(self, days: Sequence[int]) -> list[int]:
        """Which of the days are left out: none of them if the hidden ones are a block."""
        hidden = {day: found for day in days if day >= self._first and not (found := self._day(day)).shown}
        new = sum(day.new for day in hidden.values())
        k = self._rule.k
        # A day of so few people that k of them would be nearly all vouches for nothing.
        vouched = max((d.others for d in hidden.values() if d.others and not d.two_sided(k)), default=0)
        block = new >= k and (vouched >= k or not any(day.others for day in hidden.values()))
        return [] if block else list(hidden)

    def _of_day(self, day: int) -> _Day:
        period = period_of(PeriodKind.DAY, day)
        new, people = self.of(period), self._everyone(period)
        n = whole(new.exact[TOTAL])
        known = people.decision.state is State.SHOWN
        return _Day(n, whole(people.exact[TOTAL]) - n if known else None, new.decision.state is State.SHOWN)


def returning(people: Everyone, new: Newcomers, period: Period, rule: Rule) -> Decision:
    """The active devices of a period that are not new in it: the other side of the same cut.

    Over more than a day it is the difference of the two shown numbers, so that it tells nothing more.
    """
    if period.kind is PeriodKind.DAY:
        exact_rest = max(0, whole(people.exact[TOTAL]) - whole(new.exact[TOTAL]))
        rest: Exact = {TOTAL: {WHOLE_KEY: exact_rest}}
        found = family(Statistic.RETURNING_PEOPLE, period, people.measure, rest, {TOTAL: people.exact[TOTAL]})
        return rule.decide(found, people.decision)
    everyone, first_time = people.decision.numbers[0].value, new.decision.numbers[0].value
    n = max(0, (everyone or 0) - (first_time or 0))
    known = Family(
        Statistic.RETURNING_PEOPLE,
        period,
        people.measure.code,
        Part(n, n),
        step=step_of(period),
        subset=not new.left_out,
    )
    if everyone is None or first_time is None:
        return Decision(new.decision.state, [number_of(known, new.decision.state, Part(0, 0))])
    return rule.decide(known, people.decision)


def _parted(period: Period, kind: PeriodKind) -> list[list[int]]:
    """The days of a period by the week or month that they lie in."""
    found: dict[Period, list[int]] = {}
    for day in range(period.first, period.last + 1):
        found.setdefault(period_of(kind, day), []).append(day)
    return list(found.values())
