"""What server-side instances tell, added up over Customers: quantities, and counts of requests. Pure.

An instance is no device and no person, so there is no noise and no budget: sums are exact, and told only where
they are safe (``protection.py``). What is of people or of what they do is told from 20 up, as in own scope, and
nothing below 20 is left over by what is told. Cuts by two dimensions are not told: their margins would tell of cells.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from headcount_wire.catalog import TOTAL, Catalog, Measure
from headcount_wire.facts import WHOLE, Fact

from headcount_aggregator.periods import Period
from headcount_aggregator.release.counts import COUNTED, counted
from headcount_aggregator.release.day_sums import WHOLE_KEY, DaySums, Key
from headcount_aggregator.release.family import Family, Part
from headcount_aggregator.release.people import codes_of, completed
from headcount_aggregator.release.quantities import FROM, KIND
from headcount_aggregator.release.scope.protection import Shown, is_safe, protect
from headcount_aggregator.release.threshold import number_of
from headcount_aggregator.released import Number, State, Statistic

Sums = Mapping[Key, int]
Axis = tuple[int, bool]
"""A breakdown's code, and whether it is told by label instead."""


def measures_of(catalog: Catalog) -> list[Measure]:
    """The measures whose numbers are of no device."""
    mine = catalog.measures.values()
    return [measure for measure in mine if measure.kind is KIND or (catalog.instances and measure.kind in COUNTED)]


def tell(
    measure: Measure,
    day: Period,
    by_customer: Mapping[int, DaySums],
    partner_of: Mapping[int, int],
    resting: Iterable[int],
) -> Iterator[tuple[int, Number]]:
    """A day's numbers of a measure, each with the scope it is of: a Partner's code, or 0 for all Customers."""
    statistic = Statistic.QUANTITY if measure.kind is KIND else Statistic.COUNT
    few = KIND is not measure.kind or not measure.things
    family = Family(statistic, day, measure.code, Part(0, 0))
    whole = _parts(measure, by_customer, (TOTAL, False))
    at_least = FROM if few else 0
    shown = protect({"": _values(whole, WHOLE_KEY)}, partner_of, frozenset(resting), at_least)
    closed = set(partner_of.values()) - shown.open
    for scope in _scopes(partner_of):
        of_scope = {c: n for c, n in _values(whole, WHOLE_KEY).items() if scope in (0, partner_of[c])}
        n = sum(of_scope.values())
        if n or scope == 0:
            few_things = n < at_least and is_safe(of_scope)
            why = State.FEWER_THAN_20 if few_things else State.FEW_CUSTOMERS
            yield scope, number_of(family, State.SHOWN if _open(shown, scope) else why, Part(n, 0))
    axes: list[Axis] = [(code, False) for code in codes_of(measure, one_dimension=True) if code != TOTAL]
    for axis in [*axes, *([(TOTAL, True)] if measure.label else [])]:
        yield from _cut(measure, family, axis, by_customer, partner_of, closed, at_least)


def _cut(
    measure: Measure,
    family: Family,
    axis: Axis,
    by_customer: Mapping[int, DaySums],
    partner_of: Mapping[int, int],
    closed: set[int],
    at_least: int,
) -> Iterator[tuple[int, Number]]:
    parts = _parts(measure, by_customer, axis)
    keys = sorted({key for sums in parts.values() for key in sums})
    by_value = {"\t".join(key): _values(parts, key) for key in keys}
    shown = protect(by_value, partner_of, closed, at_least)
    code, by_label = axis
    for scope in _scopes(partner_of):
        if not _open(shown, scope):
            continue
        for key in keys:
            value = "\t".join(key)
            n = sum(n for customer, n in by_value[value].items() if scope in (0, partner_of[customer]))
            if value in shown.values and n:
                label, where = (int(key[0]), WHOLE_KEY) if by_label else (WHOLE, key)
                yield scope, number_of(family, State.SHOWN, Part(n, 0), label=label, breakdown=code, key=where)


def _parts(measure: Measure, by_customer: Mapping[int, DaySums], axis: Axis) -> dict[int, Sums]:
    code, by_label = axis
    found: dict[int, Sums] = {}
    for customer, sums in by_customer.items():
        if by_label:
            of_label = {(str(label), ""): _told(measure, sums, TOTAL, label) for label in measure.label_codes}
            found[customer] = {key: cut.get(WHOLE_KEY, 0) for key, cut in of_label.items()}
        else:
            total = _told(measure, sums, TOTAL).get(WHOLE_KEY, 0)
            found[customer] = completed(_told(measure, sums, code), total, code)
    return found


def _told(measure: Measure, sums: DaySums, code: int, label: int | None = None) -> Counter[Key]:
    found: Counter[Key] = Counter()
    for one in (measure.label_codes or (WHOLE,)) if label is None else (label,):
        found.update(
            sums.of(measure.code, Fact.VALUE, 0, code, one)
            if measure.kind is KIND
            else counted(measure, sums, code, one)
        )
    return found


def _values(parts: Mapping[int, Sums], key: Key) -> dict[int, int]:
    return {customer: sums[key] for customer, sums in parts.items() if sums.get(key)}


def _scopes(partner_of: Mapping[int, int]) -> list[int]:
    return sorted({0, *partner_of.values()})


def _open(shown: Shown, scope: int) -> bool:
    return shown.whole and (scope == 0 or scope in shown.open)
