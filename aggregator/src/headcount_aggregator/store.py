"""The store process: the only owner of the warehouse. Loads, rolls on, releases, on its clock.

``tick`` is the whole of it, once: load -> reconcile -> release what is due -> provisional totals and debug
counts. The web process is never asked and never asks: it reads the files.
"""

from __future__ import annotations

import gc
import json
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import structlog
from headcount_wire import days
from headcount_wire.clock import Clock, SystemClock
from headcount_wire.fleet import waited_for
from headcount_wire.organisation_file import OrganisationFile

from headcount_aggregator.backup import BackupError, write_backup
from headcount_aggregator.backup_request import serve
from headcount_aggregator.cell_reader import WarehouseCells
from headcount_aggregator.chains import Chains, WholeChains
from headcount_aggregator.debug_publisher import DebugPublisher
from headcount_aggregator.disclosure.log import DisclosureLog
from headcount_aggregator.disclosure.watch import DisclosureWatch
from headcount_aggregator.load.belonging import StrangeWarehouse, must_belong
from headcount_aggregator.load.frontier import Frontier, frontiers, least
from headcount_aggregator.load.loader import Loader, LoadResult
from headcount_aggregator.load.spool_reader import drained, unsealed
from headcount_aggregator.release.completeness import MissedFiles
from headcount_aggregator.release.run import Releaser
from headcount_aggregator.release.scope.run import ScopeReleaser
from headcount_aggregator.retention.keeper import Keeper
from headcount_aggregator.settings import StoreSettings
from headcount_aggregator.warehouse import Reason, WarehouseError
from headcount_aggregator.warehouse.address import EMBEDDED
from headcount_aggregator.warehouse.opening import open_warehouse

log: structlog.stdlib.BoundLogger = structlog.get_logger("headcount.store")

GARBAGE_LOOK_AFTER_OBJECTS = 100_000
PROVISIONAL_SECONDS = 3600.0
WAITING_SECONDS = 3600.0
PROVISIONAL_SHARE = 0.1
"""Provisional totals take at most this share of the store's time: under a clock that runs fast they are rarer."""


class NotShared(Exception):
    """A node of a fleet was given a warehouse of its own."""


class Store:
    """Warehouse, loader and releases of one node."""

    def __init__(self, settings: StoreSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._file = OrganisationFile(settings.organisation)
        if settings.home == EMBEDDED and set(self._nodes(days.utc_day(clock.now()))) != {settings.node}:
            raise NotShared("this node is one of several, and chDB is the warehouse of one: docs/fleet.md")
        self._warehouse = open_warehouse(settings.home, settings.warehouse)
        self._must_belong()
        self._loader = Loader(
            settings.spool, settings.units, self._file.organisation, self._warehouse, clock, node=settings.node
        )
        self._keeper = Keeper(settings.data, self._warehouse, self._loader)
        cells = WarehouseCells(self._warehouse)
        self._chains = Chains(settings.releases)
        self._chains.look()
        missed = MissedFiles(settings.spool)
        self._releaser = Releaser(settings.releases, WholeChains(cells, self._chains), missed=missed)
        self._scopes = ScopeReleaser(settings.shares, settings.releases, cells, broken=lambda: self._chains.broken)
        self._disclosed = DisclosureWatch(DisclosureLog(settings.disclosures, clock), settings.data)
        self._debug = DebugPublisher(settings.releases, cells)
        self._debug_day = -1
        self._reconciled = clock.monotonic()
        self._published = -PROVISIONAL_SECONDS
        self._rests_until = -1.0
        self._released_through = -1
        self._tidied = self._rolled_up = self._told = -1
        self._kept = -1
        self._waited = -1
        self._waits = 0
        self._refused = ""
        self._found = {"records_taken_over": 0, "files_set_aside": 0, "records_lost": 0, "reports_unexplained": 0}

    def _must_belong(self) -> None:
        """Raises ``StrangeWarehouse``; a warehouse that does not answer now is waited for."""
        try:
            must_belong(self._settings.units, self._warehouse)
        except WarehouseError as error:
            if not error.reason.passes:
                raise
        except StrangeWarehouse:
            self._warehouse.close()
            raise

    def tick(self) -> dict[str, Any]:
        """Do everything that is due now, once; returns what the status file says."""
        moment = self._clock.now()
        today = days.utc_day(moment)
        self._reload()
        result = self._loader.load_once()
        self._waits = result.waiting
        released = repaired = 0
        settled, refused = False, ""
        try:
            self._erase(today)
            repaired = self._reconcile()
            settled = self._drained(moment)
            self._tell(today)
            released = self._release(today)
            self._note(result, today)
            self._tidy(today)
            if self._releases(today):
                self._disclosed.note(self._file.organisation)
                self._keep(today)
                self._disclosed.note(self._file.organisation)
                if result.units or self._debug_day != today:
                    self._debug.publish(moment)
                    self._debug_day = today
                self._provisional(moment, today)
        except WarehouseError as error:
            if not error.reason.passes:
                raise
            refused = error.reason.sentence
        self._say_warehouse(refused or result.refused)
        serve(self._settings.data, self.back_up)
        settled = settled and not refused and self._released_through == today and not self._chains.broken
        return self._say(moment if settled else None, result, released, repaired)

    def back_up(self, folder: Path) -> str:
        """Write the backup that was asked for; what is wrong, in a sentence, or nothing."""
        try:
            write_backup(self._settings, self._warehouse, folder, self._clock.now(), lambda *_: None)
        except (BackupError, WarehouseError) as error:
            return str(error)
        except OSError as error:
            return f"{folder}: cannot be written ({error.strerror})."
        log.info("backed_up")
        return ""

    def erase_requested(self) -> int:
        """Erase the Customers somebody asked to erase, and nothing else; returns how many could not be yet."""
        self._erase(days.utc_day(self._clock.now()))
        return self._keeper.waiting

    def close(self) -> None:
        """Let go of everything."""
        self._loader.close()
        self._warehouse.close()

    def _provisional(self, moment: float, today: int) -> None:
        """Publish provisional totals hourly, and at once when the clock was set back."""
        begun = self._clock.monotonic()
        if 0 <= moment - self._published < PROVISIONAL_SECONDS or begun < self._rests_until:
            return
        self._releaser.publish_provisional(self._file.organisation, today)
        self._published = moment
        ended = self._clock.monotonic()
        self._rests_until = ended + (ended - begun) * (1 / PROVISIONAL_SHARE - 1)

    def _drained(self, moment: float) -> bool:
        """Whether everything acknowledged up to a moment is in the warehouse."""
        return not self._waits and drained(self._settings.spool, moment)

    def _nodes(self, today: int) -> tuple[str, ...]:
        """The nodes whose loaders' word a roll-up and a release wait for."""
        return waited_for(self._file.organisation.fleet, today) or (self._settings.node,)

    def _releases(self, today: int) -> bool:
        """Whether this store rolls up and releases: it was told to, or there is no other."""
        told = self._settings.releases_here
        return self._nodes(today) == (self._settings.node,) if told is None else told

    def _least(self, today: int) -> Frontier:
        """How far all nodes have come."""
        return least(frontiers(self._warehouse), self._nodes(today))

    def _tell(self, today: int) -> None:
        """Once a day, when all that was acknowledged before it is loaded: tell the store that releases."""
        if self._told < today and self._drained(today * 86_400.0):
            self._loader.settle(today)
            self._told = today

    def _release(self, today: int) -> int:
        """Once a day, and when a chain is whole again: seal what is due on every chain that is what was sealed."""
        if not self._releases(today):
            self._released_through = today
            return 0
        due = self._released_through < today <= self._told and self._least(today).settled >= today
        if (due or self._chains.broken) and (self._chains.look() or due):
            released = self._releaser.release_due(self._file.organisation, today)
            released += self._scopes.release_due(self._file.organisation, today)
            self._chains.look()
            self._released_through = today
            return released
        return 0

    def _note(self, result: LoadResult, today: int) -> None:
        """Count what was not as it should be; say, an hour into the day, what its releases wait for."""
        self._found["records_taken_over"] += result.taken_over
        self._found["files_set_aside"] += result.quarantined
        self._found["records_lost"] += result.lost
        late = self._clock.now() - today * 86_400.0 > WAITING_SECONDS
        if late and self._released_through < today and self._waited < today:
            self._waited = today
            log.warning("release_waits", workers=self._writing(today), nodes=self._behind(today))

    def _say_warehouse(self, refused: str) -> None:
        """Log when the warehouse stops taking or answering, and when it is back."""
        if refused != self._refused:
            self._refused = refused
            if refused:
                log.warning("warehouse_waits", reason=refused, units=self._waits)
            else:
                log.info("warehouse_answers")

    def _writing(self, today: int) -> list[str]:
        """The workers whose open segments are older than today."""
        return sorted({path.parent.name for path in unsealed(self._settings.spool, today * 86_400.0)})

    def _behind(self, today: int) -> list[str]:
        """The nodes that have not told yet that everything of the days before today is loaded."""
        found = frontiers(self._warehouse)
        return [name for name in self._nodes(today) if name and found.get(name, Frontier()).settled < today]

    def _reconcile(self) -> int:
        now = self._clock.monotonic()
        if now - self._reconciled < self._settings.reconcile_seconds:
            return 0
        self._reconciled = now
        self._keeper.confirm(days.utc_day(self._clock.now()))
        self._found["reports_unexplained"] = self._loader.drift()
        if self._found["reports_unexplained"]:
            log.error("account_drift", reports=self._found["reports_unexplained"], by_app_and_day=self._account())
        return self._loader.reconcile()

    def _account(self) -> list[list[int]]:
        """``[app, day, read, counted, repeated]`` of the units that are kept."""
        return self._loader.account.to_plain()

    def _tidy(self, today: int) -> None:
        """Once a day: roll up the load days that are over, forget what is past its window.

        Where other nodes come later than this one to the end of a day, it is rolled up once they have.
        """
        begun = self._tidied < today
        self._tidied = today
        if begun or (self._rolled_up < today and self._least(today).load_day >= today - 1):
            self._roll_up(today)
        if begun:
            self._loader.forget()

    def _roll_up(self, today: int) -> None:
        if not self._releases(today):
            self._loader.promise()
            self._rolled_up = today
            return
        try:
            self._loader.compact(self._nodes(today))
        except WarehouseError as error:
            if error.reason is not Reason.MISMATCH:
                raise
            log.error("roll_up_refused", advice="the sums did not come out; nothing was dropped")
        if self._least(today).load_day >= today - 1:
            self._rolled_up = today

    def _keep(self, today: int) -> None:
        """Once a day, after what is due is sealed: drop what may be kept no longer."""
        if self._kept == today or self._released_through != today:
            return
        self._kept = today
        unsealed = {int(name.partition("-")[0]) for name in self._chains.broken}
        if self._keeper.daily(self._file.organisation, today, unsealed, self._nodes(today)):
            self._releaser.forget()
            self._chains.look()

    def _erase(self, today: int) -> None:
        releases = self._releases(today)
        if not releases:
            self._keeper.let_go(self._file.organisation, today)
        try:
            erased = self._keeper.erase(today, self._nodes(today), rolls_up=releases)
        except WarehouseError as error:
            if error.reason is not Reason.MISMATCH:
                raise
            log.error("erasing_refused", advice="the sums did not come out; it is tried again")
            return
        if erased:
            self._releaser.forget()
            self._chains.look()

    def _reload(self) -> None:
        faults = self._file.reload_if_changed()
        if faults:
            log.error("organisation_faulty", faults=faults, advice="correct the file; the one before stays in force")
        elif faults is not None:
            self._loader.use(self._file.organisation)
            log.info("organisation_taken")

    def _say(self, settled: float | None, result: LoadResult, released: int, repaired: int) -> dict[str, Any]:
        status: dict[str, Any] = {"released_through": self._released_through, "since_start": self._found}
        today = days.utc_day(self._clock.now())
        status["account"] = self._account()
        status["warehouse"] = {"waits_for": self._refused, "units_waiting": self._waits}
        status["warehouse"] |= {"repaired": self._loader.repaired, "unmatched": self._loader.unmatched}
        if self._chains.broken:
            status["reasons"] = [fault for faults in self._chains.broken.values() for fault in faults]
        if not self._releases(today):
            status["releases_here"] = False
        elif self._released_through < today:
            behind = [] if self._refused else self._behind(today)
            status["waits_for"] = [*self._writing(today), *(f"node {name}" for name in behind)]
        if settled is not None:
            status["settled_through"] = settled
        if result.units or released or repaired or result.quarantined:
            log.info(
                "store_ticked",
                records=result.records,
                duplicates=result.duplicates,
                units=result.units,
                rows=result.rows,
                quarantined=result.quarantined,
                releases=released,
                repaired=repaired,
            )
        path: Path = self._settings.status
        path.with_suffix(".tmp").write_text(json.dumps(status))
        path.with_suffix(".tmp").rename(path)
        return status


def tune() -> None:
    """Look for reference cycles seldom: a day's cells are tens of thousands of tuples, and none is in a cycle."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_LOOK_AFTER_OBJECTS, 20, 50)


def run(settings: StoreSettings, clock: Clock | None = None) -> int:
    """Tick until SIGTERM; returns the process's exit code."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
    )
    tune()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings.spool.mkdir(exist_ok=True, mode=0o700)
    store = Store(settings, clock or SystemClock())
    try:
        while not stop.is_set():
            store.tick()
            stop.wait(settings.unit_seconds)
        store.tick()
    finally:
        store.close()
    log.info("store_stopped")
    return 0
