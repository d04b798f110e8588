"""Retention: of a cohort, those who were active again n days or weeks later. Pure.

A cell of the grid is a subset of two released sets: of its cohort, and of the people active on
the later day. The ages of one day are parts of that day's people: what is not shown of them,
together, is none or at least k.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from headcount_wire.catalog import TOTAL
from headcount_wire.facts import Fact

from headcount_aggregator.periods import Period, PeriodKind, period_of
from headcount_aggregator.release.day_sums import Cells, Key, Sums, whole
from headcount_aggregator.release.family import Decision, Family, Part, Rule
from headcount_aggregator.release.new_people import Newcomers
from headcount_aggregator.release.people import TENS, Everyone, codes_of, completed, step_of
from headcount_aggregator.release.threshold import reason_in
from headcount_aggregator.released import Number, State, Statistic

DAYS = 30
WEEKS = 52
CUT_AGES = (1, 7, 14, 28, 30)
"""The ages at which retention by day is cut too; by week all are."""

CohortOf = Callable[[Period], Newcomers]
"""The new people of an earlier day or week, and what was said of them."""


@dataclass(slots=True)
class _Cell:
    """One cell of the grid, and what may be said of it."""

    family: Family
    decision: Decision


def by_day(
    people: Everyone, new: Newcomers, day: int, first: int, cells: Cells, rule: Rule, cohort_of: CohortOf
) -> Iterator[Number]:
    """The diagonal of the grid that ends on a day: cohort ``day - n`` at age ``n``, 0 to 30.

    ``first`` is the app's first day.
    """
    today = cells.day(day)
    active = people.measure
    found = []
    for age in range(1, min(DAYS, day - first) + 1):
        born = period_of(PeriodKind.DAY, day - age)
        codes = codes_of(active, one_dimension=True) if age in CUT_AGES else [TOTAL]
        again = {code: today.of(active.code, Fact.AGE, age, code) for code in codes}
        found.append(_cell(Statistic.RETENTION_DAY, people, born, age, again, cohort_of(born), rule))
    yield from _cohort(Statistic.RETENTION_DAY, new)
    yield from _told(found, people, new, rule)


def by_week(
    people: Everyone, new: Newcomers, week: Period, first: int, cells: Cells, rule: Rule, cohort_of: CohortOf
) -> Iterator[Number]:
    """The diagonal of the grid that ends in a week: the cohort of ``n`` weeks before at age ``n``, 0 to 52."""
    later = cells.span(week.first, week.last)
    active = people.measure
    found = []
    for age in range(1, WEEKS + 1):
        born = period_of(PeriodKind.WEEK, week.first - 7 * age)
        if born.last < first:
            break
        codes = codes_of(active, one_dimension=True)
        again = {code: later.of(active.code, Fact.WEEK_AGE, age, code) for code in codes}
        found.append(_cell(Statistic.RETENTION_WEEK, people, born, age, again, cohort_of(born), rule))
    yield from _cohort(Statistic.RETENTION_WEEK, new)
    yield from _told(found, people, new, rule)


def _cell(
    statistic: Statistic,
    people: Everyone,
    born: Period,
    age: int,
    again: Mapping[int, Sums],
    cohort: Newcomers,
    rule: Rule,
) -> _Cell:
    n = whole(again[TOTAL])
    sizes = [whole(of[TOTAL]) for of in (cohort.exact, cohort.covered)]
    cuts: dict[int, dict[Key, Part]] = {}
    for code, sums in again.items():
        if code != TOTAL:
            now = completed(sums, n, code)
            then = [of[code] for of in (cohort.exact, cohort.covered)]
            cuts[code] = {
                key: Part(
                    now.get(key, 0), now.get(key, 0), tuple(_rest(of.get(key, 0), now.get(key, 0)) for of in then)
                )
                for key in {*then[0], *now}
            }
    whole_cell = Part(n, n, (*(_rest(size, n) for size in sizes), whole(people.exact[TOTAL]) - n))
    code, step = people.measure.code, step_of(born)
    family = Family(statistic, born, code, whole_cell, cuts, slot=age, step=step, cut_step=TENS, subset=True)
    return _Cell(family, rule.decide(family, cohort.decision))


def _rest(size: int, n: int) -> int:
    """Who is not back; more who are than the cohort is said to be would tell whom it leaves out."""
    return size - n if n <= size else 1


def _cohort(statistic: Statistic, new: Newcomers) -> Iterator[Number]:
    """Age 0: the cohort itself, which is the period's new people, said in the same words."""
    for number in new.decision.numbers:
        yield replace(number, statistic=statistic)


def _told(found: list[_Cell], people: Everyone, new: Newcomers, rule: Rule) -> Iterator[Number]:
    """What may be said of a diagonal: its smallest cells are hidden until all that is hidden is none or k."""
    shown = [cell for cell in found if cell.decision.state is State.SHOWN]
    shown.sort(key=lambda cell: (cell.family.total.value, cell.family.slot), reverse=True)
    rest = whole(people.exact[TOTAL]) - sum(cell.family.total.value for cell in shown)
    if new.decision.state is State.SHOWN:
        rest -= whole(new.exact[TOTAL])
    while shown and 0 < rest < rule.k:
        cell = shown.pop()
        rest += cell.family.total.value
        state = reason_in(cell.family, State.COMPLEMENT, rule.k)
        cell.decision = Decision(state, [replace(cell.decision.numbers[0], state=state, value=None)])
    for cell in found:
        total, *parts = cell.decision.numbers
        yield total
        yield from (part for part in parts if part.state is State.SHOWN)
