"""The connections that are open, and which of them make room when there are many.

A connection without a request costs next to nothing, but takes a place. So when most places are taken, those that
have been without one for a while give theirs up, and no client gets more than its share of what is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import islice
from typing import Protocol

from headcount_ingest.turns import Turns

MANY = 3 / 4
"""Beyond this part of all places, idle connections are closed for new ones."""
SHARE = 8
"""And a client that has more than one part in so many of all places gets no more of them."""
IDLE_SECONDS = 1.0
"""So long without a whole head of a request, and a connection may be closed for another."""
RECEIVED_BYTES = 64 * 1024
"""What is read of a connection at once."""
OLDEST_LOOKED_AT = 32
"""Of so many that have been idle the longest, one of the client with the most connections is closed."""


class Connection(Protocol):
    """A connection as those who look after all of them see it: whose it is, until when it has time, how it ends."""

    client: str
    deadline: float

    def out_of_time(self) -> None:
        """Its deadline has passed."""

    def drain(self) -> None:
        """The worker is stopping."""

    def abort(self) -> None:
        """Close at once."""


class Connections:
    """The connections that are open now, ``most`` at once; ``empty`` is set while there is none.

    Those of a trusted proxy belong to many clients: they have no share, and are not closed for others.
    ``received``: where the bytes of all of them arrive, one after the other. A buffer for each read, as a stream has
    it, is made large and cut to what came: what is kept meanwhile leaves holes, and memory grows for hours.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: set[Connection] = set()
        self._of: dict[str, int] = {}
        self._idle: dict[Connection, float] = {}  # since when, the longest first
        self._turned_away: set[Connection] = set()
        self.turns = Turns()
        self.received = memoryview(bytearray(RECEIVED_BYTES))
        self.empty = asyncio.Event()
        self.empty.set()

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Connection]:
        return iter(tuple(self._open))

    def add(self, connection: Connection) -> None:
        """One more."""
        self._open.add(connection)
        self._of[connection.client] = self._of.get(connection.client, 0) + 1
        self.empty.clear()

    def discard(self, connection: Connection) -> None:
        """One less."""
        self._idle.pop(connection, None)
        self._turned_away.discard(connection)
        if connection not in self._open:
            return
        self._open.remove(connection)
        left = self._of[connection.client] - 1
        if left:
            self._of[connection.client] = left
        else:
            del self._of[connection.client]
        if not self._open:
            self.empty.set()

    def idle(self, connection: Connection, now: float) -> None:
        """From ``now`` on it waits for a request to begin."""
        if connection.client:
            self._idle[connection] = now

    def busy(self, connection: Connection) -> None:
        """A head of a request is whole, or it is being closed."""
        self._idle.pop(connection, None)

    def place(self, connection: Connection, now: float) -> bool:
        """Give a new connection, which was added, its place, if need be another's; or say that there is none for it."""
        places = len(self._open) - len(self._turned_away)
        if places > self._most * MANY:
            greedy = connection.client and self._of[connection.client] * SHARE > self._most
            if greedy or places - self._close_one(now) > self._most:
                self._turned_away.add(connection)
                return False
        self.idle(connection, now)
        return True

    @property
    def have_time(self) -> bool:
        """Whether one that has no place may stay for its answer; more of them than a share may not."""
        return len(self._turned_away) * SHARE <= self._most

    def _close_one(self, now: float) -> int:
        """Close one that has been idle for long; how many that were."""
        long = (one for one, since in islice(self._idle.items(), OLDEST_LOOKED_AT) if now - since >= IDLE_SECONDS)
        victim = max(long, key=lambda one: self._of[one.client], default=None)
        if victim is None:
            return 0
        self.busy(victim)  # or it would be looked at again before it is gone
        victim.abort()
        return 1
