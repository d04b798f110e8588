"""Crash-free sessions: how many ended clean, of all whose end is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from headcount_wire.catalog import SESSION_ENDS, Measure
from headcount_wire.facts import WHOLE

from headcount_aggregator.periods import Period, PeriodKind, period_of
from headcount_aggregator.released import Number, State, Statistic
from headcount_aggregator.web.dashboard.figure import MISSING, Cell, Figure, Series, Shape, Weight, cell_of
from headcount_aggregator.web.dashboard.over_time import rows_of
from headcount_aggregator.web.dashboard.sums import share, sum_of
from headcount_aggregator.web.dashboard.view import Stat, View
from headcount_aggregator.web.dashboard.wording import PER_MILLE

CLEAN, CRASHED = (SESSION_ENDS.code_of(value) for value in SESSION_ENDS.values)
OF = 1000

Ends = Mapping[int, Number]
"""Sessions of one period by label: all (``WHOLE``), clean, crashed."""


async def clean_share(view: View, measure: Measure) -> Figure:
    """Of 1,000 sessions, how many ended clean; hidden where it is not known how all of them ended."""
    say = view.wording.say
    by, found = view.span.by, await _ends(view, measure, view.span.by)
    notes: tuple[str, ...] = ()
    if by is PeriodKind.DAY and sum(not _divided(ends) for ends in found.values()) * 3 > 2 * len(found):
        by, found = PeriodKind.WEEK, await _ends(view, measure, PeriodKind.WEEK)
        notes = (view.by_week(say("Shown by week: many days have fewer than {k} people with a crash.", k=view.k)),)
    rows = rows_of(view.by_period(by), [lambda period: _share_cell(found.get(period.last))])
    least = min((cell.value for row in rows for cell in row.cells if cell.value is not None), default=0)
    floor = next((floor for floor in (980, 950, 900, 800, 500) if least >= floor), 0)
    begins = view.wording.exact_percent(floor / OF)
    floor_said = (say("The axis begins at {share}.", share=begins),) if floor else ()
    return Figure(
        key="clean",
        title=say("Sessions that ended clean"),
        sentence=say("The share of sessions that did not crash: clean / (clean + crashed)."),
        shape=Shape.LINES,
        head=view.wording.head(by),
        series=(Series("clean", say("Ended clean"), Weight.STRONG),),
        rows=rows,
        rule=view.ruled(say("At least {k} people with a crash, or nobody.", k=view.k)),
        k=view.k,
        unit=PER_MILLE,
        notes=(*notes, *floor_said),
        ceiling=OF,
        floor=floor,
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
        if _value(ends, WHOLE) is None:
            return Cell(state=view.hidden) if label == CLEAN else MISSING
        known = _divided(ends)
        if label == WHOLE:
            return MISSING if known else cell_of(ends[WHOLE])
        if not known:
            return MISSING
        return cell_of(ends[label]) if label in ends else Cell(0, State.SHOWN)

    return Figure(
        key="times",
        title=say("How many sessions"),
        sentence=say(
            "Sessions by how they ended, at most {cap} a device and day.", cap=view.wording.number(measure.cap)
        ),
        shape=Shape.COLUMNS,
        head=view.wording.head(view.span.by),
        series=(
            Series("clean", say("Clean"), Weight.STRONG),
            Series("crashed", say("Crashed"), Weight.PLAIN),
            Series("undivided", say("All, where crashes are too few to tell"), Weight.FAINT),
        ),
        rows=rows_of(view, [partial(cell, label) for label in (CLEAN, CRASHED, WHOLE)]),
        rule=view.rule,
        k=view.k,
        unit=say("sessions"),
        empty=say("Nothing was released that ends in these days."),
    )


@dataclass(frozen=True, slots=True)
class Clean:
    """Sessions of one period that is known whole: clean and crashed, and its days."""

    clean: int
    crashed: int
    share: Cell
    first: int
    last: int


async def clean_of_days(view: View, measure: Measure) -> Clean | None:
    """The newest longest period of the days that says how all its sessions ended."""
    for kind in dict.fromkeys((view.span.whole, PeriodKind.MONTH, PeriodKind.WEEK, PeriodKind.DAY)):
        found = await _ends(view, measure, kind)
        if found and _divided(ends := found[max(found)]):
            last = max(found)
            first = period_of(kind, last).first
            return Clean(_value(ends, CLEAN) or 0, _value(ends, CRASHED) or 0, _share_cell(ends), first, last)
    return None


async def clean_stat(view: View, measure: Measure) -> list[Stat]:
    """The same, said large."""
    wording, ends = view.wording, await clean_of_days(view, measure)
    if ends is None:
        return []
    said = wording.cell(ends.share, view.k, PER_MILLE)
    beside = wording.say(
        "{clean} clean, {crashed} crashed: {days}",
        clean=wording.number(ends.clean),
        crashed=wording.number(ends.crashed),
        days=wording.days(ends.first, ends.last),
    )
    return [Stat(said, wording.say("of sessions ended clean"), beside)]


async def _ends(view: View, measure: Measure, kind: PeriodKind) -> dict[int, Ends]:
    found: dict[int, dict[int, Number]] = {}
    for number in await view.numbers([Statistic.COUNT], [kind], measure, label=None):
        found.setdefault(number.last, {})[number.label] = number
    return dict(found)


def _value(ends: Ends, label: int) -> int | None:
    return ends[label].value if label in ends else None


def _divided(ends: Ends) -> bool:
    """Whether all sessions of a period stand under clean or crashed; else a share would be of chosen days only."""
    if any(number.high is not None for number in ends.values()):
        # With noise parts never are the whole; both are told of all sessions.
        return _value(ends, CLEAN) is not None and _value(ends, CRASHED) is not None
    whole = _value(ends, WHOLE)
    return bool(whole) and (_value(ends, CLEAN) or 0) + (_value(ends, CRASHED) or 0) == whole


def _share_cell(ends: Ends | None) -> Cell:
    if ends is None:
        return MISSING
    if not _divided(ends):
        hidden = (number.state for number in ends.values() if number.state is not State.SHOWN)
        return Cell(state=next(hidden, State.FEWER_THAN_K))
    clean = sum_of([ends[CLEAN]] if CLEAN in ends else [])
    both = sum_of(ends[label] for label in (CLEAN, CRASHED) if label in ends)
    return share(clean, both, OF) or MISSING
