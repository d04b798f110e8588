"""Which numbers changed beyond noise in the newest week of days. Pure.

A number moves by itself, and many numbers are looked at every day: a change is told only when the last seven days
differ from the seven before **and** from the seven before those, each beyond the days' own scatter, in the same
direction, and by a tenth at least.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from headcount_aggregator.web.dashboard.change import Verdict, change_of_pairs

DAYS = 7
LEAST_SHARE = 0.1
SPAN_DAYS = 3 * DAYS


@dataclass(frozen=True, slots=True)
class Moved:
    """A number that changed: what it was in a week, what it is, and the change as a share."""

    now: int
    before: int
    share: float

    @property
    def up(self) -> bool:
        """Whether it is more than before."""
        return self.share > 0


def moved(values: Mapping[int, int | None], last: int, step: int = 1) -> Moved | None:
    """The change in the seven days to ``last``; ``None`` where there is none, or it cannot be told."""
    found: list[Moved] = []
    for weeks in (1, 2):
        span = range(last - DAYS + 1, last + 1)
        change = change_of_pairs([(values.get(day), values.get(day - DAYS * weeks)) for day in span], step)
        if change.verdict is not Verdict.REAL or not change.before or abs(change.share) < LEAST_SHARE:
            return None
        found.append(Moved(int(change.now), int(change.before), change.share))
    newest, earlier = found
    return newest if newest.up == earlier.up else None
