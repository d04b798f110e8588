"""Bounds before memory grows: bytes under way, and room on the disk."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

RETRY_AFTER_SECONDS = 5
DISK_RETRY_AFTER_SECONDS = 60
DISK_LOOK_SECONDS = 1.0


class Gate:
    """Admits bodies while there is room; ``monotonic`` times the looks at the disk."""

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
        self.retry_after = RETRY_AFTER_SECONDS

    @contextmanager
    def room_for(self, size: int) -> Iterator[bool]:
        """Hold room for a body while it is read; yields whether there was any."""
        if self.in_flight + size > self._room:
            yield False
            return
        self.in_flight += size
        try:
            yield True
        finally:
            self.in_flight -= size

    @property
    def disk_is_low(self) -> bool:
        """Whether less than the floor is free; looked up at most once a second."""
        now = self._monotonic()
        if now - self._looked >= DISK_LOOK_SECONDS:
            self._looked = now
            self._free = shutil.disk_usage(self._spool).free
        return self._free < self._floor
