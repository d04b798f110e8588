"""New people of a hidden day, looked for in the weeks, months, quarters and years around it.

A device is new once, so wide numbers less the shown days were the hidden day: each rounded to tens over
another sum, four intervals that met in one number. The strongest attack is to know everything else: here a
world is released with one number of a hidden day and with another, and the releases have to be the same.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from headcount_aggregator.cells import Cell
from headcount_aggregator.periods import Period, PeriodKind, period_of
from headcount_aggregator.release.day_sums import DaySums
from headcount_aggregator.release.period_numbers import Statistics
from headcount_aggregator.release.threshold import Threshold
from headcount_aggregator.released import Number, State, Statistic
from headcount_wire import days
from headcount_wire.catalog_file import parse_catalog
from headcount_wire.facts import Fact, First

from tests.aggregator.world import CATALOG

K = 20
FIRST_DAY = days.parse("2026-01-01")
HIDDEN = (1, 4, 10, 16, 19)
WIDE = (PeriodKind.WEEK, PeriodKind.MONTH, PeriodKind.QUARTER, PeriodKind.YEAR)
ACTIVE = parse_catalog(CATALOG[: CATALOG.index('[measures."joined"]')])


@dataclass
class Sums:
    """An app by its sums: new and other active devices of each day, and how many are first in a period."""

    new: dict[int, int]
    others: dict[int, int]
    first: dict[int, int]

    def day(self, day: int) -> DaySums:
        return self.span(day, day)

    def span(self, first: int, last: int) -> DaySums:
        found: Counter[tuple[Fact, int]] = Counter()
        for day in range(first, last + 1):
            new, others = self.new.get(day, 0), self.others.get(day, 0)
            found[Fact.GAP, 31] += new
            found[Fact.GAP, 1] += others
            found[Fact.AGE, 0] += new
            found[Fact.AGE, 31] += others
            for slot in First:
                found[Fact.FIRST, slot] += self.first.get(day, 0)
        return DaySums(Cell(0, 0, 1, 1, 0, 0, 1, 0, int(f), s, 0, "", "", n) for (f, s), n in found.items() if n)

    def late(self, first: int, last: int) -> Mapping[int, DaySums]:
        return {}

    def steps(self, day: int) -> DaySums:
        return DaySums()


def year(seed: int) -> Sums:
    draw = random.Random(seed)
    new = {FIRST_DAY + i: draw.randint(25, 90) for i in range(365)}
    others = {FIRST_DAY + i: draw.randint(200, 900) for i in range(365)}
    return Sums(new, others, {day: new[day] + others[day] // 5 for day in new})


def released(world: Sums, period: Period) -> list[Number]:
    """What is said of new and returning people, and of the cohort; windows of more than a day too."""
    statistics = Statistics(ACTIVE, FIRST_DAY, world, Threshold(K))
    if period.kind is PeriodKind.DAY:
        numbers = list(statistics.of_day(period.first))
    else:
        numbers, _ = statistics.of_span(period, [])
    kinds = (Statistic.NEW_PEOPLE, Statistic.RETURNING_PEOPLE, Statistic.RETENTION_WEEK, Statistic.RETENTION_DAY)
    return [n for n in numbers if n.statistic in kinds and not n.slot]


def new_of(world: Sums, period: Period) -> Number:
    return next(n for n in released(world, period) if n.statistic is Statistic.NEW_PEOPLE and not n.breakdown)


def around(day: int) -> list[Period]:
    return [period_of(kind, day) for kind in (PeriodKind.DAY, *WIDE)]


def naive(world: Sums, period: Period) -> int:
    """What is said by rounding the exact sum to tens."""
    return (sum(world.new.get(day, 0) for day in range(period.first, period.last + 1)) + 5) // 10 * 10


@pytest.mark.parametrize("seed", range(3))
def test_a_hidden_day_is_in_no_number_around_it(seed: int) -> None:
    """One day a year with 1 to 19 new people: its week, month, quarter and year say the same of each."""
    world, draw = year(seed), random.Random(seed)
    day = FIRST_DAY + draw.randrange(20, 340)
    people = world.others[day] + 40
    said: list[list[list[Number]]] = []
    told_naively: set[tuple[int, ...]] = set()
    for n in range(1, K):
        world.new[day], world.others[day] = n, people - n
        if n in HIDDEN:
            said.append([released(world, period) for period in around(day)])
        told_naively.add(tuple(naive(world, period) for period in around(day)[1:]))
    assert all(numbers == said[0] for numbers in said)
    assert said[0][0][0].state is State.FEWER_THAN_K
    assert all(numbers[0].value is not None and numbers[0].left_out == 1 for numbers in said[0][1:])
    assert len(told_naively) > 3  # the naive engine parts the candidates


@pytest.mark.parametrize("seed", range(2))
def test_the_few_others_of_a_hidden_day_are_in_no_number_around_it(seed: int) -> None:
    """A day on which all but 1 to 19 are new: what it is counted with follows from its people alone."""
    world, draw = year(seed), random.Random(seed)
    day = FIRST_DAY + draw.randrange(20, 340)
    said = []
    for n in HIDDEN:
        world.new[day], world.others[day] = 90 - n, n
        said.append([released(world, period) for period in around(day)])
    assert all(numbers == said[0] for numbers in said)
    assert said[0][0][0].state is State.COMPLEMENT


def test_hidden_days_are_told_together_when_they_are_k() -> None:
    """Three days of a week with few new people each: their sum is told from k on, and before it is not."""
    world, monday = year(1), FIRST_DAY + 11
    week = period_of(PeriodKind.WEEK, monday)
    for hidden, told in (((9, 6, 4), 10), ((1, 1, 1), 10), ((9, 6, 5), 20), ((19, 19, 19), 57)):
        for i, n in enumerate(hidden):
            world.new[monday + 2 * i] = n
        shown = sum(world.new[day] for day in (monday + 1, monday + 3, monday + 5, monday + 6))
        number = new_of(world, week)
        assert number.value == (shown + told + 5) // 10 * 10
        assert number.left_out == (3 if sum(hidden) < K else 0)


def test_what_a_week_leaves_out_the_month_gathers() -> None:
    """Few new people on the last days of a month and on its first: each alone is left out, the month has both."""
    world, first = year(2), days.parse("2026-04-01")  # a Wednesday
    for day in (first, first + 29):
        world.new[day] = 15
    month = period_of(PeriodKind.MONTH, first)
    assert new_of(world, month).left_out == 0
    assert new_of(world, month).value == naive(world, month)
    assert [new_of(world, period_of(PeriodKind.WEEK, day)).left_out for day in (first, first + 29)] == [1, 1]
    assert new_of(world, period_of(PeriodKind.QUARTER, first)).left_out == 0


def test_wide_numbers_stay_near_the_truth() -> None:
    """Whatever is hidden of an app, what is said of its new people is off by less than k and half a ten."""
    for seed in range(4):
        world, draw = year(seed), random.Random(seed)
        for day in world.new:
            world.new[day] = draw.choice([0, 2, 7, 15, 30, 60])
        for kind in WIDE[:3]:
            for day in range(FIRST_DAY + 40, FIRST_DAY + 160, 30):
                period = period_of(kind, day)
                number = new_of(world, period)
                exact = sum(world.new[d] for d in range(period.first, period.last + 1))
                assert number.value is not None
                assert abs(number.value - exact) < K + 5


@pytest.mark.parametrize("kind", WIDE)
def test_returning_people_say_no_more_than_people_and_new_people(kind: PeriodKind) -> None:
    """Over more than a day they are the difference of two shown numbers: a third interval pins nothing."""
    for seed in range(5):
        world = year(seed)
        period = period_of(kind, FIRST_DAY + 60)
        numbers, _ = Statistics(ACTIVE, FIRST_DAY, world, Threshold(K)).of_span(period, [])
        people, new, back = (
            next(n.value for n in numbers if n.statistic is statistic and not n.breakdown)
            for statistic in (Statistic.PEOPLE, Statistic.NEW_PEOPLE, Statistic.RETURNING_PEOPLE)
        )
        assert people is not None
        assert new is not None
        assert back == people - new
