"""Provisional totals of periods that are still open: whole measures only, whole tens, never below k. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from headcount_wire.catalog import Catalog, Measure
from headcount_wire.facts import Kind

from headcount_aggregator.periods import Period, PeriodKind
from headcount_aggregator.release import counts, people
from headcount_aggregator.release.day_sums import Cells
from headcount_aggregator.release.family import Decision, Family, Rule
from headcount_aggregator.released import Number, State

TENS = 10


def of_period(period: Period, catalog: Catalog, first: int, cells: Cells, rule: Rule) -> Iterator[Number]:
    """People and counts of an open period, rounded down. Hidden ones are said too, with the reason."""
    everyone = None
    if catalog.active:
        everyone = people.everyone(catalog.active, period, cells, rule)
        yield _total(everyone.decision, rule.k)
    for measure in catalog.measures.values():
        if measure.kind is Kind.ACTIVE:
            continue
        if period.kind is PeriodKind.DAY or measure.reach:
            if period.kind is PeriodKind.DAY:
                found = people.of_measure_on_day(measure, period, everyone, cells, rule)
            else:
                found = people.of_measure_in_window(measure, period, everyone, cells, rule)
            yield _total(found, rule.k)
        if measure.kind in counts.COUNTED:
            yield _total(rule.decide(_count(measure, period, first, cells)), rule.k)


def _count(measure: Measure, period: Period, first: int, cells: Cells) -> Family:
    """The count of an open period so far, without its parts."""
    days = range(max(first, period.first), period.last + 1)
    family = counts.family_of(measure, period, days, {day: cells.day(day) for day in days})
    return replace(family, cuts={}, labels={})


def _total(decision: Decision, k: int) -> Number:
    number = decision.numbers[0]
    shown = number.state is State.SHOWN and decision.exact > 0
    state = State.FEWER_THAN_K if number.state is State.SHOWN and not shown else number.state
    value = max(k, decision.exact // TENS * TENS) if shown else None
    return replace(number, state=state, value=value, rounding=TENS, provisional=True)
