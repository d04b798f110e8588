"""How many connections to let in at once, by how long the last ones took until they were read.

A report waits for several turns of the event loop: until it is let in, read, taken, and answered once on the disk.
So under a load that does not end a turn has to be short; the first of a burst may take a little longer.
"""

from __future__ import annotations

from math import inf

ROOM_LEAST, ROOM_CALM, ROOM_MOST = 8, 32, 256
BURST_SECONDS, TURN_SECONDS = 0.05, 0.02
"""How long those who are let in at once may take: the first of a burst, and those of one that does not end."""
QUIET_SECONDS = 1.0
"""So long without more than were let in, and a burst is a new one: at least ``ROOM_CALM`` of it are let in."""
TELLING, KNOCKS = 16, 4
"""How long so many or more take tells how long others will; the pace follows the last few times."""


class Pace:
    """Seconds that a connection takes, of those that were let in together."""

    def __init__(self) -> None:
        self._seconds = BURST_SECONDS / ROOM_MOST
        self._full_at = -inf

    def room(self, now: float) -> int:
        """How many may be let in at once; ``now`` by a clock that is never set back."""
        calm = now - self._full_at > QUIET_SECONDS
        seconds, least = (BURST_SECONDS, ROOM_CALM) if calm else (TURN_SECONDS, ROOM_LEAST)
        return max(least, min(ROOM_MOST, int(seconds / self._seconds)))

    def full(self, now: float) -> None:
        """More came than were let in."""
        self._full_at = now

    def took(self, many: int, seconds: float) -> None:
        """So many that were let in together were read so many seconds later."""
        if many >= TELLING:
            self._seconds += (seconds / many - self._seconds) / KNOCKS
