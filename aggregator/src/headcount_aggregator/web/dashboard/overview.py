"""Overview: five plain sentences, and the charts behind them."""

from __future__ import annotations

from headcount_wire.catalog import Measure
from headcount_wire.facts import Kind

from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.released import Number
from headcount_aggregator.web.dashboard.compare import compared
from headcount_aggregator.web.dashboard.crash_free import clean_share
from headcount_aggregator.web.dashboard.figure import Figure
from headcount_aggregator.web.dashboard.measured import times
from headcount_aggregator.web.dashboard.people import active_people, distinct, new_and_returning
from headcount_aggregator.web.dashboard.retention import back_by_week
from headcount_aggregator.web.dashboard.sentences import first_of_kind, said_of
from headcount_aggregator.web.dashboard.versions import with_arrivals
from headcount_aggregator.web.dashboard.view import Page, Section, View
from headcount_aggregator.web.dashboard.wording import Wording

SURE = 0.1
"""By how much rounding may move a change that is said as a percentage, from end to end."""


async def overview(view: View) -> Page:
    """Build the page."""
    say = view.wording.say
    measure = view.subject.app.catalog.active
    if measure is None:
        return Page(say("This app counts no active people"), sentence=say("Declare a measure of kind active."))
    figures: list[Figure] = []
    if view.asks("active"):
        figures.append(await with_arrivals(view, await compared(view, lambda at: active_people(at, measure))))
    if view.asks("new"):
        figures.append(await compared(view, lambda at: new_and_returning(at, measure)))
    return Page(
        await _headline(view, measure) if view.shown else "",
        (Section("", tuple(figures)), Section("", tuple(await _behind(view)))),
        said=await said_of(view) if view.shown else (),
        compared=True,
    )


async def _behind(view: View) -> list[Figure]:
    """The smaller charts: who comes back, sessions, crashes; of what the app declares."""
    found: list[Figure] = []
    if view.asks("curve") and (back := await back_by_week(view)) is not None:
        found.append(back)
    if view.asks("sessions") and (sessions := first_of_kind(view, Kind.SESSION)):
        found.append(await compared(view, lambda at: times(at, sessions, "sessions")))
    if view.asks("clean") and (ends := first_of_kind(view, Kind.CRASH_FREE)):
        found.append(await with_arrivals(view, await clean_share(view, ends)))
    return found


async def _headline(view: View, measure: Measure) -> str:
    wording, k = view.wording, view.k
    kind, found = await distinct(view, measure)
    if not found:
        if not view.sealed:
            return wording.say("No number is sealed yet")
        return wording.say("No number ends on {day}", day=wording.day(view.span.last))
    now = found[0]
    place = {"app": view.subject.app.title, "days": wording.within(kind, now.first, now.last)}
    if now.value is None:
        return view.too_few(wording.say("Fewer than {k} people used {app} {days}", k=k, **place))
    said = wording.say("About {people} people used {app} {days}", people=wording.with_margin(now), **place)
    before = await _before(view, measure, kind, now)
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
        return wording.say(", more than before that") if change > 0 else wording.say(", fewer than before that")
    if abs(change) < 0.02 or abs(now - before) <= step:
        return wording.say(", about as many as before that")
    share = wording.percent(abs(change))
    if change > 0:
        return wording.say(", about {share} more than before that", share=share)
    return wording.say(", about {share} fewer than before that", share=share)


async def _before(view: View, measure: Measure, kind: PeriodKind, now: Number) -> Number | None:
    """The number of as long a stretch right before."""
    last = now.first - 1
    _, found = await distinct(view.at(last), measure, kind=kind)
    return found[0] if found else None
