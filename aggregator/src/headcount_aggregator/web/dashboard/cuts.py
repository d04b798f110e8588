"""Bars by the values of a dimension or by label: small groups are in ``other``, and it adds up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from headcount_wire.catalog import TOTAL, Measure
from headcount_wire.dimensions import OTHER_VALUE, UNKNOWN, Dimension
from headcount_wire.facts import OTHER, WHOLE

from headcount_aggregator.periods import PeriodKind, period_of
from headcount_aggregator.released import Number, State, Statistic
from headcount_aggregator.web.dashboard.figure import Cell, Figure, Link, Row, Series, Shape, Weight
from headcount_aggregator.web.dashboard.people import distinct
from headcount_aggregator.web.dashboard.sums import Sum
from headcount_aggregator.web.dashboard.view import View

BARS_MOST = 12
UNCUT = "-"
"""The key of what the total holds beyond its shown parts."""

WINDOWS = (PeriodKind.ROLLING_28, PeriodKind.ROLLING_7, PeriodKind.DAY)
"""Where neither the days themselves nor the chosen window have people to divide: from the longest down."""

NOISY_WINDOWS = (PeriodKind.ROLLING_28, PeriodKind.MONTH, PeriodKind.WEEK, PeriodKind.DAY)
"""The same where noise is added: a month has least of it."""


@dataclass
class Parts:
    """Values of a cut, added up over periods; ``total`` is the measure's own over the same ones.

    ``reason``: why there is none, where there is none.
    """

    sums: defaultdict[str, Sum] = field(default_factory=lambda: defaultdict(Sum))
    total: int = 0
    reason: str = ""

    def add(self, key: str, number: Number) -> None:
        """Add one released part; what is hidden stays in the rest of the total."""
        if number.value is not None:
            self.sums[key].add(number)


async def count_by_dimension(view: View, measure: Measure, dimension: Dimension) -> Figure:
    """How often, by the values of a dimension, over the sealed days, weeks or months of the span."""
    wholes = await counts(view, measure)
    parts = Parts(total=sum(number.value or 0 for number in wholes))
    for number in await counts(view, measure, breakdown=dimension * 8):
        parts.add(number.value1, number)
    names = {value: view.wording.value_name(dimension, value) for value in parts.sums}
    title = view.wording.dimension_name(dimension)
    parts.reason = _why_not_counted(view, wholes, title)
    key = f"{measure.name}-{dimension.field}"
    figure = _figure(view, key, title, parts, names, view.wording.say("Times"), times_of(view, wholes))
    return replace(figure, more=over_time(view, measure, dimension))


async def count_by_label(view: View, measure: Measure) -> Figure:
    """How often, by label, over the sealed days, weeks or months of the span."""
    assert measure.label is not None
    wholes = await counts(view, measure)
    parts = Parts(total=sum(number.value or 0 for number in wholes))
    for number in await counts(view, measure, label=None):
        if number.label != WHOLE:
            parts.add(
                OTHER_VALUE if number.label == OTHER else view.vocabulary.label_name(measure.code, number.label), number
            )
    names = {value: view.wording.label_name(value) for value in parts.sums}
    label = measure.label.key.replace("_", " ")
    title = view.wording.say("By {label}", label=label)
    parts.reason = _why_not_counted(view, wholes, label)
    key = f"{measure.name}-label"
    return _figure(view, key, title, parts, names, view.wording.say("Times"), times_of(view, wholes))


async def people_by_dimension(view: View, measure: Measure, dimension: Dimension) -> Figure:
    """Distinct people by the values of a dimension, of the days if they are a calendar period, else of a window."""
    say, last = view.wording.say, view.span.last
    title = view.wording.dimension_name(dimension)
    parts, sentence = Parts(), ""
    windows = NOISY_WINDOWS if view.noisy else WINDOWS
    for kind in dict.fromkeys((view.span.whole, view.span.window, *windows)):
        _, wholes = await distinct(view, measure, kind=kind)
        if not wholes:
            continue
        last = wholes[0].last
        spoken = period_of(kind, last)
        period = view.wording.period(kind, spoken.first, spoken.last)
        found = await view.numbers([Statistic.PEOPLE], [kind], measure, breakdown=dimension * 8, first=last, last=last)
        if not sentence:
            sentence = say("Distinct people: {period}.", period=period)
            parts.reason = _why_no_people(view, wholes[0], title, period)
        if any(number.value is not None for number in found):
            sentence = say("Distinct people: {period}.", period=period)
            parts.total = wholes[0].value or 0
            for number in found:
                parts.add(number.value1, number)
            break
    parts.reason = parts.reason or say("No number ends on {day}.", day=view.wording.day(last))
    names = {value: view.wording.value_name(dimension, value) for value in parts.sums}
    figure = _figure(view, f"people-{dimension.field}", title, parts, names, say("People"), sentence, people_of=measure)
    return replace(figure, more=over_time(view, measure, dimension))


def over_time(view: View, measure: Measure, dimension: Dimension) -> Link | None:
    """Where the same cut is drawn over time."""
    if view.page == "explore" and view.query.get("cut") == dimension.field:
        return None
    address = view.link("explore", measure=measure.name, cut=dimension.field)
    return Link(address, view.wording.say("over time"))


async def counts(
    view: View, measure: Measure, *, label: int | None = WHOLE, breakdown: int = TOTAL
) -> Sequence[Number]:
    """Released counts of the span: of its days, or of its weeks or months; days where a week is not sealed yet."""
    kind = view.span.by
    found = await view.numbers([Statistic.COUNT], [kind], measure, label=label, breakdown=breakdown)
    if kind is PeriodKind.DAY:
        return found
    sealed = await view.numbers([Statistic.COUNT], [kind], measure)
    open_spans = {(p.first, p.last) for p in view.span.periods(kind)} - {(n.first, n.last) for n in sealed}
    by_day = await view.numbers([Statistic.COUNT], [PeriodKind.DAY], measure, label=label, breakdown=breakdown)
    return [*found, *(n for n in by_day if any(first <= n.last <= last for first, last in open_spans))]


def times_of(view: View, numbers: Iterable[Number]) -> str:
    """What counts are of: times, and the days they cover."""
    found = list(numbers)
    if not found:
        return ""
    first, last = max(min(n.first for n in found), view.freshness.first_day or 0), max(n.last for n in found)
    return view.wording.say("Times, not people: {days}.", days=view.wording.days(first, last))


def _why_not_counted(view: View, wholes: Sequence[Number], title: str) -> str:
    say, k = view.wording.say, view.k
    if not wholes:
        return say("No whole period ends in these days.")
    if all(number.value is None for number in wholes):
        return view.too_few(say("Fewer than {k} people in each period: there is no total to divide.", k=k))
    return say("Divided by {cut}, the rule leaves no two groups to show in any period.", cut=title)


def _why_no_people(view: View, whole: Number, title: str, period: str) -> str:
    """Why there is no cut of people, in the words of the reason: a longer range does not change a window."""
    say, k = view.wording.say, view.k
    if whole.state is State.COMPLEMENT:
        return say(
            "All but fewer than {k} of the active people had it ({period}). It is hidden, so that the few others "
            "cannot be singled out.",
            k=k,
            period=period,
        )
    if whole.state is State.FEW_ON_A_SIDE:
        return say("fewer than {k} people in it, or fewer than {k} not in it", k=k)
    if whole.value is None:
        return view.too_few(say("Fewer than {k} people had it ({period}).", k=k, period=period))
    return say("Divided by {cut}, the rule leaves no two groups to show ({period}).", cut=title, period=period)


def counts_under(view: View) -> str:
    """Under which value somebody counts who changed it within the days: a version is shared more than it shows here."""
    return view.wording.say("Each person counts once, under what their device said on their first day in this time.")


def other_note(view: View) -> str:
    """What stands in ``other``."""
    return view.wording.say("smaller groups, and groups that had to join them")


def _figure(
    view: View,
    key: str,
    title: str,
    parts: Parts,
    names: dict[str, str],
    unit: str,
    sentence: str = "",
    *,
    people_of: Measure | None = None,
) -> Figure:
    say = view.wording.say
    ranked = sorted(parts.sums, key=lambda value: (value == OTHER_VALUE, -parts.sums[value].value, value))
    own = [value for value in ranked if value != OTHER_VALUE]
    tail = own[BARS_MOST:]
    step = 10 if people_of else 1
    rows = [Row(value, names[value], (parts.sums[value].cell(step),)) for value in own[:BARS_MOST]]
    if tail or OTHER_VALUE in parts.sums:
        together = parts.sums[OTHER_VALUE]
        for value in tail:
            together.merge(parts.sums[value])
        note = say("{groups}, and those beyond the first {n}", groups=other_note(view), n=BARS_MOST) if tail else ""
        rows.append(Row(OTHER_VALUE, say("other"), (together.cell(step),), note=note or other_note(view)))
    rest = parts.total - sum(row.cells[0].value_or_zero for row in rows)
    # Rounded people need not add up to the last ten; only a real remainder is a row.
    if parts.sums and rest > step * len(rows) and not view.noisy:
        note = say("of periods in which it could not be divided")
        rows.append(Row(UNCUT, say("not divided"), (Cell(rest, State.SHOWN, step),), note=note))
    notes = [
        say("Parts do not add up to the whole: each has noise of its own.")
        if view.noisy
        else say("Groups below {k} people are merged into other.", k=view.k)
    ]
    if any(row.key == UNKNOWN for row in rows):
        notes.append(say("Not shared: people who did not allow the app to tell."))
    if people_of and view.page != "audience":
        notes.append(counts_under(view))
    if people_of:
        notes += view.tens(say("Rounded to tens."))
    return Figure(
        key=key,
        title=title,
        sentence=sentence,
        shape=Shape.BARS,
        head=title,
        series=(Series("value", unit, Weight.STRONG),),
        rows=tuple(rows),
        rule=view.rule_of(people_of) if people_of else view.rule,
        k=view.k,
        unit=unit,
        notes=tuple(notes),
        empty=parts.reason,
    )
