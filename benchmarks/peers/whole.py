"""A fixed amount of work: every request once, over so many connections, until the last is answered."""

from __future__ import annotations

import asyncio
import time

from benchmarks.edge.client import Line, Load, Source, Tally


class Whole(Load):
    """Sends all that a source has."""

    def __init__(self, port: int, requests: Source) -> None:
        super().__init__(port, requests)
        self._over = asyncio.Event()
        self._open: set[Line] = set()

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
            request_id, data = next(self._reports)
        except StopIteration:
            line.close()
            return
        self.tally.sent += 1
        line.send(request_id, data, intended)

    def _free(self, line: Line) -> None:
        self._send(line, time.perf_counter())

    def _gone(self, line: Line | None) -> None:
        if line is not None:
            self._open.discard(line)
        if not self._open and not self._connecting:
            self._over.set()


async def sent_whole(port: int, requests: Source, connections: int) -> Tally:
    """Send all that a source has."""
    return await Whole(port, requests).run(connections)
