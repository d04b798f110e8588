"""Released numbers from their sealed files: all that the web process can see.

It is given the folder of releases and nothing else: no warehouse, no cell, no socket to one. A
file is read once, however many questions come at the same moment; sealed files never change. A file
that is not what was sealed is not served: it is logged, and the others are.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import orjson
import structlog
from headcount_wire import days
from headcount_wire.clock import Clock

from headcount_aggregator import debug_counts
from headcount_aggregator.debug_counts import DebugCounts
from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.released import Freshness, Number, Question, ReleaseHeader, State, Statistic
from headcount_aggregator.sealed_chain import GENESIS, link_of, record_of, verify

__all__ = ["COLUMNS", "SealedReader", "parse_release", "verify"]

log: structlog.stdlib.BoundLogger = structlog.get_logger("headcount.web")

COLUMNS = tuple(column.name for column in fields(Number))
"""The columns of the table of numbers in a sealed file."""


@dataclass(slots=True)
class _App:
    """What was read of one app. Each question is answered in a thread that holds its lock."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    served: set[str] = field(default_factory=set)
    refused: dict[str, tuple[int, int]] = field(default_factory=dict)
    headers: list[ReleaseHeader] = field(default_factory=list)
    numbers: dict[tuple[Statistic, PeriodKind], list[Number]] = field(default_factory=dict)
    provisional: tuple[int, list[Number]] = (0, [])


class SealedReader:
    """The sealed releases in a folder, and the store's provisional totals and debug counts beside them."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._apps: dict[tuple[int, int], _App] = {}

    async def numbers(self, question: Question) -> Sequence[Number]:
        """The released numbers a question selects, ordered by period, measure, label, breakdown, slot."""
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
        headers = await asyncio.to_thread(self._headers, customer, app)
        sealed = [header.last for header in headers if header.period is PeriodKind.DAY]
        today = days.utc_day(self._clock.now())
        return Freshness(max(sealed, default=None), today, min(sealed, default=None))

    def _selected(self, question: Question) -> list[Number]:
        with self._read(question.customer, question.app) as app:
            found = [
                number
                for statistic in question.statistics
                for period in question.periods
                for number in app.numbers.get((statistic, period), ())
                if _asked(number, question)
            ]
        found.sort(key=lambda n: (n.period, n.first, n.measure, n.label, n.breakdown, n.slot, n.value1))
        return found

    def _headers(self, customer: int, app: int) -> list[ReleaseHeader]:
        with self._read(customer, app) as known:
            return list(known.headers)

    @contextmanager
    def _read(self, customer: int, app: int) -> Iterator[_App]:
        """An app with all that is sealed now, locked: a file is added once, and nobody sees half of one."""
        known = self._apps.setdefault((customer, app), _App())
        with known.lock:
            self._add(known, self._folder / f"{int(customer)}-{int(app)}")
            yield known

    def _add(self, known: _App, folder: Path) -> None:
        """Add what was sealed since the last question."""
        paths = sorted(folder.glob("*.json")) if folder.is_dir() else []
        new = [path for path in paths if path.name not in known.served and known.refused.get(path.name) != _stamp(path)]
        if not new:
            return
        try:
            record = record_of(folder)
        except (OSError, ValueError):
            record = {}
        for path in new:
            stamp = _stamp(path)
            try:
                data = path.read_bytes()
                if hashlib.sha256(data).hexdigest() != (record.get(path.name) or _hash_by_links(path, data, paths)):
                    raise ValueError
                header, numbers = parse_release(data)
            except (OSError, ValueError, KeyError, TypeError):
                known.refused[path.name] = stamp
                log.error("release_refused", file=f"{folder.name}/{path.name}", advice="it is not what was sealed")
                continue
            known.headers.append(header)
            for number in numbers:
                known.numbers.setdefault((number.statistic, number.period), []).append(number)
            known.served.add(path.name)
        known.headers.sort(key=lambda header: header.release)

    def _provisional(self, customer: int, app: int) -> Sequence[Number]:
        path = self._folder / f"{int(customer)}-{int(app)}" / "provisional"
        try:
            plain = orjson.loads(path.read_bytes())
        except (OSError, ValueError):
            return ()
        released = {(header.period, header.first) for header in self._headers(customer, app)}
        found = [replace(number, provisional=True) for number in _numbers(plain["columns"], plain["numbers"])]
        return [number for number in found if (number.period, number.first) not in released]


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return found.st_ctime_ns, found.st_size


def _hash_by_links(path: Path, data: bytes, paths: Sequence[Path]) -> str:
    """The hash a file must have by the one after it; the newest, its own if it follows the one before it."""
    place = paths.index(path)
    if place + 1 < len(paths) and (named := link_of(paths[place + 1].name, paths[place + 1].read_bytes()).previous):
        return named
    before = hashlib.sha256(paths[place - 1].read_bytes()).hexdigest() if place else GENESIS
    link = link_of(path.name, data)
    return link.hash if link.previous == before else ""


def parse_release(data: bytes) -> tuple[ReleaseHeader, list[Number]]:
    """A sealed file's header and numbers."""
    plain = orjson.loads(data)
    header = ReleaseHeader(
        release=plain["release"],
        customer=plain["customer"],
        app=plain["app"],
        period=PeriodKind(plain["period"]),
        first=plain["first"],
        last=plain["last"],
        sealed_on=plain["sealed_on"],
        rule=plain["rule"],
        k=plain["k"],
        numbers=len(plain["numbers"]),
        hidden=plain["hidden"],
        late_dropped=plain["late_dropped"],
        previous=plain["previous"],
        hash=hashlib.sha256(data).hexdigest(),
    )
    return header, list(_numbers(plain["columns"], plain["numbers"]))


def _numbers(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[Number]:
    for row in rows:
        plain = dict(zip(columns, row, strict=True))
        yield Number(
            **plain
            | {
                "statistic": Statistic(plain["statistic"]),
                "period": PeriodKind(plain["period"]),
                "state": State(plain["state"]),
            }
        )


def _asked(number: Number, question: Question) -> bool:
    cohort = number.statistic in (Statistic.RETENTION_DAY, Statistic.RETENTION_WEEK)
    day = number.first if cohort else number.last
    return (
        question.first <= day <= question.last
        and question.measure in (None, number.measure)
        and question.label in (None, number.label)
        and question.breakdown in (None, number.breakdown)
    )
