"""Figures of people: active, new and returning, and how many distinct ones the days of a page hold."""

from __future__ import annotations

from collections.abc import Sequence

from headcount_wire.catalog import TOTAL, Measure

from headcount_aggregator.periods import ROLLING, Period, PeriodKind
from headcount_aggregator.released import Number, Statistic
from headcount_aggregator.web.dashboard.figure import Cell, Figure, Series, Shape, Weight, cell_of
from headcount_aggregator.web.dashboard.over_time import by_last, day_rows, period_rows
from headcount_aggregator.web.dashboard.view import View


async def distinct(
    view: View, measure: Measure, breakdown: int = TOTAL, kind: PeriodKind | None = None
) -> tuple[PeriodKind, Sequence[Number]]:
    """Distinct people of the days: of the calendar period they are, else of the rolling window they end with.

    Distinct people cannot be added over days, so no other span has a number. A measure whose people are not
    released over so long a period has the window's.
    """
    last = view.span.last
    # With noise, windows are told that end on a Sunday: the newest one of the days is.
    first = last - 6 if view.noisy else last
    kinds = (kind,) if kind else tuple(dict.fromkeys((view.span.whole, view.span.window)))
    for wanted in kinds:
        since = first if wanted in ROLLING or wanted is PeriodKind.WEEK else last
        if kind is PeriodKind.MONTH:
            since = view.span.first  # who asks for a month takes the newest that ended
        found = await view.numbers([Statistic.PEOPLE], [wanted], measure, breakdown=breakdown, first=since, last=last)
        if found:
            newest = max(number.last for number in found)
            return wanted, [number for number in found if number.last == newest]
    return kinds[-1], ()


async def active_people(view: View, measure: Measure, key: str = "active", title: str = "") -> Figure:
    """People of a measure: by day with the rolling windows, or by week or month."""
    say, by = view.wording.say, view.span.by
    notes = view.tens(say("Days are exact; longer periods are rounded to tens."))
    if by is PeriodKind.DAY and view.noisy:
        by_day = await view.numbers([Statistic.PEOPLE], [by], measure)
        if sum(number.value is None for number in by_day) * 3 > 2 * len(by_day):
            weekly = view.by_period(PeriodKind.WEEK)
            if await weekly.numbers([Statistic.PEOPLE], [PeriodKind.WEEK], measure):
                by, view, notes = PeriodKind.WEEK, weekly, (view.by_week(""),)
    if by is PeriodKind.DAY:
        kinds = [PeriodKind.DAY, PeriodKind.ROLLING_7, PeriodKind.ROLLING_28]
        series = [
            Series("day", say("Each day"), Weight.FAINT),
            Series("rolling_7", say("7 days to it"), Weight.PLAIN),
            Series("rolling_28", say("28 days to it"), Weight.STRONG),
        ]
        sentence = say("Distinct people on each day, and in the 7 and 28 days that end on it.")
    else:
        kinds = [by]
        series = [Series(view.by, say("People"), Weight.STRONG)]
        sentence = {
            PeriodKind.WEEK: say("Distinct people in each week, Monday to Sunday."),
            PeriodKind.MONTH: say("Distinct people in each calendar month."),
            PeriodKind.QUARTER: say("Distinct people in each quarter."),
        }.get(by, say("Distinct people in each year."))
    found = by_last(await view.numbers([Statistic.PEOPLE], kinds, measure))
    if by is PeriodKind.DAY:
        # A window without numbers would be a column that only says so: no reach, or noise once a week.
        told = [place for place, kind in enumerate(kinds) if kind is PeriodKind.DAY or any(k is kind for k, _ in found)]
        kinds, series = [kinds[place] for place in told], [series[place] for place in told]
        if len(kinds) == 1:
            series, sentence = [Series("day", say("Each day"), Weight.STRONG)], say("Distinct people on each day.")
        elif view.noisy:
            sentence = say("Distinct people on each day, and in the 28 days that end on a Sunday.")
    cells = [lambda period, kind=kind: cell_of(found.get((kind, period.last))) for kind in kinds]
    open_days = await view.open_days(measure, Statistic.PEOPLE)
    rows = day_rows(view, cells, open_days) if by is PeriodKind.DAY else period_rows(view, by, cells)
    return Figure(
        key=key,
        title=title or say("Active people"),
        sentence=sentence,
        shape=Shape.LINES if by is PeriodKind.DAY else Shape.COLUMNS,
        head=view.wording.head(by),
        series=tuple(series),
        rows=rows,
        rule=view.rule_of(measure),
        k=view.k,
        unit=say("people"),
        notes=notes,
        empty=nothing_yet(view),
    )


def mostly_hidden(numbers: Sequence[Number]) -> bool:
    """Whether a third and more of some numbers is hidden: then a longer period says it better."""
    return sum(number.value is None for number in numbers) * 3 > len(numbers)


async def new_and_returning(view: View, measure: Measure) -> Figure:
    """New and returning people, stacked; by week where many days have too few new people to show."""
    say, by = view.wording.say, view.span.by
    statistics = [Statistic.NEW_PEOPLE, Statistic.RETURNING_PEOPLE]
    numbers = await view.numbers(statistics, [by], measure)
    notes: tuple[str, ...] = ()
    if by is PeriodKind.DAY and mostly_hidden(numbers):
        by = PeriodKind.WEEK
        numbers = await view.numbers(statistics, [by], measure)
        notes = (view.by_week(say("Shown by week: many days have fewer than {k} new people.", k=view.k)),)
    if view.noisy and by is PeriodKind.WEEK and not any(number.value is not None for number in numbers):
        by_month = await view.numbers(statistics, [PeriodKind.MONTH], measure)
        if any(number.value is not None for number in by_month):
            by, numbers = PeriodKind.MONTH, by_month
            notes = (say("Shown by month: the weeks are too small for their noise."),)
    found = {(number.statistic, number.last): number for number in numbers}

    def cell(statistic: Statistic, period: Period) -> Cell:
        return cell_of(found.get((statistic, period.last)))

    cells = [lambda period, s=statistic: cell(s, period) for statistic in statistics]
    rows = day_rows(view, cells, {}) if by is PeriodKind.DAY else period_rows(view, by, cells)
    return Figure(
        key="new",
        title=say("New and returning"),
        sentence=say("People whose first use fell into the period, and people who had used the app before."),
        shape=Shape.COLUMNS,
        head=view.wording.head(by),
        series=(
            Series("new", say("New"), Weight.STRONG),
            Series("returning", say("Returning"), Weight.FAINT),
        ),
        rows=rows,
        rule=view.ruled(say("At least {k} people new and at least {k} returning, or none.", k=view.k)),
        k=view.k,
        unit=say("people"),
        notes=notes,
        empty=view.too_few(nothing_yet(view)) if view.sealed else nothing_yet(view),
    )


def nothing_yet(view: View) -> str:
    """What stands in place of a figure without numbers."""
    say = view.wording.say
    if not view.sealed:
        return say("A day is sealed three days after it ends. Until then there is nothing to see, and nothing hidden.")
    return say("No whole period was released in these days. Choose a longer range, or days instead of weeks or months.")
