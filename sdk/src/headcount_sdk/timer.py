"""Measuring how long something took, by a clock that nobody sets."""

from __future__ import annotations

from collections.abc import Callable, MutableSet
from types import TracebackType

from headcount_wire.clock import Clock


class Timer:
    """Counts one duration when it is stopped; nothing when it is cancelled or its block raises.

    Time the app spends in the background is not part of it.
    """

    def __init__(self, clock: Clock, running: MutableSet[Timer], done: Callable[[float], None]) -> None:
        self._clock = clock
        self._running = running
        self._done = done
        self._started: float | None = None
        self._before = 0.0

    def start(self) -> Timer:
        """Begin; calling it again begins anew."""
        self._before = 0.0
        self._started = self._clock.monotonic()
        self._running.add(self)
        return self

    def stop(self) -> None:
        """Count the time since ``start``, in milliseconds."""
        if self in self._running:
            self.pause()
            self.cancel()
            self._done(self._before * 1000.0)

    def cancel(self) -> None:
        """Count nothing."""
        self._started = None
        self._running.discard(self)

    def pause(self) -> None:
        """The app went to the background: the clock stands still."""
        if self._started is not None:
            self._before += self._clock.monotonic() - self._started
            self._started = None

    def resume(self) -> None:
        """The app is back."""
        if self in self._running and self._started is None:
            self._started = self._clock.monotonic()

    def __enter__(self) -> Timer:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if kind is None:
            self.stop()
        else:
            self.cancel()
