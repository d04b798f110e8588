"""Retention: of those who came first in a week (or on a day), how many were back n later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil, floor, sqrt

from headcount_wire import days

from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.released import Number, State, Statistic
from headcount_aggregator.web.dashboard.figure import Cell, Figure, Link, Row, Series, Shape, Weight, cell_of
from headcount_aggregator.web.dashboard.sums import SURE, sum_of
from headcount_aggregator.web.dashboard.view import Page, Section, View
from headcount_aggregator.web.dashboard.wording import PERCENT

WEEKS_MOST = 12
DAYS_MOST = 30
DAY_COHORTS, WEEK_COHORTS = 45, 53
"""How many first days or weeks the grid shows: the newest. Thousands of cells take longer than a whole page."""

COHORTS_OF_OVERVIEW = 12
"""How many weeks of newcomers the overview's curve is of."""

DOUBT = 5
"""How many points of percent hidden numbers may leave open in the curve, either way."""


async def retention(view: View) -> Page:
    """Build the page: the curve of all cohorts together, and the grid of each."""
    say = view.wording.say
    measure = view.subject.app.catalog.active
    if measure is None:
        return Page(say("This app counts no active people"), sentence=say("Declare a measure of kind active."))
    weekly = view.span.by is not PeriodKind.DAY
    statistic = Statistic.RETENTION_WEEK if weekly else Statistic.RETENTION_DAY
    kind = PeriodKind.WEEK if weekly else PeriodKind.DAY
    numbers = await view.numbers([statistic], [kind], measure)
    most = WEEKS_MOST if weekly else DAYS_MOST
    found = {(number.first, number.slot): number for number in numbers if number.slot <= most}
    if not view.shown:
        grids = (_grid(view, found, weekly),) if view.asks("grid") else ()
        curves = (_curve(view, found, weekly),) if view.asks("curve") else ()
        return Page("", (Section("", (*curves, *grids)),), grains=("day", "week"))
    curve, grid = _curve(view, found, weekly), _grid(view, found, weekly)
    sections = Section("", (curve,) if _drawable(curve) else ()), Section("", (grid,))
    sentence = ""
    if grid.rows and not _drawable(curve):
        sentence = say("Too few people are new at a time to give one number for all.")
    return Page(_headline(view, curve, weekly), sections, sentence, grains=("day", "week"))


async def back_by_week(view: View) -> Figure | None:
    """The curve by week of the newest cohorts, for another page; nothing where it cannot be drawn."""
    measure = view.subject.app.catalog.active
    if measure is None:
        return None
    first = view.span.last - 7 * COHORTS_OF_OVERVIEW
    numbers = await view.numbers([Statistic.RETENTION_WEEK], [PeriodKind.WEEK], measure, first=first)
    found = {(number.first, number.slot): number for number in numbers if number.slot <= WEEKS_MOST}
    curve = _curve(view, found, weekly=True)
    return replace(curve, more=Link(view.link("retention"), view.wording.say("by week"))) if _drawable(curve) else None


def _headline(view: View, curve: Figure, weekly: bool) -> str:
    wording = view.wording
    if not curve.rows or curve.rows[0].cells[0].value is None:
        return wording.say("Who comes back")
    share = wording.cell(curve.rows[0].cells[0], view.k, PERCENT)
    if weekly:
        return wording.say("{share} of new people come back the week after", share=share)
    return wording.say("{share} of new people come back the day after", share=share)


def _drawable(curve: Figure) -> bool:
    """Whether a line can be drawn: three points, else the grid says it better."""
    return sum(row.cells[0].value is not None for row in curve.rows) >= 3


def _grid(view: View, found: dict[tuple[int, int], Number], weekly: bool) -> Figure:
    say, wording = view.wording.say, view.wording
    slots = sorted({slot for _, slot in found if slot > 0})
    notes = [*view.tens(say("Weeks are rounded to tens before the share is taken."))] if weekly else []
    most, firsts = WEEK_COHORTS if weekly else DAY_COHORTS, sorted({first for first, _ in found})
    if len(firsts) > most and not view.whole:
        firsts = firsts[-most:]
        if any(number.value for (first, _), number in found.items() if first >= firsts[0]):
            notes.append(say("The newest {n} are shown; the CSV and the JSON have all.", n=most))
    kind = PeriodKind.WEEK if weekly else PeriodKind.DAY
    rows = [
        Row(
            days.text(first),
            wording.period(kind, first, first),
            (cell_of(found.get((first, 0))), *(cell_of(found.get((first, slot))) for slot in slots)),
        )
        for first in firsts
    ]
    series = [Series("0", say("People"), Weight.STRONG)]
    series += [Series(str(slot), say("Week {n}", n=slot) if weekly else say("Day {n}", n=slot)) for slot in slots]
    return Figure(
        key="grid",
        title=say("By week of first use") if weekly else say("By day of first use"),
        sentence=say("Of the people who first used the app then: the share who were back, by how much later."),
        shape=Shape.GRID,
        head=say("First used"),
        series=tuple(series),
        rows=tuple(rows),
        rule=rule_of(view),
        k=view.k,
        unit=say("people"),
        notes=tuple(notes),
        empty=say("A week is sealed three days after it ends; the first row comes then.")
        if not view.sealed
        else say("Nobody was new in these days, or too few. A longer range shows more."),
    )


def _curve(view: View, found: dict[tuple[int, int], Number], weekly: bool) -> Figure:
    """All cohorts together, where what is hidden cannot move the share by more than ``DOUBT`` points either way."""
    say = view.wording.say
    rows: list[Row] = []
    by_slot: dict[int, list[tuple[Number | None, Number]]] = {}
    for (first, slot), number in found.items():
        by_slot.setdefault(slot, []).append((found.get((first, 0)), number))
    for slot in sorted(slot for slot in by_slot if slot > 0):
        pairs = by_slot[slot]
        share = pooled([(cohort, number) for cohort, number in pairs if cohort and cohort.value], view.k)
        cell = Cell(state=view.hidden) if share is None else share
        name = say("Week {n}", n=slot) if weekly else say("Day {n}", n=slot)
        rows.append(Row(str(slot), name, (cell,), tick=name))
    return Figure(
        key="curve",
        title=say("Share back, all together"),
        sentence=say("Everybody whose first week lies in these days, added up.")
        if weekly
        else say("Everybody whose first day lies in these days, added up."),
        shape=Shape.LINES,
        head=say("Later"),
        series=(Series("share", say("Back"), Weight.STRONG),),
        rows=tuple(rows),
        rule=rule_of(view),
        k=view.k,
        unit=PERCENT,
        ceiling=100,
        notes=(
            say("Hidden numbers are counted with the middle of what they can be,"),
            say("and a share is left out if that could move it by more than {n} points.", n=DOUBT),
        ),
    )


def rule_of(view: View) -> str:
    """When a number of people back is shown."""
    return view.ruled(
        view.wording.say(
            "Shown where at least {k} people came back and at least {k} did not, or where nobody or everybody did.",
            k=view.k,
        )
    )


def pooled(pairs: Sequence[tuple[Number, Number]], k: int) -> Cell | None:
    """The percentage back over ``(cohort, back)`` pairs, ``None`` when what is hidden leaves it too open.

    To leave hidden numbers out would be wrong: only nothing, or much, is ever shown of a small cohort. Where noise
    was added the share has its interval: what is hidden, either way, and beyond that the noise of what is shown.
    """
    low = high = 0
    for cohort, back in pairs:
        size = cohort.value or 0
        least, most = (back.value, back.value) if back.value is not None else _possible(back.state, size, k)
        low += min(least, size)
        high += min(most, size)
    whole, part = sum_of(cohort for cohort, _ in pairs), sum_of(back for _, back in pairs)
    people = whole.value
    if not people or high - low > 2 * DOUBT / 100 * people:
        return None
    value = min(round(50 * (low + high) / people), 100 - (low + high < 2 * people))
    if not (whole.noisy or part.noisy):
        return Cell(value, State.SHOWN)
    half = SURE * sqrt(part.variance + (value / 100) ** 2 * whole.variance)
    least, most = floor(100 * (low - half) / people), ceil(100 * (high + half) / people)
    return Cell(value, State.SHOWN, low=max(0, least), high=min(100, most))


def _possible(state: State, size: int, k: int) -> tuple[int, int]:
    """The least and the most a hidden number of a cohort can be."""
    if state in (State.UNDER_NOISE, State.OVER_BUDGET, State.FEW_ON_A_SIDE):
        return 0, size
    return (min(k, size), size) if state is State.COMPLEMENT else (0, k - 1)
