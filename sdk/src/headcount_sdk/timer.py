"""Measuring how long something took, by a clock that nobody sets."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from headcount_wire.clock import Clock


class Timer:
    """Counts one duration when it is stopped; nothing when it is cancelled or its block raises."""

    def __init__(self, clock: Clock, done: Callable[[float], None]) -> None:
        self._clock = clock
        self._done = done
        self._started: float | None = None

    def start(self) -> Timer:
        """Begin; calling it again begins anew."""
        self._started = self._clock.monotonic()
        return self

    def stop(self) -> None:
        """Count the time since ``start``, in milliseconds."""
        if self._started is not None:
            started, self._started = self._started, None
            self._done((self._clock.monotonic() - started) * 1000.0)

    def cancel(self) -> None:
        """Count nothing."""
        self._started = None

    def __enter__(self) -> Timer:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if kind is None:
            self.stop()
        else:
            self.cancel()
