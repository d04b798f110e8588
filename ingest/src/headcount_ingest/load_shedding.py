"""When the refused shall come back: the busier the edge is, the later, and never all at once."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

LEAST_SECONDS, MOST_SECONDS = 5.0, 900.0
CALM_SECONDS = 10.0
"""So long without a refusal, and the next one begins a new overload."""
CLIENT_LEAST, CLIENT_SHARE = 64, 8
"""Of one client so many refusals count, and beyond them no more than one part in so many of all that do."""


class ComeBack:
    """Tells each refused client a time of its own, about as far ahead as all that were refused take to be taken.

    ``taken``: how many reports were taken since the start. ``monotonic`` times an overload. Since it began, so many
    were refused and so many taken: at that pace the refused are taken after as long as it has lasted, times refused
    over taken. Each is told between half of that and one and a half. A client that comes again and again is most of
    its own queue: beyond a share its refusals do not count, or it alone could send everybody away for long.
    """

    def __init__(self, taken: Callable[[], int], monotonic: Callable[[], float], draw: random.Random) -> None:
        self._taken = taken
        self._monotonic = monotonic
        self._draw = draw
        self._began = self._last = -math.inf
        self._taken_before = 0
        self._refused = 0
        self._refused_of: dict[str, int] = {}

    def after_overload(self, client: str = "") -> int:
        """Seconds for one more that is refused because too much comes; ``client``: its group, empty for many."""
        now = self._monotonic()
        if now - self._last > CALM_SECONDS:
            self._began, self._refused, self._taken_before = now, 0, self._taken()
            self._refused_of = {}
        self._last = now
        self._count(client)
        taken = max(1, self._taken() - self._taken_before)
        about = LEAST_SECONDS + (now - self._began) * self._refused / taken
        return math.ceil(min(about, MOST_SECONDS) * self._draw.uniform(0.5, 1.5))

    def _count(self, client: str) -> None:
        times = self._refused_of.get(client, 0)
        if client and times >= CLIENT_LEAST + self._refused // CLIENT_SHARE:
            return
        self._refused += 1
        if client:
            self._refused_of[client] = times + 1

    def after(self, seconds: float) -> int:
        """Seconds for one that is refused for a reason that lasts about so long: between that and twice as many."""
        return math.ceil(seconds * self._draw.uniform(1.0, 2.0))
