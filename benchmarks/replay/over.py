"""Cells whose months are over: a long replay outlives them, so they are kept aside before they go.

The running store writes a backup on the last day on which it still has all, and the backup is put back beside it.
"""

from __future__ import annotations

import threading
import time
from contextlib import closing
from pathlib import Path

from headcount.settings import Settings
from headcount_aggregator.backup import restore
from headcount_aggregator.backup_request import answer, ask
from headcount_aggregator.cell_reader import WarehouseCells
from headcount_aggregator.retention.plan import Month, cells_may_go, needed_until
from headcount_aggregator.settings import StoreSettings
from headcount_aggregator.warehouse.opening import open_warehouse
from headcount_wire import days
from headcount_wire.organisation import load_organisation

from benchmarks.replay.compare import Sums, sums_of, with_what_is_over

BACKUP_SECONDS = 600.0


class Over:
    """The cells as they were before the first month of a replay was over."""

    def __init__(self, settings: Settings, folder: Path, first: int) -> None:
        self._settings = settings
        self._backup, self._again = folder / "backup", folder / "again"
        self._last_with_all = needed_until(Month(days.month_start(first))) - 2

    def look(self, day: int) -> None:
        """Have the store write its backup, when the last day is over on which it has all."""
        if day != self._last_with_all:
            return
        name, pause, until = (
            ask(self._settings.data, self._backup),
            threading.Event(),
            time.monotonic() + BACKUP_SECONDS,
        )
        assert name is not None
        while (fault := answer(self._settings.data, name)) is None and time.monotonic() < until:
            pause.wait(0.05)
        if fault != "":
            raise RuntimeError(f"the store wrote no backup: {fault}")

    def put_back(self, sums: Sums, first: int, last: int, today: int) -> tuple[Sums, int]:
        """Sums, those of what is over as the backup has them; and how many cells are left of what is over."""
        (customer,) = load_organisation(self._settings.organisation).customers.values()
        if not self._backup.exists():
            return sums, 0
        back = StoreSettings(organisation=self._settings.organisation, data=self._again)
        with closing(open_warehouse("embedded", self._again / "warehouse")) as home:
            restore(back, home, self._backup, lambda *_: None)
            before = sums_of(WarehouseCells(home), first, last)

        def is_over(day: int) -> bool:
            return cells_may_go(customer, Month(days.month_start(day)), today) is not None

        return with_what_is_over(sums, before, is_over)
