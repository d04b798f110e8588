"""Local days and the periods they fall into."""

from __future__ import annotations

import datetime as dt

import pytest
from headcount_wire import days
from hypothesis import given
from hypothesis import strategies as st

DAYS = st.integers(min_value=0, max_value=60_000)


@given(DAYS)
def test_a_day_survives_text_and_date(day: int) -> None:
    """Every day number survives its text and its date."""
    assert days.parse(days.text(day)) == day
    assert days.from_date(days.to_date(day)) == day


@pytest.mark.parametrize(
    "text", ["2026-1-1", "2026-02-30", "20260101", "2026-01-01T00", "", "\uff12\uff10\uff12\uff16-01-01"]
)
def test_anything_else_is_no_day(text: str) -> None:
    """A day is written in one way only."""
    with pytest.raises(ValueError):
        days.parse(text)


@given(DAYS)
def test_periods_hold_their_day_and_start_where_the_calendar_says(day: int) -> None:
    """Week, month, quarter and year start on or before the day, on the calendar's first day."""
    week = dt.date.fromordinal(days.to_date(days.week_start(day)).toordinal())
    assert week.isocalendar()[:2] == days.to_date(day).isocalendar()[:2]
    assert week.isoweekday() == 1
    month = days.to_date(days.month_start(day))
    assert (month.year, month.month, month.day) == (days.to_date(day).year, days.to_date(day).month, 1)
    quarter = days.to_date(days.quarter_start(day))
    assert quarter.day == 1
    assert quarter.month in (1, 4, 7, 10)
    assert 0 <= day - days.quarter_start(day) < 92
    assert days.to_date(days.year_start(day)) == dt.date(days.to_date(day).year, 1, 1)


def test_weeks_between_counts_mondays() -> None:
    """From Sunday to Monday is one week, from Monday to Sunday none."""
    monday = days.parse("2026-11-23")
    assert days.weeks_between(monday - 1, monday) == 1
    assert days.weeks_between(monday, monday + 6) == 0


def test_utc_day_turns_at_midnight() -> None:
    """The UTC day turns at midnight, not at noon."""
    assert days.utc_day(86_399.9) == 0
    assert days.utc_day(86_400.0) == 1
