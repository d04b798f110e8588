"""Whose turn it is: connections that have sent more than one request at once are served in turns, a few in each.

A read can bring thousands of small requests. Served at once they would hold up whoever else is there; so of a read
one request is served, and the rest waits here. In each turn of the event loop a few of those who wait are served,
however many they are, and everybody who has just sent one comes in between.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

CONNECTIONS_A_TURN = 4
REQUESTS_A_TURN = 8
"""Of one connection."""
BEFORE_VERSION = b" HTTP/"
"""Stands in the first line of each request, so that bytes hold no more whole requests than of these."""
WAITING_BYTES_MOST = 8 * 1024 * 1024
"""Bytes that wait for their turn, of all connections: nobody who waits for an answer before he asks again has any."""


class InTurn(Protocol):
    """Who waits."""

    def go_on(self) -> None:
        """It is its turn."""


class Turns:
    """The connections that wait, each once; ``held``: bytes that have arrived of them and are not read yet."""

    def __init__(self) -> None:
        self._waiting: deque[InTurn] = deque()
        self._serving = False
        self.held = 0

    def hold(self, size: int) -> bool:
        """Have room for so many bytes more, if there is any."""
        if self.held + size > WAITING_BYTES_MOST:
            return False
        self.held += size
        return True

    def wait(self, one: InTurn) -> None:
        """Call ``one.go_on`` when it is its turn."""
        self._waiting.append(one)
        if not self._serving:
            self._serving = True
            asyncio.get_running_loop().call_soon(self._serve)

    def _serve(self) -> None:
        try:
            for _ in range(min(CONNECTIONS_A_TURN, len(self._waiting))):
                self._waiting.popleft().go_on()  # who has still more gets into the queue again, behind all others
        finally:
            self._serving = bool(self._waiting)
            if self._serving:
                asyncio.get_running_loop().call_soon(self._serve)


def end_of(data: bytes, requests: int) -> int:
    """Where the bytes of so many requests end at the latest, within the first line of one more."""
    end = -1
    for _ in range(requests + 1):
        end = data.find(BEFORE_VERSION, end + 1)
        if end < 0:
            return len(data)
    return end
