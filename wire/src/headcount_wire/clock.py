"""Time as an argument: what every tier asks of a clock.

No part of Headcount reads the system's time by itself. A test, the demo or a replay drives
one ``ManualClock`` for the whole stack; production settings offer no way to pass one.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """What a tier asks of time."""

    def now(self) -> float:
        """Seconds since 1970-01-01 UTC; may jump when the device's clock is set."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back, from an arbitrary start; for durations only."""
        ...


class SystemClock:
    """The machine's own clock: the system's functions themselves, as an edge asks several times a report."""

    now = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)


class ManualClock:
    """A clock that moves only when told to."""

    def __init__(self, now: float = 0.0) -> None:
        self._now = now
        self._monotonic = 0.0

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass: both readings move forward."""
        if seconds < 0:
            raise ValueError("time passes forward; use set_now() for a clock that was set back")
        self._now += seconds
        self._monotonic += seconds

    def set_now(self, now: float) -> None:
        """Set the wall clock, as a user or a time server does; no time passes."""
        self._now = now


def utc_day(epoch_seconds: float) -> int:
    """The UTC day of a moment given in seconds since 1970."""
    return int(epoch_seconds // 86_400)
