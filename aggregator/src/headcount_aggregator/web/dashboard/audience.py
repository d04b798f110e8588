"""Audience: on which systems, in which languages, where the active people are."""

from __future__ import annotations

from headcount_aggregator.web.dashboard.cuts import people_by_dimension
from headcount_aggregator.web.dashboard.view import Page, Section, View


async def audience(view: View) -> Page:
    """Build the page: the active people by each declared dimension."""
    say, day = view.wording.say, view.wording.day(view.span.last)
    measure = view.subject.app.catalog.active
    cuts = [cut.first for cut in measure.breakdowns if cut.second is None] if measure else []
    if measure is None or not cuts:
        sentence = say("Declare breakdowns, such as os, on the measure of kind active in the catalog.")
        return Page(say("This app declares no way to divide its people"), sentence=sentence)
    figures = [await people_by_dimension(view, measure, dimension) for dimension in cuts]
    return Page(
        say("Who used {app} in the 28 days to {day}", app=view.subject.app.title, day=day),
        (Section("", tuple(figures)),),
        say("Each person counts once, under what their device said on their first day in these 28."),
        grains=(),
    )
