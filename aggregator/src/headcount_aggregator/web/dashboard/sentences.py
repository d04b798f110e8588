"""What a summary says of some days, sentence by sentence: each a number, what may be said of its change, a link.

The overview says them of the days of its address, the weekly summary of a week and the one before.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from headcount_wire.catalog import Measure
from headcount_wire.facts import Fact, Kind

from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.released import Number, State, Statistic
from headcount_aggregator.web.dashboard.change import Change, Verdict, change_of_pairs
from headcount_aggregator.web.dashboard.compare import remark_of, said_before
from headcount_aggregator.web.dashboard.crash_free import clean_of_days
from headcount_aggregator.web.dashboard.figure import Link, Remark, cell_of
from headcount_aggregator.web.dashboard.people import distinct
from headcount_aggregator.web.dashboard.retention import pooled
from headcount_aggregator.web.dashboard.sums import Sum, share, sum_of
from headcount_aggregator.web.dashboard.view import Said, View
from headcount_aggregator.web.dashboard.wording import PER_MILLE, PERCENT
from headcount_aggregator.web.dashboard.words import title_of

Sentence = Callable[[View], Awaitable[Said | None]]

BACK_WEEKS = 10
"""How many weeks of new people the share who came back is said of."""


async def said_of(view: View, wanted: int = 4) -> tuple[Said, ...]:
    """The first sentences that can be said of these days, in the order of what is asked most."""
    found: list[Said] = []
    for sentence in SENTENCES:
        if len(found) == wanted:
            break
        if said := await sentence(view):
            found.append(said)
    return tuple(found)


async def newcomers(view: View) -> Said | None:
    """How many people were new, over the whole weeks of the days."""
    active = view.subject.app.catalog.active
    if active is None:
        return None
    wording = view.wording
    weeks = await view.numbers([Statistic.NEW_PEOPLE], [PeriodKind.WEEK], active)
    cells = [cell_of(number) for number in weeks]
    total = sum_of(cells)
    shown = [cell for cell in cells if cell.value is not None]
    if not weeks:
        return None
    link = Link(view.link("overview") + "#new-title", wording.say("New and returning"))
    if not shown:
        return None if view.noisy else _none_new(view, weeks, link)
    beside = ""
    if len(shown) < len(weeks):
        beside = wording.plural("{n} week not in it", "{n} weeks not in it", len(weeks) - len(shown))
    said = wording.plural("were new in {n} week.", "were new in {n} weeks.", len(shown))
    margin = total.cell().margin
    return Said(wording.people(total.value, view.k, margin), said, beside, link=link)


def _none_new(view: View, weeks: Sequence[Number], link: Link) -> Said:
    """What is said of new people where no week tells them: that they were few only where that is the reason."""
    say = view.wording.say
    if all(few(number) for number in weeks):
        return Said(view.wording.fewer(view.k), say("were new in each week."), link=link)
    why = say("fewer than {k} people in it, or fewer than {k} not in it", k=view.k)
    return Said(say("No number"), say("of the people new in a week: {why}.", why=why), link=link)


def few(number: Number) -> bool:
    """Whether a number is hidden since it is itself under the threshold, and so may be said to be."""
    return number.state in (State.FEWER_THAN_K, State.FEWER_THAN_20)


async def came_back(view: View) -> Said | None:
    """The share of newcomers who were back the week after."""
    active = view.subject.app.catalog.active
    if active is None:
        return None
    wording = view.wording
    first = view.span.last - 7 * BACK_WEEKS
    found = await view.numbers([Statistic.RETENTION_WEEK], [PeriodKind.WEEK], active, first=first)
    by = {(number.first, number.slot): number for number in found}
    weeks = sorted(week for week, slot in by if slot == 1 and (week, 0) in by)
    pairs = [(by[week, 0], by[week, 1]) for week in weeks]
    if view.noisy:
        whole = [(cohort, back) for cohort, back in pairs if cohort.value and back.value is not None]
        if len(whole) < len(pairs):
            return None
        found_share = share(sum_of(back for _, back in whole), sum_of(cohort for cohort, _ in whole), 100)
    else:
        found_share = pooled(pairs, view.k)
    if found_share is None:
        return None
    return Said(
        wording.cell(found_share, view.k, PERCENT),
        wording.say("of new people came back the week after their first."),
        wording.say("first used {days}", days=wording.days(weeks[0], weeks[-1] + 6)),
        link=Link(view.link("retention"), wording.say("Retention")),
    )


async def sessions(view: View) -> Said | None:
    """How many sessions ended, and how many there were in the days before."""
    measure = first_of_kind(view, Kind.SESSION)
    if measure is None:
        return None
    times, change, of = await times_and_change(view, measure)
    if not times.value:
        return None
    wording = view.wording
    if of.shown < of.hidden:
        ended = wording.plural("ended on the one day that is shown.", "ended on the {n} days that are shown.", of.shown)
    else:
        ended = wording.say("ended in these days.")
    return Said(
        wording.plural("{n} session", "{n} sessions", times.value, times.cell().margin),
        ended,
        not_in_it(view, of.hidden),
        remark=_remark(view, change),
        link=Link(view.link("engagement"), wording.say("Engagement")),
    )


async def clean_sessions(view: View) -> Said | None:
    """The share of sessions that ended without a crash."""
    measure = first_of_kind(view, Kind.CRASH_FREE)
    ends = await clean_of_days(view, measure) if measure else None
    if ends is None:
        return None
    wording = view.wording
    return Said(
        wording.cell(ends.share, view.k, PER_MILLE),
        wording.say("of sessions ended without a crash."),
        wording.days(ends.first, ends.last),
        link=Link(view.link("problems"), wording.say("Problems")),
    )


async def widest_feature(view: View) -> Said | None:
    """What most people did, of what is declared with reach."""
    active = view.subject.app.catalog.active
    measures = [m for m in view.subject.app.catalog.measures.values() if m.reach and m is not active]
    people: list[tuple[int, Measure, PeriodKind, Number]] = []
    for measure in measures:
        kind, found = await distinct(view, measure)
        if found and found[0].value is not None:
            people.append((found[0].value, measure, kind, found[0]))
    if active is None or not people:
        return None
    _, measure, kind, most = max(people, key=lambda entry: entry[0])
    _, everyone = await distinct(view, active, kind=kind)
    wording = view.wording
    of_all = wording.share_of(cell_of(most), cell_of(everyone[0])) if everyone and everyone[0].value else ""
    return Said(
        wording.people_of(most, view.k),
        wording.say("used “{feature}”, more than any other feature.", feature=title_of(measure)),
        wording.say("{share} of all active people", share=of_all) if of_all else "",
        link=Link(view.link("engagement"), wording.say("Engagement")),
    )


async def how_fast(view: View) -> Said | None:
    """What half of the first timing's values are under, in the newest period of the days."""
    measure = first_of_kind(view, Kind.TIMING)
    if measure is None:
        return None
    wording = view.wording
    newest: list[Number] = []
    for kind in dict.fromkeys((view.span.whole, PeriodKind.MONTH, PeriodKind.WEEK, PeriodKind.DAY)):
        found = [n for n in await view.numbers([Statistic.QUANTILE], [kind], measure) if n.slot == 50]
        newest += [number for number in found[-1:] if number.value is not None]
    if not newest:
        return None
    # The longest of those that lie within the days; a month that began before them only where nothing else does.
    said = next((number for number in newest if number.first >= view.span.first), newest[0])
    return Said(
        wording.cell(cell_of(said), view.k, measure.unit),
        wording.say("or less."),
        wording.days(max(said.first, view.freshness.first_day or 0), said.last),
        link=Link(view.link("performance", measure=measure.name), wording.say("Performance")),
        lead=wording.say("{timing}: half took", timing=title_of(measure)),
    )


def not_in_it(view: View, hidden: int) -> str:
    """How many days a sum leaves out, since too few people stand behind them."""
    return view.wording.plural("{n} day not in it", "{n} days not in it", hidden) if hidden else ""


class Told(NamedTuple):
    """Of how many days a number is told, and of how many it is hidden."""

    shown: int
    hidden: int


async def times_and_change(view: View, measure: Measure) -> tuple[Sum, Change, Told]:
    """How often in these days, the change to the days they are compared with, day by day, and the days it is of."""
    now = await view.numbers([Statistic.COUNT], [PeriodKind.DAY], measure)
    earlier = view.earlier()
    before = await earlier.numbers([Statistic.COUNT], [PeriodKind.DAY], measure)
    hidden = sum(number.value is None for number in now)
    return sum_of(now), pairs_of(view, earlier, now, before), Told(len(now) - hidden, hidden)


def pairs_of(view: View, earlier: View, now: Sequence[Number], before: Sequence[Number]) -> Change:
    """The change between the same days of two stretches."""
    shift = view.span.last - earlier.span.last
    then = {number.last + shift: number.value for number in before}
    pairs = [(number.value, then.get(number.last)) for number in now]
    return change_of_pairs(pairs, max((number.rounding for number in now), default=1))


def first_of_kind(view: View, kind: Kind) -> Measure | None:
    """The first declared measure of a kind."""
    return next((m for m in view.subject.app.catalog.measures.values() if m.kind is kind), None)


def counted(measure: Measure) -> bool:
    """Whether a measure says how often something happened."""
    return bool(measure.facts & {Fact.COUNT, Fact.BUCKET})


def _remark(view: View, change: Change) -> Remark | None:
    """What may be said of a change nobody asked about: nothing, where nothing may."""
    return None if change.verdict is Verdict.OPEN else remark_of(view.wording, change, said_before(view))


SENTENCES: tuple[Sentence, ...] = (newcomers, came_back, sessions, clean_sessions, widest_feature, how_fast)
"""In the order of what is asked most."""
