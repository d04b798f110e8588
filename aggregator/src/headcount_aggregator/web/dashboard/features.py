"""Features: one measure at a time, how often, by whom, and how widely."""

from __future__ import annotations

from headcount_wire.catalog import Measure
from headcount_wire.facts import Fact, Kind

from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.released import NO_PEOPLE, Statistic
from headcount_aggregator.web.dashboard.crash_free import clean_share, clean_stat, sessions_by_end
from headcount_aggregator.web.dashboard.cuts import count_by_dimension, count_by_label, people_by_dimension
from headcount_aggregator.web.dashboard.figure import Figure, Link, Series, Shape, Weight, cell_of
from headcount_aggregator.web.dashboard.over_time import by_last, day_rows, period_rows, wide
from headcount_aggregator.web.dashboard.overview import active_people
from headcount_aggregator.web.dashboard.spread import spread_by_dimension, spread_by_label
from headcount_aggregator.web.dashboard.view import Page, Section, Stat, View


async def features(view: View) -> Page:
    """Build the page for the measure the address names, else the first that is released."""
    say = view.wording.say
    declared = [m for m in view.subject.app.catalog.measures.values() if m.kind is not Kind.ACTIVE]
    # What nothing is released of stands last, so that the page opens with numbers.
    measures = sorted(declared, key=lambda measure: measure.kind in NO_PEOPLE)
    if not measures:
        return Page(say("This app counts no feature yet"), sentence=say("Declare a counter or a flag in the catalog."))
    wanted = view.query.get("measure", "")
    chosen = next((m for m in measures if m.name == wanted), measures[0])
    choices = tuple((m.name, Link(view.link(measure=m.name), title_of(m)), m is chosen) for m in measures)
    if chosen.kind in NO_PEOPLE:
        kind = chosen.kind.value
        sentence = say(
            "{what} Devices count it; numbers of kind {kind} are not released yet.", what=chosen.description, kind=kind
        )
        return Page(title_of(chosen), (), sentence, choices=choices, grains=(), ranged=False)
    over_time, groups = await _figures(view, chosen)
    stats = await _stats(view, chosen)
    return Page(
        title_of(chosen),
        (Section("", tuple(over_time)), Section(say("How it divides"), tuple(groups))),
        chosen.description,
        stats,
        choices,
    )


async def _figures(view: View, measure: Measure) -> tuple[list[Figure], list[Figure]]:
    """A measure over time, and how it divides: by what its kind counts."""
    cuts = [cut.first for cut in measure.breakdowns if cut.second is None]
    over_time: list[Figure] = []
    groups: list[Figure] = []
    if measure.kind is Kind.CRASH_FREE:
        over_time += [await clean_share(view, measure), await sessions_by_end(view, measure)]
        groups += [await count_by_dimension(view, measure, dimension) for dimension in cuts]
    elif Fact.COUNT in measure.facts:
        over_time.append(await _times(view, measure))
        groups += [await count_by_label(view, measure)] if measure.label else []
        groups += [await count_by_dimension(view, measure, dimension) for dimension in cuts]
    elif Fact.BUCKET in measure.facts:
        over_time += [await _times(view, measure)] if measure.kind is Kind.SESSION else []
        over_time.append(await _how_long(view, measure))
        groups += [await spread_by_label(view, measure)] if measure.label else []
        groups += [await spread_by_dimension(view, measure, dimension) for dimension in cuts]
    else:
        groups += [await people_by_dimension(view, measure, dimension) for dimension in cuts]
    over_time.append(await active_people(view, measure, "people", _people_title(view, measure)))
    return over_time, groups


def _people_title(view: View, measure: Measure) -> str:
    say = view.wording.say
    match measure.kind:
        case Kind.TIMING | Kind.DISTRIBUTION:
            return say("People it was measured on")
        case Kind.SESSION | Kind.CRASH_FREE:
            return say("People with a session")
        case Kind.PROBLEM:
            return say("People who reported a problem")
        case _:
            return say("People who did it")


def title_of(measure: Measure) -> str:
    """A measure's name as words: ``meeting.joined`` is Meeting joined."""
    return measure.name.replace(".", " ").replace("_", " ").capitalize()


async def _times(view: View, measure: Measure) -> Figure:
    say, by = view.wording.say, view.span.by
    title, what = {
        Kind.SESSION: (say("How many sessions"), say("Sessions that ended")),
        Kind.SCREEN: (say("How many screens"), say("Screens shown")),
        Kind.PROBLEM: (say("How many problems"), say("Problems reported")),
    }.get(measure.kind, (say("How often"), say("Times it happened")))
    found = by_last(await view.numbers([Statistic.COUNT], sorted({PeriodKind.DAY, by}), measure))
    if by is PeriodKind.DAY:
        open_days = await view.open_days(measure, Statistic.COUNT)
        rows = day_rows(view, [lambda period: cell_of(found.get((PeriodKind.DAY, period.last)))], open_days)
        head = say("Day")
    else:
        rows = period_rows(view, by, [lambda period: wide(found, period)])
        head = say("Week") if by is PeriodKind.WEEK else say("Month")
    return Figure(
        key="times",
        title=title,
        sentence=say("{what}, at most {cap} a device and day.", what=what, cap=view.wording.number(measure.cap)),
        shape=Shape.COLUMNS,
        head=head,
        series=(Series("times", say("Times"), Weight.STRONG),),
        rows=rows,
        rule=view.rule,
        k=view.k,
        unit=say("times"),
        notes=(say("Sums over sealed days; days under {k} people may be missing from them.", k=view.k),)
        if by is not PeriodKind.DAY
        else (),
        wider=view.wider(),
        empty=say("Nothing was released that ends in these days."),
    )


async def _how_long(view: View, measure: Measure) -> Figure:
    say, by = view.wording.say, view.span.by
    numbers = await view.numbers([Statistic.QUANTILE], [by], measure)
    found = {(number.last, number.slot): number for number in numbers}
    names = {50: say("Half are under"), 75: say("75% are under"), 95: say("95% are under")}
    weights = {50: Weight.STRONG, 75: Weight.PLAIN}
    series = [Series(f"p{slot}", name, weights.get(slot, Weight.FAINT)) for slot, name in names.items()]
    cells = [lambda period, slot=slot: cell_of(found.get((period.last, slot))) for slot in names]
    unit = {"ms": say("In milliseconds."), "s": ""}.get(
        measure.unit, say("In {unit}.", unit=measure.unit.replace("_", " "))
    )
    return Figure(
        key="how-long",
        title=say("How much") if measure.kind is Kind.DISTRIBUTION else say("How long"),
        sentence=say("Half of all are under the first line, 19 of 20 under the last. {unit}", unit=unit).strip(),
        shape=Shape.LINES,
        head=say("Period"),
        series=tuple(series),
        rows=day_rows(view, cells, {}) if by is PeriodKind.DAY else period_rows(view, by, cells),
        rule=view.rule,
        k=view.k,
        unit=measure.unit,
        notes=(say("Off by less than 2 percent."),),
        wider=view.wider(),
        empty=say("Nothing was released that ends in these days."),
    )


async def _stats(view: View, measure: Measure) -> tuple[Stat, ...]:
    wording, say = view.wording, view.wording.say
    stats: list[Stat] = []
    words = {Kind.SESSION: say("sessions"), Kind.CRASH_FREE: say("sessions"), Kind.PROBLEM: say("problems")}
    if measure.kind is Kind.CRASH_FREE:
        stats += await clean_stat(view, measure)
    if Fact.COUNT in measure.facts or measure.kind is Kind.SESSION:
        numbers = await view.numbers([Statistic.COUNT], [PeriodKind.DAY], measure)
        times = sum(number.value or 0 for number in numbers)
        if times:
            span = wording.days(view.begins or view.span.first, view.span.last)
            stats.append(Stat(wording.number(times), words.get(measure.kind, say("times")), span))
    last, active = view.span.last, view.subject.app.catalog.active
    if measure.reach and active is not None:
        window = [PeriodKind.ROLLING_28]
        did = await view.numbers([Statistic.PEOPLE], window, measure, first=last, last=last)
        everyone = await view.numbers([Statistic.PEOPLE], window, active, first=last, last=last)
        if did and did[0].value is not None:
            beside = say("the 28 days to {day}", day=wording.day(last))
            stats.append(Stat(wording.number(did[0].value), say("people"), beside))
            if everyone and everyone[0].value:
                share = min(1.0, did[0].value / everyone[0].value)
                stats.append(Stat(wording.percent(share), say("of all active people"), beside))
    return tuple(stats)
