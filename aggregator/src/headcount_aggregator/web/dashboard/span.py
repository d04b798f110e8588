"""Which days a page shows, and by which period: read from the URL, which is the whole state of a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from headcount_wire import days

from headcount_aggregator.periods import ROLLING, Period, PeriodKind, period_of
from headcount_aggregator.released import Freshness
from headcount_aggregator.web.dashboard.wording import mark

LAST_DAYS = ("28", "90", "365")
LAST_WHOLE = {
    "week": PeriodKind.WEEK,
    "month": PeriodKind.MONTH,
    "quarter": PeriodKind.QUARTER,
    "year": PeriodKind.YEAR,
}
RANGES = (*LAST_DAYS, *LAST_WHOLE)
"""The ranges a page offers: the last 28, 90 or 365 sealed days, and the last whole week, month, quarter or year."""

GRAINS = {
    "day": PeriodKind.DAY,
    "week": PeriodKind.WEEK,
    "month": PeriodKind.MONTH,
    "quarter": PeriodKind.QUARTER,
    "year": PeriodKind.YEAR,
}
WINDOWS = {"7": PeriodKind.ROLLING_7, "28": PeriodKind.ROLLING_28, "30": PeriodKind.ROLLING_30}
"""The rolling windows people are counted in where the days are no calendar period."""

SPAN_DAYS = 400
EARLIEST = days.parse("2000-01-01")
"""Days before this one are nobody's, and what they are compared with could lie before the calendar begins."""
UNSEALED_DAYS = 4

UNKNOWN_RANGE = mark("That range is not known; this is the usual one.")
UNREADABLE = mark("A date could not be read: write it as 2027-01-31. These are the usual days instead.")
TURNED = mark("The first day lay after the last. These are the usual days instead.")
TOO_EARLY = mark("Those days lie before anything could be counted. These are the usual days instead.")
TOO_LONG = mark("A page shows at most {days} days. These are the usual days instead.")


class Compare(StrEnum):
    """What the days of a page are compared with."""

    NOTHING = ""
    BEFORE = "before"
    WEEKDAYS = "weekdays"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Span:
    """First and last day (both included), and the period people are counted by.

    ``preset`` is the range it came from, empty for days of the asker's own. ``notice`` says what
    of the address could not be used. ``window`` is the rolling window of distinct people.
    """

    first: int
    last: int
    by: PeriodKind
    preset: str = ""
    notice: str = ""
    compare: Compare = Compare.NOTHING
    window: PeriodKind = PeriodKind.ROLLING_28

    @property
    def length(self) -> int:
        """How many days."""
        return self.last - self.first + 1

    @property
    def shift(self) -> int:
        """How many days earlier the days lie that these are compared with."""
        match self.compare:
            case Compare.YEAR:
                return 364
            case Compare.WEEKDAYS:
                return -(-self.length // 7) * 7
            case _:
                return self.length

    def earlier(self) -> Span:
        """The days these are compared with, as a span that is compared with nothing."""
        first, last = self.first - self.shift, self.last - self.shift
        if self.compare is not Compare.YEAR and (whole := self.whole) in LAST_WHOLE.values():
            # The month before, not as many days before.
            before = period_of(whole, self.first - 1)
            first, last = before.first, before.last
        return replace(self, first=first, last=last, preset="", compare=Compare.NOTHING)

    @property
    def whole(self) -> PeriodKind:
        """The calendar period that the days are exactly; else the rolling window that ends with them."""
        if self.length == 1:
            return PeriodKind.DAY
        for kind in LAST_WHOLE.values():
            period = period_of(kind, self.first)
            if (period.first, period.last) == (self.first, self.last):
                return kind
        same = (kind for kind, length in ROLLING.items() if length == self.length and not self.preset)
        return next(same, self.window)

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
        asked, notice = preset, UNKNOWN_RANGE
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
    compare = query.get("compare", "")
    known = Compare(compare) if compare in tuple(Compare) else Compare.NOTHING
    window = WINDOWS.get(query.get("window", ""), PeriodKind.ROLLING_28)
    return Span(first, last, GRAINS[grain], asked, notice, known, window)


def _preset(name: str, newest: int) -> tuple[int, int]:
    if name in LAST_DAYS:
        return newest - int(name) + 1, newest
    period = period_of(LAST_WHOLE[name], newest)
    if period.last > newest:
        period = period_of(LAST_WHOLE[name], period.first - 1)
    return period.first, period.last


def _own(query: Mapping[str, str], newest: int, today: int) -> tuple[int, int] | str:
    try:
        last = min(days.parse(query["to"]), today) if query.get("to") else newest
        first = days.parse(query["from"]) if query.get("from") else last - 27
    except ValueError:
        return UNREADABLE
    if min(first, last) < EARLIEST:
        return TOO_EARLY
    if first > last:
        return TURNED
    if last - first >= SPAN_DAYS:
        return TOO_LONG
    return first, last
