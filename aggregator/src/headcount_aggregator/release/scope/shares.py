"""A Customer's share of sums over Customers: its numbers with noise in, kept by the store and told to nobody.

They are drawn by the same rule, budget and ledger as a Customer's own noisy numbers, from a draft, once. Where a
Customer's own numbers have noise, these are its share: nothing is drawn or spent twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
from headcount_wire.catalog import Catalog
from headcount_wire.organisation import Customer

from headcount_aggregator.cells import CellReader, Span
from headcount_aggregator.load.disk import Disk
from headcount_aggregator.periods import Period, PeriodKind
from headcount_aggregator.release.app_cells import AppCells
from headcount_aggregator.release.day_sums import DaySums
from headcount_aggregator.release.dp import Budget, Noise
from headcount_aggregator.release.dp.noisy import Noisy, noisy_of
from headcount_aggregator.release.dp.releases import NoisyReleases
from headcount_aggregator.release.dp.sealing import NoisyChain
from headcount_aggregator.release.due import due, name_of
from headcount_aggregator.release.seal import DP, Chain
from headcount_aggregator.scopes import NOISE

WINDOW_DAYS = 31


class Share:
    """One Customer's app in sums over Customers. ``folder``: of shares; ``released``: of its own releases."""

    def __init__(
        self,
        folder: Path,
        released: Path,
        span: Span,
        customer: Customer,
        catalog: Catalog,
        budget: Budget,
        reader: CellReader,
        disk: Disk,
        noise: Noise,
    ) -> None:
        self.customer = customer
        self._instances = catalog.instances
        self._own = customer.rule == DP and not catalog.instances
        name = f"{span.customer}-{span.app}"
        # Whatever its rule is now: what has its noise already, in its own releases or as a share, is never drawn again.
        mine, own = folder / name, released / name
        self._chain = Chain(own if self._own else mine, disk)
        other = mine if self._own else own
        self._other = Chain(other, disk) if other.exists() else None
        sealed = [int(name.split("-")[1]) for name in self._chain.names if name.startswith("day-")]
        self.first = min(sealed, default=span.first)
        self._cells = AppCells(reader, span)
        self._noisy = NoisyChain(
            self._chain, NoisyReleases(catalog, budget, self.first, self._cells, noise), budget, NOISE
        )
        self._header = {"customer": span.customer, "app": span.app, "k": customer.k, "late_dropped": 0}

    def draw_due(self, today: int) -> int:
        """Draw and seal every frozen period that is not yet; returns how many."""
        if self._own or self._instances:
            return 0  # its own releases are drawn where they are released; instances have no noise
        periods = [
            period
            for period in due(self.first, set(self._chain.names), today)
            if self._other is None or not _noisy_in(self._other, name_of(period))
        ]
        for period in periods:
            first = period.last - WINDOW_DAYS if period.kind is PeriodKind.DAY else period.first
            self._cells.begin(first, period.last, self._through())
            self._noisy.seal({**self._header, "sealed_on": today}, period)
        return len(periods)

    def of(self, period: Period) -> Sequence[Noisy]:
        """What it has in a period; nothing where it has no noisy numbers of it."""
        name = name_of(period)
        for chain in (self._chain, self._other):
            if chain is not None and (found := _noisy_in(chain, name)):
                return [noisy_of(one) for one in found]
        return ()

    def day(self, day: int) -> DaySums:
        """A frozen day's exact sums, for what is of no device."""
        return self._cells.day(day)

    def _through(self) -> int:
        return max((int(name.split("-")[1]) for name in self._chain.names if name.startswith("day-")), default=-1)


def _noisy_in(chain: Chain, name: str) -> Sequence[Mapping[str, Any]]:
    """What a release keeps with its noise; nothing where there is no such release, or it was not under noise."""
    found: Sequence[Mapping[str, Any]] = chain.plain(name).get("noisy", ()) if name in chain.names else ()
    return found


def remove(folder: Path, customer: int, disk: Disk) -> None:
    """Remove all shares of a Customer, which takes part no more or is erased."""
    for mine in folder.glob(f"{customer}-*"):
        for path in sorted(mine.iterdir()):
            disk.remove(path)
        mine.rmdir()


def held(folder: Path) -> set[int]:
    """The Customers that have shares."""
    names = (path.name.partition("-")[0] for path in folder.glob("*-*") if path.is_dir())
    return {int(name) for name in names if name.isdecimal()}


def plain_of(path: Path) -> object:
    """What a small file of the store says; ``None`` where there is none."""
    try:
        return orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return None
