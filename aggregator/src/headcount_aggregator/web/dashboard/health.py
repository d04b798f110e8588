"""Data health: how far the numbers have come, what is hidden, what came too late."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from headcount_wire import days

from headcount_aggregator.periods import Period, PeriodKind
from headcount_aggregator.released import ReleaseHeader, State
from headcount_aggregator.web.dashboard.figure import Cell, Figure, Row, Series, Shape, Weight
from headcount_aggregator.web.dashboard.privacy import how_late, late_days, unbroken
from headcount_aggregator.web.dashboard.view import Page, Section, Stat, View
from headcount_aggregator.web.dashboard.wording import PER_MILLE
from headcount_aggregator.web.dashboard.words import words_of

MISSING_OF = ("lost", "refused", "clipped", "late")
"""What became of reports that are in no number."""


async def health(view: View) -> Page:
    """Build the page."""
    say = view.wording.say
    chain = await view.released.releases(*view.subject.codes, 0, view.freshness.today)
    headers = [header for header in chain if view.span.first <= header.last <= view.span.last]
    return Page(
        _headline(view),
        (
            Section("", (_shown(view, headers), _late(view, headers))),
            Section(say("What is missing"), (_missing(view, headers),)),
            Section(say("What is hidden, by the length of its period"), (_by_kind(view, headers),)),
        ),
        say("Each number is sealed once, from all that has arrived by then. This is what is not in it."),
        _stats(view, headers, chain),
        grains=("week", "month"),
    )


def _headline(view: View) -> str:
    wording = view.wording
    if view.freshness.sealed_through is None:
        return wording.say("No number is sealed yet")
    return wording.say("Sealed through {day}", day=wording.day(view.freshness.sealed_through))


def _stats(view: View, headers: Sequence[ReleaseHeader], chain: Sequence[ReleaseHeader]) -> tuple[Stat, ...]:
    say, wording = view.wording.say, view.wording
    stats: list[Stat] = []
    if view.freshness.sealed_through is not None:
        behind = view.freshness.today - view.freshness.sealed_through
        said = wording.plural(
            "day between today and the newest sealed one", "days between today and the newest sealed one", behind
        )
        stats.append(Stat(wording.number(behind), said, say("three are usual: late devices are waited for")))
    numbers, hidden = sum(h.numbers for h in headers), sum(h.hidden for h in headers)
    if numbers:
        of = say("{hidden} of {numbers}", hidden=wording.number(hidden), numbers=wording.number(numbers))
        stats.append(Stat(wording.percent(hidden / numbers), say("of the numbers are hidden by the rule"), of))
    if numbers and not view.noisy:
        late = late_days(headers)
        said = say("people's days came too late to count")
        stats.append(Stat(wording.number(late), said, how_late(view, late)))
    if chain:
        said = say("releases, each naming the hash of the one before")
        whole = (
            say("the chain is unbroken") if unbroken(chain) else say("the chain is broken: a sealed file was changed")
        )
        stats.append(Stat(wording.number(len(chain)), said, whole))
    return tuple(stats)


def _shown(view: View, headers: Sequence[ReleaseHeader]) -> Figure:
    say = view.wording.say
    hidden: Counter[int] = Counter()
    shown: Counter[int] = Counter()
    for header in headers:
        if header.period is PeriodKind.DAY:
            hidden[header.last] += header.hidden
            shown[header.last] += header.numbers - header.hidden
    return Figure(
        key="shown",
        title=say("Shown and hidden"),
        sentence=say(
            "Numbers of each day's release: with a value, and hidden because they are too small for their noise."
        )
        if view.noisy
        else say("Numbers of each day's release: with a value, and hidden because too few people stand behind them."),
        shape=Shape.COLUMNS,
        head=view.wording.head(view.span.by),
        series=(Series("shown", say("Shown"), Weight.STRONG), Series("hidden", say("Hidden"), Weight.FAINT)),
        rows=_rows(view, [shown, hidden]),
        rule=view.rule,
        k=view.k,
        unit=say("numbers"),
        empty=say("Nothing is sealed in these days."),
    )


def _late(view: View, headers: Sequence[ReleaseHeader]) -> Figure:
    say = view.wording.say
    kind = _late_kind(view, headers)
    late = Counter({header.last: header.late_dropped for header in headers if header.period is kind})
    rows = tuple(
        Row(
            days.text(period.first),
            view.wording.period(kind, period.first, period.last),
            (_cell(late, period),),
            view.wording.tick(kind, period.first),
        )
        for period in view.span.periods(kind)
        if any(header.period is kind and header.last == period.last for header in headers)
    )
    return Figure(
        key="late",
        title=say("Came too late"),
        sentence=say(
            "Days of people that came after their day was sealed and are in no number, rounded up to tens; "
            "fewer than {k} are not told.",
            k=view.k,
        ),
        shape=Shape.COLUMNS,
        head=view.wording.head(kind),
        series=(Series("late", say("Too late"), Weight.STRONG),),
        rows=rows if late.total() else (),
        rule=say("Rounded up to tens, and from {k} on, so that nobody's lateness can be told.", k=view.k),
        k=view.k,
        unit=say("people's days"),
        empty=not_told_under_noise(view)
        or (
            say("Fewer than {k} came too late in each of these periods, or nobody.", k=view.k)
            if rows
            else say("No whole period is sealed in these days.")
        ),
    )


def not_told_under_noise(view: View) -> str:
    """Why nothing is said of what is missing where noise is added; nothing where it is said."""
    said = view.wording.say("With noise this is not told: an exact count would tell of single devices.")
    return said if view.noisy else ""


def _late_kind(view: View, headers: Sequence[ReleaseHeader]) -> PeriodKind:
    """The page's own periods, unless only longer ones know of late days: few wait for their month to freeze."""
    own = view.span.by if view.span.by in (PeriodKind.WEEK, PeriodKind.MONTH) else PeriodKind.WEEK
    knowing = {header.period for header in headers if header.late_dropped}
    longer = (PeriodKind.MONTH, PeriodKind.QUARTER, PeriodKind.YEAR)
    return own if own in knowing else next((kind for kind in longer if kind in knowing), own)


def _missing(view: View, headers: Sequence[ReleaseHeader]) -> Figure:
    """By measure, what is missing of its reports: the mean over the sealed days."""
    say = view.wording.say
    sealed = [header for header in headers if header.period is PeriodKind.DAY]
    sums: dict[str, Counter[str]] = {}
    for header in sealed:
        for code, found in header.missing.items():
            sums.setdefault(code, Counter()).update(found)
    rows = [
        Row(
            view.vocabulary.measure_name(int(code)),
            words_of(view.vocabulary.measure_name(int(code))),
            tuple(
                Cell(round(10 * n / len(sealed)), State.SHOWN)
                for n in (found.total(), *(found[what] for what in MISSING_OF))
            ),
        )
        for code, found in sorted(sums.items(), key=lambda entry: (-entry[1].total(), entry[0]))
        if found.total()
    ]
    names = {"lost": say("Lost"), "refused": say("Refused"), "clipped": say("Clipped"), "late": say("Late")}
    return Figure(
        key="missing",
        title=say("Not in the numbers"),
        sentence=say(
            "Of each measure's reports: lost on the way, refused at the edge, clipped by a daily cap, or too late."
        ),
        shape=Shape.RANK,
        head=say("Measure"),
        series=(
            Series("missing", say("Missing"), Weight.STRONG, PER_MILLE),
            *(Series(what, names[what], unit=PER_MILLE) for what in MISSING_OF),
        ),
        rows=tuple(rows),
        rule=say("The mean of the sealed days, each told in steps of 5%."),
        k=view.k,
        unit=PER_MILLE,
        ceiling=1000,
        wide=True,
        empty=not_told_under_noise(view)
        or (
            say("Nothing is missing from the days that are sealed, as far as it is known.")
            if sealed
            else say("Nothing is sealed in these days.")
        ),
    )


def _by_kind(view: View, headers: Sequence[ReleaseHeader]) -> Figure:
    """How much longer periods show: the reason to ask by week."""
    say, wording = view.wording.say, view.wording
    numbers: Counter[PeriodKind] = Counter()
    hidden: Counter[PeriodKind] = Counter()
    for header in headers:
        numbers[header.period] += header.numbers
        hidden[header.period] += header.hidden
    rows = [
        Row(
            kind.value,
            wording.head(kind),
            (
                Cell(1000 * (numbers[kind] - hidden[kind]) // numbers[kind], State.SHOWN),
                Cell(numbers[kind] - hidden[kind], State.SHOWN),
                Cell(hidden[kind], State.SHOWN),
            ),
        )
        for kind in PeriodKind
        if numbers[kind]
    ]
    return Figure(
        key="by-kind",
        title=say("Longer periods show more"),
        sentence=say("The release of a day also holds the windows that end on it."),
        shape=Shape.RANK,
        head=say("Release of a"),
        series=(
            Series("share", say("Share"), Weight.STRONG, PER_MILLE),
            Series("shown", say("Shown")),
            Series("hidden", say("Hidden")),
        ),
        rows=tuple(rows),
        rule=view.rule,
        k=view.k,
        unit=say("numbers"),
        ceiling=1000,
        wide=True,
        empty=say("Nothing is sealed in these days."),
    )


def _rows(view: View, sums: Sequence[Counter[int]]) -> tuple[Row, ...]:
    wording, kind = view.wording, view.span.by
    rows = []
    for period in view.span.periods(kind):
        inside = range(period.first, period.last + 1)
        if any(day in sums[0] for day in inside):
            cells = tuple(Cell(sum(found[day] for day in inside), State.SHOWN) for found in sums)
            name = wording.period(kind, period.first, period.last)
            rows.append(Row(days.text(period.first), name, cells, wording.tick(kind, period.first)))
    return tuple(rows)


def _cell(late: Counter[int], period: Period) -> Cell:
    return Cell(late[period.last], State.SHOWN)
