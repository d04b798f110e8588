"""Steps of reports that are due in one turn of the event loop are taken one right after the other, step by step.

Between two reads of sockets the system's code and data push a report's out of the processor's nearest memory, and so
do its own steps one another: a step that is taken behind the same one of another report costs a good part less.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator

import structlog

log: structlog.stdlib.BoundLogger = structlog.get_logger("headcount.edge")

MANY = 64
"""Fewer do not wait for each other, however long a turn takes."""
TELLING, PACE_TURNS = 16, 4
"""How fast so many or more are taken tells how fast others will be; the pace follows the last few turns."""


class Batch:
    """What is to be called in the next turn of the loop, in the order it came. Awaited, it lets all others go first.

    What is added while the others are called comes behind all of them, in the same turn. ``monotonic`` times how long
    it takes.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._waiting: list[Callable[[], None]] = []
        self._taking = False
        self._pace = 0.0

    def add(self, take: Callable[[], None]) -> None:
        """Call ``take`` with the next batch."""
        if not self._waiting and not self._taking:
            asyncio.get_running_loop().call_soon(self._take_all)
        self._waiting.append(take)

    def then(self, take: Callable[[], None]) -> None:
        """Go on with the next batch: for a path that awaits this (``exchange.py``)."""
        self.add(take)

    @property
    def ahead(self) -> float:
        """For how many seconds one more would wait for those before it, as fast as they were taken lately.

        0 while they are only a few.
        """
        return len(self._waiting) * self._pace if len(self._waiting) >= MANY else 0.0

    def __await__(self) -> Generator[Batch, None, None]:
        yield self

    def _take_all(self) -> None:
        began, many = self._monotonic(), len(self._waiting)
        self._taking = True
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                for take in waiting:
                    try:
                        take()
                    except Exception as error:  # the last resort: what fails at one client keeps no other waiting
                        log.error("answer_failed", kind=type(error).__name__)
        finally:
            self._taking = False
        if many >= TELLING:
            self._pace += ((self._monotonic() - began) / many - self._pace) / PACE_TURNS
