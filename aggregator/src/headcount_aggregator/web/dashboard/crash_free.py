"""Crash-free sessions: how many ended clean, of all whose end is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from headcount_wire.catalog import SESSION_ENDS, Measure
from headcount_wire.facts import WHOLE

from headcount_aggregator.periods import Period, PeriodKind
from headcount_aggregator.released import State, Statistic
from headcount_aggregator.web.dashboard.figure import MISSING, Cell, Figure, Row, Series, Shape, Weight
from headcount_aggregator.web.dashboard.over_time import CellAt, day_rows, period_rows
from headcount_aggregator.web.dashboard.view import Stat, View

CLEAN, CRASHED = (SESSION_ENDS.code_of(value) for value in SESSION_ENDS.values)
OF = 1000

Ends = Mapping[int, int | None]
"""Sessions of one period by label: all (``WHOLE``), clean, crashed; ``None`` for a hidden number."""


async def clean_share(view: View, measure: Measure) -> Figure:
    """Of 1,000 sessions, how many ended clean; hidden where it is not known how all of them ended."""
    say = view.wording.say
    found = await _ends(view, measure, view.span.by)
    return Figure(
        key="clean",
        title=say("Sessions that ended clean"),
        sentence=say("Of 1,000 sessions, how many did not crash: clean / (clean + crashed)."),
        shape=Shape.LINES,
        head=_head(view),
        series=(Series("clean", say("Clean, of 1,000"), Weight.STRONG),),
        rows=_rows(view, [lambda period: _share_cell(found.get(period.last))]),
        rule=say("At least {k} people with a crash, or nobody.", k=view.k),
        k=view.k,
        unit=say("of 1,000 sessions"),
        wider=view.wider(),
        ceiling=OF,
        empty=say("Nothing was released that ends in these days."),
    )


async def sessions_by_end(view: View, measure: Measure) -> Figure:
    """How many sessions there were, and how they ended."""
    say = view.wording.say
    found = await _ends(view, measure, view.span.by)

    def cell(label: int, period: Period) -> Cell:
        ends = found.get(period.last)
        if ends is None:
            return MISSING
        if ends.get(WHOLE) is None:
            return Cell(state=State.FEWER_THAN_K) if label == CLEAN else MISSING
        known = _divided(ends)
        if label == WHOLE:
            return MISSING if known else Cell(ends[WHOLE], State.SHOWN)
        return Cell(ends.get(label) or 0, State.SHOWN) if known else MISSING

    return Figure(
        key="times",
        title=say("How many sessions"),
        sentence=say(
            "Sessions by how they ended, at most {cap} a device and day.", cap=view.wording.number(measure.cap)
        ),
        shape=Shape.COLUMNS,
        head=_head(view),
        series=(
            Series("clean", say("Clean"), Weight.STRONG),
            Series("crashed", say("Crashed"), Weight.PLAIN),
            Series("undivided", say("All, where crashes are too few to tell"), Weight.FAINT),
        ),
        rows=_rows(view, [partial(cell, label) for label in (CLEAN, CRASHED, WHOLE)]),
        rule=view.rule,
        k=view.k,
        unit=say("sessions"),
        wider=view.wider(),
        empty=say("Nothing was released that ends in these days."),
    )


async def clean_stat(view: View, measure: Measure) -> list[Stat]:
    """The share of the newest longest period that says how all its sessions ended."""
    wording = view.wording
    for kind in (PeriodKind.MONTH, PeriodKind.WEEK, PeriodKind.DAY):
        found = await _ends(view, measure, kind)
        for last in sorted(found, reverse=True)[:1]:
            ends = found[last]
            if _divided(ends):
                clean, crashed = ends.get(CLEAN) or 0, ends.get(CRASHED) or 0
                share = wording.exact_percent(clean / (clean + crashed))
                period = next(p for p in view.span.periods(kind) if p.last == last)
                beside = wording.say(
                    "{clean} clean, {crashed} crashed: {days}",
                    clean=wording.number(clean),
                    crashed=wording.number(crashed),
                    days=wording.days(period.first, period.last),
                )
                return [Stat(share, wording.say("of sessions ended clean"), beside)]
    return []


async def _ends(view: View, measure: Measure, kind: PeriodKind) -> dict[int, Ends]:
    found: dict[int, dict[int, int | None]] = {}
    for number in await view.numbers([Statistic.COUNT], [kind], measure, label=None):
        found.setdefault(number.last, {})[number.label] = number.value
    return dict(found)


def _divided(ends: Ends) -> bool:
    """Whether all sessions of a period stand under clean or crashed; else a share would be of chosen days only."""
    whole = ends.get(WHOLE)
    return bool(whole) and (ends.get(CLEAN) or 0) + (ends.get(CRASHED) or 0) == whole


def _share_cell(ends: Ends | None) -> Cell:
    if ends is None:
        return MISSING
    if not _divided(ends):
        return Cell(state=State.FEWER_THAN_K)
    clean, crashed = ends.get(CLEAN) or 0, ends.get(CRASHED) or 0
    return Cell(OF * clean // (clean + crashed), State.SHOWN)


def _rows(view: View, cells: Sequence[CellAt]) -> tuple[Row, ...]:
    by = view.span.by
    return day_rows(view, cells, {}) if by is PeriodKind.DAY else period_rows(view, by, cells)


def _head(view: View) -> str:
    say = view.wording.say
    return {PeriodKind.DAY: say("Day"), PeriodKind.WEEK: say("Week"), PeriodKind.MONTH: say("Month")}[view.span.by]
