"""Bounds before memory grows: requests and bytes under way, and room on the disk."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from headcount_wire import limits
from headcount_wire.problems import Problem

from headcount_ingest.outcomes import Refused

BUSY_RETRY_SECONDS = 5
DRAIN_RETRY_SECONDS = 5
DISK_RETRY_SECONDS = 60
DISK_LOOK_SECONDS = 1.0


class Gate:
    """Lets a report in while there is room for it; ``monotonic`` times the looks at the disk.

    A report holds its room from its first byte to its answer, so that what waits for the disk
    counts as well as what is still arriving.
    """

    def __init__(
        self, bytes_in_flight: int, disk_floor_bytes: int, spool: Path, monotonic: Callable[[], float]
    ) -> None:
        self._room = bytes_in_flight
        self._floor = disk_floor_bytes
        self._spool = spool
        self._monotonic = monotonic
        self._looked = -DISK_LOOK_SECONDS
        self._free = 0
        self.in_flight = 0
        self.draining = False

    def enter(self, declared: int | None) -> int | Refused:
        """Room for a body of the declared length (bytes), to be given back to ``leave``; or why there is none."""
        if self.draining:
            return Refused(Problem.DRAINING, DRAIN_RETRY_SECONDS)
        if self.disk_is_low:
            return Refused(Problem.STORAGE, DISK_RETRY_SECONDS)
        size = limits.BODY_BYTES if declared is None else min(declared, limits.BODY_BYTES)
        if self.in_flight + size > self._room:
            return Refused(Problem.OVERLOADED, BUSY_RETRY_SECONDS)
        self.in_flight += size
        return size

    def leave(self, size: int) -> None:
        """Give room back."""
        self.in_flight -= size

    @property
    def disk_is_low(self) -> bool:
        """Whether less than the floor is free; looked up at most once a second."""
        now = self._monotonic()
        if now - self._looked >= DISK_LOOK_SECONDS:
            self._looked = now
            self._free = shutil.disk_usage(self._spool).free
        return self._free < self._floor
