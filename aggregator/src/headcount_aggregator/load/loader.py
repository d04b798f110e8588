"""Exactly once: the loader alone deduplicates, and one rename commits.

``load_once`` is the whole path. A crash before the commit changes nothing: the segments are still
there. A crash after it changes nothing either: the unit names its sources, which are skipped, and
pushing a unit again is harmless.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from headcount_wire import days, limits
from headcount_wire.clock import Clock
from headcount_wire.organisation import Organisation

from headcount_aggregator.load.disk import Disk
from headcount_aggregator.load.fold import Folder, Versions
from headcount_aggregator.load.groups import Groups, part, waits_until
from headcount_aggregator.load.reconcile import holds
from headcount_aggregator.load.spool_reader import batches, records_of, sealed
from headcount_aggregator.load.unit import Unit, Units
from headcount_aggregator.warehouse import Warehouse
from headcount_aggregator.warehouse.tables import Table, encode_rows

BATCH_BYTES = 16 * 1024 * 1024
UNIT_DAYS = 7


class LoaderBusy(Exception):
    """Another loader works on this spool."""


@dataclass(slots=True)
class LoadResult:
    """What one call did: records counted, duplicates dropped, units committed, rows pushed, files set aside."""

    records: int = 0
    duplicates: int = 0
    units: int = 0
    rows: int = 0
    quarantined: int = 0


class Loader:
    """The one loader of a node. It owns ``units`` and removes what it has counted from ``spool``."""

    def __init__(
        self,
        spool: Path,
        units: Path,
        organisation: Organisation,
        warehouse: Warehouse,
        clock: Clock,
        disk: Disk | None = None,
    ) -> None:
        self._spool = spool
        self._warehouse = warehouse
        self._clock = clock
        self._disk = disk or Disk()
        self._units = Units(units, self._disk)
        self._lock = os.open(units / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise LoaderBusy("another loader has this folder; a node runs one") from None
        self._units.recover()
        self._seen = dict(self._units.ids())
        numbers = self._units.numbers()
        kept = [self._units.read(number) for number in numbers]
        self._consumed = {source for unit in kept for source in unit.sources}
        self._next = numbers[-1] + 1 if numbers else 1
        self._carry: Groups = kept[-1].carry if kept else {}
        self._versions: Versions = kept[-1].versions if kept else {}
        self._organisation = organisation

    def use(self, organisation: Organisation) -> None:
        """Take over a changed organisation."""
        self._organisation = organisation

    def load_once(self) -> LoadResult:
        """Load what is sealed: read -> dedup -> fold -> commit -> remove sources -> push -> done."""
        result = LoadResult()
        self._push_pending(result)
        waiting: list[Path] = []
        for path in sealed(self._spool):
            if self._name(path) in self._consumed:
                self._disk.remove(path)
            else:
                waiting.append(path)
        for batch in batches(waiting, BATCH_BYTES):
            self._load(batch, result)
        if any(self._today >= waits_until(key) for key in self._carry):
            self._load([], result)
        return result

    def flush_all(self) -> LoadResult:
        """Push every carried group as if its day were frozen: for an ending replay, not for production."""
        result = LoadResult()
        self._load([], result, today=2**30)
        return result

    def reconcile(self) -> int:
        """Compare every kept unit with the warehouse; push again what differs. Returns how many did."""
        repaired = 0
        for number in self._units.numbers():
            unit = self._units.read(number)
            if unit.rows and not holds(self._warehouse, unit):
                self._warehouse.insert(Table.LANDING, unit.block)
                repaired += 1
        return repaired

    def forget(self) -> None:
        """Let go of units and ids whose window has passed and whose spool is drained."""
        if not sealed(self._spool):
            oldest = self._today - limits.ID_MEMORY_DAYS
            self._units.forget(self._today - UNIT_DAYS, oldest)
            self._seen = {report_id: created for report_id, created in self._seen.items() if created >= oldest}

    def close(self) -> None:
        """Let another loader in."""
        os.close(self._lock)

    @property
    def _today(self) -> int:
        return days.utc_day(self._clock.now())

    def _name(self, path: Path) -> str:
        return f"{path.parent.name}/{path.name}"

    def _load(self, batch: list[Path], result: LoadResult, today: int | None = None) -> None:
        fold_day = self._today
        groups = {key: type(group)(group.reports, dict(group.sums)) for key, group in self._carry.items()}
        versions = {app: dict(live) for app, live in self._versions.items()}
        folder = Folder(self._organisation, versions)
        ids: dict[bytes, int] = {}
        duplicates = quarantined = 0
        sources: list[Path] = []
        for path in batch:
            found = records_of(path, self._disk)
            if found is None:
                quarantined += 1
                continue
            sources.append(path)
            for report_id, record in found:
                if report_id in self._seen or report_id in ids:
                    duplicates += 1
                    continue
                ids[report_id] = record.created
                folder.add(groups, record, fold_day)
        cells, carry = part(groups, fold_day if today is None else today)
        result.quarantined += quarantined
        if not sources and not cells:
            return
        unit = secrets.token_bytes(16)
        rows = [(unit, row, fold_day, *cell) for row, cell in enumerate(sorted(cells))]
        committed = Unit(
            number=self._next,
            unit=unit,
            load_day=fold_day,
            sources=tuple(self._name(path) for path in sources),
            records=len(ids),
            duplicates=duplicates,
            rows=len(rows),
            total=sum(cell.n for cell in cells),
            block=encode_rows(Table.LANDING, rows),
            carry=carry,
            versions=versions,
        )
        self._units.commit(committed, list(ids.items()))
        self._next += 1
        self._seen.update(ids)
        self._consumed.update(committed.sources)
        self._carry, self._versions = carry, versions
        for path in sources:
            self._disk.remove(path)
        result.records += len(ids)
        result.duplicates += duplicates
        result.units += 1
        self._push_pending(result)

    def _push_pending(self, result: LoadResult) -> None:
        for number in self._units.pending():
            unit = self._units.read(number)
            self._warehouse.insert(Table.LANDING, unit.block)
            self._units.done(number)
            result.rows += unit.rows
