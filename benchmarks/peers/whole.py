"""A fixed amount of work: every request once, over so many connections, until the last is answered."""

from __future__ import annotations

import asyncio
import time
from collections import deque

from benchmarks.edge.client import Line, Load, Source, Tally

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
        await self._over.wait()
        self.tally.seconds = time.perf_counter() - began
        self.tally.client_cpu = time.process_time() - cpu
        self.tally.in_time = self.tally.taken
        return self.tally

    def _send(self, line: Line, intended: float) -> None:
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
        elif not self._open and not self._connecting:
            self._over.set()


async def sent_whole(port: int, requests: Source, connections: int) -> Tally:
    """Send all that a source has."""
    return await Whole(port, requests).run(connections)
