"""A load generator that costs little: raw protocols, prepared bytes, different reports, every answer accounted for.

Two ways to send. *Closed*: so many connections, each sending its next report when the last is answered; this finds out
what a server can take. *Open* (``open_loop.py``): reports leave at moments that were drawn in advance, whatever the
server does.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, cast

from benchmarks.edge.population import Population

DEVICE_TIMEOUT_SECONDS = 20.0
"""How long the SDK waits for an answer."""
LOOK_SECONDS = 0.02
COMING_AT_ONCE = 8
"""Kept connections that are made at once: an edge lets in few at a time."""
MUST_SAY_WHEN = frozenset({b"429", b"503", b"507"})
TOOK = (b"202", b"200", b"204")
"""How servers say that they took it: an edge by the first, others by one of the rest."""


class Source(Protocol):
    """Requests without end, or until it stops; ``kept``: on kept connections; ``taken`` is told ids of those taken."""

    kept: bool
    taken: Callable[[str], object] | None

    def __next__(self) -> tuple[str, bytes]:
        """The next request's id and bytes."""
        ...


@dataclass
class Tally:
    """What became of the reports of one run.

    ``latencies``: of accepted reports, in seconds, from the moment they were meant to leave. ``served``: the same from
    the moment they left on a connection. ``silent_refusals``: refusals that say no time to come back.
    """

    sent: int = 0
    answers: Counter[bytes] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    silent_refusals: int = 0
    latencies: array[float] = field(default_factory=lambda: array("d"))
    served: array[float] = field(default_factory=lambda: array("d"))
    seconds: float = 0.0
    in_time: int = 0
    client_cpu: float = 0.0

    @property
    def taken(self) -> int:
        """How many were taken."""
        return sum(self.answers[status] for status in TOOK)

    @property
    def refused(self) -> int:
        """How many were answered otherwise."""
        return sum(self.answers.values()) - self.taken

    @property
    def failed(self) -> int:
        """How many were not answered."""
        return sum(self.failures.values())

    @property
    def rate(self) -> float:
        """Accepted reports a second, while reports were sent."""
        return self.in_time / self.seconds

    @property
    def client_share(self) -> float:
        """Of a core that the load generator used."""
        return self.client_cpu / self.seconds


def percentile(seconds: Sequence[float], share: float) -> float:
    """The value that a share of all do not exceed, in milliseconds; 0 of nothing."""
    if not seconds:
        return 0.0
    return sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * share))] * 1e3


class Reports:
    """Requests without end: each body in turn, each under a new id.

    ``close``: as phones do, a connection each. ``addresses``: as behind a proxy, each from another address. ``taken``:
    called with the id of each report that was accepted.
    """

    def __init__(
        self,
        population: Population,
        *,
        close: bool = False,
        addresses: bool = False,
        taken: Callable[[str], object] | None = None,
    ) -> None:
        head = f" HTTP/1.1\r\nHost: edge\r\nAuthorization: Bearer {population.key}\r\nUser-Agent: headcount\r\n"
        head += "Content-Type: application/json\r\nContent-Encoding: gzip\r\n" + "Connection: close\r\n" * close
        self._heads = _addressed(head) if addresses else itertools.repeat(head.encode())
        rests = [f"Content-Length: {len(body)}\r\n\r\n".encode() + body for body in population.bodies]
        self._rests = itertools.cycle(rests)
        self._numbers = itertools.count(secrets.randbits(120))
        self.kept = not close
        self.taken = taken

    def __next__(self) -> tuple[str, bytes]:
        report_id = f"{next(self._numbers):032x}"
        return report_id, b"POST /v1/reports/" + report_id.encode() + next(self._heads) + next(self._rests)


def _addressed(head: str) -> Iterator[bytes]:
    """Heads that name one client after another, of 16 million."""
    plain = head.encode()
    for number in itertools.cycle(range(0, 2**24, 7919)):
        address = f"X-Forwarded-For: 10.{number >> 16}.{number >> 8 & 255}.{number & 255}\r\n"
        yield plain + address.encode()


class Line(asyncio.Protocol):
    """One connection with at most one report under way."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._rest = b""
        self._transport: asyncio.Transport | None = None
        self._left = 0.0
        self.intended = 0.0
        self.report_id = ""
        self.busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class

    @property
    def is_open(self) -> bool:
        """Whether it was not lost; a connection can be lost before it is used."""
        return self._transport is not None

    def send(self, report_id: str, data: bytes, intended: float) -> None:
        """Send one report; ``intended``: when it should have left."""
        self.report_id, self.intended, self.busy = report_id, intended, True
        self._left = time.perf_counter()
        if self._transport is None:  # it was lost before it was used
            self.connection_lost(None)
        else:
            self._transport.write(data)

    def close(self) -> None:
        """Leave."""
        if self._transport is not None:
            self._transport.close()

    def give_up(self) -> None:
        """Leave without the answer."""
        self.busy = False
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        end = data.find(b"\r\n\r\n")
        at = data.find(b"Content-Length: ", 0, max(end, 0))
        if end < 0 or len(data) < end + 4 + int(data[at + 16 : data.find(b"\r", at)] if at > 0 else 0):
            self._rest = data
            return
        self._rest = b""
        if self.busy:
            self.busy = False
            self._load.answered(self, data[9:12], data[:end].lower(), time.perf_counter() - self._left)

    def connection_lost(self, exc: Exception | None) -> None:
        busy, self.busy = self.busy, False
        self._transport = None
        self._load.lost(self, busy=busy)


class Load:
    """What both ways of sending share: connections, and the account."""

    def __init__(self, port: int, reports: Source) -> None:
        self._port = port
        self._reports = reports
        self._loop = asyncio.get_running_loop()
        self._connecting: set[asyncio.Task[None]] = set()
        self.tally = Tally()

    def answered(self, line: Line, status: bytes, head: bytes, served: float) -> None:
        """A line's report was answered; ``head`` in lower case, ``served`` in seconds since it left."""
        tally = self.tally
        tally.answers[status] += 1
        if status in TOOK:
            tally.latencies.append(time.perf_counter() - line.intended)
            tally.served.append(served)
            if self._reports.taken is not None:
                self._reports.taken(line.report_id)
        elif status in MUST_SAY_WHEN and b"\r\nretry-after: " not in head:
            tally.silent_refusals += 1
        if self._reports.kept and b"\r\nconnection: close" not in head:
            self._free(line)
        else:
            line.close()

    def lost(self, line: Line, *, busy: bool) -> None:
        """A line is gone, perhaps with a report under way."""
        if busy:
            self.tally.failures["connection lost"] += 1
        self._gone(line)

    def _connect(self, intended: float) -> None:
        task = self._loop.create_task(self._connected(intended))
        self._connecting.add(task)
        task.add_done_callback(self._came)

    def _came(self, task: asyncio.Task[None]) -> None:
        """A connection is there, or could not be made."""
        self._connecting.discard(task)

    async def _connected(self, intended: float) -> None:
        """Make a connection and send a report on it."""
        try:
            async with asyncio.timeout(DEVICE_TIMEOUT_SECONDS):
                _, line = await self._loop.create_connection(lambda: Line(self), "127.0.0.1", self._port)
        except (OSError, TimeoutError) as error:
            self.tally.failures["no connection: " + type(error).__name__] += 1
            self._gone(None)
        else:
            self._send(line, intended)

    def _send(self, line: Line, intended: float) -> None:
        line.send(*next(self._reports), intended)

    def _free(self, line: Line) -> None:
        """A line may be used again."""
        raise NotImplementedError

    def _gone(self, line: Line | None) -> None:
        """A line is no more, or could not be made."""
        raise NotImplementedError


class Closed(Load):
    """So many connections, each always busy; without kept ones each report has a connection of its own."""

    def __init__(self, port: int, reports: Source) -> None:
        super().__init__(port, reports)
        self._lines: set[Line] = set()
        self._open = True

    async def run(self, connections: int, seconds: float) -> Tally:
        """Send for so long, then wait for what is under way."""
        await self._come(connections)
        began, cpu, taken = time.perf_counter(), time.process_time(), self.tally.taken
        await asyncio.sleep(seconds)
        self.tally.seconds = time.perf_counter() - began
        self.tally.client_cpu = time.process_time() - cpu
        self.tally.in_time = self.tally.taken - taken
        self._open = False
        deadline = time.perf_counter() + DEVICE_TIMEOUT_SECONDS
        while self._connecting or any(line.busy for line in self._lines):
            if time.perf_counter() > deadline:
                break
            await asyncio.sleep(LOOK_SECONDS)
        for line in tuple(self._lines):
            if line.busy:
                self.tally.failures["no answer in time"] += 1
                line.give_up()
            line.close()
        await asyncio.sleep(LOOK_SECONDS)
        return self.tally

    async def _come(self, connections: int) -> None:
        """Begin with so many."""
        for _ in range(connections):
            self._begin()

    def _begin(self) -> None:
        self.tally.sent += 1
        self._connect(time.perf_counter())

    def _send(self, line: Line, intended: float) -> None:
        self._lines.add(line)
        super()._send(line, intended)

    def _free(self, line: Line) -> None:
        if self._open:
            self.tally.sent += 1
            self._send(line, time.perf_counter())

    def _gone(self, line: Line | None) -> None:
        if line is not None:
            self._lines.discard(line)
        if self._open:
            self._begin()


class Kept(Closed):
    """The same over connections that are there before the time begins: a fleet's do not all come in the same moment."""

    def __init__(self, port: int, reports: Source) -> None:
        super().__init__(port, reports)
        self._coming = asyncio.Semaphore(COMING_AT_ONCE)
        self._answered: set[Line] = set()

    async def _come(self, connections: int) -> None:
        """A few at a time, each until its first answer."""
        for _ in range(connections):
            await self._coming.acquire()
            self._begin()
        for _ in range(COMING_AT_ONCE):
            await self._coming.acquire()

    def _free(self, line: Line) -> None:
        if line not in self._answered:
            self._answered.add(line)
            self._coming.release()
        super()._free(line)

    def _gone(self, line: Line | None) -> None:
        if line is not None:
            self._answered.discard(line)
        super()._gone(line)
