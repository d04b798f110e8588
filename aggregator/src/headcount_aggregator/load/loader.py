"""Exactly once: the loader alone deduplicates, and one rename commits.

``load_once`` is the whole path. A crash before the commit changes nothing: the segments are still
there. A crash after it changes nothing either: the unit names its sources, which are skipped, and
pushing a unit again is harmless.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from headcount_wire import days, limits
from headcount_wire.clock import Clock
from headcount_wire.organisation import Organisation
from headcount_wire.segment import Record, Stream

from headcount_aggregator import rollup
from headcount_aggregator.load import frontier
from headcount_aggregator.load.disk import Disk
from headcount_aggregator.load.fold import Folder
from headcount_aggregator.load.frontier import Promise
from headcount_aggregator.load.groups import Group, Groups, part, waits_until
from headcount_aggregator.load.orphans import take_over
from headcount_aggregator.load.reconcile import checksum, compare, held
from headcount_aggregator.load.spool_reader import batches, forget_set_aside, oldest_day, records_of, sealed
from headcount_aggregator.load.unit import Header, Unit, Units
from headcount_aggregator.load.versions import AppVersions, Versions
from headcount_aggregator.warehouse import Reason, Warehouse, WarehouseError
from headcount_aggregator.warehouse.tables import Table, encode_rows

log: structlog.stdlib.BoundLogger = structlog.get_logger("headcount.loader")

BATCH_BYTES = 16 * 1024 * 1024
UNIT_DAYS = 7
DEBUG_DAYS = 1


class LoaderBusy(Exception):
    """Another loader works on this spool."""


@dataclass(slots=True)
class LoadResult:
    """What one call did: records counted, duplicates dropped, units committed, rows pushed.

    ``quarantined``: files set aside. ``damaged``: of these, segments of which some records were read;
    ``lost``: records of them that were not, at least. ``taken_over``: records a dead worker left unsealed.
    ``waiting``: units that are committed, and wait for a warehouse that does not take them now;
    ``refused`` says why it does not.
    """

    records: int = 0
    duplicates: int = 0
    units: int = 0
    rows: int = 0
    quarantined: int = 0
    damaged: int = 0
    lost: int = 0
    taken_over: int = 0
    waiting: int = 0
    refused: str = ""


@dataclass(slots=True)
class _Batch:
    """What some segments hold that was not counted before."""

    groups: Groups
    versions: Versions
    ids: dict[bytes, int] = field(default_factory=dict)
    sources: list[Path] = field(default_factory=list)
    duplicates: int = 0
    quarantined: int = 0
    damaged: int = 0
    lost: int = 0


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
        node: str = "",
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
        self._node = node
        self._promise = Promise(units, self._disk)
        self._settled = 0
        self._seen: dict[int, set[bytes]] = {}
        self._remember(self._units.ids())
        numbers = self._units.numbers()
        newest = self._units.read(numbers[-1]) if numbers else None
        # Only the newest unit can have left sources: they are removed before the next is begun.
        self._consumed = set(newest.header.sources) if newest else set[str]()
        self._next = newest.header.number + 1 if newest else 1
        self._carry: Groups = newest.carry if newest else {}
        self._versions: Versions = newest.versions if newest else {}
        self._organisation = organisation
        # Until the warehouse is first asked: nothing above a promise, or the last unit's day, can be rolled up.
        self._known_mark = self._promise.load_day or max((one.load_day for one in self._units.headers()), default=0)
        self.repaired = 0
        """Units that were pushed again, since the start."""
        self.unmatched = 0
        """Units that some copy in the warehouse does not hold as it should, though they were pushed again."""

    def use(self, organisation: Organisation) -> None:
        """Take over a changed organisation."""
        self._organisation = organisation

    def load_once(self) -> LoadResult:
        """Load what is sealed: take over -> read -> dedup -> fold -> commit -> remove sources -> push -> done."""
        result = LoadResult()
        self._push_pending(result)
        orphans = take_over(self._spool, self._disk)
        result.taken_over, result.quarantined = orphans.records, orphans.set_aside
        found = sealed(self._spool)
        waiting = [path for path in found if self._name(path) not in self._consumed]
        self._remove([path for path in found if self._name(path) in self._consumed])
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
        """Compare every unit above the watermark with the warehouse; push again what differs. Returns how many did."""
        stored = self._stored()
        before = self.repaired
        self.unmatched = sum(self._reconcile(day, headers) for day, headers in stored.items())
        return self.repaired - before

    def settle(self, today: int) -> None:
        """Tell that everything which was acknowledged before a UTC day began is loaded."""
        self._settled = max(self._settled, today)
        self._tell()

    def promise(self) -> int:
        """Tell how far this node has come (``frontier``); returns the last load day that is stored as its units say."""
        waiting = [self._units.header(number).load_day for number in self._units.pending()]
        sound = min([self._today, *waiting]) - 1
        for day, headers in sorted(self._stored().items()):
            if day > sound:
                break
            if self._reconcile(day, headers):
                sound = day - 1
        self._promise.give(sound)
        self._tell()
        return sound

    def compact(self, nodes: Sequence[str] | None = None) -> int:
        """Roll up the load days that are over at all of these nodes (this one, if not given); returns how many.

        Raises ``WarehouseError`` with ``Reason.MISMATCH`` when the sums do not come out; then nothing was dropped.
        """
        sound = self.promise()
        known = frontier.frontiers(self._warehouse)
        through = min(sound, frontier.least(known, nodes or [self._node]).load_day)
        done = 0
        for day in sorted({*rollup.loaded_days(self._warehouse), *self._stored()}):
            if day > through:
                break
            # Of a node that is gone nobody knows what it had told next.
            checked = len(known) > 1 and all(one.load_day >= day for one in known.values())
            if checked and frontier.told(self._warehouse, day) != held(self._warehouse, day):
                raise WarehouseError(Reason.MISMATCH)
            rollup.roll_up(self._warehouse, day)
            done += 1
        rollup.drop_rolled_up(self._warehouse)
        return done

    def forget(self) -> None:
        """Let go of ids, debug data, units and files set aside whose window has passed.

        An id goes 9 days after its creation day, but never while the spool holds a segment so old that
        the id could still be repeated in it.
        """
        today = self._today
        oldest = oldest_day(self._spool)
        before = today - limits.ID_MEMORY_DAYS
        if oldest is not None:
            before = min(before, oldest - limits.CREATED_PAST_DAYS - 1)
        self._units.forget_ids(before)
        self._seen = {created: ids for created, ids in self._seen.items() if created >= before}
        self._units.forget_debug(today - DEBUG_DAYS)
        rollup.drop_debug(self._warehouse, today - DEBUG_DAYS)
        mark = rollup.watermark(self._warehouse)
        self._units.forget_units(lambda header: header.load_day < today - UNIT_DAYS and header.load_day <= mark)
        forget_set_aside(self._spool, today - UNIT_DAYS, self._disk)

    def close(self) -> None:
        """Let another loader in."""
        os.close(self._lock)

    @property
    def _today(self) -> int:
        return days.utc_day(self._clock.now())

    def _name(self, path: Path) -> str:
        return f"{path.parent.name}/{path.name}"

    def _load(self, paths: list[Path], result: LoadResult, today: int | None = None) -> None:
        fold_day = self._today
        batch = self._fold(paths, fold_day)
        result.quarantined += batch.quarantined + batch.damaged
        result.damaged += batch.damaged
        result.lost += batch.lost
        cells, carry = part(batch.groups, fold_day if today is None else today)
        if not batch.sources and not cells:
            return
        # What is loaded never falls at or below the watermark or a promise, even when the clock was set back.
        load_day = max(fold_day, self._mark() + 1, self._promise.load_day + 1)
        unit = secrets.token_bytes(16)
        numbered = [(unit, row, load_day, *cell) for row, cell in enumerate(sorted(cells))]
        debug = [row for row in numbered if row[3] == Stream.DEBUG]
        live = numbered[: len(numbered) - len(debug)]  # sorted by stream: debug comes last
        header = Header(
            number=self._next,
            unit=unit.hex(),
            load_day=load_day,
            sources=tuple(self._name(path) for path in batch.sources),
            records=len(batch.ids),
            duplicates=batch.duplicates,
            rows=len(live),
            total=sum(cell.n for cell in cells if cell.stream != Stream.DEBUG),
            checksum=checksum(live),
            debug_rows=len(debug),
        )
        blocks = encode_rows(Table.LANDING, live), encode_rows(Table.DEBUG, debug)
        self._units.commit(Unit(header, *blocks, carry, batch.versions), batch.ids.items())
        self._next += 1
        self._remember(batch.ids.items())
        self._consumed = set(header.sources)
        self._carry, self._versions = carry, batch.versions
        self._remove(batch.sources)
        result.records += header.records
        result.duplicates += header.duplicates
        result.units += 1
        self._push_pending(result)

    def _fold(self, paths: list[Path], fold_day: int) -> _Batch:
        """The carry and what is new in some segments, added up. Changes nothing of the loader's."""
        batch = _Batch(
            groups={key: Group(group.reports, dict(group.sums)) for key, group in self._carry.items()},
            versions={whose: dict(mine) for whose, mine in self._versions.items()},
        )
        versions = AppVersions(batch.versions)
        folder = Folder(self._organisation, versions)
        for path in paths:
            found = records_of(path, self._disk)
            if found is None:
                batch.quarantined += 1
                continue
            batch.sources.append(path)
            batch.damaged += bool(found.gaps)
            batch.lost += found.gaps
            new: list[Record] = []
            for report_id, record in found.records:
                if report_id in batch.ids or any(report_id in ids for ids in self._seen.values()):
                    batch.duplicates += 1
                    continue
                batch.ids[report_id] = record.created
                new.append(record)
            versions.count(new, fold_day)
            for record in new:
                folder.add(batch.groups, record, fold_day)
        return batch

    def _remember(self, ids: Iterable[tuple[bytes, int]]) -> None:
        for report_id, created in ids:
            self._seen.setdefault(created, set()).add(report_id)

    def _remove(self, sources: list[Path]) -> None:
        for path in sources:
            self._disk.remove(path)
        for folder in {path.parent for path in sources}:
            self._disk.sync(folder)

    def _push_pending(self, result: LoadResult) -> None:
        pending = self._units.pending()
        result.waiting = len(pending)
        for number in pending if not result.refused else ():
            unit = self._units.read(number)
            try:
                self._warehouse.insert(Table.LANDING, unit.block)
                self._warehouse.insert(Table.DEBUG, unit.debug)
            except WarehouseError as error:
                if not error.reason.passes:
                    raise
                result.refused = error.reason.sentence
                return  # the unit is committed: it waits, and what arrives meanwhile is folded all the same
            self._units.done(number)
            result.waiting -= 1
            result.rows += unit.header.rows

    def _tell(self) -> None:
        """Have the warehouse know this node's frontier, with the sums of each load day it did not know of."""
        known = frontier.frontiers(self._warehouse).get(self._node, frontier.Frontier())
        last = self._promise.load_day
        if known.load_day >= last and known.settled >= self._settled:
            return
        by_day: dict[int, list[Header]] = {last: []}
        for header in self._units.headers():
            if header.load_day == last or known.load_day < header.load_day < last:
                by_day.setdefault(header.load_day, []).append(header)
        told = {day: frontier.sums_of(headers) for day, headers in by_day.items()}
        frontier.tell(self._warehouse, self._node, max(self._settled, known.settled), told)

    def _mark(self) -> int:
        """The watermark; while the warehouse does not answer, a day that it is not above."""
        try:
            self._known_mark = rollup.watermark(self._warehouse)
        except WarehouseError as error:
            if not error.reason.passes:
                raise
        return self._known_mark

    def _stored(self) -> dict[int, list[Header]]:
        """The headers of pushed units above the watermark, by load day."""
        mark = rollup.watermark(self._warehouse)
        pending = set(self._units.pending())
        found: dict[int, list[Header]] = {}
        for header in self._units.headers():
            if header.load_day > mark and header.number not in pending:
                found.setdefault(header.load_day, []).append(header)
        return found

    def _reconcile(self, load_day: int, headers: list[Header]) -> int:
        """Push again what differs in any copy; returns how many units differ even then."""
        found = compare(self._warehouse, load_day, headers)
        for header in found.headers:
            self._warehouse.insert(Table.LANDING, self._units.read(header.number).block)
        if not found.differences:
            return 0
        self.repaired += len(found.headers)
        left = compare(self._warehouse, load_day, headers).differences
        log.warning(
            "units_differed",
            load_day=load_day,
            repaired=len(found.headers),
            copies=sorted({f"{one.shard}/{one.copy}" for one in found.differences}),
            still=[(one.header.number, f"{one.shard}/{one.copy}") for one in left],
        )
        return len({one.header.number for one in left})
