"""What a release could say, before its rule has spoken: exact sums with their contributors. Pure.

Every value is a sum of cells; ``docs/statistics.md`` has the formulas. Late cells are never part of
it: they are counted apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from headcount_wire.catalog import TOTAL, Catalog, Measure
from headcount_wire.facts import WHOLE, Fact, First, Kind

from headcount_aggregator.periods import ROLLING, Period, PeriodKind, period_of
from headcount_aggregator.released import Statistic

Key = tuple[int, int, int, int, int, str]
"""``(measure, label, fact, slot, breakdown, value)`` of one day's cells."""

DayCells = Mapping[Key, int]
CellsOf = Callable[[int], DayCells]
"""A day's on-time cells, by local day."""

RETENTION_DAYS = 30
RETENTION_WEEKS = 26


@dataclass(frozen=True, slots=True)
class Candidate:
    """One value. ``base`` is the size of the released set it is a subset of, if there is one."""

    value: int
    contributors: int
    base: int | None = None


@dataclass(frozen=True)
class Family:
    """A total and its siblings by one dimension's values (or by label): what a rule decides on at once.

    ``step`` is what shown values are rounded to. ``by_label`` siblings are merged by label code 1.
    """

    statistic: Statistic
    period: Period
    measure: int
    label: int
    breakdown: int
    slot: int
    total: Candidate
    siblings: Mapping[str, Candidate] = field(default_factory=dict)
    step: int = 1
    by_label: bool = False
    show_total: bool = True


def of_day(day: int, catalog: Catalog, cells: CellsOf) -> Iterator[Family]:
    """All families of the release of one day: the day, the windows and the retention that end on it."""
    period = period_of(PeriodKind.DAY, day)
    today = cells(day)
    active = catalog.active
    if active is not None:
        yield from _people_by_gap(active, period, 1, cells, None)
        yield from _new_and_returning(active, period, today)
        for kind in ROLLING:
            yield from _people_by_gap(active, period_of(kind, day), 10, cells, None)
        yield from _retention_by_day(active, day, cells)
    for measure in catalog.measures.values():
        if measure.kind is not Kind.ACTIVE:
            yield from _people_of_measure(measure, period, today, active)
            if measure.kind is Kind.COUNTER:
                yield from _counts(measure, period, today)
        if measure.reach:
            for kind in ROLLING:
                yield from _people_by_gap(measure, period_of(kind, day), 10, cells, active)


def of_span(period: Period, catalog: Catalog, cells: CellsOf) -> Iterator[Family]:
    """All families of the release of a week or a month."""
    active = catalog.active
    if active is None:
        return
    slot = First.WEEK if period.kind is PeriodKind.WEEK else First.MONTH
    yield from _people_by_first(active, period, slot, cells)
    yield from _new_and_returning_in_span(active, period, slot, cells)
    for measure in catalog.measures.values():
        if measure.reach:
            yield from _people_by_gap(measure, period, 10, cells, active)
    if period.kind is PeriodKind.WEEK:
        yield from _retention_by_week(active, period, cells)


def people(measure: int, breakdown: int, first: int, last: int, cells: CellsOf) -> Counter[str]:
    """Distinct devices in a window by value, each counted on its first day in it: gaps that reach before it."""
    found: Counter[str] = Counter()
    for day in range(first, last + 1):
        for (code, label, fact, slot, cut, value), n in cells(day).items():
            if code == measure and label == WHOLE and fact == Fact.GAP and cut == breakdown and slot > day - first:
                found[value] += n
    return found


def _people_by_gap(
    measure: Measure, period: Period, step: int, cells: CellsOf, within: Measure | None
) -> Iterator[Family]:
    (total,) = people(measure.code, TOTAL, period.first, period.last, cells).values() or (0,)
    base = None
    if within is not None:
        (base,) = people(within.code, TOTAL, period.first, period.last, cells).values() or (0,)
    whole = Candidate(total, total, base)
    yield Family(Statistic.PEOPLE, period, measure.code, WHOLE, TOTAL, 0, whole, step=step)
    for code in _single_cuts(measure):
        parts = people(measure.code, code, period.first, period.last, cells)
        bases: Counter[str] | None = None
        if within is not None and _cut_too(within, code):
            bases = people(within.code, code, period.first, period.last, cells)
        siblings = {v: Candidate(n, n, None if bases is None else bases[v]) for v, n in parts.items()}
        yield Family(Statistic.PEOPLE, period, measure.code, WHOLE, code, 0, whole, siblings, step, show_total=False)


def _people_by_first(active: Measure, period: Period, slot: int, cells: CellsOf) -> Iterator[Family]:
    def parts_of(code: int) -> Counter[str]:
        parts: Counter[str] = Counter()
        for day in range(period.first, period.last + 1):
            parts.update(_by_value(cells(day), active.code, WHOLE, Fact.FIRST, slot, code))
        return parts

    everyone = parts_of(TOTAL)[""]
    whole = Candidate(everyone, everyone)
    yield Family(Statistic.PEOPLE, period, active.code, WHOLE, TOTAL, 0, whole, step=10)
    for code in _single_cuts(active):
        siblings = {value: Candidate(n, n) for value, n in parts_of(code).items()}
        yield Family(Statistic.PEOPLE, period, active.code, WHOLE, code, 0, whole, siblings, 10, show_total=False)


def _new_and_returning(active: Measure, period: Period, today: DayCells) -> Iterator[Family]:
    everyone = sum(n for (m, _, f, _, b, _), n in today.items() if (m, f, b) == (active.code, Fact.GAP, TOTAL))
    new = _by_value(today, active.code, WHOLE, Fact.AGE, 0, TOTAL)[""]
    for statistic, value in ((Statistic.NEW_PEOPLE, new), (Statistic.RETURNING_PEOPLE, everyone - new)):
        yield Family(statistic, period, active.code, WHOLE, TOTAL, 0, Candidate(value, value, everyone))


def _new_and_returning_in_span(active: Measure, period: Period, slot: int, cells: CellsOf) -> Iterator[Family]:
    span = range(period.first, period.last + 1)
    everyone = sum(_by_value(cells(day), active.code, WHOLE, Fact.FIRST, slot, TOTAL)[""] for day in span)
    new = sum(_by_value(cells(day), active.code, WHOLE, Fact.AGE, 0, TOTAL)[""] for day in span)
    for statistic, value in ((Statistic.NEW_PEOPLE, new), (Statistic.RETURNING_PEOPLE, everyone - new)):
        whole = Candidate(value, value, max(everyone, value))
        yield Family(statistic, period, active.code, WHOLE, TOTAL, 0, whole, step=10)


def _retention_by_day(active: Measure, day: int, cells: CellsOf) -> Iterator[Family]:
    for age in range(RETENTION_DAYS + 1):
        cohort = _by_value(cells(day - age), active.code, WHOLE, Fact.AGE, 0, TOTAL)[""]
        value = _by_value(cells(day), active.code, WHOLE, Fact.AGE, age, TOTAL)[""]
        if cohort:
            born = period_of(PeriodKind.DAY, day - age)
            whole = Candidate(value, value, None if age == 0 else max(cohort, value))
            yield Family(Statistic.RETENTION_DAY, born, active.code, WHOLE, TOTAL, age, whole)


def _retention_by_week(active: Measure, week: Period, cells: CellsOf) -> Iterator[Family]:
    for age in range(RETENTION_WEEKS + 1):
        born = period_of(PeriodKind.WEEK, week.first - 7 * age)
        cohort = _in_week(active, born, 0, cells)
        value = _in_week(active, week, age, cells)
        if cohort:
            whole = Candidate(value, value, None if age == 0 else max(cohort, value))
            yield Family(Statistic.RETENTION_WEEK, born, active.code, WHOLE, TOTAL, age, whole, step=10)


def _in_week(active: Measure, week: Period, age: int, cells: CellsOf) -> int:
    return sum(
        _by_value(cells(day), active.code, WHOLE, Fact.WEEK_AGE, age, TOTAL)[""]
        for day in range(week.first, week.last + 1)
    )


def _people_of_measure(measure: Measure, period: Period, today: DayCells, active: Measure | None) -> Iterator[Family]:
    total = _by_value(today, measure.code, WHOLE, Fact.DEVICES, 0, TOTAL)[""]
    everyone = None
    if active is not None:
        everyone = sum(n for (m, _, f, _, b, _), n in today.items() if (m, f, b) == (active.code, Fact.GAP, TOTAL))
    whole = Candidate(total, total, everyone)
    yield Family(Statistic.PEOPLE, period, measure.code, WHOLE, TOTAL, 0, whole)
    for code in _single_cuts(measure):
        parts = _by_value(today, measure.code, WHOLE, Fact.DEVICES, 0, code)
        bases: Counter[str] | None = None
        if active is not None and _cut_too(active, code):
            bases = Counter()
            for (m, _, f, _, b, value), n in today.items():
                if (m, f, b) == (active.code, Fact.GAP, code):
                    bases[value] += n
        siblings = {v: Candidate(n, n, None if bases is None else bases[v]) for v, n in parts.items()}
        yield Family(Statistic.PEOPLE, period, measure.code, WHOLE, code, 0, whole, siblings, show_total=False)
    for label in measure.label_codes:
        people_here = _by_value(today, measure.code, label, Fact.DEVICES, 0, TOTAL)[""]
        yield Family(
            Statistic.PEOPLE, period, measure.code, label, TOTAL, 0, Candidate(people_here, people_here, total)
        )


def _counts(measure: Measure, period: Period, today: DayCells) -> Iterator[Family]:
    labels = measure.label_codes or range(WHOLE, WHOLE + 1)
    by_label = {
        str(label): Candidate(
            _by_value(today, measure.code, label, Fact.COUNT, 0, TOTAL)[""],
            _by_value(today, measure.code, label, Fact.DEVICES, 0, TOTAL)[""],
        )
        for label in labels
    }
    devices = _by_value(today, measure.code, WHOLE, Fact.DEVICES, 0, TOTAL)[""]
    whole = Candidate(sum(part.value for part in by_label.values()), devices)
    siblings = {label: part for label, part in by_label.items() if part.value} if measure.label else {}
    yield Family(Statistic.COUNT, period, measure.code, WHOLE, TOTAL, 0, whole, siblings, by_label=True)
    for code in _single_cuts(measure):
        times: Counter[str] = Counter()
        for label in labels:
            times.update(_by_value(today, measure.code, label, Fact.COUNT, 0, code))
        contributors = _by_value(today, measure.code, WHOLE, Fact.DEVICES, 0, code)
        parts = {value: Candidate(n, contributors[value]) for value, n in times.items()}
        yield Family(Statistic.COUNT, period, measure.code, WHOLE, code, 0, whole, parts, show_total=False)


def _by_value(cells: DayCells, measure: int, label: int, fact: int, slot: int, breakdown: int) -> Counter[str]:
    found: Counter[str] = Counter()
    for (m, la, f, s, b, value), n in cells.items():
        if m == measure and la == label and f == fact and s == slot and b == breakdown:
            found[value] += n
    return found


def _single_cuts(measure: Measure) -> list[int]:
    return [breakdown.code for breakdown in measure.breakdowns if breakdown.second is None]


def _cut_too(measure: Measure | None, code: int) -> bool:
    return measure is not None and code in _single_cuts(measure)
