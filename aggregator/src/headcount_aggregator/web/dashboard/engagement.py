"""Engagement: which features people use and how much, where they go, and how long they stay."""

from __future__ import annotations

from headcount_wire.catalog import Measure
from headcount_wire.facts import Fact, Kind

from headcount_aggregator.periods import ROLLING, PeriodKind, period_of
from headcount_aggregator.released import State
from headcount_aggregator.web.dashboard.compare import compared
from headcount_aggregator.web.dashboard.cuts import count_by_label, counts
from headcount_aggregator.web.dashboard.figure import MISSING, Cell, Figure, Row, Series, Shape, Weight, cell_of
from headcount_aggregator.web.dashboard.measured import how_long, times
from headcount_aggregator.web.dashboard.people import distinct
from headcount_aggregator.web.dashboard.splits import journeys
from headcount_aggregator.web.dashboard.sums import share as share_of
from headcount_aggregator.web.dashboard.sums import sum_of
from headcount_aggregator.web.dashboard.view import Page, Section, View
from headcount_aggregator.web.dashboard.wording import PER_MILLE, TENTHS
from headcount_aggregator.web.dashboard.words import title_of

FEATURES = frozenset({Kind.COUNTER, Kind.FLAG})
"""The kinds that say that somebody did something."""


async def engagement(view: View) -> Page:
    """Build the page."""
    say = view.wording.say
    measures = list(view.subject.app.catalog.measures.values())
    features = [measure for measure in measures if measure.kind in FEATURES]
    screens = [measure for measure in measures if measure.kind is Kind.SCREEN]
    sessions = [measure for measure in measures if measure.kind is Kind.SESSION]
    sections: list[Section] = []
    if features:
        sections.append(Section("", (await ranking(view, features),)))
    if sessions:
        sections.append(Section(say("Time in use"), tuple(await _in_use(view, sessions[0]))))
    if screens:
        figures = [await times(view, screens[0], "screens"), await count_by_label(view, screens[0])]
        if screens[0].journeys:
            figures.append(await journeys(view, screens[0]))
        sections.append(Section(say("Screens"), tuple(figures)))
    if not sections:
        return Page(
            say("This app counts no feature yet"),
            sentence=say("Declare counters, flags, screens or sessions in the catalog."),
            grains=(),
        )
    return Page(
        say("What people do with {app}", app=view.subject.app.title), tuple(sections), windows=True, compared=True
    )


async def ranking(view: View, features: list[Measure]) -> Figure:
    """Features by reach: how many people, which share of all, how often, how often each."""
    say, wording = view.wording.say, view.wording
    kind = view.span.whole
    if view.noisy and kind in ROLLING:
        kind = PeriodKind.WEEK  # with noise, windows are told of all active people only
    rows = [await _row(view, measure, kind) for measure in features]
    rows.sort(key=lambda row: (-row.cells[0].value_or_zero, row.name))
    period = period_of(kind, view.span.last)
    if kind is PeriodKind.WEEK and period.last > view.span.last:
        period = period_of(kind, period.first - 1)
    days = wording.period(kind, period.first, period.last)
    return Figure(
        key="features",
        title=say("Features by reach"),
        sentence=say(
            "People and their share of all active ones: {period}. Times: {days}.", period=days, days=_days(view)
        ),
        shape=Shape.RANK,
        head=say("Feature"),
        series=(
            Series("people", say("People"), Weight.STRONG),
            Series("share", say("Of all active"), unit=PER_MILLE),
            Series("times", say("Times")),
            Series("each", say("Times each"), unit=TENTHS),
        ),
        rows=tuple(rows),
        rule=view.ruled(
            say("At least {k} people with it and {k} active ones without it; or nobody, or everybody.", k=view.k)
        ),
        k=view.k,
        unit=say("people"),
        notes=(
            *view.tens(say("People of more than a day are rounded to tens.")),
            say("Times each: times by people, where both are of the same days."),
        ),
        wide=True,
        empty=say("Nothing was released that ends in these days."),
    )


async def _row(view: View, measure: Measure, kind: PeriodKind) -> Row:
    active = view.subject.app.catalog.active
    people = share = MISSING
    if measure.reach:
        # Without noise a measure may have people of the window only.
        kind, found = await distinct(view, measure, kind=kind if view.noisy else None)
        people = cell_of(found[0] if found else None)
        if active and people.value is not None:
            _, everyone = await distinct(view, active, kind=kind)
            if everyone and everyone[0].value:
                share = share_of(sum_of([people]), sum_of(everyone[:1]), 1000) or MISSING
    times = await _times(view, measure)
    each = MISSING
    window = period_of(kind, view.span.last)
    if times.value and people.value and window.last - window.first + 1 == view.span.length:
        each = Cell(round(10 * times.value / people.value), State.SHOWN)
    href = view.link("explore", measure=measure.name)
    return Row(measure.name, title_of(measure), (people, share, times, each), href=href, note=measure.description)


async def _times(view: View, measure: Measure) -> Cell:
    """How often over the sealed days of the span; of a flag there is none."""
    if Fact.COUNT not in measure.facts:
        return MISSING
    found = await counts(view, measure)
    total = sum_of(found)
    if total.count:
        return total.cell()
    return cell_of(found[0] if found else None)


async def _in_use(view: View, session: Measure) -> list[Figure]:
    return [await compared(view, lambda at: times(at, session, "sessions")), await how_long(view, session, "lengths")]


def _days(view: View) -> str:
    return view.wording.days(view.begins or view.span.first, view.span.last)
