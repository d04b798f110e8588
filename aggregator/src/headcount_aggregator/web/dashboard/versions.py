"""App versions: how fast each was taken up, and what was before and after it came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from headcount_wire import days
from headcount_wire.catalog import Measure
from headcount_wire.dimensions import OTHER_VALUE, UNKNOWN, Dimension
from headcount_wire.facts import Kind

from headcount_aggregator.periods import PeriodKind, period_of
from headcount_aggregator.released import Statistic
from headcount_aggregator.web.dashboard.by_value import Cut, over_time_by_value, version_key
from headcount_aggregator.web.dashboard.crash_free import clean_share
from headcount_aggregator.web.dashboard.cuts import people_by_dimension
from headcount_aggregator.web.dashboard.figure import Figure, Marker, Shape, cell_of
from headcount_aggregator.web.dashboard.version_pairs import BY_VERSION, by_version
from headcount_aggregator.web.dashboard.view import Page, Section, View
from headcount_aggregator.web.dashboard.wording import LATE_VALUE
from headcount_aggregator.web.dashboard.words import title_of


async def versions(view: View) -> Page:
    """Build the page."""
    say = view.wording.say
    active = view.subject.app.catalog.active
    if active is None or not _by_version(active):
        return Page(
            say("This app does not divide its people by version"),
            sentence=say("Declare the breakdown app_version on the measure of kind active in the catalog."),
            grains=(),
        )
    adoption: list[Figure] = []
    if view.asks("adoption"):
        taken = await over_time_by_value(view, Cut(active, Dimension.APP_VERSION, Statistic.PEOPLE), Shape.STACK)
        taken = replace(taken, key="adoption", title=say("How versions are taken up"), wide=True)
        adoption = [await with_arrivals(view, taken)]
    newest: list[Figure] = []
    if view.asks(f"people-{Dimension.APP_VERSION.field}"):
        newest = [await people_by_dimension(view, active, Dimension.APP_VERSION)]
    return Page(
        await _headline(view, active) if view.shown else "",
        (
            Section("", tuple(adoption)),
            Section(say("Before and after"), tuple(await _before_and_after(view))),
            Section("", tuple(newest)),
        ),
        grains=("day", "week", "month"),
        windows=True,
    )


async def _before_and_after(view: View) -> list[Figure]:
    """Each timing version by version, and the share of sessions without a crash."""
    figures: list[Figure] = []
    for measure in view.subject.app.catalog.measures.values():
        key = f"{measure.name}-by-version"
        if measure.kind is Kind.TIMING and _by_version(measure) and view.asks(key):
            figures.append(replace(await by_version(view, measure), key=key, title=title_of(measure)))
    ends = next((m for m in view.subject.app.catalog.measures.values() if m.kind is Kind.CRASH_FREE), None)
    if ends and view.asks("clean"):
        figures.append(await with_arrivals(view, await clean_share(view, ends)))
    return figures


async def _headline(view: View, active: Measure) -> str:
    """The share of the newest version that many enough have, on the newest day that says it."""
    say, wording = view.wording.say, view.wording
    numbers = await view.numbers([Statistic.PEOPLE], [PeriodKind.DAY], active, breakdown=BY_VERSION)
    known = {n.value1 for n in numbers if n.value is not None} - {OTHER_VALUE, UNKNOWN, LATE_VALUE}
    if not known:
        return say("Which versions people use")
    newest = max(known, key=version_key)
    last = max(n.last for n in numbers if n.value1 == newest and n.value is not None)
    part = next(n for n in numbers if n.value1 == newest and n.last == last)
    whole = await view.numbers([Statistic.PEOPLE], [PeriodKind.DAY], active, first=last, last=last)
    if not whole or not whole[0].value:
        return say("Which versions people use")
    share = wording.share_of(cell_of(part), cell_of(whole[0]))
    return say(
        "Version {version} has reached {share} of people on {day}", version=newest, share=share, day=wording.day(last)
    )


async def with_arrivals(view: View, figure: Figure) -> Figure:
    """A figure with a mark where a version was first seen by enough people."""
    active = view.subject.app.catalog.active
    if not view.shown or active is None or not _by_version(active) or not figure.rows:
        return figure
    rows = {row.key for row in figure.rows}
    found: list[Marker] = []
    for version, day in (await arrivals(view, active)).items():
        first = days.text(period_of(view.span.by, day).first)
        if first in rows:
            found.append(Marker(first, version))
    return replace(figure, markers=(*figure.markers, *found))


async def arrivals(view: View, active: Measure) -> Mapping[str, int]:
    """The first day of the span each version is shown on, of those that were not there from the beginning.

    Which version is shown before all others is not known to have come then: before it, too few people had any one.
    """
    before = view.span.first - 28
    numbers = await view.numbers(
        [Statistic.PEOPLE], [PeriodKind.DAY], active, breakdown=BY_VERSION, first=before, last=view.span.last
    )
    shown = [n for n in numbers if n.value and n.value1 not in (OTHER_VALUE, UNKNOWN, LATE_VALUE)]
    begins = min((n.last for n in numbers), default=0)
    first: dict[str, int] = {}
    for number in shown:
        first.setdefault(number.value1, number.last)
    known = min(first.values(), default=0) + 1
    return {version: day for version, day in first.items() if day >= max(view.span.first, begins + 7, known)}


def _by_version(measure: Measure) -> bool:
    return any(cut.first is Dimension.APP_VERSION and cut.second is None for cut in measure.breakdowns)
