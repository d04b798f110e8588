"""Local days as whole numbers, and the calendar periods they fall into.

A *day* is the number of days since 1970-01-01 in the calendar of whoever counts: a local
date has no clock and no zone. On the wire it is written ``YYYY-MM-DD``.
"""

from __future__ import annotations

import datetime as dt
import re

from headcount_wire.clock import utc_day as utc_day  # without the calendar, for who needs no more

_EPOCH = dt.date(1970, 1, 1).toordinal()
_ISO = re.compile(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


def from_date(date: dt.date) -> int:
    """The day number of a date."""
    return date.toordinal() - _EPOCH


def to_date(day: int) -> dt.date:
    """The date of a day number."""
    return dt.date.fromordinal(day + _EPOCH)


def parse(text: str) -> int:
    """The day number of ``YYYY-MM-DD``; raises ``ValueError`` for anything else."""
    if not _ISO.match(text):
        raise ValueError("a day is written YYYY-MM-DD")
    return from_date(dt.date.fromisoformat(text))


def text(day: int) -> str:
    """A day number as ``YYYY-MM-DD``."""
    return to_date(day).isoformat()


def week_start(day: int) -> int:
    """The Monday of the ISO week that holds this day."""
    return day - to_date(day).weekday()


def month_start(day: int) -> int:
    """The first day of the calendar month that holds this day."""
    return from_date(to_date(day).replace(day=1))


def quarter_start(day: int) -> int:
    """The first day of the calendar quarter that holds this day."""
    date = to_date(day)
    return from_date(date.replace(month=3 * ((date.month - 1) // 3) + 1, day=1))


def year_start(day: int) -> int:
    """The first of January of the year that holds this day."""
    return from_date(to_date(day).replace(month=1, day=1))


def weeks_between(first: int, day: int) -> int:
    """Whole ISO weeks from the week of ``first`` to the week of ``day``."""
    return (week_start(day) - week_start(first)) // 7
