"""The exact numbers of a view, over its closed list of places, zeros included. Pure.

For the release layer's own use: noise is added before anything of it is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache

from headcount_wire import limits
from headcount_wire.catalog import TOTAL, Catalog, Measure
from headcount_wire.dimensions import OTHER_VALUE, UNKNOWN, Dimension, values_of
from headcount_wire.facts import OTHER, WHOLE, Fact, Kind, Severity

from headcount_aggregator.periods import Period, PeriodKind
from headcount_aggregator.release.counts import counted
from headcount_aggregator.release.day_sums import Cells, Key, Sums, add, whole
from headcount_aggregator.release.dp.noisy import Domain, Place
from headcount_aggregator.release.dp.views import Axis, View
from headcount_aggregator.release.people import FIRST_SLOTS, completed
from headcount_aggregator.released import Statistic

BUCKETS_TOGETHER = 8
"""Buckets that one slot of a percentile's view holds: more would each have too little beside the noise."""

SlotKey = tuple[int, int]
"""A label and a slot."""

_PROBLEM_FACTS = {Statistic.SEVERITY: Fact.SEVERITY, Statistic.PROBLEM_SCREEN: Fact.SCREEN}


def vector(view: View, period: Period, catalog: Catalog, cells: Cells) -> tuple[Domain, list[int]]:
    """The places of a view and the exact number at each, of one period."""
    measure = catalog.by_code[view.measure]
    by_slot = _SUMS[view.statistic](measure, view, period, cells)
    total = by_slot(TOTAL)
    cut = by_slot(view.breakdown) if view.breakdown != TOTAL else total
    found: dict[Place, int] = {}
    for (label, slot), sums in cut.items():
        for key, n in completed(sums, whole(total.get((label, slot), {})), view.breakdown).items():
            found[Place(label, slot, *key)] = n
    names = {(place.value1, place.value2) for place in found}
    domain = Domain(
        tuple(measure.label_codes) if _by_label(view) else (WHOLE,),
        _slots(view, measure, catalog),
        *_values(view.breakdown, names),
    )
    return domain, [found.get(place, 0) for place in domain.places()]


def _by_label(view: View) -> bool:
    return view.axis is Axis.LABELS or view.statistic is Statistic.MOVES


def _slots(view: View, measure: Measure, catalog: Catalog) -> tuple[int, ...]:
    match view.statistic:
        case Statistic.FUNNEL:
            return tuple(range(1, len(measure.steps) + 1))
        case Statistic.RETENTION_WEEK:
            return tuple(range(limits.WEEK_AGE_MAX))
        case Statistic.SEVERITY:
            return tuple(map(int, Severity))
        case Statistic.PROBLEM_SCREEN:
            screens = catalog.only(Kind.SCREEN)
            return tuple(screens.label_codes) if screens else (int(OTHER),)
        case Statistic.MOVES:
            return tuple(measure.slots(Fact.MOVE))
        case Statistic.QUANTILE:
            return tuple(range(limits.BUCKET_MAX // BUCKETS_TOGETHER + 1))
        case _:
            return (0,)


def _values(breakdown: int, names: Iterable[tuple[str, str]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if breakdown == TOTAL:
        return ("",), ("",)
    first, second = divmod(breakdown, 8)
    seen = list(names)
    return _listed(first, {name for name, _ in seen}), _listed(second, {name for _, name in seen}) if second else ("",)


def _listed(code: int, seen: set[str]) -> tuple[str, ...]:
    closed = _closed(code)
    return closed or tuple(sorted({*seen, OTHER_VALUE, UNKNOWN}))


@cache
def _closed(code: int) -> tuple[str, ...]:
    values = values_of(Dimension(code))
    return () if values is None else tuple(sorted({*values, OTHER_VALUE, UNKNOWN}))


BySlot = Callable[[int], Mapping[SlotKey, Sums]]
"""Of a breakdown, the sums by value, for every label and slot that has any."""


def _people(measure: Measure, view: View, period: Period, cells: Cells) -> BySlot:
    def sums_of(code: int) -> Mapping[SlotKey, Sums]:
        if period.kind is PeriodKind.DAY:
            today = cells.day(period.first)
            return {(WHOLE, 0): today.devices(measure.code, code, active=measure.kind is Kind.ACTIVE)}
        if measure.kind is Kind.ACTIVE and period.kind in FIRST_SLOTS:
            span = cells.span(period.first, period.last)
            return {(WHOLE, 0): span.of(measure.code, Fact.FIRST, FIRST_SLOTS[period.kind], code)}
        found: dict[Key, int] = {}
        for day in range(period.first, period.last + 1):
            add(found, cells.day(day).reaching(measure.code, day - period.first, code))
        return {(WHOLE, 0): found}

    return sums_of


def _new_people(measure: Measure, view: View, period: Period, cells: Cells) -> BySlot:
    return lambda code: {(WHOLE, 0): cells.day(period.first).of(measure.code, Fact.AGE, 0, code)}


def _week_ages(measure: Measure, view: View, period: Period, cells: Cells) -> BySlot:
    span = cells.span(period.first, period.last)
    return lambda code: {(WHOLE, age): sums for age, sums in span.slots(measure.code, Fact.WEEK_AGE, code).items()}


def _counts(measure: Measure, view: View, period: Period, cells: Cells) -> BySlot:
    day = cells.day(period.first)

    def sums_of(code: int) -> Mapping[SlotKey, Sums]:
        labels = measure.label_codes or (WHOLE,)
        by_label = {label: counted(measure, day, code, label) for label in labels}
        if view.axis is Axis.LABELS:
            return {(label, 0): sums for label, sums in by_label.items()}
        together: dict[Key, int] = {}
        for sums in by_label.values():
            add(together, sums)
        return {(WHOLE, 0): together}

    return sums_of


def _funnel(measure: Measure, view: View, period: Period, cells: Cells) -> BySlot:
    steps = cells.steps(period.first)
    return lambda code: {(WHOLE, step): sums for step, sums in steps.slots(measure.code, Fact.STEP, code).items()}


def _problems(measure: Measure, view: View, period: Period, cells: Cells) -> BySlot:
    day, fact = cells.day(period.first), _PROBLEM_FACTS[view.statistic]

    def sums_of(code: int) -> Mapping[SlotKey, Sums]:
        found: dict[SlotKey, dict[Key, int]] = {}
        for label in measure.label_codes:
            for slot, sums in day.slots(measure.code, fact, code, label).items():
                add(found.setdefault((WHOLE, slot), {}), sums)
        return found

    return sums_of


def _moves(measure: Measure, view: View, period: Period, cells: Cells) -> BySlot:
    day = cells.day(period.first)
    return lambda code: {
        (label, slot): sums
        for label in measure.label_codes
        for slot, sums in day.slots(measure.code, Fact.MOVE, code, label).items()
    }


def _buckets(measure: Measure, view: View, period: Period, cells: Cells) -> BySlot:
    def sums_of(code: int) -> Mapping[SlotKey, Sums]:
        found: dict[SlotKey, dict[Key, int]] = {}
        for day in range(period.first, period.last + 1):
            for label in measure.label_codes or (WHOLE,):
                for bucket, sums in cells.day(day).slots(measure.code, Fact.BUCKET, code, label).items():
                    add(found.setdefault((WHOLE, bucket // BUCKETS_TOGETHER), {}), sums)
        return found

    return sums_of


_SUMS: Mapping[Statistic, Callable[[Measure, View, Period, Cells], BySlot]] = {
    Statistic.PEOPLE: _people,
    Statistic.NEW_PEOPLE: _new_people,
    Statistic.RETENTION_WEEK: _week_ages,
    Statistic.COUNT: _counts,
    Statistic.FUNNEL: _funnel,
    Statistic.SEVERITY: _problems,
    Statistic.PROBLEM_SCREEN: _problems,
    Statistic.MOVES: _moves,
    Statistic.QUANTILE: _buckets,
}
