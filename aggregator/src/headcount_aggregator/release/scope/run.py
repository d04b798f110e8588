"""Releases of scopes across Customers: of each frozen period and app, of all Customers and of each Partner's, once.

A period's numbers are those of the panel of its quarter (``panel.py``). What spans two panels that are not the
same is not told: a sum of two sets of Customers would be told apart by whoever knows both.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
from headcount_wire.catalog import Measure
from headcount_wire.organisation import App, Organisation

from headcount_aggregator.cells import CellReader
from headcount_aggregator.load.disk import Disk
from headcount_aggregator.periods import Period, PeriodKind, period_of
from headcount_aggregator.release.dp import DiscreteGaussian, Noise, budget_of
from headcount_aggregator.release.dp.noisy import WHOLE_PLACE, Noisy
from headcount_aggregator.release.due import due
from headcount_aggregator.release.scope import instances, votes
from headcount_aggregator.release.scope.panel import Panel, next_panel, without
from headcount_aggregator.release.scope.shares import Share, held, plain_of, remove
from headcount_aggregator.release.scope.told import tell, tell_sums
from headcount_aggregator.release.seal import DP, Chain
from headcount_aggregator.released import Number, Statistic
from headcount_aggregator.scopes import LEAST_CUSTOMERS, NOISE, PARTNERS_FROM, PRODUCT, customers_in, noise_of

SIZE_DAYS = 28
"""The days before a quarter by which it is judged how large a Customer is."""

PROTECTION = "customers"
THRESHOLD = "threshold"
"""The rule of what is of no device: exact, and few people or requests are not told."""


class ScopeReleaser:
    """Seals what is due across Customers. One per store process, after each Customer's own releases.

    ``broken``: the folders of releases that are not what was sealed; nothing is sealed on top of them.
    """

    def __init__(
        self,
        shares: Path,
        releases: Path,
        reader: CellReader,
        disk: Disk | None = None,
        noise: Noise | None = None,
        broken: Callable[[], Collection[str]] = frozenset,
    ) -> None:
        self._shares = shares
        self._broken = broken
        self._releases = releases
        self._reader = reader
        self._disk = disk or Disk()
        self._noise = noise or DiscreteGaussian()

    def release_due(self, organisation: Organisation, today: int) -> int:
        """Draw every share and seal every sum that is due; returns how many sums were sealed.

        Where fewer than five Customers take part, nothing is drawn: there could be no sum.
        """
        willing = {customer.code: customer for customer in customers_in(organisation)}
        for customer in held(self._shares) - willing.keys():
            remove(self._shares, customer, self._disk)
        for app in organisation.apps.values():
            self._end(app, {code: customer.partner_code for code, customer in willing.items()}, today)
        if len(willing) < LEAST_CUSTOMERS:
            return 0
        sealed = 0
        for app in organisation.apps.values():
            budget = budget_of(app.catalog, NOISE)
            shares = {
                span.customer: Share(
                    self._shares,
                    self._releases,
                    span,
                    willing[span.customer],
                    app.catalog,
                    budget,
                    self._reader,
                    self._disk,
                    self._noise,
                )
                for span in self._reader.spans()
                if span.app == app.code and span.customer in willing
            }
            if len(shares) >= LEAST_CUSTOMERS:
                for share in shares.values():
                    share.draw_due(today)
                sealed += _AppScopes(self, app, shares).release_due(today)
        return sealed

    def _end(self, app: App, partner_of: Mapping[int, int], today: int) -> None:
        """End the newest panel of an app where one of it takes part no more."""
        panels = self.panels(app)
        if panels:
            newest = max(panels)
            found = without(panels[newest], partner_of, today)
            if found != panels[newest]:
                self.keep_panels(app, {**panels, newest: found})

    def is_whole(self, scope: int, app: App) -> bool:
        """Whether a scope's sealed releases are what was sealed."""
        return f"{scope}-{app.code}" not in self._broken()

    def chain_of(self, scope: int, app: App) -> Chain:
        """The sealed releases of a scope."""
        return Chain(self._releases / f"{scope}-{app.code}", self._disk)

    def panels(self, app: App) -> dict[int, Panel]:
        """Every panel of an app, by the first day of its quarter."""
        rows: Any = plain_of(self._shares / f"panels-{app.code}.json") or []
        found = [
            Panel(quarter, {int(c): p for c, p in members.items()}, frozenset(resting), ended)
            for quarter, members, resting, ended in rows
        ]
        return {panel.quarter: panel for panel in found}

    def keep_panels(self, app: App, panels: Mapping[int, Panel]) -> None:
        """Have the panels on the disk, before anything is told by them."""
        rows = [
            [
                panel.quarter,
                {str(c): p for c, p in sorted(panel.partner_of.items())},
                sorted(panel.resting),
                panel.ended,
            ]
            for _, panel in sorted(panels.items())
        ]
        self._shares.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._shares / f"panels-{app.code}.json"
        self._disk.write(path.with_suffix(".new"), orjson.dumps(rows))
        self._disk.rename(path.with_suffix(".new"), path)

    def cast(self, measure: Measure, rates: Iterable[float]) -> list[int]:
        """The votes of Customers by bin, with noise."""
        return votes.counted(measure, rates, self._noise)

    def votes(self, app: App, quarter: Period) -> dict[int, list[int]] | None:
        """The votes of a quarter, if they were cast."""
        found: Any = plain_of(self._shares / f"votes-{app.code}" / f"{quarter.first}.json")
        return None if found is None else {int(code): bins for code, bins in found.items()}

    def keep_votes(self, app: App, quarter: Period, cast: Mapping[int, list[int]]) -> None:
        """Have a quarter's votes on the disk: noise that was drawn is never drawn again."""
        folder = self._shares / f"votes-{app.code}"
        folder.mkdir(exist_ok=True, mode=0o700)
        path = folder / f"{quarter.first}.json"
        self._disk.write(path.with_suffix(".new"), orjson.dumps({str(code): bins for code, bins in cast.items()}))
        self._disk.rename(path.with_suffix(".new"), path)


class _AppScopes:
    """The scopes of one app, while its periods are sealed."""

    def __init__(self, releaser: ScopeReleaser, app: App, shares: Mapping[int, Share]) -> None:
        self._releaser = releaser
        self._app = app
        self._shares = shares
        self._partner_of = {code: share.customer.partner_code for code, share in shares.items()}
        self._panels = releaser.panels(app)

    def release_due(self, today: int) -> int:
        """Seal what is due, in order, in every scope's chain; nothing while one of them is broken."""
        if not all(self._releaser.is_whole(scope, self._app) for scope in self._scopes()):
            return 0
        chains = {scope: self._releaser.chain_of(scope, self._app) for scope in self._scopes()}
        first = min(share.first for share in self._shares.values())
        sealed = set(chains[PRODUCT].names)
        periods = [period for period in due(first, sealed, today) if period.kind is not PeriodKind.YEAR]
        self._settle(periods)
        for period in periods:
            numbers = self._told(period)
            for scope, chain in chains.items():
                if _name(period) not in chain.names:
                    partner = scope - PARTNERS_FROM if scope else 0
                    chain.seal(self._header(scope, today), period, numbers.get(partner, ()))
        return len(periods)

    def _scopes(self) -> list[int]:
        """All Customers last: its chain says how far the others have come."""
        return [*sorted(PARTNERS_FROM + partner for partner in set(self._partner_of.values()) if partner), PRODUCT]

    def _header(self, scope: int, today: int) -> dict[str, Any]:
        header: dict[str, Any] = {"customer": scope, "app": self._app.code, "sealed_on": today, "late_dropped": 0}
        header |= {"k": LEAST_CUSTOMERS, "protection": PROTECTION}
        if self._app.catalog.instances:
            return {**header, "rule": THRESHOLD}
        # Shares have paid for it.
        customers = [share.customer for share in self._shares.values()]
        noise = noise_of(c for c in customers if scope in (PRODUCT, PARTNERS_FROM + c.partner_code))
        promise = budget_of(self._app.catalog, noise).words
        return {**header, "rule": DP, "noise": noise, "promise": promise, "spent": []}

    def _settle(self, periods: Iterable[Period]) -> None:
        """Have a panel for each quarter that periods touch."""
        before = dict(self._panels)
        for quarter in sorted({start for period in periods for start in _quarters(period)} - self._panels.keys()):
            earlier = [panel for start, panel in sorted(self._panels.items()) if start < quarter]
            self._panels[quarter] = next_panel(
                earlier[-1] if earlier else None, quarter, self._partner_of, self._sizes(quarter)
            )
        if self._panels != before:
            self._releaser.keep_panels(self._app, self._panels)

    def _sizes(self, quarter: int) -> dict[int, int]:
        """How many device-days each Customer had before a quarter; before the first, in it. Instances are all alike."""
        if self._app.catalog.active is None:
            return dict.fromkeys(self._shares, 1)
        days = range(quarter - SIZE_DAYS, quarter)
        found = {code: sum(self._people(share, day) for day in days) for code, share in self._shares.items()}
        if not any(found.values()):
            days = range(quarter, quarter + period_of(PeriodKind.QUARTER, quarter).last - quarter + 1)
            found = {code: sum(self._people(share, day) for day in days) for code, share in self._shares.items()}
        return found

    def _people(self, share: Share, day: int) -> int:
        active = self._app.catalog.active
        for noisy in share.of(period_of(PeriodKind.DAY, day)):
            if noisy.statistic is Statistic.PEOPLE and not noisy.breakdown and active and noisy.measure == active.code:
                return max(0, noisy.at().get(WHOLE_PLACE, 0))
        return 0

    def _told(self, period: Period) -> Mapping[int, list[Number]]:
        noisy = {code: share.of(period) for code, share in self._shares.items()}
        found: dict[int, list[Number]] = {}
        for first, last in sorted({(one.first, one.last) for mine in noisy.values() for one in mine}):
            if panels := self._standing(Period(period.kind, first, last)):
                by_customer = {
                    code: [one for one in noisy[code] if (one.first, one.last) == (first, last)]
                    for code in panels[-1].members
                }
                sums = None
                if period.kind is not PeriodKind.DAY and (first, last) == (period.first, period.last):
                    sums = tell_sums(period, self._by_day(period, panels[-1]), panels[-1].partner_of, _resting(panels))
                told = tell(by_customer, panels[-1].partner_of, _resting(panels), sums)
                for partner, numbers in told.numbers.items():
                    found.setdefault(partner, []).extend(numbers)
        quantities = list(instances.measures_of(self._app.catalog))
        if quantities and period.kind is PeriodKind.DAY and (panels := self._standing(period)):
            days = {code: self._shares[code].day(period.first) for code in panels[-1].members}
            for measure in quantities:
                for partner, number in instances.tell(measure, period, days, panels[-1].partner_of, _resting(panels)):
                    found.setdefault(partner, []).append(number)
        if period.kind is PeriodKind.QUARTER and (panels := self._standing(period)):
            found.setdefault(0, []).extend(self._votes(period, panels[-1]))
        return found

    def _by_day(self, period: Period, panel: Panel) -> dict[int, dict[int, list[Noisy]]]:
        """What each Customer of a panel has on each day of a period."""
        days = [period_of(PeriodKind.DAY, day) for day in range(period.first, period.last + 1)]
        return {
            day.first: {
                code: [one for one in self._shares[code].of(day) if one.kind is day.kind] for code in panel.members
            }
            for day in days
        }

    def _votes(self, quarter: Period, panel: Panel) -> list[Number]:
        """Where Customers stand, each counting once. Votes with their noise are on the disk before they are told."""
        if len(panel.members) < votes.LEAST or self._app.catalog.instances:
            return []
        held = self._releaser.votes(self._app, quarter)
        if held is None:
            span = range(quarter.first, quarter.last + 1)
            periods = {period_of(kind, day) for kind in (PeriodKind.DAY, PeriodKind.WEEK) for day in span}
            ended = sorted(period for period in periods if period.last in span)
            told = {code: [one for period in ended for one in self._shares[code].of(period)] for code in panel.members}
            held = {
                measure.code: self._releaser.cast(measure, votes.rates_of(measure, self._app.catalog, told))
                for measure in votes.measures_of(self._app.catalog)
            }
            self._releaser.keep_votes(self._app, quarter, held)
        measures = self._app.catalog.by_code
        return [number for code, found in held.items() for number in votes.numbers_of(measures[code], quarter, found)]

    def _standing(self, period: Period) -> list[Panel]:
        """The panels of a period's quarters, if they are one and the same, stand, and have all their members."""
        panels = [self._panels[start] for start in _quarters(period) if start in self._panels]
        whole = all(
            panel.stands and _same(panel, panels[-1]) and panel.members <= self._shares.keys() for panel in panels
        )
        return panels if whole else []  # a sum without one of them would tell of it


def _resting(panels: Iterable[Panel]) -> frozenset[int]:
    return frozenset(partner for panel in panels for partner in panel.resting)


def _name(period: Period) -> str:
    return f"{period.kind.value}-{period.first}-{period.last}"


def _same(one: Panel, other: Panel) -> bool:
    return dict(one.partner_of) == dict(other.partner_of)


def _quarters(period: Period) -> Iterator[int]:
    """The first days of the quarters that a period's days lie in."""
    quarter = period_of(PeriodKind.QUARTER, period.first)
    while quarter.first <= period.last:
        yield quarter.first
        quarter = period_of(PeriodKind.QUARTER, quarter.last + 1)
