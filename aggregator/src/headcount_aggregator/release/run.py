"""From cells to sealed releases: every frozen period of every app, once, in order.

A period is due when it is frozen and the spool is drained past its freeze (the store sees to the
second). None is skipped: after an outage the missing ones are sealed in the order in which they froze.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from headcount_wire.catalog import Catalog
from headcount_wire.organisation import Customer, Organisation

from headcount_aggregator.cells import CellReader, Span
from headcount_aggregator.load.disk import Disk
from headcount_aggregator.periods import Period, PeriodKind
from headcount_aggregator.release import people
from headcount_aggregator.release.app_cells import AppCells
from headcount_aggregator.release.block import Block, span_is_apart
from headcount_aggregator.release.completeness import (
    ARRIVES_AFTER_DAYS,
    Missed,
    Missing,
    NothingMissed,
    marked,
    missing_of,
)
from headcount_aggregator.release.counts import blocks_of_day
from headcount_aggregator.release.day_sums import whole
from headcount_aggregator.release.dp import DiscreteGaussian, Noise, budget_of
from headcount_aggregator.release.dp.releases import NoisyReleases
from headcount_aggregator.release.dp.sealing import NoisyChain
from headcount_aggregator.release.due import due, open_periods
from headcount_aggregator.release.period_numbers import DAYS_OF_YEAR, Statistics
from headcount_aggregator.release.provisional import Provisional
from headcount_aggregator.release.seal import DP, Chain
from headcount_aggregator.release.threshold import Threshold
from headcount_aggregator.released import Number, Statistic
from headcount_aggregator.retention.plan import complete_from
from headcount_aggregator.sealed_reader import COLUMNS

WINDOW_DAYS = 31


@dataclass(slots=True)
class _App:
    """One Customer's app: what it counts, its cells, its chain, and the blocks of its sealed counts."""

    span: Span
    customer: Customer
    catalog: Catalog
    cells: AppCells
    chain: Chain
    blocks: dict[str, list[Block]]
    statistics: Statistics
    noisy: NoisyChain | None
    """Where noise is added in place of a threshold."""
    first: int
    """The first day of the chain; before the first release, the first day there are cells of."""

    @property
    def sealed_through(self) -> int:
        """The newest sealed day; -1 before the first."""
        return max((int(name.split("-")[1]) for name in self.chain.names if name.startswith("day-")), default=-1)


class Releaser:
    """Seals what is due. One per store process."""

    def __init__(
        self,
        folder: Path,
        reader: CellReader,
        disk: Disk | None = None,
        noise: Noise | None = None,
        missed: Missed | None = None,
    ) -> None:
        self._folder = folder
        self._missed = missed or NothingMissed()
        self._reader = reader
        self._disk = disk or Disk()
        self._noise = noise or DiscreteGaussian()
        self._kept: dict[tuple[int, int], _App] = {}

    def release_due(self, organisation: Organisation, today: int) -> int:
        """Seal every frozen period that is not yet; returns how many were."""
        sealed = 0
        for app in self._apps(organisation):
            complete = complete_from(app.customer, today)  # of what is earlier, some is kept no longer
            periods = [p for p in due(app.first, set(app.chain.names), today) if p.first >= complete]
            if periods:
                first, last = min(p.first for p in periods), max(p.last for p in periods)
                app.cells.begin(first - WINDOW_DAYS, last, app.sealed_through)
            for period in periods:
                self._seal(app, period, today)
            app.cells.rest()
            sealed += len(periods)
        return sealed

    def forget(self) -> None:
        """Let go of what is known of every app: something of it was dropped."""
        self._kept.clear()

    def publish_provisional(self, organisation: Organisation, today: int) -> None:
        """Write the totals of open days, weeks and months beside the releases, in place of those before."""
        for app in self._apps(organisation):
            numbers: list[Number] = []
            if not app.catalog.instances and app.noisy is None:
                numbers = self._provisional(app, today)
            rows = [[getattr(number, column) for column in COLUMNS] for number in numbers]
            path = self._folder / f"{app.span.customer}-{app.span.app}" / "provisional"
            path.with_suffix(".tmp").write_bytes(orjson.dumps({"columns": COLUMNS, "numbers": rows}))
            path.with_suffix(".tmp").rename(path)

    def _provisional(self, app: _App, today: int) -> list[Number]:
        """Totals of open periods. Of instances, and where noise is added, nothing is told while a day is open."""
        app.cells.begin(today - WINDOW_DAYS, today, app.sealed_through)
        periods = open_periods(app.first, set(app.chain.names), today)
        open_days = [period.first for period in periods if period.kind is PeriodKind.DAY]
        rule = Threshold(app.customer.k)
        provisional = Provisional(app.catalog, app.first, open_days, app.cells, rule, app.statistics)
        return [n for period in periods for n in provisional.of_period(period, self._blocks(app, period))]

    def _seal(self, app: _App, period: Period, today: int) -> None:
        rule = Threshold(app.customer.k)
        of_day = period.kind is PeriodKind.DAY
        header: dict[str, Any] = {"customer": app.span.customer, "app": app.span.app, "sealed_on": today, "k": rule.k}
        if app.noisy is not None:
            app.noisy.seal({**header, "late_dropped": 0}, period)  # how many came late has no noise, so it is not told
            return
        numbers: list[Number]
        blocks: list[Block] = []
        if of_day:
            numbers = list(app.statistics.of_day(period.first))
        elif period.kind is PeriodKind.YEAR:
            of_year = Statistics(app.catalog, app.first, app.cells, rule, keeps=DAYS_OF_YEAR)
            numbers, blocks = of_year.of_span(period, self._blocks(app, period))
        else:
            numbers, blocks = app.statistics.of_span(period, self._blocks(app, period))
        header |= {"rule": rule.name, "late_dropped": _late_dropped(app, period, numbers)}
        missing = self._missing(app, period)
        header["missing"] = {str(measure): found.plain for measure, found in missing.items()}
        app.chain.seal(header, period, marked(numbers, missing), blocks)

    def _missing(self, app: _App, period: Period) -> dict[int, Missing]:
        """What is missing of each measure's reports in a period."""
        arrived = period.first + ARRIVES_AFTER_DAYS, period.last + ARRIVES_AFTER_DAYS
        missed = self._missed.of(app.span.customer, app.span.app, *arrived)
        return missing_of(app.catalog, period, app.first, app.cells, missed, app.customer.k)

    def _blocks(self, app: _App, period: Period) -> list[Block]:
        """The sealed blocks that touch a period; each file is read once."""
        span = range(period.first, period.last + 1)
        found: list[Block] = []
        for name in app.chain.names:
            kind, first, last = name.split("-")
            if int(last) < period.first or int(first) > period.last:
                continue
            if name not in app.blocks:
                numbers, blocks = app.chain.read(name) if app.chain.exact(name) else ((), [])
                app.blocks[name] = blocks_of_day(numbers) if kind == PeriodKind.DAY else blocks
            found += (block for block in app.blocks[name] if not span_is_apart(block, span))
        return found

    def _apps(self, organisation: Organisation) -> Iterator[_App]:
        customers = {customer.code: customer for customer in organisation.customers.values()}
        apps = {app.code: app for app in organisation.apps.values()}
        for span in self._reader.spans():
            if span.customer in customers and span.app in apps:
                yield self._app(span, customers[span.customer], apps[span.app].catalog)

    def _app(self, span: Span, customer: Customer, catalog: Catalog) -> _App:
        key = (span.customer, span.app)
        kept = self._kept.get(key)
        if kept is None or (kept.customer, kept.catalog, kept.span.first) != (customer, catalog, span.first):
            cells = AppCells(self._reader, span)
            chain = Chain(self._folder / f"{span.customer}-{span.app}", self._disk)
            sealed = [int(name.split("-")[1]) for name in chain.names if name.startswith("day-")]
            first = min(sealed, default=span.first)
            statistics = Statistics(catalog, first, cells, Threshold(customer.k))
            noisy = None
            if customer.rule == DP and not catalog.instances:
                budget = budget_of(catalog, customer.noise)
                releases = NoisyReleases(catalog, budget, first, cells, self._noise)
                noisy = NoisyChain(chain, releases, budget, customer.noise)
            kept = self._kept[key] = _App(span, customer, catalog, cells, chain, {}, statistics, noisy, first)
        return kept


def _late_dropped(app: _App, period: Period, numbers: list[Number]) -> int:
    """Devices that came after the freeze of their day and joined nothing here, rounded up to tens; from k on.

    Were fewer told, ten weeks with one each, and a quarter of ten, would tell them all.
    """
    if app.catalog.active is None:
        return 0
    if any(n.statistic is Statistic.PEOPLE and n.period is period.kind and n.value1 == "late" for n in numbers):
        return 0
    came = app.cells.late(period.first, period.last)
    late = sum(whole(sums.reaching(app.catalog.active.code, 0)) for sums in came.values())
    return -(-late // people.TENS) * people.TENS if late >= app.customer.k else 0
