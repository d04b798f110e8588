"""Performance: how long what people wait for takes, over time and by version, and whether a version made it slower."""

from __future__ import annotations

from dataclasses import replace

from headcount_wire.catalog import Measure
from headcount_wire.dimensions import Dimension
from headcount_wire.facts import Kind

from headcount_aggregator.released import Statistic
from headcount_aggregator.web.dashboard.by_value import Cut, over_time_by_value
from headcount_aggregator.web.dashboard.compare import compared
from headcount_aggregator.web.dashboard.figure import Figure, Link
from headcount_aggregator.web.dashboard.measured import how_long, times
from headcount_aggregator.web.dashboard.spread import spread_by_dimension, spread_by_label
from headcount_aggregator.web.dashboard.version_pairs import by_version
from headcount_aggregator.web.dashboard.versions import with_arrivals
from headcount_aggregator.web.dashboard.view import Page, Section, View
from headcount_aggregator.web.dashboard.words import title_of

TIMED = frozenset({Kind.TIMING, Kind.DISTRIBUTION})
"""The kinds whose values are released as percentiles."""


async def performance(view: View) -> Page:
    """Build the page for the timing the address names, else the first."""
    say = view.wording.say
    measures = [m for m in view.subject.app.catalog.measures.values() if m.kind in TIMED]
    if not measures:
        return Page(
            say("This app measures no time yet"),
            sentence=say("Declare a measure of kind timing in the catalog, such as the time to join a meeting."),
            grains=(),
        )
    chosen = next((m for m in measures if m.name == view.query.get("measure")), measures[0])
    choices = tuple((m.name, Link(view.link(measure=m.name), title_of(m)), m is chosen) for m in measures)
    whole: list[Figure] = []
    if view.asks("how-long"):
        whole.append(await with_arrivals(view, await compared(view, lambda at: how_long(at, chosen))))
    how_often = [await times(view, chosen, title=say("How often it was measured"))] if view.asks("times") else []
    return Page(
        title_of(chosen),
        (
            Section("", tuple(whole)),
            Section(say("Version by version"), tuple(await _by_version(view, chosen))),
            Section(say("How it divides"), tuple(await _groups(view, chosen))),
            Section("", tuple(how_often)),
        ),
        chosen.description,
        choices=choices,
        grains=("day", "week", "month"),
        compared=True,
    )


async def _by_version(view: View, measure: Measure) -> list[Figure]:
    if not _divides(measure, Dimension.APP_VERSION):
        return []
    figures = [await by_version(view, measure)] if view.asks("by-version") else []
    if view.asks("app_version-over-time"):
        cut = Cut(measure, Dimension.APP_VERSION, Statistic.QUANTILE, 50)
        figures.append(replace(await over_time_by_value(view, cut), wide=True))
    return figures


async def _groups(view: View, measure: Measure) -> list[Figure]:
    groups = [await spread_by_label(view, measure)] if measure.label and view.asks(f"{measure.name}-label") else []
    cuts = [cut.first for cut in measure.breakdowns if cut.second is None and cut.first is not Dimension.APP_VERSION]
    asked = [dimension for dimension in cuts if view.asks(f"{measure.name}-{dimension.field}")]
    return groups + [await spread_by_dimension(view, measure, dimension) for dimension in asked]


def _divides(measure: Measure, dimension: Dimension) -> bool:
    return any(cut.first is dimension and cut.second is None for cut in measure.breakdowns)
