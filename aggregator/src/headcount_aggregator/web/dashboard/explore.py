"""Explore: any declared measure, by any of its declared cuts, over any of the page's days."""

from __future__ import annotations

from collections.abc import Sequence

from headcount_wire.catalog import Breakdown, Measure
from headcount_wire.facts import Fact, Kind

from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.released import NO_PEOPLE, Number, State, Statistic
from headcount_aggregator.web.dashboard.by_value import Cut, over_time_by_value
from headcount_aggregator.web.dashboard.compare import compared
from headcount_aggregator.web.dashboard.crash_free import clean_share, clean_stat, sessions_by_end
from headcount_aggregator.web.dashboard.crossed import crossed
from headcount_aggregator.web.dashboard.cuts import count_by_dimension, count_by_label, people_by_dimension
from headcount_aggregator.web.dashboard.figure import Figure, Link, cell_of
from headcount_aggregator.web.dashboard.measured import how_long, quantity, times
from headcount_aggregator.web.dashboard.people import active_people, distinct, new_and_returning
from headcount_aggregator.web.dashboard.sentences import not_in_it
from headcount_aggregator.web.dashboard.spread import spread_by_dimension, spread_by_label
from headcount_aggregator.web.dashboard.sums import sum_of
from headcount_aggregator.web.dashboard.view import Page, Section, Stat, View
from headcount_aggregator.web.dashboard.words import title_of


async def explore(view: View) -> Page:
    """Build the page for the measure the address names, else the first that is released."""
    say = view.wording.say
    # What nothing is released of stands last, so that the page opens with numbers.
    measures = sorted(view.subject.app.catalog.measures.values(), key=lambda m: m.kind in NO_PEOPLE - {Kind.ACTIVE})
    if not measures:
        return Page(say("This app counts nothing yet"), sentence=say("Declare measures in the catalog."))
    sections: tuple[Section, ...]
    chosen = next((m for m in measures if m.name == view.query.get("measure", "")), measures[0])
    choices = _choices(view, measures, chosen) if view.shown else ()
    if chosen.kind is Kind.FUNNEL:
        funnel = Link(view.link("funnels", measure=chosen.name), say("See its steps"))
        stat = Stat(view.wording.number(len(chosen.steps)), say("steps"), link=funnel)
        return Page(title_of(chosen), (), chosen.description, (stat,), choices=choices, grains=(), ranged=False)
    if chosen.kind is Kind.QUANTITY:
        sections = (Section("", (await quantity(view, chosen),)),)
        return Page(title_of(chosen), sections, chosen.description, choices=choices, grains=("day",))
    cut = _cut(view, chosen)
    if cut is not None:
        sections = (Section("", tuple(await _divided(view, chosen, cut))),)
    else:
        over_time, groups = await _figures(view, chosen)
        sections = (Section("", tuple(over_time)), Section(say("How it divides"), tuple(groups)))
    return Page(
        title_of(chosen),
        sections,
        chosen.description,
        await _stats(view, chosen) if view.shown else (),
        choices=choices,
        cuts=_cuts(view, chosen, cut) if view.shown else (),
        windows=True,
        compared=True,
    )


def _cut(view: View, measure: Measure) -> Breakdown | None:
    wanted = view.query.get("cut", "")
    return next((breakdown for breakdown in measure.breakdowns if breakdown.name == wanted), None)


def _choices(view: View, measures: Sequence[Measure], chosen: Measure) -> tuple[tuple[str, Link, bool], ...]:
    """The measures there are."""
    return tuple((m.name, Link(view.link(measure=m.name, cut=""), title_of(m)), m is chosen) for m in measures)


def _cuts(view: View, measure: Measure, chosen: Breakdown | None) -> tuple[tuple[str, Link, bool], ...]:
    """The declared ways to divide a measure."""
    if not measure.breakdowns:
        return ()
    found = [("", Link(view.link(cut=""), view.wording.say("All")), chosen is None)]
    found += [
        (cut.name, Link(view.link(cut=cut.name), view.wording.breakdown_name(cut)), cut is chosen)
        for cut in measure.breakdowns
    ]
    return tuple(found)


async def _divided(view: View, measure: Measure, cut: Breakdown) -> list[Figure]:
    """One cut: over time and over the days together; of two dimensions a table."""
    if cut.second is not None:
        return [await crossed(view, measure, cut)]
    statistic = _statistic(measure)
    slot = 50 if statistic is Statistic.QUANTILE else 0
    figures = [await over_time_by_value(view, Cut(measure, cut.first, statistic, slot))]
    if statistic is Statistic.QUANTILE:
        return [*figures, await spread_by_dimension(view, measure, cut.first)]
    if statistic is Statistic.COUNT:
        figures.append(await count_by_dimension(view, measure, cut.first))
    if statistic is Statistic.PEOPLE or measure.reach:
        figures.append(await people_by_dimension(view, measure, cut.first))
    return figures


def _statistic(measure: Measure) -> Statistic:
    if Fact.BUCKET in measure.facts:
        return Statistic.QUANTILE
    return Statistic.COUNT if Fact.COUNT in measure.facts else Statistic.PEOPLE


async def _figures(view: View, measure: Measure) -> tuple[list[Figure], list[Figure]]:
    """A measure over time, and how it divides: by what its kind counts."""
    cuts = [cut.first for cut in measure.breakdowns if cut.second is None]
    over_time: list[Figure] = []
    groups: list[Figure] = []
    if measure.kind is Kind.CRASH_FREE:
        over_time += [await clean_share(view, measure), await sessions_by_end(view, measure)]
        groups += [await count_by_dimension(view, measure, dimension) for dimension in cuts]
    elif Fact.COUNT in measure.facts:
        if view.asks("times"):
            over_time.append(await compared(view, lambda at: times(at, measure)))
        groups += [await count_by_label(view, measure)] if measure.label and view.asks(f"{measure.name}-label") else []
        groups += [await count_by_dimension(view, measure, d) for d in cuts if view.asks(f"{measure.name}-{d.field}")]
    elif Fact.BUCKET in measure.facts:
        over_time += [await times(view, measure)] if measure.kind is Kind.SESSION and view.asks("times") else []
        if view.asks("how-long"):
            over_time.append(await compared(view, lambda at: how_long(at, measure)))
        groups += [await spread_by_label(view, measure)] if measure.label and view.asks(f"{measure.name}-label") else []
        groups += [await spread_by_dimension(view, measure, d) for d in cuts if view.asks(f"{measure.name}-{d.field}")]
    else:
        groups += [await people_by_dimension(view, measure, d) for d in cuts if view.asks(f"people-{d.field}")]
    title = _people_title(view, measure)
    if view.asks("people"):
        over_time.append(await compared(view, lambda at: active_people(at, measure, "people", title)))
    if measure.kind is Kind.ACTIVE and view.asks("new"):
        over_time.append(await compared(view, lambda at: new_and_returning(at, measure)))
    return over_time, groups


def _people_title(view: View, measure: Measure) -> str:
    say = view.wording.say
    match measure.kind:
        case Kind.ACTIVE:
            return say("Active people")
        case Kind.TIMING | Kind.DISTRIBUTION:
            return say("People it was measured on")
        case Kind.SESSION | Kind.CRASH_FREE:
            return say("People with a session")
        case Kind.PROBLEM:
            return say("People who reported a problem")
        case _:
            return say("People who did it")


async def _stats(view: View, measure: Measure) -> tuple[Stat, ...]:
    wording, say = view.wording, view.wording.say
    stats: list[Stat] = []
    words = {Kind.SESSION: say("sessions"), Kind.CRASH_FREE: say("sessions"), Kind.PROBLEM: say("problems")}
    if measure.kind is Kind.CRASH_FREE:
        stats += await clean_stat(view, measure)
    if Fact.COUNT in measure.facts or measure.kind is Kind.SESSION:
        numbers = await view.numbers([Statistic.COUNT], [PeriodKind.DAY], measure)
        times_in_all = sum_of(numbers)
        if times_in_all.value:
            span = wording.days(view.begins or view.span.first, view.span.last)
            left_out = not_in_it(view, sum(number.value is None for number in numbers))
            beside = f"{span}; {left_out}" if left_out else span
            said = wording.cell(times_in_all.cell(), view.k)
            stats.append(Stat(said, words.get(measure.kind, say("times")), beside))
    active = view.subject.app.catalog.active
    if (measure.reach or measure is active) and active is not None:
        kind, did = await distinct(view, measure)
        _, everyone = await distinct(view, active, kind=kind)
        beside = ""
        if did:
            beside = wording.period(kind, did[0].first, did[0].last)
            stats.append(_people_stat(view, did[0], beside))
            if did[0].value is not None and measure is not active and everyone and everyone[0].value:
                share = wording.share_of(cell_of(did[0]), cell_of(everyone[0]))
                stats.append(Stat(share, say("of all active people"), beside))
    return tuple(stats)


def _people_stat(view: View, number: Number, beside: str) -> Stat:
    """How many people; where the threshold hides it, that it does, and why."""
    wording, say = view.wording, view.wording.say
    said = wording.cell(cell_of(number), view.k)
    if number.value is not None or view.noisy:
        return Stat(said, say("people"), beside)
    if number.state in (State.COMPLEMENT, State.FEW_ON_A_SIDE):
        said = say("fewer than {k} people in it, or fewer than {k} not in it", k=view.k)
    return Stat(say("Hidden"), said, beside)
