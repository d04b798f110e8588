"""The public side of one worker: a listener, its connections, and the one timer that looks after all of them."""

from __future__ import annotations

import asyncio
import ssl

from headcount_ingest.as_protocol import AsProtocol
from headcount_ingest.connection import Connection
from headcount_ingest.connections import Connections
from headcount_ingest.door import Door
from headcount_ingest.edge import Edge

LOOK_SECONDS = 0.25
LOOKS_PER_BOUND = 4


class EdgeServer:
    """Listens on a port that other workers may share, until it is drained."""

    def __init__(self, edge: Edge) -> None:
        settings = edge.settings
        self._edge = edge
        self.connections = Connections(settings.connections)
        self._door: Door | None = None
        self._timer: asyncio.TimerHandle | None = None
        shortest = min(settings.idle_seconds, settings.body_seconds, settings.lingering_seconds)
        self._look_seconds = min(LOOK_SECONDS, shortest / LOOKS_PER_BOUND)

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        """Take connections from now on; raises ``OSError`` when the port cannot be had."""
        self._door = Door(self._edge, lambda: AsProtocol(Connection(self._edge, self.connections)), tls)
        await self._door.open()
        self._look()

    async def drain(self) -> None:
        """Take no more connections, let requests under way finish within their time, and close."""
        if self._door is not None:
            self._door.close()
        for connection in self.connections:
            connection.drain()
        try:
            await asyncio.wait_for(self.connections.empty.wait(), self._edge.settings.drain_seconds)
        except TimeoutError:
            for connection in self.connections:
                connection.abort()
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        """Tell each connection whose time is over, and come again."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in self.connections:
            if connection.deadline <= now:
                connection.out_of_time()
        self._timer = loop.call_later(self._look_seconds, self._look)
