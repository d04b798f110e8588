"""From cells to sealed releases: which periods are due, each released once, in order.

A period is due when it is frozen and the spool is drained past its freeze. None is skipped: after
an outage the missing ones are sealed in the order in which they froze.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from headcount_wire.catalog import TOTAL, Catalog
from headcount_wire.dimensions import Dimension
from headcount_wire.facts import Fact
from headcount_wire.organisation import Customer, Organisation

from headcount_aggregator.cells import CellQuery, CellReader, Span
from headcount_aggregator.load.disk import Disk
from headcount_aggregator.periods import Period, PeriodKind, period_of
from headcount_aggregator.release import candidates
from headcount_aggregator.release.candidates import DayCells, Family, Key
from headcount_aggregator.release.seal import Chain, name_of
from headcount_aggregator.release.threshold import Threshold
from headcount_aggregator.released import Number, State, Statistic

DAYS_KEPT = 250
_CUTS = (TOTAL, *(dimension * 8 for dimension in Dimension))
_KINDS = (PeriodKind.DAY, PeriodKind.WEEK, PeriodKind.MONTH)


class CellDays:
    """One app's on-time cells by day, each day read once: after its freeze a day does not change."""

    def __init__(self, reader: CellReader, span: Span) -> None:
        self._reader = reader
        self._span = span
        self._days: OrderedDict[int, DayCells] = OrderedDict()

    def __call__(self, day: int) -> DayCells:
        """The cells of a day; none before the first."""
        if day < self._span.first:
            return {}
        found = self._days.get(day)
        if found is None:
            found = self._days[day] = self.read(day)
            while len(self._days) > DAYS_KEPT:
                self._days.popitem(last=False)
        return found

    def read(self, day: int) -> DayCells:
        """The cells of a day as they are now."""
        query = CellQuery(
            day,
            day,
            ("measure", "label", "fact", "slot", "breakdown", "value1"),
            customers=(self._span.customer,),
            apps=(self._span.app,),
            breakdowns=_CUTS,
            late=0,
        )
        rows = self._reader.sums(query)
        cells: dict[Key, int] = {(r.measure, r.label, r.fact, r.slot, r.breakdown, r.value1): r.n for r in rows}
        return cells


class Releaser:
    """Seals what is due. One per store process."""

    def __init__(self, folder: Path, reader: CellReader, disk: Disk | None = None) -> None:
        self._folder = folder
        self._reader = reader
        self._disk = disk or Disk()
        self._chains: dict[tuple[int, int], Chain] = {}
        self._cells: dict[tuple[int, int], CellDays] = {}

    def release_due(self, organisation: Organisation, today: int) -> int:
        """Seal every frozen period that is not yet; returns how many were."""
        sealed = 0
        for span, customer, catalog in self._apps(organisation):
            chain = self._chain(span)
            for period in due(span, chain, today):
                self._seal(chain, period, span, customer, catalog, today)
                sealed += 1
        return sealed

    def publish_provisional(self, organisation: Organisation, today: int) -> None:
        """Write the totals of open days, rounded down to tens and never below k, beside the releases."""
        for span, customer, catalog in self._apps(organisation):
            chain = self._chain(span)
            numbers: list[Number] = []
            cells = self._days(span)
            for day in range(max(span.first, today - 4), today + 1):
                if name_of(period_of(PeriodKind.DAY, day)) not in chain.names:
                    held = cells.read(day)
                    numbers += provisional(day, catalog, held, customer.k)
            plain = json.dumps([asdict(number) for number in numbers]).encode()
            path = self._folder / f"{span.customer}-{span.app}" / "provisional"
            path.with_suffix(".tmp").write_bytes(plain)
            path.with_suffix(".tmp").rename(path)

    def _seal(self, chain: Chain, period: Period, span: Span, customer: Customer, catalog: Catalog, today: int) -> None:
        rule = Threshold(customer.k)
        numbers = [number for family in self._families(period, span, catalog) for number in rule.decide(family)]
        header: dict[str, Any] = {
            "customer": span.customer,
            "app": span.app,
            "sealed_on": today,
            "rule": rule.name,
            "k": rule.k,
            "late_dropped": self._late(period, span, catalog),
        }
        chain.seal(header, period, numbers)

    def _families(self, period: Period, span: Span, catalog: Catalog) -> Iterator[Family]:
        cells = self._days(span)
        if period.kind is PeriodKind.DAY:
            return candidates.of_day(period.first, catalog, cells)
        return candidates.of_span(period, catalog, cells)

    def _late(self, period: Period, span: Span, catalog: Catalog) -> int:
        """Active devices whose day was frozen before their report came: not part of any number."""
        if catalog.active is None:
            return 0
        query = CellQuery(
            period.first,
            period.last,
            (),
            customers=(span.customer,),
            apps=(span.app,),
            measures=(catalog.active.code,),
            labels=(0,),
            facts=(int(Fact.GAP),),
            late=1,
        )
        return sum(row.n for row in self._reader.sums(query))

    def _apps(self, organisation: Organisation) -> Iterator[tuple[Span, Customer, Catalog]]:
        customers = {customer.code: customer for customer in organisation.customers.values()}
        apps = {app.code: app for app in organisation.apps.values()}
        for span in self._reader.spans():
            if span.customer in customers and span.app in apps:
                yield span, customers[span.customer], apps[span.app].catalog

    def _chain(self, span: Span) -> Chain:
        key = (span.customer, span.app)
        if key not in self._chains:
            self._chains[key] = Chain(self._folder / f"{span.customer}-{span.app}", self._disk)
        return self._chains[key]

    def _days(self, span: Span) -> CellDays:
        key = (span.customer, span.app)
        if key not in self._cells:
            self._cells[key] = CellDays(self._reader, span)
        return self._cells[key]


def due(span: Span, chain: Chain, today: int) -> list[Period]:
    """The frozen periods of an app that are not sealed, in the order in which they froze."""
    sealed_days = [int(name.split("-")[1]) for name in chain.names if name.startswith("day-")]
    first = min(sealed_days, default=span.first)
    periods = {period_of(kind, day) for day in range(first, today) for kind in _KINDS}
    missing = [p for p in periods if p.frozen_from <= today and name_of(p) not in chain.names]
    return sorted(missing, key=lambda p: (p.frozen_from, _KINDS.index(p.kind), p.first))


def provisional(day: int, catalog: Catalog, held: DayCells, k: int) -> Iterator[Number]:
    """The totals of one open day: active people and counts, rounded down to tens, never below k."""
    for family in candidates.of_day(day, catalog, lambda wanted: held if wanted == day else {}):
        whole = family.total
        if family.period.kind is not PeriodKind.DAY or family.label or family.breakdown or whole.contributors < k:
            continue
        if family.statistic in (Statistic.PEOPLE, Statistic.COUNT) and family.show_total:
            value = max(k, whole.value // 10 * 10)
            period = family.period
            place = (period.kind, period.first, period.last, family.measure, 0, TOTAL, "", "", 0)
            yield Number(family.statistic, *place, State.SHOWN, value, 10, provisional=True)
