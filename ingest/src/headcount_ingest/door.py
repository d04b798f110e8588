"""The listening sockets: who is let in, who is turned away, and when the door is shut.

A worker that answers everybody can be kept busy with refusals alone, and what it has accepted then waits for them. So
in each turn of the event loop it lets in as many connections as it can serve soon, by how long the last ones took,
refuses some more with a problem and a time to come back, and if there are still more it stops listening for a moment:
the system then refuses them, and those that come meanwhile, at no cost here. Nobody waits in a queue that is longer
than one turn.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from itertools import islice

from headcount_ingest.answer import answer
from headcount_ingest.edge import Edge
from headcount_ingest.exchange import count
from headcount_ingest.pace import Pace

BACKLOG = 1024
TURNS_TO_READ = 3
"""So many turns of the loop later those who are let in are read: one makes the transport, one connects it."""
REFUSALS_A_TURN = 32
SHUT_SECONDS = 0.01
NO_DESCRIPTOR_SECONDS = 0.1
UNREAD_BYTES = 64 * 1024
HALF_OPEN = 4
"""At most one in so many of all connections may be in its handshake; beyond that an older one gives way."""
OLDEST_LOOKED_AT = 32
"""Of so many that came first, one of the client that has the most of them gives way."""


class Door:
    """Listens on a port that other workers may share. ``make``: the protocol of a connection that is let in."""

    def __init__(self, edge: Edge, make: Callable[[], asyncio.BaseProtocol], tls: ssl.SSLContext | None) -> None:
        self._edge = edge
        self._make = make
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._coming: dict[asyncio.Task[None], str] = {}
        self._coming_of: Counter[str] = Counter()
        self._pace = Pace()
        self._timing = False
        self._sockets: list[socket.socket] = []

    async def open(self) -> None:
        """Listen on every address that the host's name stands for; raises ``OSError`` when the port cannot be had."""
        settings = self._edge.settings
        found = await self._loop.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        for family, address in dict.fromkeys((family, address) for family, *_, address in found):
            listener = socket.create_server(address[:2], family=family, backlog=BACKLOG, reuse_port=True)
            listener.setblocking(False)
            self._sockets.append(listener)
            self._look(listener)

    def close(self) -> None:
        """Listen no more, and forget who was about to be let in."""
        for task in tuple(self._coming):
            task.cancel()
        while self._sockets:
            listener = self._sockets.pop()
            self._loop.remove_reader(listener)
            listener.close()

    def _knock(self, listener: socket.socket) -> None:
        """Somebody is at the door."""
        began = self._loop.time()
        room = 0 if self._edge.gate.full(self._edge.waits) else self._pace.room(began)
        for number in range(room + REFUSALS_A_TURN):
            try:
                found, address = listener.accept()
            except (BlockingIOError, InterruptedError):
                self._learn(min(number, room), began)
                return
            except ConnectionError:
                continue
            except OSError:  # no file descriptor is left: who is at the door waits until one is
                self._look_away(listener, NO_DESCRIPTOR_SECONDS, self._look)
                return
            found.setblocking(False)
            client = self._edge.rates.client(str(address[0]))
            self._let_in(found, client) if number < room else self._turn_away(found, client)
        self._learn(room, began)
        self._pace.full(began)
        self._shut(listener)

    def _learn(self, many: int, began: float) -> None:
        """Look how long it takes until those who were let in are read."""
        if many and not self._timing:
            self._timing = True
            self._loop.call_soon(self._later, many, began, TURNS_TO_READ)

    def _later(self, many: int, began: float, turns: int) -> None:
        if turns:
            self._loop.call_soon(self._later, many, began, turns - 1)
            return
        self._timing = False
        self._pace.took(many, self._loop.time() - began)

    def _let_in(self, found: socket.socket, client: str) -> None:
        if self._tls is not None and len(self._coming) * HALF_OPEN >= self._edge.settings.connections:
            self._give_way()
        task = self._loop.create_task(self._hand_over(found))
        self._coming[task] = client
        self._coming_of[client] += 1
        task.add_done_callback(self._came)

    def _give_way(self) -> None:
        """End a handshake that has not come to an end: it takes memory, and nothing is known of who is behind it."""
        oldest = islice(self._coming, OLDEST_LOOKED_AT)
        victim = max(oldest, key=lambda task: self._coming_of[self._coming[task]], default=None)
        if victim is not None:
            victim.cancel()
            self._came(victim)

    def _came(self, task: asyncio.Task[None]) -> None:
        client = self._coming.pop(task, None)
        if client is not None:
            self._coming_of[client] -= 1
            if not self._coming_of[client]:
                del self._coming_of[client]

    async def _hand_over(self, found: socket.socket) -> None:
        with contextlib.suppress(OSError):  # it left meanwhile, or its TLS was none
            await self._loop.connect_accepted_socket(
                self._make,
                found,
                ssl=self._tls,
                # A handshake, and a farewell, have as long as a head: asyncio's own would be a minute and half of one.
                ssl_handshake_timeout=self._edge.settings.idle_seconds if self._tls else None,
                ssl_shutdown_timeout=self._edge.settings.idle_seconds if self._tls else None,
            )

    def _turn_away(self, found: socket.socket, client: str) -> None:
        refused = self._edge.gate.overloaded(client)
        count(self._edge, refused)
        with contextlib.suppress(OSError), found:
            if self._tls is None:
                with contextlib.suppress(BlockingIOError):  # what is left unread would reset the connection
                    found.recv(UNREAD_BYTES)
                found.send(answer(refused, self._edge.clock.now(), last=True))

    def _shut(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):  # a system that cannot stop listening goes on
            listener.shutdown(socket.SHUT_RD)
            self._edge.metrics.shut.inc()
            self._look_away(listener, SHUT_SECONDS, self._listen)

    def _look_away(self, listener: socket.socket, seconds: float, then: Callable[[socket.socket], None]) -> None:
        self._loop.remove_reader(listener)
        self._loop.call_later(seconds, then, listener)

    def _listen(self, listener: socket.socket) -> None:
        if listener in self._sockets:
            listener.listen(BACKLOG)
            self._look(listener)

    def _look(self, listener: socket.socket) -> None:
        if listener in self._sockets:
            self._loop.add_reader(listener, self._knock, listener)
