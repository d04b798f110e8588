"""The periods a number can speak of, and when each is frozen.

Days are the users' local days. A period is frozen some days after it ends, so that reports of
devices in every time zone, and most of the late ones, are in; then it is released once.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from headcount_wire import days


class PeriodKind(StrEnum):
    """The only periods people are ever counted over."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    ROLLING_7 = "rolling_7"
    ROLLING_28 = "rolling_28"
    ROLLING_30 = "rolling_30"


ROLLING = {PeriodKind.ROLLING_7: 7, PeriodKind.ROLLING_28: 28, PeriodKind.ROLLING_30: 30}
"""Days in each rolling window."""

FREEZE_AFTER_DAYS = {
    PeriodKind.DAY: 3,
    PeriodKind.WEEK: 3,
    PeriodKind.MONTH: 7,
    PeriodKind.QUARTER: 7,
    PeriodKind.YEAR: 7,
    PeriodKind.ROLLING_7: 3,
    PeriodKind.ROLLING_28: 3,
    PeriodKind.ROLLING_30: 3,
}
"""Whole days between the end of a period and its freeze."""


PERIODS_KEPT = 8_192
"""How many periods are kept that were asked for lately: pages and releases ask for the same again and again."""


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A span of whole local days, ``first`` and ``last`` both included (day numbers)."""

    kind: PeriodKind
    first: int
    last: int

    @property
    def frozen_from(self) -> int:
        """The UTC day from which on nothing more is let into the period."""
        return self.last + 1 + FREEZE_AFTER_DAYS[self.kind]


@lru_cache(PERIODS_KEPT)
def period_of(kind: PeriodKind, day: int) -> Period:
    """The period of a kind that holds a day; a rolling window *ends* on it."""
    if kind in ROLLING:
        return Period(kind, day - ROLLING[kind] + 1, day)
    match kind:
        case PeriodKind.DAY:
            return Period(kind, day, day)
        case PeriodKind.WEEK:
            first = days.week_start(day)
            return Period(kind, first, first + 6)
        case PeriodKind.MONTH:
            first = days.month_start(day)
            return Period(kind, first, days.month_start(first + 31) - 1)
        case PeriodKind.QUARTER:
            first = days.quarter_start(day)
            return Period(kind, first, days.quarter_start(first + 93) - 1)
        case _:
            first = days.year_start(day)
            return Period(kind, first, days.year_start(first + 366) - 1)


def day_frozen_from(day: int) -> int:
    """The UTC day from which on a local day is frozen."""
    return period_of(PeriodKind.DAY, day).frozen_from
