"""How far a report's creation day lies from the server's: a closed list, so that no clock makes a metric grow."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache

from headcount_wire import limits


class Skew(StrEnum):
    """Where a creation day lies, seen from the server's day in UTC."""

    LONG_BEFORE = "long_before"
    DAYS_BEFORE = "days_before"
    DAY_BEFORE = "day_before"
    SAME_DAY = "same_day"
    DAY_AFTER = "day_after"
    LONG_AFTER = "long_after"


@lru_cache(maxsize=64)
def skew_of(days_ahead: int) -> Skew:
    """The place of a creation day that lies so many days ahead of the server's, or behind it where negative."""
    if days_ahead == 0:
        return Skew.SAME_DAY
    if days_ahead > 0:
        return Skew.DAY_AFTER if days_ahead <= limits.CREATED_FUTURE_DAYS else Skew.LONG_AFTER
    if days_ahead == -1:
        return Skew.DAY_BEFORE
    return Skew.DAYS_BEFORE if days_ahead >= -limits.CREATED_PAST_DAYS else Skew.LONG_BEFORE
