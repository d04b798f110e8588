"""People: distinct devices of a day, a window or a calendar period. Pure.

A device is counted once, under the values of its first active day in the period, so that cuts add
up to the total. Everything here that is not all active people is a subset of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from headcount_wire.catalog import TOTAL, Measure
from headcount_wire.facts import Fact, First

from headcount_aggregator.periods import Period, PeriodKind
from headcount_aggregator.release.day_sums import WHOLE_KEY, Cells, Key, Sums, add, whole
from headcount_aggregator.release.family import LATE_VALUE, OTHER_VALUE, Decision, Family, Part, Rule
from headcount_aggregator.released import Number, State, Statistic

Exact = Mapping[int, Sums]
"""Devices by breakdown code (``TOTAL`` included) and values."""

TENS = 10
"""What distinct people over more than one day are rounded to: such counts can be subtracted."""

FIRST_SLOTS = {
    PeriodKind.WEEK: First.WEEK,
    PeriodKind.MONTH: First.MONTH,
    PeriodKind.QUARTER: First.QUARTER,
    PeriodKind.YEAR: First.YEAR,
}


@dataclass(frozen=True, slots=True)
class Everyone:
    """All active people of a period: their exact numbers and what may be said of them."""

    measure: Measure
    exact: Exact
    decision: Decision


def step_of(period: Period) -> int:
    """What people of a period are rounded to: the day is exact."""
    return 1 if period.kind is PeriodKind.DAY else TENS


def codes_of(measure: Measure, *, one_dimension: bool = False) -> list[int]:
    """The total and the declared breakdowns."""
    return [TOTAL, *(b.code for b in measure.breakdowns if b.second is None or not one_dimension)]


def completed(sums: Sums, total: int, code: int) -> dict[Key, int]:
    """A cut with ``other`` grown by what came without dimensions, so that it adds up to the total.

    The loader pushes small groups as totals only. They are a sibling like any other; left out,
    total minus cut would tell of them.
    """
    found = dict(sums)
    if code != TOTAL and (uncut := total - sum(sums.values())) > 0:
        key = (OTHER_VALUE, OTHER_VALUE if code % 8 else "")
        found[key] = found.get(key, 0) + uncut
    return found


def exact(codes: list[int], sums_of: Callable[[int], Sums], late: int = 0) -> Exact:
    """The numbers of every cut, each completed; ``late`` devices are one sibling in all of them."""
    total = whole(sums_of(TOTAL))
    found: dict[int, Sums] = {TOTAL: {WHOLE_KEY: total + late}}
    for code in codes:
        if code != TOTAL:
            cut = completed(sums_of(code), total, code)
            if late:
                cut[LATE_VALUE, LATE_VALUE if code % 8 else ""] = late
            found[code] = cut
    return found


def family(
    statistic: Statistic, period: Period, measure: Measure, of: Exact, within: Exact | None = None, label: int = 0
) -> Family:
    """People as a family; ``within`` are the numbers of the set they are a subset of."""

    def part(code: int, key: Key) -> Part:
        n = of[code].get(key, 0)
        outside = () if within is None or code not in within else (within[code].get(key, 0) - n,)
        return Part(n, n, outside)

    cuts = {
        code: {key: part(code, key) for key in {*sums, *(within or {}).get(code, {})}}
        for code, sums in of.items()
        if code != TOTAL
    }
    total = part(TOTAL, WHOLE_KEY)
    return Family(
        statistic, period, measure.code, total, cuts, label=label, step=step_of(period), subset=within is not None
    )


def in_window(measure: Measure, first: int, last: int, cells: Cells, k: int) -> Exact:
    """Distinct devices of a window of at most 31 days: those whose gap reaches back before it."""
    late = sum(
        whole(sums.reaching(measure.code, day - first)) for day, sums in cells.late(first, last).items() if last > first
    )

    def sums_of(code: int) -> Sums:
        found: dict[Key, int] = {}
        for day in range(first, last + 1):
            add(found, cells.day(day).reaching(measure.code, day - first, code))
        return found

    return exact(codes_of(measure), sums_of, late if late >= k else 0)


def over_span(
    measure: Measure, period: Period, cells: Cells, k: int, fact: Fact, slot: int, *, one_dimension: bool = False
) -> Exact:
    """Distinct devices of a calendar period by a flag of which each device sends one."""
    sums = cells.span(period.first, period.last)
    late = sum(whole(held.of(measure.code, fact, slot)) for held in cells.late(period.first, period.last).values())
    codes = codes_of(measure, one_dimension=one_dimension)
    return exact(codes, lambda code: sums.of(measure.code, fact, slot, code), late if late >= k else 0)


def everyone(active: Measure, period: Period, cells: Cells, rule: Rule) -> Everyone:
    """All active people of a period; those of more than a day are told by ``wide_people.py``."""
    if period.kind in FIRST_SLOTS:
        found = over_span(active, period, cells, rule.k, Fact.FIRST, FIRST_SLOTS[period.kind])
    else:
        found = in_window(active, period.first, period.last, cells, rule.k)
    return Everyone(active, found, rule.decide(family(Statistic.PEOPLE, period, active, found)))


def of_measure_on_day(measure: Measure, period: Period, people: Everyone | None, cells: Cells, rule: Rule) -> Decision:
    """Devices that contributed to a measure on a day."""
    today = cells.day(period.first)
    found = exact(codes_of(measure), lambda code: today.devices(measure.code, code))
    return subset(measure, period, found, people, rule)


def by_label(
    measure: Measure, period: Period, people: Everyone | None, decision: Decision, cells: Cells, rule: Rule
) -> Iterator[Number]:
    """Devices by label, on a day. They overlap, so they are no parts of a total and are rounded to tens:
    exact ones would add up to more than the total by exactly the devices that have two labels."""
    if decision.state is not State.SHOWN:
        return
    today = cells.day(period.first)
    total = whole(today.devices(measure.code))
    for label in measure.label_codes:
        n = whole(today.devices(measure.code, label=label))
        around = (total - n, *((whole(people.exact[TOTAL]) - n,) if people else ()))
        part = Part(n, n, around)
        found = Family(Statistic.PEOPLE, period, measure.code, part, label=label, step=TENS, subset=True)
        yield from rule.decide(found, decision).numbers


def subset(measure: Measure, period: Period, found: Exact, people: Everyone | None, rule: Rule) -> Decision:
    """What may be said of the people of a measure, who are active people too."""
    if people is None:
        return rule.decide(family(Statistic.PEOPLE, period, measure, found))
    # A measure of another purpose is a subset only where devices granted both; that is common
    # enough to guard its complement, but not so sure that hidden active people should hide it.
    sure = measure.purpose == people.measure.purpose or people.decision.state is State.SHOWN
    if not sure:
        return rule.decide(family(Statistic.PEOPLE, period, measure, found))
    return rule.decide(family(Statistic.PEOPLE, period, measure, found, people.exact), people.decision)
