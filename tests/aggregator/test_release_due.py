"""Which releases are due, and in which order they stand in the chain."""

from __future__ import annotations

from headcount_aggregator.periods import PeriodKind, period_of
from headcount_aggregator.release.due import KINDS, due, name_of, open_periods
from headcount_wire import days
from hypothesis import given, settings
from hypothesis import strategies as st

FIRST = days.parse("2025-11-12")


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 130), st.integers(1, 40))
def test_none_is_skipped_whenever_one_looks(span: int, pause: int) -> None:
    """Looking every few days seals the same periods in the same order as looking once at the end."""
    once = [name_of(period) for period in due(FIRST, (), FIRST + span)]
    sealed: list[str] = []
    for today in [*range(FIRST, FIRST + span, pause), FIRST + span]:
        sealed += [name_of(period) for period in due(FIRST, set(sealed), today)]
    assert sealed == once


def test_parts_come_before_wholes_and_only_when_frozen() -> None:
    """Every day of a week is sealed before the week, every week inside a year before the year."""
    today = FIRST + 420
    found = due(FIRST, (), today)
    assert {period.kind for period in found} == set(KINDS)
    place = {period: at for at, period in enumerate(found)}
    for period in found:
        assert period.frozen_from <= today
        for day in range(max(FIRST, period.first), period.last + 1):
            assert place[period_of(PeriodKind.DAY, day)] <= place[period]


def test_open_periods_are_those_that_are_not_sealed() -> None:
    """An open period has begun, and is no longer open once it is sealed."""
    today = FIRST + 30
    sealed = {name_of(period) for period in due(FIRST, (), today)}
    found = open_periods(FIRST, sealed, today)
    assert {period.kind for period in found} == {PeriodKind.DAY, PeriodKind.WEEK, PeriodKind.MONTH}
    assert all(period.first <= today < period.frozen_from for period in found)
