"""Bounds before memory grows: requests and bytes under way, and room on the disk."""

from __future__ import annotations

from headcount_wire.problems import Problem

from headcount_ingest.disk_look import DiskLook
from headcount_ingest.load_shedding import ComeBack
from headcount_ingest.outcomes import Refused

DRAIN_RETRY_SECONDS = 5
DISK_RETRY_SECONDS = 60
REQUEST_BYTES = 1024
"""What a request under way takes beside its body: it bounds how many there are."""


class Gate:
    """Lets a report in while there is room for it, in memory and on the disk.

    ``wait_seconds``: while reports have waited so long for the disk, no more are let in. They would wait even longer,
    and with them all that come later: a refusal at once is the better news.

    A report holds room for what has arrived of it, from its first byte to its answer, so that what waits
    for the disk counts as well. Only a request whose key is known asks for room.
    """

    def __init__(self, bytes_in_flight: int, wait_seconds: float, disk: DiskLook, come_back: ComeBack) -> None:
        self._wait_seconds = wait_seconds
        self._come_back = come_back
        self._room = bytes_in_flight
        self._disk = disk
        self.in_flight = 0
        self.draining = False

    def enter(self, waited: float) -> Room | Refused:
        """Room for a request whose body is about to be read; or why there is none.

        ``waited``: for how many seconds a report has been waiting for the disk.
        """
        if self.full(waited):
            return self.overloaded()
        if self.draining:
            return Refused(Problem.DRAINING, self._come_back.after(DRAIN_RETRY_SECONDS))
        if self._disk.low or self._disk.full:
            return Refused(Problem.STORAGE, self._come_back.after(DISK_RETRY_SECONDS))
        room = Room(self)
        return room.grow(REQUEST_BYTES) or room

    def full(self, waited: float) -> bool:
        """Whether reports have waited for the disk for so many seconds that no more shall join them."""
        return waited > self._wait_seconds

    def overloaded(self) -> Refused:
        """The refusal of one more, because too much comes."""
        return Refused(Problem.OVERLOADED, self._come_back.after_overload())

    def take(self, size: int) -> Refused | None:
        """Take room, or say why not."""
        if self.in_flight + size > self._room:
            return self.overloaded()
        self.in_flight += size
        return None

    def leave(self, size: int) -> None:
        """Give room back."""
        self.in_flight -= size


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
