"""Overview: how many people, how many of them new, said in sentences and drawn beneath."""

from __future__ import annotations

from statistics import median

from headcount_wire.catalog import Measure

from headcount_aggregator.periods import Period, PeriodKind
from headcount_aggregator.released import Number, Statistic
from headcount_aggregator.web.dashboard.figure import Cell, Figure, Link, Series, Shape, Weight, cell_of
from headcount_aggregator.web.dashboard.over_time import by_last, day_rows, period_rows
from headcount_aggregator.web.dashboard.retention import pooled
from headcount_aggregator.web.dashboard.view import Page, Section, Stat, View
from headcount_aggregator.web.dashboard.wording import Wording

SURE = 0.1
"""By how much rounding may move a change that is said as a percentage, from end to end."""

BACK_WEEKS = 10
"""How many weeks of new people the share who came back is said of."""


async def overview(view: View) -> Page:
    """Build the page."""
    say = view.wording.say
    measure = view.subject.app.catalog.active
    if measure is None:
        return Page(say("This app counts no active people"), sentence=say("Declare a measure of kind active."))
    figures = (await active_people(view, measure), await new_and_returning(view, measure))
    stats = [await _typical_day(view, measure), await _new(view, measure), await _came_back(view, measure)]
    return Page(
        await _headline(view, measure),
        (Section("", figures),),
        stats=tuple(stat for stat in stats if stat),
    )


async def active_people(view: View, measure: Measure, key: str = "active", title: str = "") -> Figure:
    """People of a measure: by day with the rolling windows, or by week or month."""
    say, by = view.wording.say, view.span.by
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
        sentence = (
            say("Distinct people in each week, Monday to Sunday.")
            if by is PeriodKind.WEEK
            else say("Distinct people in each calendar month.")
        )
    found = by_last(await view.numbers([Statistic.PEOPLE], kinds, measure))
    # A measure without reach has no windows: its columns would only say so.
    if by is PeriodKind.DAY and not any(kind is not PeriodKind.DAY for kind, _ in found):
        kinds, series = kinds[:1], [Series("day", say("Each day"), Weight.STRONG)]
        sentence = say("Distinct people on each day.")
    cells = [lambda period, kind=kind: cell_of(found.get((kind, period.last))) for kind in kinds]
    open_days = await view.open_days(measure, Statistic.PEOPLE)
    rows = day_rows(view, cells, open_days) if by is PeriodKind.DAY else period_rows(view, by, cells)
    return Figure(
        key=key,
        title=title or say("Active people"),
        sentence=sentence,
        shape=Shape.LINES if by is PeriodKind.DAY else Shape.COLUMNS,
        head=_head(view, by),
        series=tuple(series),
        rows=rows,
        rule=view.rule_of(measure),
        k=view.k,
        unit=say("people"),
        notes=(say("Days are exact; longer periods are rounded to tens."),),
        wider=view.wider(),
        empty=_empty(view),
    )


async def new_and_returning(view: View, measure: Measure) -> Figure:
    """New and returning people, stacked; by week where many days have too few new people to show."""
    say, by = view.wording.say, view.span.by
    statistics = [Statistic.NEW_PEOPLE, Statistic.RETURNING_PEOPLE]
    numbers = await view.numbers(statistics, [by], measure)
    notes: tuple[str, ...] = ()
    if by is PeriodKind.DAY and sum(number.value is None for number in numbers) * 3 > len(numbers):
        by = PeriodKind.WEEK
        numbers = await view.numbers(statistics, [by], measure)
        notes = (say("Shown by week: many days have fewer than {k} new people.", k=view.k),)
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
        head=_head(view, by),
        series=(
            Series("new", say("New"), Weight.STRONG),
            Series("returning", say("Returning"), Weight.FAINT),
        ),
        rows=rows,
        rule=say("At least {k} people new and at least {k} returning, or none.", k=view.k),
        k=view.k,
        unit=say("people"),
        notes=notes,
        wider=view.wider() if by is view.span.by else Link(view.link(by="month", range="365"), say("see it by month")),
        empty=_empty(view),
    )


async def _headline(view: View, measure: Measure) -> str:
    wording, k = view.wording, view.k
    now, before = await _window(view, measure, view.span.last), await _window(view, measure, view.span.last - 28)
    if now is None:
        if not view.sealed:
            return wording.say("No number is sealed yet")
        return wording.say("No number ends on {day}", day=wording.day(view.span.last))
    place = {"app": view.subject.app.title, "day": wording.day(now.last)}
    if now.value is None:
        return wording.say("Fewer than {k} people used {app} in the 28 days to {day}", k=k, **place)
    people = wording.number(now.value)
    said = wording.say("About {people} people used {app} in the 28 days to {day}", people=people, **place)
    begins = view.freshness.first_day
    if before is None or not before.value or begins is None or before.first < begins:
        return said
    return said + change_of(wording, before.value, now.value, max(before.rounding, now.rounding))


def change_of(wording: Wording, before: int, now: int, step: int) -> str:
    """How two rounded numbers compare, as the end of a sentence; empty where rounding leaves it open.

    Each is off by up to half a step. A percentage is said only where that moves it by a few points.
    """
    half = step / 2
    low, high = (now - half) / (before + half) - 1, (now + half) / max(1.0, before - half) - 1
    change = now / before - 1
    if high - low > SURE:
        if abs(now - before) <= 2 * step:
            return ""
        return (
            wording.say(", more than in the 28 before") if change > 0 else wording.say(", fewer than in the 28 before")
        )
    if abs(change) < 0.02 or abs(now - before) <= step:
        return wording.say(", about as many as in the 28 before")
    share = wording.percent(abs(change))
    if change > 0:
        return wording.say(", about {share} more than in the 28 before", share=share)
    return wording.say(", about {share} fewer than in the 28 before", share=share)


async def _window(view: View, measure: Measure, last: int) -> Number | None:
    found = await view.numbers([Statistic.PEOPLE], [PeriodKind.ROLLING_28], measure, first=last, last=last)
    return found[0] if found else None


async def _typical_day(view: View, measure: Measure) -> Stat | None:
    wording = view.wording
    found = await view.numbers([Statistic.PEOPLE], [PeriodKind.DAY], measure)
    values = [number.value for number in found if number.value is not None]
    if not values:
        return None
    beside = ""
    if len(values) < len(found):
        beside = wording.say("of the {n} days with at least {k} people", n=len(values), k=view.k)
    return Stat(wording.number(round(median(values))), wording.say("people on a typical day (the median)"), beside)


async def _new(view: View, measure: Measure) -> Stat | None:
    wording = view.wording
    weeks = await view.numbers([Statistic.NEW_PEOPLE], [PeriodKind.WEEK], measure)
    if not weeks:
        return None
    shown = [number.value for number in weeks if number.value is not None]
    if not shown:
        return Stat(wording.say("under {k}", k=view.k), wording.say("people new in each week"))
    beside = wording.say("the weeks to {day}", day=wording.day(weeks[-1].last))
    if len(shown) < len(weeks):
        beside = wording.plural(
            "{n} week under {k} people is not in it",
            "{n} weeks under {k} people are not in it",
            len(weeks) - len(shown),
            k=view.k,
        )
    said = wording.plural("people new in {n} week", "people new in {n} weeks", len(shown))
    return Stat(wording.number(sum(shown)), said, beside)


async def _came_back(view: View, measure: Measure) -> Stat | None:
    wording = view.wording
    first = view.span.last - 7 * BACK_WEEKS
    found = await view.numbers([Statistic.RETENTION_WEEK], [PeriodKind.WEEK], measure, first=first)
    by = {(number.first, number.slot): number for number in found}
    weeks = sorted(week for week, slot in by if slot == 1 and (week, 0) in by)
    share = pooled([(by[week, 0], by[week, 1]) for week in weeks], view.k)
    if share is None:
        return None
    return Stat(
        wording.percent(share / 100),
        wording.say("came back the week after their first"),
        wording.say("first used {days}", days=wording.days(weeks[0], weeks[-1] + 6)),
        Link(view.link("retention", by="", range=""), wording.say("Retention")),
    )


def _head(view: View, by: PeriodKind) -> str:
    say = view.wording.say
    return {PeriodKind.DAY: say("Day"), PeriodKind.WEEK: say("Week"), PeriodKind.MONTH: say("Month")}[by]


def _empty(view: View) -> str:
    say = view.wording.say
    if not view.sealed:
        return say("A day is sealed three days after it ends. Until then there is nothing to see, and nothing hidden.")
    return say("No whole period was released in these days. Choose a longer range, or days instead of weeks or months.")
