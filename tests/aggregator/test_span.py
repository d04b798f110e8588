"""The days a page shows: from its address alone, bounded, and never a guess in silence."""

from __future__ import annotations

import itertools

import pytest
from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.released import Freshness
from headcount_aggregator.web.dashboard.span import SPAN_DAYS, read_span
from headcount_wire import days
from hypothesis import given
from hypothesis import strategies as st

TODAY = days.parse("2026-11-20")
FRESH = Freshness(days.parse("2026-11-16"), TODAY, days.parse("2026-01-01"))


@pytest.mark.parametrize(
    ("query", "first", "last", "by"),
    [
        ({}, "2026-10-20", "2026-11-16", PeriodKind.DAY),
        ({"range": "90"}, "2026-08-19", "2026-11-16", PeriodKind.DAY),
        ({"range": "365"}, "2025-11-17", "2026-11-16", PeriodKind.WEEK),
        ({"range": "month"}, "2026-10-01", "2026-10-31", PeriodKind.DAY),
        ({"from": "2026-09-01", "to": "2026-09-07", "by": "week"}, "2026-09-01", "2026-09-07", PeriodKind.WEEK),
        ({"from": "2026-11-01", "to": "2030-01-01"}, "2026-11-01", "2026-11-20", PeriodKind.DAY),
    ],
)
def test_an_address_names_its_days(query: dict[str, str], first: str, last: str, by: PeriodKind) -> None:
    """Presets end on the last sealed day; days of one's own end today at the latest."""
    span = read_span(query, FRESH)
    assert (days.text(span.first), days.text(span.last), span.by, span.notice) == (first, last, by, "")


@pytest.mark.parametrize(
    "query",
    [
        {"range": "7 or 1=1"},
        {"from": "yesterday"},
        {"from": "2026-09-10", "to": "2026-09-01"},
        {"from": "2020-01-01", "to": "2026-09-01"},
    ],
)
def test_what_cannot_be_read_is_said(query: dict[str, str]) -> None:
    """A wrong address shows the usual days, and a notice says so."""
    span = read_span(query, FRESH)
    assert span.notice
    assert (span.last, span.length) == (FRESH.sealed_through, 28)


@given(st.dictionaries(st.sampled_from(["range", "from", "to", "by"]), st.text(max_size=12)))
def test_any_address_has_bounded_days(query: dict[str, str]) -> None:
    """Whatever the address says, the span is a span and never longer than a page may show."""
    span = read_span(query, FRESH)
    assert span.first <= span.last <= TODAY
    assert span.length <= SPAN_DAYS


@given(st.sampled_from([PeriodKind.DAY, PeriodKind.WEEK, PeriodKind.MONTH]), st.integers(1, 300))
def test_periods_tile_the_span(kind: PeriodKind, length: int) -> None:
    """The periods of a span follow each other without a gap, and each ends in it."""
    span = read_span({"from": days.text(TODAY - length), "to": days.text(TODAY)}, FRESH)
    found = list(span.periods(kind))
    assert all(span.first <= period.last <= span.last for period in found)
    assert all(b.first == a.last + 1 for a, b in itertools.pairwise(found))
