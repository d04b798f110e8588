"""What is told of numbers added up over Customers, and of whom: sums of noisy numbers that are safe. Pure.

Each Customer's numbers have their noise already (``release/dp``), so what is decided here costs nothing, and the sums
add up: all Customers are their Partners' and the others'. A Customer counts in a sum where what it has stands out of
its own noise by two deviations; else noise would pass for Customers.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from headcount_wire.catalog import TOTAL
from headcount_wire.facts import WHOLE

from headcount_aggregator.periods import Period, PeriodKind
from headcount_aggregator.release.dp.noisy import Noisy, Place, added
from headcount_aggregator.release.dp.releases import ADDING
from headcount_aggregator.release.dp.told import numbers_of, returning_people
from headcount_aggregator.release.scope.beside import Beside, cohort, later_ages
from headcount_aggregator.release.scope.protection import Contributions, Shown, protect
from headcount_aggregator.release.scope.sums import STANDS_OUT, Sum
from headcount_aggregator.release.scope.wide import DayNoisy, settled, told
from headcount_aggregator.released import Number, State, Statistic

TOLD = frozenset(
    {Statistic.PEOPLE, Statistic.NEW_PEOPLE, Statistic.COUNT, Statistic.RETENTION_WEEK, Statistic.QUANTILE}
)
"""What is added up over Customers."""

AS_A_WHOLE = frozenset({Statistic.QUANTILE})
"""What no difference can be made of: its places are not told, so they need not be safe one by one."""

BY_TWO = 8
"""What is left of a breakdown's code by this is its second dimension: its cells would come back by their margins."""

UNTOLD = "\0"
"""What of a view is not told in it, beside its values."""

Group = tuple[Statistic, PeriodKind, int]


@dataclass
class Told:
    """The numbers of a period: of all Customers, and of each Partner, by its code (0: all)."""

    numbers: dict[int, list[Number]] = field(default_factory=dict)
    wholes: dict[tuple[int, Group], Noisy] = field(default_factory=dict)
    """What is told as a whole: by scope, and by statistic, kind of period and measure."""

    new: dict[int, dict[Place, dict[int, Sum]]] = field(default_factory=dict)
    """Of new people of a wider period, by breakdown and place, what each Customer has of what is told."""

    def add(self, scope: int, numbers: Iterable[Number]) -> None:
        """Add numbers of one scope."""
        self.numbers.setdefault(scope, []).extend(numbers)


def tell(
    by_customer: Mapping[int, Sequence[Noisy]],
    partner_of: Mapping[int, int],
    resting: Collection[int] = (),
    sums: Told | None = None,
) -> Told:
    """What may be told of one period, given what each Customer of the panel has in it.

    ``sums``: what of a wider period is made of what was told of its days.
    """
    views: dict[tuple[object, ...], dict[int, Noisy]] = {}
    for customer, mine in by_customer.items():
        for noisy in mine:
            if noisy.statistic in TOLD and not noisy.breakdown % BY_TWO and not (sums and noisy.statistic in ADDING):
                views.setdefault((noisy.kind, noisy.first, *noisy.name), {})[customer] = noisy
    found = sums or Told({partner: [] for partner in {0, *partner_of.values()}})
    beside = Beside(by_customer, found.new)
    closed: dict[Group, set[int]] = {}
    wholes = found.wholes
    for whole_view in sorted(views.values(), key=lambda parts: _is_cut(next(iter(parts.values())))):
        one = next(iter(whole_view.values()))
        ages = one.statistic is Statistic.RETENTION_WEEK
        parts = later_ages(whole_view) if ages else whole_view
        group = one.statistic, one.kind, one.measure
        before = closed.get(group, set(resting))
        untold = beside.untold_age(whole_view) if ages else {}
        shown = _protected(parts, partner_of, before, beside.rests(parts), untold)
        if not _is_cut(one):
            closed[group] = set(partner_of.values()) - shown.open
        for scope in sorted({0, *partner_of.values()}):
            of_scope = [noisy for customer, noisy in parts.items() if scope in (0, partner_of[customer])]
            if not of_scope:
                continue
            open_ = shown.whole and (scope == 0 or scope in shown.open)
            whole = _sum(of_scope)
            found.add(scope, _numbers(whole, shown.values) if open_ else _hidden(whole))
            if ages:
                found.add(scope, cohort(found.numbers[scope]))
            if open_ and one.breakdown == TOTAL and not _is_cut(one):
                wholes[scope, group] = whole
    for (scope, (statistic, kind, measure)), everyone in wholes.items():
        new = wholes.get((scope, (Statistic.NEW_PEOPLE, kind, measure)))
        if statistic is Statistic.PEOPLE and new is not None:
            found.add(scope, [returning_people(everyone, new)])
    return found


def tell_sums(
    period: Period,
    by_day: Mapping[int, Mapping[int, Sequence[Noisy]]],
    partner_of: Mapping[int, int],
    resting: Collection[int] = (),
) -> Told:
    """What may be told of counts and new people of a wider period, made of what was told of its days.

    ``by_day``: by day and Customer, what each has on it.
    """
    views: dict[tuple[object, ...], dict[int, dict[int, Noisy]]] = {}
    for day, by_customer in by_day.items():
        for customer, mine in by_customer.items():
            for noisy in mine:
                if noisy.statistic in TOLD & ADDING and not noisy.breakdown % BY_TWO:
                    views.setdefault(noisy.name, {}).setdefault(day, {})[customer] = noisy
    found = Told({partner: [] for partner in {0, *partner_of.values()}})
    for days in views.values():
        one = _any(days)
        if _is_cut(one):
            continue
        cuts = [c for c in views.values() if _is_cut(_any(c)) and _of_same(_any(c), one)]
        around = [_around(one, view, by_day) for view in (days, *cuts)] if one.statistic is Statistic.NEW_PEOPLE else ()
        whole, parts = settled(period, days, cuts, partner_of, resting, around)
        if one.statistic is Statistic.NEW_PEOPLE:
            for wide in (whole, *parts):
                found.new[wide.breakdown] = {place: wide.told_of(place) for place in wide.places}
        for scope in found.numbers:
            for wide in (whole, *parts):
                sums = list(wide.sums(period, scope))
                found.add(
                    scope,
                    told(sums) if sums else (hidden for one in wide.all_of(period, scope) for hidden in _hidden(one)),
                )
            for noisy, _ in whole.sums(period, scope):
                found.wholes[scope, (one.statistic, period.kind, one.measure)] = noisy
    return found


def _any(days: Mapping[int, Mapping[int, Noisy]]) -> Noisy:
    return next(iter(next(iter(days.values())).values()))


def _of_same(one: Noisy, other: Noisy) -> bool:
    return (one.statistic, one.measure) == (other.statistic, other.measure)


def _is_cut(noisy: Noisy) -> bool:
    return noisy.breakdown != TOTAL or len(noisy.domain) > 1


def _protected(
    parts: Mapping[int, Noisy],
    partner_of: Mapping[int, int],
    closed: Iterable[int],
    rests: Mapping[Place, Mapping[int, Sum]],
    untold: Contributions,
) -> Shown:
    """``rests``: what the view leaves, by place, of one around it; ``untold``: a part of it that is not told here."""
    by_value: dict[str, dict[int, int]] = {}
    for customer, noisy in parts.items():
        least = STANDS_OUT * math.sqrt(noisy.variance)
        for place, value in noisy.at().items():
            where = "" if noisy.statistic in AS_A_WHOLE else _name(place)
            contributions = by_value.setdefault(where, {})
            if value > 0 and value >= least:
                contributions[customer] = contributions.get(customer, 0) + value
    contributing: Mapping[str, Contributions] = {**by_value, UNTOLD: untold} if untold else by_value
    left = {_name(place): rest for place, rest in rests.items()}
    return protect(contributing, partner_of, frozenset(closed), never={UNTOLD}, rests=left)


def _around(
    new: Noisy, view: Mapping[int, Mapping[int, Noisy]], by_day: Mapping[int, Mapping[int, Sequence[Noisy]]]
) -> DayNoisy:
    """All people of each day, in the cut of a view of new ones."""
    wanted = PeriodKind.DAY, Statistic.PEOPLE, new.measure, _any(view).breakdown
    found: dict[int, dict[int, Noisy]] = {}
    for day, by_customer in by_day.items():
        for customer, mine in by_customer.items():
            for one in mine:
                if (one.kind, one.statistic, one.measure, one.breakdown) == wanted:
                    found.setdefault(day, {})[customer] = one
    return found


def _sum(parts: Iterable[Noisy]) -> Noisy:
    mine = list(parts)
    one = mine[0]
    (found,) = added(one.kind, one.first, one.last, mine)
    return replace(found, days=max(part.days for part in mine))


def _numbers(noisy: Noisy, values: frozenset[str]) -> Iterator[Number]:
    """The numbers of a sum; those whose value is not told alone are left out."""
    for number in numbers_of(noisy):
        place = Place(number.label, number.slot, number.value1, number.value2)
        if noisy.statistic in AS_A_WHOLE or _name(place) in values or number.value is None:
            yield number


def _hidden(noisy: Noisy) -> Iterator[Number]:
    """That a view is hidden so that no Customer is recognised: said once."""
    cut = noisy.breakdown != TOTAL
    names = ("other" if cut else "", "other" if cut and noisy.breakdown % 8 else "")
    slot = 50 if noisy.statistic is Statistic.QUANTILE else 0
    yield Number(
        noisy.statistic,
        noisy.kind,
        noisy.first,
        noisy.last,
        noisy.measure,
        WHOLE,
        noisy.breakdown,
        *names,
        slot,
        State.FEW_CUSTOMERS,
        None,
    )


def _name(place: Place) -> str:
    return "\t".join(map(str, place))
