"""Exactly once: the loader alone deduplicates, and one rename commits.

``load_once`` is the whole path. A crash before the commit changes nothing: the segments are still
there. A crash after it changes nothing either: the unit names its sources, which are skipped, and
pushing a unit again is harmless.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
from headcount_wire import days, limits
from headcount_wire.clock import Clock
from headcount_wire.organisation import Organisation

from headcount_aggregator import rollup
from headcount_aggregator.load import frontier, numbering
from headcount_aggregator.load.account import Account
from headcount_aggregator.load.batch import Batch, BatchSums, gather
from headcount_aggregator.load.disk import Disk
from headcount_aggregator.load.frontier import Promise
from headcount_aggregator.load.groups import Groups, waits_until
from headcount_aggregator.load.orphans import take_over
from headcount_aggregator.load.reconcile import compare, held
from headcount_aggregator.load.seen import Seen
from headcount_aggregator.load.spool_reader import batches, forget_set_aside, oldest_day, sealed
from headcount_aggregator.load.unit import Header, Unit, Units
from headcount_aggregator.load.versions import Versions
from headcount_aggregator.warehouse import Reason, Warehouse, WarehouseError
from headcount_aggregator.warehouse.tables import Table

log: structlog.stdlib.BoundLogger = structlog.get_logger("headcount.loader")

BATCH_BYTES = 96 * 1024 * 1024
"""Of segments that are read for one unit: more give fewer rows, and take as much memory."""
UNIT_DAYS = 7
DEBUG_DAYS = 1


class LoaderBusy(Exception):
    """Another loader works on this spool."""


@dataclass(slots=True)
class LoadResult:
    """What one call did: records counted, duplicates dropped, units committed, rows pushed.

    ``quarantined``: files set aside. ``damaged``: of these, segments of which some records were read;
    ``lost``: records of them that were not, at least, and of segments that vanished.
    ``taken_over``: records a dead worker left unsealed.
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
        self._erasing: dict[int, int] = {}
        self._seen = Seen()
        self._remember(self._units.ids())
        self.account = Account()
        for header in self._units.headers():
            self.account.add(header.account)
        numbers = self._units.numbers()
        newest = self._units.read(numbers[-1]) if numbers else None
        # Only the newest unit can have left sources: they are removed before the next is begun.
        self._consumed = set(newest.header.sources) if newest else set[str]()
        self._next = newest.header.number + 1 if newest else 1
        self._carry: Groups = newest.carry if newest else {}
        self._versions: Versions = newest.versions if newest else {}
        self._newest = newest.newest if newest else {}
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
        result.lost = numbering.missing(found, self._newest)
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

    def erase(self, customer: int, nodes: Sequence[str] | None = None, *, rolls_up: bool = True) -> bool:
        """Leave nothing of a Customer in units and in what waits; what is in tables is for others to drop.

        All that is loaded is rolled up at once, today's too: then no unit is ever pushed again, and none keeps rows.
        Others' sums stay. ``False``: another of these nodes (as for ``compact``), or a unit that waits, is not so far
        yet; it is to be called again. A node that does not roll up (``rolls_up``) waits for the one that does.
        """
        result = self.load_once()
        if self.holds(customer):
            carry = {key: group for key, group in self._carry.items() if key.customer != customer}
            kept = {whose: mine for whose, mine in self._versions.items() if whose[1] != customer}
            self._units.commit(Unit(Header(self._next, self._today, (), 0, 0), carry, kept, self._newest), ())
            self._next += 1
            self._consumed, self._carry, self._versions = set(), carry, kept
            self._push_pending(result)
        last = max((header.load_day for header in self._units.headers()), default=0)
        through = self._erasing.setdefault(customer, last)
        if rolls_up:
            self.compact(nodes, through)
        else:
            self.promise(through)
        mark = rollup.watermark(self._warehouse)
        if self._units.pending() or mark < max((day for day in self._stored() if day <= through), default=0):
            return False
        self._units.strip(mark)
        del self._erasing[customer]
        return True

    def holds(self, customer: int) -> bool:
        """Whether something of a Customer waits here to be loaded, or is known of its app versions."""
        waits = any(key.customer == customer for key in self._carry)
        return waits or any(whose[1] == customer for whose in self._versions)

    def reconcile(self) -> int:
        """Compare every unit above the watermark with the warehouse; push again what differs. Returns how many did."""
        stored = self._stored()
        before = self.repaired
        self.unmatched = sum(self._reconcile(day, headers) for day, headers in stored.items())
        return self.repaired - before

    def drift(self) -> int:
        """Reports that do not add up: read and neither counted nor a repeat, or counted without an id.

        By app and day over all units that are kept, and unit by unit above the watermark; 0 when nothing is wrong.
        """
        wrong = sum(abs(n) for n in self.account.unexplained().values())
        for headers in self._stored().values():
            for header in headers:
                wrong += abs(self._units.count_ids(header.number) - header.records)
        return wrong

    def settle(self, today: int) -> None:
        """Tell that everything which was acknowledged before a UTC day began is loaded."""
        self._settled = max(self._settled, today)
        self._tell()

    def promise(self, through: int | None = None) -> int:
        """Tell how far this node has come (``frontier``); returns the last load day that is stored as its units say.

        ``through``: promise load days up to this one, today's too; nothing more is loaded to them.
        """
        waiting = [self._units.header(number).load_day for number in self._units.pending()]
        sound = min([self._today if through is None else through + 1, *waiting]) - 1
        for day, headers in sorted(self._stored().items()):
            if day > sound:
                break
            if self._reconcile(day, headers):
                sound = day - 1
        self._promise.give(sound)
        self._tell()
        return sound

    def compact(self, nodes: Sequence[str] | None = None, through: int | None = None) -> int:
        """Roll up the load days that are over at all of these nodes (this one, if not given); returns how many.

        Raises ``WarehouseError`` with ``Reason.MISMATCH`` when the sums do not come out; then nothing was dropped.
        """
        sound = self.promise(through)
        known = frontier.frontiers(self._warehouse)
        last = min(sound, frontier.least(known, nodes or [self._node]).load_day)
        done = 0
        for day in sorted({*rollup.loaded_days(self._warehouse), *self._stored()}):
            if day > last:
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
        self._seen.forget(before)
        self.account.forget(before)
        self._units.forget_debug(today - DEBUG_DAYS)
        rollup.drop_debug(self._warehouse, today - DEBUG_DAYS)
        mark = rollup.watermark(self._warehouse)
        self._units.forget_units(lambda header: header.load_day < today - UNIT_DAYS and header.load_day <= mark)
        forget_set_aside(self._spool, today - UNIT_DAYS, self._disk)

    def close(self) -> None:
        """Let another loader in."""
        os.close(self._lock)

    @property
    def ids_bytes(self) -> int:
        """Bytes of memory that the remembered ids take."""
        return self._seen.size

    @property
    def _today(self) -> int:
        return days.utc_day(self._clock.now())

    def _name(self, path: Path) -> str:
        return f"{path.parent.name}/{path.name}"

    def _load(self, paths: list[Path], result: LoadResult, today: int | None = None) -> None:
        fold_day = self._today
        batch = self._gather(paths, fold_day)
        self._newest = numbering.taken(paths, self._newest)
        result.quarantined += batch.quarantined + batch.damaged
        result.damaged += batch.damaged
        result.lost += batch.lost
        # What is loaded never falls at or below the watermark or a promise, even when the clock was set back.
        load_day = max(fold_day, self._mark() + 1, self._promise.load_day + 1)
        sums = BatchSums(batch, self._carry, self._organisation, fold_day if today is None else today)
        if not batch.sources and not sums.anything:
            return
        debug = self._units.write_rows(self._next, sums.debug(load_day), debug=True)
        blocks = self._units.write_rows(self._next, sums.live(load_day))
        header = Header(
            number=self._next,
            load_day=load_day,
            sources=tuple(self._name(path) for path in batch.sources),
            records=len(batch.ids),
            duplicates=batch.duplicates,
            blocks=tuple(blocks),
            debug=tuple(debug),
            account=batch.account,
        )
        sums.must_balance()
        self._units.commit(Unit(header, sums.carry, batch.versions, self._newest), batch.ids.items())
        self._next += 1
        self.account.add(batch.account)
        self._remember(batch.ids.items())
        self._consumed = set(header.sources)
        self._carry, self._versions = sums.carry, batch.versions
        self._remove(batch.sources)
        result.records += header.records
        result.duplicates += header.duplicates
        result.units += 1
        self._push_pending(result)

    def _gather(self, paths: list[Path], fold_day: int) -> Batch:
        """What is new in some segments. Changes nothing of the loader's."""
        return gather(paths, self._seen, self._versions, fold_day, self._disk)

    def _remember(self, ids: Iterable[tuple[bytes, int]]) -> None:
        self._seen.add(ids)

    def _remove(self, sources: list[Path]) -> None:
        for path in sources:
            self._disk.remove(path)
        for folder in {path.parent for path in sources}:
            self._disk.sync(folder)

    def _push_pending(self, result: LoadResult) -> None:
        pending = self._units.pending()
        result.waiting = len(pending)
        for number in pending if not result.refused else ():
            header = self._units.header(number)
            try:
                for _, rows in self._units.rows(header):
                    self._warehouse.insert(Table.LANDING, rows)
                for rows in self._units.debug_rows(header):
                    self._warehouse.insert(Table.DEBUG, rows)
            except WarehouseError as error:
                if not error.reason.passes:
                    raise
                result.refused = error.reason.sentence
                return  # the unit is committed: it waits, and what arrives meanwhile is folded all the same
            self._units.done(number)
            result.waiting -= 1
            result.rows += header.rows

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
        whose = {block.unit: header.number for header in headers for block in header.blocks}
        blocks = [block for header in headers for block in header.blocks]
        found = compare(self._warehouse, load_day, blocks)
        for block in found.blocks:
            self._warehouse.insert(Table.LANDING, self._units.block(whose[block.unit], block))
        if not found.differences:
            return 0
        self.repaired += len(found.blocks)
        left = compare(self._warehouse, load_day, blocks).differences
        log.warning(
            "units_differed",
            load_day=load_day,
            repaired=len(found.blocks),
            copies=sorted({f"{one.shard}/{one.copy}" for one in found.differences}),
            still=[(whose[one.block.unit], f"{one.shard}/{one.copy}") for one in left],
        )
        return len({whose[one.block.unit] for one in left})
