"""How many questions one reader's token may ask: a bucket that fills evenly, and that nobody can overdraw.

In memory only, one small entry for each declared reader that asked; a process that starts anew begins full.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

WINDOW_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a reader may ask now. ``wait``: seconds until the next question is let in; 0 when this one was."""

    limit: int
    left: int
    wait: int

    @property
    def headers(self) -> dict[str, str]:
        """The allowance as an answer's fields, in the form of the RateLimit header fields for HTTP."""
        fields = {
            "RateLimit-Policy": f'"reader";q={self.limit};w={WINDOW_SECONDS}',
            "RateLimit": f'"reader";r={self.left};t={self.wait or WINDOW_SECONDS}',
        }
        return fields | ({"Retry-After": str(self.wait)} if self.wait else {})


class Rates:
    """Counts the questions of each reader. ``per_minute``: how many pass, and how many at once after a pause."""

    def __init__(self, per_minute: int, monotonic: Callable[[], float]) -> None:
        self._most = per_minute
        self._monotonic = monotonic
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, fingerprint: str) -> Allowance:
        """Count one question under a token's fingerprint; one that is told to wait is not counted."""
        now, a_second = self._monotonic(), self._most / WINDOW_SECONDS
        left, since = self._buckets.get(fingerprint, (float(self._most), now))
        left = min(float(self._most), left + (now - since) * a_second)
        if left < 1:
            self._buckets[fingerprint] = left, now
            return Allowance(self._most, 0, math.ceil((1 - left) / a_second))
        self._buckets[fingerprint] = left - 1, now
        return Allowance(self._most, int(left - 1), 0)
