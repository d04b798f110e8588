"""Which releases are due: frozen periods, each once, in the order in which they froze. Pure."""

from __future__ import annotations

from collections.abc import Collection

from headcount_aggregator.periods import Period, PeriodKind, period_of

KINDS = (PeriodKind.DAY, PeriodKind.WEEK, PeriodKind.MONTH, PeriodKind.QUARTER, PeriodKind.YEAR)
"""What has a release of its own; windows and retention stand in the release of the day they end on."""


def name_of(period: Period) -> str:
    """The name of a period's release: its kind and its days."""
    return f"{period.kind.value}-{period.first}-{period.last}"


def order_of(period: Period) -> tuple[int, int, int]:
    """Where a release stands in its chain: by freeze, parts before wholes, earlier before later."""
    return (period.frozen_from, KINDS.index(period.kind), period.first)


def due(first: int, sealed: Collection[str], today: int) -> list[Period]:
    """The frozen periods since an app's first day that are not sealed, in order; none is skipped."""
    found: list[Period] = []
    for kind in KINDS:
        day = first
        while (period := period_of(kind, day)).frozen_from <= today:
            if name_of(period) not in sealed:
                found.append(period)
            day = period.last + 1
    return sorted(found, key=order_of)


def open_periods(first: int, sealed: Collection[str], today: int) -> list[Period]:
    """The days, weeks and months that have begun and are not sealed, in order."""
    spans = {period_of(kind, day) for kind in KINDS[:3] for day in range(max(first, today - 40), today + 1)}
    return sorted((period for period in spans if name_of(period) not in sealed), key=order_of)
