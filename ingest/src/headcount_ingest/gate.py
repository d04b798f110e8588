"""Bounds before memory grows: requests and bytes under way, and room on the disk."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from headcount_wire.problems import Problem

from headcount_ingest.disk_look import DiskLook
from headcount_ingest.load_shedding import ComeBack
from headcount_ingest.outcomes import Refused

DRAIN_RETRY_SECONDS = 5
DISK_RETRY_SECONDS = 60
REQUEST_BYTES = 1024
"""What a request under way takes beside its body: it bounds how many there are."""
SHARE = 8
"""When all room is taken, whoever holds more than one part in so many gets no more of it."""
OLDEST_LOOKED_AT = 32
"""Of so many bodies, those that have been coming the longest, one makes room."""


class Gate:
    """Lets a report in while there is room for it, in memory and on the disk.

    ``wait_seconds``: while reports have waited so long for the disk, or one more would wait so long for its turn, no
    more are let in. They would wait even longer, and with them all that come later: a refusal at once is better news.

    A report holds room for what has arrived of it, from its first byte to its answer, so that what waits
    for the disk counts as well. Only a request whose key is known asks for room. Where none is left, a body that
    is not whole is given up for it, of the client that holds the most among those that came first: bodies that
    never end would keep everybody out.
    """

    def __init__(self, bytes_in_flight: int, wait_seconds: float, disk: DiskLook, come_back: ComeBack) -> None:
        self._wait_seconds = wait_seconds
        self._come_back = come_back
        self._room = bytes_in_flight
        self._disk = disk
        self._held: dict[str, int] = {}
        self.coming: dict[Room, Callable[[Refused], None]] = {}
        """Rooms of bodies that are not whole, in the order they came, and what gives each of them up."""
        self.in_flight = 0
        self.draining = False

    def enter(self, waited: float, client: str = "") -> Room | Refused:
        """Room for a request whose body is about to be read; or why there is none.

        ``waited``: for how many seconds reports wait (``Edge.waits``). ``client``: the group of its address.
        """
        if self.full(waited):
            return self.overloaded(client)
        if self.draining:
            return Refused(Problem.DRAINING, self._come_back.after(DRAIN_RETRY_SECONDS))
        if self._disk.low or self._disk.full:
            return Refused(Problem.STORAGE, self._come_back.after(DISK_RETRY_SECONDS))
        room = Room(self, client)
        return room.grow(REQUEST_BYTES) or room

    def full(self, waited: float) -> bool:
        """Whether reports have waited for the disk for so many seconds that no more shall join them."""
        return waited > self._wait_seconds

    def overloaded(self, client: str = "") -> Refused:
        """The refusal of one more, because too much comes."""
        return Refused(Problem.OVERLOADED, self._come_back.after_overload(client))

    def take(self, size: int, room: Room) -> Refused | None:
        """Take room, or say why not."""
        while self.in_flight + size > self._room:
            if self._held.get(room.client, 0) * SHARE > self._room or not self._give_up_another(room):
                return self.overloaded(room.client)
        self.in_flight += size
        self._held[room.client] = self._held.get(room.client, 0) + size
        return None

    def leave(self, size: int, client: str) -> None:
        """Give room back."""
        self.in_flight -= size
        held = self._held.get(client, 0) - size
        if held > 0:
            self._held[client] = held
        else:
            self._held.pop(client, None)

    def _give_up_another(self, room: Room) -> bool:
        """Cut a body that is not whole, another than this one's; whether there was one."""
        oldest = (other for other in islice(self.coming, OLDEST_LOOKED_AT) if other is not room)
        victim = max(oldest, key=lambda other: self._held.get(other.client, 0), default=None)
        if victim is None:
            return False
        self.coming.pop(victim)(Refused(Problem.SLOW_BODY))
        return True


class Room:
    """The room of one request, given back when it is left."""

    __slots__ = ("_gate", "_size", "client")

    def __init__(self, gate: Gate, client: str) -> None:
        self._gate = gate
        self._size = 0
        self.client = client

    def __enter__(self) -> Room:
        return self

    def __exit__(self, *_: object) -> None:
        self.whole()
        self._gate.leave(self._size, self.client)

    def grow(self, size: int) -> Refused | None:
        """Take more; or why there is none, and then what was held before stays held."""
        if (refused := self._gate.take(size, self)) is None:
            self._size += size
        return refused

    def comes(self, give_up: Callable[[Refused], None]) -> None:
        """A body has begun to come; ``give_up`` ends it, and has its room left."""
        self._gate.coming[self] = give_up

    def whole(self) -> None:
        """Nothing more of it comes."""
        self._gate.coming.pop(self, None)
