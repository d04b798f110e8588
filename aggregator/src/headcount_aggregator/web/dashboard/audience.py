"""Audience: on which systems, in which versions and languages, on what kind of device the active people are."""

from __future__ import annotations

from headcount_aggregator.periods import period_of
from headcount_aggregator.web.dashboard.compare import compared
from headcount_aggregator.web.dashboard.cuts import people_by_dimension
from headcount_aggregator.web.dashboard.people import active_people, distinct
from headcount_aggregator.web.dashboard.view import Page, Section, View


async def audience(view: View) -> Page:
    """Build the page: the active people by each declared dimension."""
    say, wording = view.wording.say, view.wording
    measure = view.subject.app.catalog.active
    cuts = [cut.first for cut in measure.breakdowns if cut.second is None] if measure else []
    if measure is None or not cuts:
        sentence = say("Declare breakdowns, such as os, on the measure of kind active in the catalog.")
        return Page(say("This app declares no way to divide its people"), sentence=sentence)
    groups = [await people_by_dimension(view, measure, d) for d in cuts if view.asks(f"people-{d.field}")]
    over_time = [await compared(view, lambda at: active_people(at, measure))] if view.asks("active") else []
    kind, found = await distinct(view, measure)
    period = period_of(kind, found[0].last if found else view.span.last)
    return Page(
        say(
            "Who used {app} {days}",
            app=view.subject.app.title,
            days=wording.within(period.kind, period.first, period.last),
        ),
        (Section("", tuple(groups)), Section("", tuple(over_time))),
        say("Each person counts once, under what their device said on their first day in this time."),
        windows=True,
        compared=True,
    )
