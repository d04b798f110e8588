"""Attacks across Customers that take one told sum from another: new people from all people, ages from a week."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping, Sequence

from headcount_aggregator.periods import Period, PeriodKind, period_of
from headcount_aggregator.release.dp.noisy import WHOLE_PLACE, Domain, Noisy
from headcount_aggregator.release.scope.protection import is_safe, protect
from headcount_aggregator.release.scope.told import tell, tell_sums
from headcount_aggregator.released import Number, Statistic

from tests.aggregator.world import FIRST_DAY
from tests.attacks.customers import NEAR, nearest
from tests.attacks.outcome import Engine, Outcome, of_share

WORLDS = 60
PARTNER_OF = {customer: customer % 3 for customer in range(1, 25)}
WEEK = period_of(PeriodKind.WEEK, FIRST_DAY + 7)
DAY = period_of(PeriodKind.DAY, WEEK.first)
AGES = range(5)

Has = dict[int, int]
"""What each Customer has."""


def _noisy(statistic: Statistic, period: Period, values: Sequence[int], slots: tuple[int, ...] = (0,)) -> Noisy:
    """What a Customer has, with no noise: that hides Users, and a Customer's number is large beside it."""
    days = period.last - period.first + 1
    return Noisy(statistic, period.kind, period.first, period.last, 1, 0, Domain(slots=slots), values, 0, 1, days)


def _drawn(draw: random.Random, *, odd: bool) -> Has:
    """Customers alike, or, where it is ``odd``, one or two that have nearly all."""
    if not odd:
        return {customer: draw.randint(80, 120) for customer in PARTNER_OF}
    few = draw.sample(sorted(PARTNER_OF), draw.choice([1, 2]))
    return {customer: draw.randint(400, 900) if customer in few else draw.choice([0, 0, 3]) for customer in PARTNER_OF}


def _of(has: Mapping[int, int], scope: int) -> Has:
    return {customer: n for customer, n in has.items() if scope in (0, PARTNER_OF[customer])}


def _tells(rest: Mapping[int, int]) -> bool:
    return any(rest.values()) and not is_safe(rest) and nearest(rest) < NEAR


def people_less_new() -> Iterator[Outcome]:
    """Take the new people from all people: those who return may be one Customer's."""
    naive = told = 0
    for seed in range(WORLDS):
        draw = random.Random(seed)
        new, back = _drawn(draw, odd=False), _drawn(draw, odd=seed % 2 == 0)
        everyone = {customer: new[customer] + back[customer] for customer in PARTNER_OF}
        naive += is_safe(everyone) and is_safe(new) and _tells(back)
        mine = {
            customer: [_noisy(Statistic.PEOPLE, DAY, [n]), _noisy(Statistic.NEW_PEOPLE, DAY, [new[customer]])]
            for customer, n in everyone.items()
        }
        numbers = tell(mine, PARTNER_OF).numbers
        open_ = {scope for scope, found in numbers.items() if _shown(found) >= {Statistic.PEOPLE, Statistic.NEW_PEOPLE}}
        rests = [_of(back, scope) for scope in open_]
        if 0 in open_:
            rests.append({customer: n for customer, n in back.items() if PARTNER_OF[customer] not in open_})
        told += any(map(_tells, rests))
    yield of_share(Engine.NAIVE, naive, WORLDS, "days on which people less new people are one Customer's")
    yield of_share(Engine.CUSTOMERS, told, WORLDS, "days on which people less new people are one Customer's")


def ages_of_a_week() -> Iterator[Outcome]:
    """Take the shown ages and the new people of its days from a week: it leaves one age, or one day's new people."""
    naive = told = 0
    for seed in range(WORLDS):
        draw = random.Random(seed)
        new = {day: _drawn(draw, odd=day == WEEK.last and seed % 3 == 0) for day in range(WEEK.first, WEEK.last + 1)}
        ages = {age: _drawn(draw, odd=seed % 3 == 1 and age == 3) for age in AGES if age}
        ages[0] = {customer: sum(of[customer] for of in new.values()) for customer in PARTNER_OF}
        everyone = {customer: sum(of[customer] for of in ages.values()) for customer in PARTNER_OF}
        shown = protect({str(age): of for age, of in ages.items()}, PARTNER_OF).values
        days = [of for of in new.values() if is_safe(of)]
        naive += any(map(_tells, _left(everyone, ages, {int(age) for age in shown}, days)))
        told += any(map(_tells, _told_of_a_week(everyone, ages, new)))
    yield of_share(Engine.NAIVE, naive, WORLDS, "weeks of which an age or a day is told, and one Customer has it")
    yield of_share(Engine.CUSTOMERS, told, WORLDS, "weeks of which an age or a day is told, and one Customer has it")


def _told_of_a_week(everyone: Has, ages: Mapping[int, Has], new: Mapping[int, Has]) -> list[Has]:
    by_day = {
        day: {
            customer: [_noisy(Statistic.NEW_PEOPLE, period_of(PeriodKind.DAY, day), [n])] for customer, n in of.items()
        }
        for day, of in new.items()
    }
    mine = {
        customer: [
            _noisy(Statistic.PEOPLE, WEEK, [n]),
            _noisy(Statistic.RETENTION_WEEK, WEEK, [ages[age][customer] for age in AGES], tuple(AGES)),
        ]
        for customer, n in everyone.items()
    }
    sums = tell_sums(WEEK, by_day, PARTNER_OF)
    numbers = tell(mine, PARTNER_OF, (), sums).numbers[0]
    if Statistic.PEOPLE not in _shown(numbers):
        return []
    cohort = {(WEEK.first - n.first) // 7 for n in numbers if n.statistic is Statistic.RETENTION_WEEK and n.value}
    of_days = {customer: found.value for customer, found in sums.new[0][WHOLE_PLACE].items()}
    return _left(everyone, ages, cohort, [of_days])


def _left(everyone: Has, ages: Mapping[int, Has], shown: Collection[int], days: Sequence[Has]) -> list[Has]:
    """What the shown ages leave of a week, and, of age 0, its told days: by whose it is."""
    new = {customer: sum(of.get(customer, 0) for of in days) for customer in everyone}
    first = ages[0] if 0 in shown else new
    later = {c: n - first[c] - sum(ages[age][c] for age in shown if age) for c, n in everyone.items()}
    return [later, {c: first[c] - new[c] for c in everyone}]


def _shown(numbers: Sequence[Number]) -> set[Statistic]:
    return {number.statistic for number in numbers if number.value is not None}
