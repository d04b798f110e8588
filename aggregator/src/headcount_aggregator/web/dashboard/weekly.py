"""The weekly summary: one week in plain sentences, each with what it was before; made to be printed and sent."""

from __future__ import annotations

from headcount_wire.catalog import Measure

from headcount_aggregator.periods import PeriodKind, period_of
from headcount_aggregator.released import Number, Statistic
from headcount_aggregator.web.dashboard.change import Verdict
from headcount_aggregator.web.dashboard.compare import remark_of, said_before
from headcount_aggregator.web.dashboard.figure import Link, Remark, cell_of
from headcount_aggregator.web.dashboard.over_time import by_last
from headcount_aggregator.web.dashboard.sentences import (
    came_back,
    clean_sessions,
    counted,
    few,
    how_fast,
    pairs_of,
    sessions,
    times_and_change,
)
from headcount_aggregator.web.dashboard.view import Page, Said, View
from headcount_aggregator.web.dashboard.words import title_of


async def weekly(view: View) -> Page:
    """Build the page for the week the address names: the last whole one where it names none."""
    say, wording = view.wording.say, view.wording
    active = view.subject.app.catalog.active
    if view.span.whole is not PeriodKind.WEEK or active is None:
        return Page(
            say("The weekly summary is of one whole week"),
            sentence=say("Choose a week, Monday to Sunday."),
            grains=(),
            extra={"weeks": _weeks(view), "moved": ()},
        )
    moved, compared = await _moved(view)
    said = [await _people(view, active), await _new(view, active), await came_back(view), await sessions(view)]
    said += [await clean_sessions(view), await how_fast(view)]
    return Page(
        say("{app} in the week of {day}", app=view.subject.app.title, day=wording.day(view.span.first)),
        sentence=say("Each number beside the week before: {days}.", days=said_before(view)),
        said=tuple(sentence for sentence in said if sentence),
        grains=(),
        ranged=False,
        extra={"weeks": _weeks(view), "moved": moved, "compared": compared},
    )


async def _people(view: View, active: Measure) -> Said | None:
    """People of the week; whether they are more is said of its days, one by one."""
    found = by_last(await view.numbers([Statistic.PEOPLE], [PeriodKind.WEEK], active))
    number = found.get((PeriodKind.WEEK, view.span.last))
    if number is None:
        return None
    earlier = view.earlier()
    now = await view.numbers([Statistic.PEOPLE], [PeriodKind.DAY], active)
    before = await earlier.numbers([Statistic.PEOPLE], [PeriodKind.DAY], active)
    remark = remark_of(view.wording, pairs_of(view, earlier, now, before), said_before(view))
    link = Link(view.link("overview"), view.wording.say("Overview"))
    if number.value is None and not few(number):
        return _not_told(view, number)
    return Said(
        view.wording.people_of(number, view.k),
        view.wording.say("used it in this week."),
        view.wording.say("compared by the people of each day"),
        remark,
        link,
    )


async def _new(view: View, active: Measure) -> Said | None:
    found = await view.numbers([Statistic.NEW_PEOPLE], [PeriodKind.WEEK], active)
    if not found:
        return None
    before = await view.earlier().numbers([Statistic.NEW_PEOPLE], [PeriodKind.WEEK], active)
    if found[0].value is None and view.noisy:
        return None
    say, wording = view.wording.say, view.wording
    beside = ""
    if before and (before[0].value is not None or few(before[0])):
        beside = say("{people} in the week before", people=wording.people_of(before[0], view.k))
    if found[0].value is None and not few(found[0]):
        why = say("fewer than {k} people in it, or fewer than {k} not in it", k=view.k)
        return Said(say("No number"), say("of the people new in a week: {why}.", why=why), beside)
    return Said(wording.people_of(found[0], view.k), say("used it for the first time."), beside)


def _not_told(view: View, number: Number) -> Said:
    """Why the people of the week are not told, where noise or the Customers in them hide them."""
    say, why = view.wording.say, view.wording.cell(cell_of(number), view.k)
    return Said(say("No number"), say("of the people of this week: {why}.", why=why))


async def _moved(view: View) -> tuple[tuple[tuple[str, str, Remark], ...], bool]:
    """What was done more or less than in the week before, beyond noise, the largest change first; and whether
    anything could be compared."""
    moved: list[tuple[float, str, str, Remark]] = []
    compared = False
    for measure in view.subject.app.catalog.measures.values():
        if not counted(measure):
            continue
        times, change, _ = await times_and_change(view, measure)
        compared = compared or change.verdict is not Verdict.OPEN
        if change.verdict is Verdict.REAL and change.before:
            remark = remark_of(view.wording, change, said_before(view))
            number = view.wording.plural("{n} time", "{n} times", times.value, times.cell().margin)
            moved.append((abs(change.share), title_of(measure), number, remark))
    moved.sort(reverse=True, key=lambda m: m[0])
    return tuple((title, number, remark) for _, title, number, remark in moved), compared


def _weeks(view: View) -> tuple[Link, ...]:
    """The week before, and the one after where it is sealed."""
    say = view.wording.say
    week = period_of(PeriodKind.WEEK, view.span.last)
    first, last = week.first, week.last
    found = [Link(_week(view, first - 7), say("The week before"))]
    if view.freshness.sealed_through is not None and last + 7 <= view.freshness.sealed_through:
        found.append(Link(_week(view, first + 7), say("The week after")))
    return tuple(found)


def _week(view: View, first: int) -> str:
    return view.link(**{"range": "", "from": view.iso(first), "to": view.iso(first + 6)})
