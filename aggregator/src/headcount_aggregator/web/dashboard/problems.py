"""Problems: what people reported, and how sessions ended."""

from __future__ import annotations

from headcount_wire.facts import Kind

from headcount_aggregator.web.dashboard.compare import compared
from headcount_aggregator.web.dashboard.crash_free import clean_share, clean_stat, sessions_by_end
from headcount_aggregator.web.dashboard.cuts import count_by_dimension, count_by_label
from headcount_aggregator.web.dashboard.measured import times
from headcount_aggregator.web.dashboard.people import active_people
from headcount_aggregator.web.dashboard.splits import by_screen, by_severity
from headcount_aggregator.web.dashboard.versions import with_arrivals
from headcount_aggregator.web.dashboard.view import Page, Section, View


async def problems(view: View) -> Page:
    """Build the page."""
    say = view.wording.say
    measures = view.subject.app.catalog.measures.values()
    reported = next((m for m in measures if m.kind is Kind.PROBLEM), None)
    ends = next((m for m in measures if m.kind is Kind.CRASH_FREE), None)
    sections: list[Section] = []
    if ends is not None:
        clean = await with_arrivals(view, await compared(view, lambda at: clean_share(at, ends)))
        sections.append(Section(say("Crashes"), (clean, await sessions_by_end(view, ends))))
    if reported is not None:
        over_time = await with_arrivals(view, await compared(view, lambda at: times(at, reported, "problems")))
        people = await active_people(view, reported, "people", say("People who reported a problem"))
        sections.append(Section(say("Reported problems"), (over_time, people)))
        cuts = [cut.first for cut in reported.breakdowns if cut.second is None]
        groups = [await count_by_label(view, reported)] if reported.label else []
        groups += [await count_by_dimension(view, reported, dimension) for dimension in cuts]
        groups += [await by_severity(view, reported), await by_screen(view, reported)]
        sections.append(Section("", tuple(groups)))
    if not sections:
        return Page(
            say("This app counts neither problems nor crashes yet"),
            sentence=say("Declare measures of kind problem and crash_free in the catalog."),
            grains=(),
        )
    stats = await clean_stat(view, ends) if ends else []
    return Page(say("What goes wrong"), tuple(sections), stats=tuple(stats), compared=True)
