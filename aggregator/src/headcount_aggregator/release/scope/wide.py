"""Counts and new people of wider periods across Customers: sums of what was told of days. Pure.

A wider sum less its told days is what was untold, so it is made of *blocks* alone: a day as it was told, the days
of a week or longer that were not told at all, where they are safe together, and values that were told on none of
some days, where those are safe over all of them, with what stays untold beside. Blocks of a week lie within a month,
those of a month within its quarter; of each value and scope they are disjoint. What is in no block is left out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from headcount_wire.catalog import TOTAL

from headcount_aggregator.periods import Period, PeriodKind, period_of
from headcount_aggregator.release.dp.noisy import Noisy, Place, added
from headcount_aggregator.release.dp.told import numbers_of
from headcount_aggregator.release.scope.protection import Contributions, protect
from headcount_aggregator.release.scope.sums import NOTHING, Sum, standing_out
from headcount_aggregator.released import Number

REST = "\0"
"""What stays untold of some days beside the values that are looked at."""

DayNoisy = Mapping[int, Mapping[int, Noisy]]
"""One view: by day, and by Customer."""

NOTHING_AROUND: DayNoisy = {}


@dataclass(frozen=True, slots=True)
class Block:
    """Some days, the places of a view that are told of them, and the Partners of which they are told as well."""

    days: frozenset[int]
    places: frozenset[Place]
    open: frozenset[int]


class Wide:
    """One view over a wider period. ``whole``: of a cut, the view that it is a cut of, settled. ``resting``: Partners
    of which nothing is told. ``around``: of new people, all people of each day, who are told too."""

    def __init__(
        self,
        days: DayNoisy,
        partner_of: Mapping[int, int],
        resting: Collection[int],
        whole: Wide | None = None,
        around: DayNoisy = NOTHING_AROUND,
    ) -> None:
        self._noisy = days
        self._around = around
        self._partner_of = partner_of
        self._resting = frozenset(resting)
        self._whole = whole
        self._values = _values(days)
        self._values_around = _values(around)
        self.places = {place for by in self._values.values() for at in by.values() for place in at}
        self.breakdown = next((one.breakdown for by in days.values() for one in by.values()), TOTAL)
        self.blocks: list[Block] = []

    def settle(self, period: Period) -> None:
        """Find the blocks of a period."""
        if period.kind is PeriodKind.WEEK:
            parts = _parted(period, PeriodKind.MONTH)
        elif period.kind is PeriodKind.MONTH:
            parts = _parted(period, PeriodKind.WEEK)
        else:
            parts = []
            inner = period_of(PeriodKind.MONTH, period.first)
            while inner.first <= period.last:
                self.settle(inner)
                inner = period_of(PeriodKind.MONTH, inner.last + 1)
        for part in parts:
            for day in part:
                self._gather([day])
            self._gather(part)
        if period.kind is not PeriodKind.WEEK:
            self._gather([*range(period.first, period.last + 1)])

    def settle_days(self) -> None:
        """Find what was told of single days."""
        for day in sorted(self._noisy):
            self._gather([day])

    def days_told(self, place: Place, partner: int) -> frozenset[int]:
        """The days that a place's sum is of, for a Partner or (0) for all Customers."""
        mine = (b.days for b in self.blocks if place in b.places and (partner == 0 or partner in b.open))
        return frozenset(day for days in mine for day in days)

    def sums(self, period: Period, partner: int) -> Iterator[tuple[Noisy, frozenset[Place]]]:
        """The sums of a scope, each with the places that it is for: those that are told of the same days."""
        by_days: dict[frozenset[int], set[Place]] = {}
        for place in self.places:
            by_days.setdefault(self.days_told(place, partner), set()).add(place)
        for days, places in sorted(by_days.items(), key=lambda item: sorted(item[0])):
            parts = [
                one
                for day in sorted(days)
                for customer, one in sorted(self._noisy[day].items())
                if partner in (0, self._partner_of[customer])
            ]
            if parts:
                (found,) = added(period.kind, period.first, period.last, parts)
                yield replace(found, days=len(days)), frozenset(places)

    def all_of(self, period: Period, partner: int) -> Iterator[Noisy]:
        """The sum of a scope over all days, of which it may be said that it is hidden."""
        mine = [
            one
            for _, by_customer in sorted(self._noisy.items())
            for customer, one in by_customer.items()
            if partner in (0, self._partner_of[customer])
        ]
        yield from added(period.kind, period.first, period.last, mine)

    def _gather(self, days: Sequence[int]) -> None:
        """The blocks that some days together make beside those that there are."""
        mine = [day for day in days if day in self._noisy]
        covered = {day for block in self.blocks for day in block.days}
        untold = [day for day in mine if day not in covered]
        if untold:
            self._add(untold, self.places, {})
        if len(days) == 1:
            return
        covered = {day for block in self.blocks for day in block.days}
        known = [day for day in mine if day in covered]
        told = {place for block in self.blocks if not block.days.isdisjoint(known) for place in block.places}
        if known and (never := self.places - told):
            rest = [(day, place) for place in told for day in known if day not in self.days_told(place, 0)]
            self._add(known, never, {REST: self._of(rest)})

    def _add(self, days: Sequence[int], places: Collection[Place], rest: Mapping[str, Contributions]) -> None:
        closed = self._closed(frozenset(days))
        if closed is None:
            return
        names = {_name(place): place for place in places}
        table = {name: self._of((day, place) for day in days) for name, place in names.items()}
        rests = {name: self._left_by(days, place) for name, place in names.items()} if self._around else {}
        shown = protect({**table, **rest}, self._partner_of, closed, never=rest.keys(), rests=rests)
        if shown.whole and (shown.values or not rest):
            told = frozenset(names[name] for name in shown.values)
            self.blocks.append(Block(frozenset(days), told, shown.open))

    def _closed(self, days: frozenset[int]) -> frozenset[int] | None:
        """Partners of which no whole of these days is told; ``None`` where a told whole is of some of them and others.

        Of one day a cut is told as it was, whatever is told of the day's whole in a wider sum.
        """
        if self._whole is None:
            return self._resting
        near = [block for block in self._whole.blocks if not block.days.isdisjoint(days)]
        if len(days) == 1:
            near = [block for block in near if block.days == days]
        elif any(not block.days <= days for block in near):
            return None
        told = frozenset(day for block in near for day in block.days) >= days
        open_ = frozenset.intersection(*(block.open for block in near)) if told else frozenset[int]()
        return frozenset(self._partner_of.values()) - open_

    def told_of(self, place: Place) -> dict[int, Sum]:
        """What each Customer has of what is told at a place of all of them."""
        return self._sums((day, place) for day in self.days_told(place, 0))

    def _of(self, cells: Iterable[tuple[int, Place]]) -> Contributions:
        """What each Customer has of some places on some days, where it stands out of its noise."""
        return standing_out(self._sums(cells))

    def _left_by(self, days: Iterable[int], place: Place) -> dict[int, Sum]:
        """What each Customer has of the people around a place who are not in it."""
        around = _added(self._around, self._values_around, ((day, place) for day in days))
        mine = self._sums((day, place) for day in days)
        return {customer: of - mine.get(customer, NOTHING) for customer, of in around.items()}

    def _sums(self, cells: Iterable[tuple[int, Place]]) -> dict[int, Sum]:
        return _added(self._noisy, self._values, cells)


def _values(days: DayNoisy) -> dict[int, dict[int, dict[Place, int]]]:
    return {day: {customer: one.at() for customer, one in by.items()} for day, by in days.items()}


def _added(
    noisy: DayNoisy, tables: Mapping[int, Mapping[int, Mapping[Place, int]]], cells: Iterable[tuple[int, Place]]
) -> dict[int, Sum]:
    """What each Customer has of some places on some days."""
    values: dict[int, int] = {}
    variances: dict[int, int] = {}
    for day, place in cells:
        for customer, at in tables.get(day, {}).items():
            if place in at:
                values[customer] = values.get(customer, 0) + at[place]
                variances[customer] = variances.get(customer, 0) + noisy[day][customer].variance
    return {customer: Sum(n, variances[customer]) for customer, n in values.items()}


def settled(
    period: Period,
    whole: DayNoisy,
    cuts: Sequence[DayNoisy],
    partner_of: Mapping[int, int],
    resting: Collection[int],
    around: Sequence[DayNoisy] = (),
) -> tuple[Wide, list[Wide]]:
    """A view and its cuts over a wider period. ``around``: of new people, all people as a whole and by each cut.

    A day of which a cut was told, and not the whole, is in no wider whole: less the cut it would tell of what is left.
    """
    of_whole, *of_cuts = around or [NOTHING_AROUND] * (1 + len(cuts))
    alone = Wide(whole, partner_of, resting, around=of_whole)
    alone.settle_days()
    days = {day for block in alone.blocks for day in block.days}
    cut_days = set[int]()
    for cut, near in zip(cuts, of_cuts, strict=True):
        by_day = Wide(cut, partner_of, resting, alone, near)
        by_day.settle_days()
        cut_days |= {day for block in by_day.blocks for day in block.days}
    kept = {d: by for d, by in whole.items() if d in days or d not in cut_days}
    of_all = Wide(kept, partner_of, resting, around=of_whole)
    of_all.settle(period)
    found = [Wide(cut, partner_of, resting, of_all, near) for cut, near in zip(cuts, of_cuts, strict=True)]
    for one in found:
        one.settle(period)
    return of_all, found


def told(sums: Iterable[tuple[Noisy, frozenset[Place]]]) -> Iterator[Number]:
    """The numbers of a scope's sums; a cut's that do not stand out are left out."""
    for noisy, places in sums:
        for number in numbers_of(noisy):
            if Place(number.label, number.slot, number.value1, number.value2) in places:
                yield number


def _name(place: Place) -> str:
    return "\t".join(map(str, place))


def _parted(period: Period, kind: PeriodKind) -> list[list[int]]:
    """The days of a period by the week or month that they lie in."""
    found: dict[Period, list[int]] = {}
    for day in range(period.first, period.last + 1):
        found.setdefault(period_of(kind, day), []).append(day)
    return list(found.values())
