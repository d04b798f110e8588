"""Released numbers from their sealed files: all that the web process can see.

It is given the folder of releases and a folder for its own indexes, and nothing else: no warehouse,
no cell, no socket to one. A sealed file is read once, held against the hash chain, and put into the
app's index (``sealed_index``); questions are answered from there. A file that is not what was sealed
is not served: it is logged, and the others are. What the file system says of the files is looked at
again and again, so that new seals, damage and removal are seen within a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import orjson
import structlog
from headcount_wire import days
from headcount_wire.clock import Clock

from headcount_aggregator import debug_counts
from headcount_aggregator.debug_counts import DebugCounts
from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.released import Freshness, Number, Question, ReleaseHeader
from headcount_aggregator.sealed_chain import verify
from headcount_aggregator.sealed_file import COLUMNS, numbers_of, parse_release
from headcount_aggregator.sealed_index import DamagedIndexError, SealedIndex, forget
from headcount_aggregator.sealed_look import Kept, bring_up

__all__ = ["COLUMNS", "SealedReader", "parse_release", "verify"]

log: structlog.stdlib.BoundLogger = structlog.get_logger("headcount.web")

OPEN_APPS = 32
"""How many apps' indexes are held open; what was asked of longest ago is closed first."""

LOOK_SECONDS = 1.0
"""How long what was seen of an app's files holds, when nothing was added to or taken from its folder."""

KEEP_UP_SECONDS = 2.0
Codes = tuple[int, int]


@dataclass(slots=True)
class _App:
    """One app's open index. Each question is answered in a thread that holds its lock."""

    index: SealedIndex
    kept: Kept
    lock: threading.Lock = field(default_factory=threading.Lock)
    looked: float = float("-inf")
    folder_changed: int = 0


class SealedReader:
    """The sealed releases in a folder, and the store's provisional totals and debug counts beside them.

    ``indexes``: a folder of its own for what is derived from them; without one it is held in memory.
    ``pace``: a clock that only goes forward, for how often files are looked at.
    """

    def __init__(
        self, folder: Path, clock: Clock, indexes: Path | None = None, pace: Callable[[], float] = time.monotonic
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._indexes = indexes
        self._pace = pace
        self._seen: dict[Codes, int] = {}
        self._apps: OrderedDict[Codes, _App] = OrderedDict()
        self._choosing = threading.Lock()
        self._kept: dict[Codes, Kept] = {}

    async def numbers(self, question: Question) -> Sequence[Number]:
        """The released numbers a question selects, ordered by period, measure, label, breakdown, slot."""
        # One measure's numbers are read in a millisecond or two; to hand it to a thread takes as long, and on a
        # busy machine ten times that. Whatever could take longer waits in one.
        if question.measure is not None and (known := self._at_hand(question.customer, question.app)):
            try:
                return known.index.select(question)
            except (DamagedIndexError, sqlite3.Error):
                pass  # the thread sees to it
            finally:
                known.lock.release()
        return await asyncio.to_thread(self._selected, question)

    async def provisional(self, customer: int, app: int) -> Sequence[Number]:
        """Totals of open periods, rounded down to tens, never below k."""
        return await asyncio.to_thread(self._provisional, customer, app)

    async def debug(self, customer: int, app: int) -> DebugCounts:
        """What debug keys reported today and yesterday (UTC); nothing older, also when the store stands still."""
        found = await asyncio.to_thread(debug_counts.read, debug_counts.file_of(self._folder, customer, app))
        oldest = days.utc_day(self._clock.now()) - debug_counts.KEPT_DAYS
        return found if found.seen is not None and days.utc_day(found.seen) >= oldest else DebugCounts()

    async def releases(self, customer: int, app: int, first: int, last: int) -> Sequence[ReleaseHeader]:
        """The sealed releases whose last day lies in the span."""
        headers = await asyncio.to_thread(self._headers, customer, app)
        return [header for header in headers if first <= header.last <= last]

    async def freshness(self, customer: int, app: int) -> Freshness:
        """How far the releases have come."""
        if known := self._at_hand(customer, app):
            sealed = _days_of(known)
            known.lock.release()
        else:
            sealed = await asyncio.to_thread(self._sealed_days, customer, app)
        return Freshness(max(sealed, default=None), days.utc_day(self._clock.now()), min(sealed, default=None))

    async def keep_up(self, stop: asyncio.Event) -> None:
        """Catch up again and again, until it is time to stop."""
        while not stop.is_set():
            await self.catch_up(stop)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), KEEP_UP_SECONDS)

    async def catch_up(self, stop: asyncio.Event | None = None) -> None:
        """Put what was sealed into the indexes before anybody asks; remove those whose releases are gone."""
        for codes in await asyncio.to_thread(self._behind):
            if stop is not None and stop.is_set():
                return
            try:
                await asyncio.to_thread(self._headers, *codes)
            except (OSError, sqlite3.Error, DamagedIndexError) as error:
                log.warning("index_behind", error=type(error).__name__, advice="the next question makes it again")

    def _behind(self) -> list[Codes]:
        """The apps whose folders changed since this was asked last; indexes without a folder are removed."""
        there: dict[Codes, int] = {}
        for path in self._folder.iterdir() if self._folder.is_dir() else ():
            if found := re.fullmatch(r"(\d+)-(\d+)", path.name):
                with contextlib.suppress(FileNotFoundError):
                    there[int(found[1]), int(found[2])] = path.stat().st_mtime_ns
        for path in self._indexes.glob("*.sqlite") if self._indexes else ():
            customer, _, app = path.stem.partition("-")
            if (int(customer), int(app)) not in there:
                self._forget((int(customer), int(app)))
        seen, self._seen = self._seen, there
        return [codes for codes, changed in there.items() if seen.get(codes) != changed]

    def _forget(self, codes: Codes) -> None:
        known = self._locked(codes)
        with self._choosing:
            self._apps.pop(codes).index.close()
            if path := self._index_of(codes):
                forget(path)
        known.lock.release()

    def _selected(self, question: Question) -> list[Number]:
        for last_try in (False, True):
            with self._read(question.customer, question.app) as app:
                try:
                    return app.index.select(question)
                except DamagedIndexError:
                    if last_try:
                        raise
                    self._begin_anew(app)
        raise AssertionError  # the loop returns or raises

    def _headers(self, customer: int, app: int) -> list[ReleaseHeader]:
        with self._read(customer, app) as known:
            return [file.header for file in known.kept.files.values()]

    def _sealed_days(self, customer: int, app: int) -> list[int]:
        with self._read(customer, app) as known:
            return _days_of(known)

    @contextmanager
    def _read(self, customer: int, app: int) -> Iterator[_App]:
        """An app with all that is sealed now, locked: a file is added once, and nobody sees half of one."""
        codes = int(customer), int(app)
        known = self._locked(codes)
        try:
            self._look(known, codes)
            yield known
        finally:
            known.lock.release()

    def _locked(self, codes: Codes) -> _App:
        """An app's open index, locked; others that nobody asks are closed when there are many."""
        while True:
            with self._choosing:
                if codes not in self._apps:
                    self._apps[codes] = self._opened(codes)
                self._apps.move_to_end(codes)
                known = self._apps[codes]
                for other in list(self._apps)[:-OPEN_APPS]:
                    if self._apps[other].lock.acquire(blocking=False):
                        closed = self._apps.pop(other)
                        closed.index.close()
                        closed.lock.release()
            known.lock.acquire()
            if self._apps.get(codes) is known:
                return known
            known.lock.release()

    def _opened(self, codes: Codes) -> _App:
        kept = self._kept.setdefault(codes, Kept(codes))
        kept.files = {}
        path = self._index_of(codes)
        try:
            if path:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            return _App(SealedIndex(path), kept)
        except (OSError, sqlite3.OperationalError) as error:
            return _App(_in_memory(error), kept)

    def _index_of(self, codes: Codes) -> Path | None:
        return self._indexes / f"{codes[0]}-{codes[1]}.sqlite" if self._indexes else None

    def _at_hand(self, customer: int, app: int) -> _App | None:
        """An app's open index that needs no look now, locked; ``None`` where anything had to be waited for."""
        codes = int(customer), int(app)
        known = self._apps.get(codes)
        if known is None or not known.lock.acquire(blocking=False):
            return None
        if self._apps.get(codes) is known and _holds(known, self._changed(codes), self._pace()):
            return known
        known.lock.release()
        return None

    def _changed(self, codes: Codes) -> int:
        try:
            return (self._folder / f"{codes[0]}-{codes[1]}").stat().st_mtime_ns
        except OSError:
            return 0

    def _look(self, known: _App, codes: Codes) -> None:
        """See what was sealed, damaged or taken away since the last look."""
        folder = self._folder / f"{codes[0]}-{codes[1]}"
        changed, now = self._changed(codes), self._pace()
        if _holds(known, changed, now):
            return
        try:
            bring_up(known.index, folder, known.kept)
        except DamagedIndexError:
            self._begin_anew(known)
            bring_up(known.index, folder, known.kept)
        except sqlite3.OperationalError as error:  # the disk is full, or its folder cannot be written any more
            known.index.close()
            known.index, known.kept.files = _in_memory(error), {}
            bring_up(known.index, folder, known.kept)
        known.folder_changed, known.looked = changed, now

    def _begin_anew(self, known: _App) -> None:
        log.warning("index_damaged", app=known.kept.name, advice="it is made again from the sealed files")
        known.index.begin_anew()
        known.kept.files = {}
        known.looked = float("-inf")

    def _provisional(self, customer: int, app: int) -> Sequence[Number]:
        path = self._folder / f"{int(customer)}-{int(app)}" / "provisional"
        try:
            plain = orjson.loads(path.read_bytes())
        except (OSError, ValueError):
            return ()
        released = {(header.period, header.first) for header in self._headers(customer, app)}
        found = [replace(number, provisional=True) for number in numbers_of(plain["columns"], plain["numbers"])]
        return [number for number in found if (number.period, number.first) not in released]


def _holds(known: _App, changed: int, now: float) -> bool:
    """Whether what was seen of an app's files at the last look still holds."""
    return changed == known.folder_changed and not known.kept.refused and now - known.looked < LOOK_SECONDS


def _days_of(known: _App) -> list[int]:
    return [file.header.last for file in known.kept.files.values() if file.header.period is PeriodKind.DAY]


def _in_memory(error: Exception) -> SealedIndex:
    log.warning("index_in_memory", error=type(error).__name__, advice="the folder of indexes cannot be written")
    return SealedIndex(None)
