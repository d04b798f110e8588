"""Bounds before memory grows: requests and bytes under way, and room on the disk."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from headcount_wire.problems import Problem

from headcount_ingest.outcomes import Refused

BUSY_RETRY_SECONDS = 5
DRAIN_RETRY_SECONDS = 5
DISK_RETRY_SECONDS = 60
DISK_LOOK_SECONDS = 1.0
REQUEST_BYTES = 1024
"""What a request under way takes beside its body: it bounds how many there are."""


class Gate:
    """Lets a report in while there is room for it; ``monotonic`` times the looks at the disk.

    A report holds room for what has arrived of it, from its first byte to its answer, so that what waits
    for the disk counts as well. Only a request whose key is known asks for room.
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

    def enter(self) -> Room | Refused:
        """Room for a request whose body is about to be read; or why there is none."""
        if self.draining:
            return Refused(Problem.DRAINING, DRAIN_RETRY_SECONDS)
        if self.disk_is_low:
            return Refused(Problem.STORAGE, DISK_RETRY_SECONDS)
        room = Room(self)
        return room.grow(REQUEST_BYTES) or room

    def take(self, size: int) -> Refused | None:
        """Take room, or say why not."""
        if self.in_flight + size > self._room:
            return Refused(Problem.OVERLOADED, BUSY_RETRY_SECONDS)
        self.in_flight += size
        return None

    def leave(self, size: int) -> None:
        """Give room back."""
        self.in_flight -= size

    @property
    def disk_is_low(self) -> bool:
        """Whether less than the floor is free; looked up at most once a second."""
        now = self._monotonic()
        if now - self._looked >= DISK_LOOK_SECONDS:
            self._looked = now
            try:
                self._free = shutil.disk_usage(self._spool).free
            except OSError:  # the folder is gone: the spool finds out, refuses, and has the process begin anew
                self._free = self._floor
        return self._free < self._floor


class Room:
    """The room of one request, given back when it is left."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._held = 0

    def __enter__(self) -> Room:
        return self

    def __exit__(self, *_: object) -> None:
        self._gate.leave(self._held)

    def grow(self, size: int) -> Refused | None:
        """Take more; or why there is none, and then what was held before stays held."""
        if (refused := self._gate.take(size)) is None:
            self._held += size
        return refused
