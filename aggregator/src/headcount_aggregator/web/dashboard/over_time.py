"""Rows of a figure over time: one a day, week or month, a cell a series, open days at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from headcount_wire import days

from headcount_aggregator.periods import PERIODS_KEPT, Period, PeriodKind, period_of
from headcount_aggregator.released import Number
from headcount_aggregator.web.dashboard.figure import MISSING, Cell, Row, cell_of
from headcount_aggregator.web.dashboard.sums import sum_of
from headcount_aggregator.web.dashboard.view import View
from headcount_aggregator.web.dashboard.wording import Wording

CellAt = Callable[[Period], Cell]


def by_last(numbers: Sequence[Number]) -> dict[tuple[PeriodKind, int], Number]:
    """Numbers of one statistic by their kind and last day."""
    return {(number.period, number.last): number for number in numbers}


def rows_of(view: View, cells: Sequence[CellAt], open_days: Mapping[int, Number] | None = None) -> tuple[Row, ...]:
    """A row a period of the span's own kind; days go on into the open ones."""
    by = view.span.by
    return day_rows(view, cells, open_days or {}) if by is PeriodKind.DAY else period_rows(view, by, cells)


def day_rows(view: View, cells: Sequence[CellAt], open_days: Mapping[int, Number]) -> tuple[Row, ...]:
    """A row a day of the span; the first series goes on into the open days."""
    sealed = view.freshness.sealed_through
    # Days of the span that are not sealed yet come from the open days, below.
    closed = [p for p in _with_data(view, PeriodKind.DAY) if sealed is None or p.last <= sealed]
    rows = [_row(view, period, tuple(cell(period) for cell in cells)) for period in closed]
    rest = (MISSING,) * (len(cells) - 1)
    rows += [_row(view, period_of(PeriodKind.DAY, day), (cell_of(open_days[day]), *rest)) for day in sorted(open_days)]
    return tuple(rows)


def period_rows(view: View, kind: PeriodKind, cells: Sequence[CellAt]) -> tuple[Row, ...]:
    """A row a week or month that ends in the span."""
    return tuple(_row(view, period, tuple(cell(period) for cell in cells)) for period in _with_data(view, kind))


def _with_data(view: View, kind: PeriodKind) -> list[Period]:
    """The periods of the span, from the first day there are numbers of: nothing before it is zero, it is not there."""
    first = view.freshness.first_day
    return [period for period in view.span.periods(kind) if first is None or period.last >= first]


def summed(numbers: Mapping[tuple[PeriodKind, int], Number], period: Period) -> Cell:
    """The sum of a period's days: counts add up, people do not. Hidden days are left out."""
    found = [numbers.get((PeriodKind.DAY, day)) for day in range(period.first, period.last + 1)]
    values = [number for number in found if number is not None and number.value is not None]
    if not values:
        return next((Cell(state=number.state) for number in found if number is not None), MISSING)
    return sum_of(values).cell()


def wide(numbers: Mapping[tuple[PeriodKind, int], Number], period: Period) -> Cell:
    """A week's or month's own released count; where there is none, its days added up."""
    own = numbers.get((period.kind, period.last))
    return cell_of(own) if own is not None else summed(numbers, period)


def _row(view: View, period: Period, cells: tuple[Cell, ...]) -> Row:
    key, name, tick = _named(view.wording, period)
    begins = view.freshness.first_day
    if begins is not None and period.first < begins:
        name = view.wording.say("{period}, in part: from {day}", period=name, day=view.wording.day_short(begins))
        tick = view.wording.say("from {day}", day=view.wording.day_short(begins))
    return Row(key, name, cells, tick)


@lru_cache(PERIODS_KEPT)
def _named(wording: Wording, period: Period) -> tuple[str, str, str]:
    """A period as an address, a table and an axis write it: each figure of a page says the same ones."""
    tick = wording.tick(period.kind, period.first)
    return days.text(period.first), wording.period(period.kind, period.first, period.last), tick
