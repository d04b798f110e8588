"""Released numbers from their sealed files: all that the web process can see.

It is given the folder of releases and nothing else: no warehouse, no cell, no socket to one. A
file is read once, however many questions come at the same moment; sealed files never change.
``verify`` walks the hash chain.
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
from headcount_wire import days
from headcount_wire.clock import Clock

from headcount_aggregator import debug_counts
from headcount_aggregator.debug_counts import DebugCounts
from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.released import Freshness, Number, Question, ReleaseHeader, State, Statistic

COLUMNS = tuple(column.name for column in fields(Number))
"""The columns of the table of numbers in a sealed file."""


@dataclass(slots=True)
class _App:
    """What was read of one app. Each question is answered in a thread that holds its lock."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    names: list[str] = field(default_factory=list)
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
            folder = self._folder / f"{int(customer)}-{int(app)}"
            names = sorted(path.name for path in folder.glob("*.json")) if folder.is_dir() else []
            for name in names[len(known.names) :]:
                header, numbers = parse_release((folder / name).read_bytes())
                known.headers.append(header)
                for number in numbers:
                    known.numbers.setdefault((number.statistic, number.period), []).append(number)
                known.names.append(name)
            yield known

    def _provisional(self, customer: int, app: int) -> Sequence[Number]:
        path = self._folder / f"{int(customer)}-{int(app)}" / "provisional"
        try:
            plain = orjson.loads(path.read_bytes())
        except (OSError, ValueError):
            return ()
        released = {(header.period, header.first) for header in self._headers(customer, app)}
        found = [replace(number, provisional=True) for number in _numbers(plain["columns"], plain["numbers"])]
        return [number for number in found if (number.period, number.first) not in released]


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


def verify(folder: Path) -> int:
    """Walk one app's chain; returns its length, raises ``ValueError`` at the first broken link."""
    previous = "0" * 64
    files = sorted(folder.glob("*.json"))
    for path in files:
        data = path.read_bytes()
        if orjson.loads(data)["previous"] != previous:
            raise ValueError(f"{path.name} does not follow the release before it")
        previous = hashlib.sha256(data).hexdigest()
    return len(files)


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
