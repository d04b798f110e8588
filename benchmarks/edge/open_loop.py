"""Reports that leave at moments drawn in advance: latency counts from these, so that no stall can be hidden."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque

from benchmarks.edge.client import DEVICE_TIMEOUT_SECONDS, LOOK_SECONDS, Line, Load, Source, Tally


class Open(Load):
    """Reports leave at drawn moments (a Poisson process), whatever becomes of them.

    At most ``lines`` connections at a time: a report for which there is none waits for one, and its latency with it,
    for at most ``patience`` seconds.
    """

    def __init__(self, port: int, reports: Source, lines: int, patience: float = DEVICE_TIMEOUT_SECONDS) -> None:
        super().__init__(port, reports)
        self._most = lines
        self._patience = patience
        self._idle: list[Line] = []
        self._lines = 0
        self._queue: deque[float] = deque()
        self._under_way: dict[Line, None] = {}

    async def run(self, rate: float, seconds: float, seed: int) -> Tally:
        """Send ``rate`` reports a second for so long, then wait until each is answered or too old."""
        moments = arrivals(rate, seconds, seed)
        began, cpu = time.perf_counter() + 0.05, time.process_time()
        at = 0
        while at < len(moments):
            now = time.perf_counter() - began
            while at < len(moments) and moments[at] <= now:
                self.tally.sent += 1
                self._leave(began + moments[at])
                at += 1
            self._give_up()
            await asyncio.sleep(max(0.0, moments[at] - now) if at < len(moments) else 0)
        self.tally.seconds = time.perf_counter() - began
        self.tally.client_cpu = time.process_time() - cpu
        self.tally.in_time = self.tally.taken
        deadline = time.perf_counter() + 2 * DEVICE_TIMEOUT_SECONDS
        while (self._under_way or self._queue or self._connecting) and time.perf_counter() < deadline:
            self._give_up()
            await asyncio.sleep(LOOK_SECONDS)
        for line in tuple(self._idle):
            line.close()
        await asyncio.sleep(LOOK_SECONDS)
        return self.tally

    def _leave(self, intended: float) -> None:
        if self._idle:
            self._send(self._idle.pop(), intended)
        elif self._lines < self._most:
            self._lines += 1
            self._connect(intended)
        else:
            self._queue.append(intended)

    def _send(self, line: Line, intended: float) -> None:
        self._under_way[line] = None
        super()._send(line, intended)

    def answered(self, line: Line, status: bytes, head: bytes, served: float) -> None:
        self._under_way.pop(line, None)
        super().answered(line, status, head, served)

    def _free(self, line: Line) -> None:
        if self._queue:
            self._send(line, self._queue.popleft())
        else:
            self._idle.append(line)

    def _gone(self, line: Line | None) -> None:
        self._lines -= 1
        if line is not None:
            self._under_way.pop(line, None)
            if line in self._idle:
                self._idle.remove(line)
        if self._queue and self._lines < self._most:
            self._leave(self._queue.popleft())

    def _give_up(self) -> None:
        """End what has waited longer than a device does."""
        now = time.perf_counter()
        oldest = now - DEVICE_TIMEOUT_SECONDS
        while self._queue and self._queue[0] < now - self._patience:
            self._queue.popleft()
            self.tally.failures["no connection in time"] += 1
        while self._under_way and (line := next(iter(self._under_way))).intended < oldest:
            del self._under_way[line]
            self.tally.failures["no answer in time"] += 1
            line.give_up()


def arrivals(rate: float, seconds: float, seed: int) -> list[float]:
    """When reports leave, in seconds from the start: independent of each other, ``rate`` of them a second."""
    draw = random.Random(seed)
    moments: list[float] = []
    at = draw.expovariate(rate)
    while at < seconds:
        moments.append(at)
        at += draw.expovariate(rate)
    return moments
