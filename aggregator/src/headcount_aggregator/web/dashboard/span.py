"""Which days a page shows, and by which period: read from the URL, which is the whole state of a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from headcount_wire import days

from headcount_aggregator.periods import Period, PeriodKind, period_of
from headcount_aggregator.released import Freshness

RANGES = ("28", "90", "365", "month")
"""The ranges a page offers: the last 28, 90 or 365 sealed days, and the last whole month."""

GRAINS = {"day": PeriodKind.DAY, "week": PeriodKind.WEEK, "month": PeriodKind.MONTH}
SPAN_DAYS = 400
UNSEALED_DAYS = 4


@dataclass(frozen=True, slots=True)
class Span:
    """First and last day (both included), and the period people are counted by.

    ``preset`` is the range it came from, empty for days of the asker's own. ``notice`` says what
    of the address could not be used.
    """

    first: int
    last: int
    by: PeriodKind
    preset: str = ""
    notice: str = ""

    @property
    def length(self) -> int:
        """How many days."""
        return self.last - self.first + 1

    def periods(self, kind: PeriodKind) -> Iterator[Period]:
        """The periods of a kind whose last day lies in the span, in order."""
        day = self.first
        while day <= self.last:
            period = period_of(kind, day)
            if period.last <= self.last:
                yield period
            day = period.last + 1


def read_span(query: Mapping[str, str], freshness: Freshness, preset: str = "28", by: str = "") -> Span:
    """The span an address asks for; ``preset`` and ``by`` are the page's own when it asks for none."""
    newest = freshness.today - UNSEALED_DAYS if freshness.sealed_through is None else freshness.sealed_through
    asked = query.get("range", preset)
    notice = ""
    if asked not in RANGES:
        asked, notice = preset, "That range is not known; this is the usual one."
    first, last = _preset(asked, newest)
    if query.get("from") or query.get("to"):
        own = _own(query, newest, freshness.today)
        if isinstance(own, str):
            notice = own
        else:
            first, last, asked = *own, ""
    grain = query.get("by", by)
    if grain not in GRAINS:
        grain = "day" if last - first < 92 else "week"
    return Span(first, last, GRAINS[grain], asked, notice)


def _preset(name: str, newest: int) -> tuple[int, int]:
    if name == "month":
        month = period_of(PeriodKind.MONTH, newest)
        if month.last > newest:
            month = period_of(PeriodKind.MONTH, month.first - 1)
        return month.first, month.last
    return newest - int(name) + 1, newest


def _own(query: Mapping[str, str], newest: int, today: int) -> tuple[int, int] | str:
    try:
        last = min(days.parse(query["to"]), today) if query.get("to") else newest
        first = days.parse(query["from"]) if query.get("from") else last - 27
    except ValueError:
        return "A date could not be read: write it as 2027-01-31. These are the usual days instead."
    if first > last:
        return "The first day lay after the last. These are the usual days instead."
    if last - first >= SPAN_DAYS:
        return f"A page shows at most {SPAN_DAYS} days. These are the usual days instead."
    return first, last
