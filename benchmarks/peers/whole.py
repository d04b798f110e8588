"""A fixed amount of work: every request once, over so many connections, until the last is answered."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque

from benchmarks.edge.client import DEVICE_TIMEOUT_SECONDS, Line, Load, Source, Tally

BUSY = frozenset({b"429", b"503", b"507"})


class Whole(Load):
    """Sends all that a source has; what is refused because the server is busy is sent again, as it was."""

    def __init__(self, port: int, requests: Source) -> None:
        super().__init__(port, requests)
        self._over = asyncio.Event()
        self._open: set[Line] = set()
        self._under_way: dict[Line, tuple[str, bytes]] = {}
        self._again: deque[tuple[str, bytes]] = deque()

    async def run(self, connections: int) -> Tally:
        """Send everything; returns when everything has its answer, or the connection it was sent on is gone."""
        began, cpu = time.perf_counter(), time.process_time()
        for _ in range(connections):
            self._connect(began)
        await self._end()
        self.tally.seconds = time.perf_counter() - began
        self.tally.client_cpu = time.process_time() - cpu
        self.tally.in_time = self.tally.taken
        return self.tally

    async def _end(self) -> None:
        """Wait until all is over; who has not been answered for long, with nobody else answered, is given up."""
        answers = -1
        while not self._over.is_set():
            if answers == (answers := self.tally.answers.total()):
                for line in tuple(self._open):
                    self.tally.failures["no answer in time"] += 1
                    line.give_up()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), DEVICE_TIMEOUT_SECONDS)

    def _send(self, line: Line, intended: float) -> None:
        if not line.is_open:
            return
        self._open.add(line)
        try:
            whole = self._again.popleft() if self._again else next(self._reports)
        except StopIteration:
            line.close()
            return
        self.tally.sent += 1
        self._under_way[line] = whole
        line.send(*whole, intended)

    def answered(self, line: Line, status: bytes, head: bytes, served: float) -> None:
        whole = self._under_way.pop(line)
        if status in BUSY:
            self._again.append(whole)
        super().answered(line, status, head, served)

    def _free(self, line: Line) -> None:
        self._send(line, time.perf_counter())

    def _gone(self, line: Line | None) -> None:
        if line is not None:
            self._open.discard(line)
            self._under_way.pop(line, None)
        if self._again and not self._open:  # the last line went with a refusal
            self._connect(time.perf_counter())
        self._look()

    def _came(self, task: asyncio.Task[None]) -> None:
        super()._came(task)
        self._look()  # the line it made may be gone already

    def _look(self) -> None:
        if not self._open and not self._connecting:
            self._over.set()


async def sent_whole(port: int, requests: Source, connections: int) -> Tally:
    """Send all that a source has."""
    return await Whole(port, requests).run(connections)
