"""Bars by the values of a dimension or by label: groups under the threshold are in ``other``, and it adds up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from headcount_wire.catalog import TOTAL, Measure
from headcount_wire.dimensions import OTHER_VALUE, UNKNOWN, Dimension
from headcount_wire.facts import OTHER, WHOLE

from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.released import Number, State, Statistic
from headcount_aggregator.web.dashboard.figure import Cell, Figure, Row, Series, Shape, Weight
from headcount_aggregator.web.dashboard.view import View

BARS_MOST = 12
UNCUT = "-"
"""The key of what the total holds beyond its shown parts."""

WINDOWS = (PeriodKind.ROLLING_28, PeriodKind.ROLLING_7, PeriodKind.DAY)


@dataclass
class Parts:
    """Values of a cut, added up over days; ``total`` is the measure's own over the same days."""

    sums: Counter[str] = field(default_factory=Counter)
    total: int = 0

    def add(self, key: str, number: Number) -> None:
        """Add one released part; what is hidden stays in the rest of the total."""
        if number.value is not None:
            self.sums[key] += number.value


async def count_by_dimension(view: View, measure: Measure, dimension: Dimension) -> Figure:
    """How often, by the values of a dimension, over the sealed days of the span."""
    numbers = await view.numbers([Statistic.COUNT], [PeriodKind.DAY], measure, breakdown=dimension * 8)
    parts = Parts(total=await _count(view, measure))
    for number in numbers:
        parts.add(number.value1, number)
    names = {value: view.wording.value_name(dimension, value) for value in parts.sums}
    title = view.wording.dimension_name(dimension)
    return _figure(view, f"{measure.name}-{dimension.field}", title, parts, names, view.wording.say("times"))


async def count_by_label(view: View, measure: Measure) -> Figure:
    """How often, by label, over the sealed days of the span."""
    assert measure.label is not None
    numbers = await view.numbers([Statistic.COUNT], [PeriodKind.DAY], measure, label=None, breakdown=TOTAL)
    parts = Parts(total=await _count(view, measure))
    for number in numbers:
        if number.label != WHOLE:
            parts.add(
                OTHER_VALUE if number.label == OTHER else view.vocabulary.label_name(measure.code, number.label), number
            )
    names = {value: value.replace("_", " ") for value in parts.sums}
    title = view.wording.say("By {label}", label=measure.label.key.replace("_", " "))
    return _figure(view, f"{measure.name}-label", title, parts, names, view.wording.say("times"))


async def people_by_dimension(view: View, measure: Measure, dimension: Dimension) -> Figure:
    """Distinct people by the values of a dimension, in the longest window that ends with the span."""
    say = view.wording.say
    found: Sequence[Number] = ()
    parts, sentence = Parts(), ""
    for kind in WINDOWS:
        last = view.span.last
        found = await view.numbers([Statistic.PEOPLE], [kind], measure, breakdown=dimension * 8, first=last, last=last)
        if found:
            whole = await view.numbers([Statistic.PEOPLE], [kind], measure, first=last, last=last)
            parts.total = next((number.value or 0 for number in whole), 0)
            sentence = say("Distinct people, {period}.", period=_window(view, kind))
            break
    for number in found:
        parts.add(number.value1, number)
    names = {value: view.wording.value_name(dimension, value) for value in parts.sums}
    title = view.wording.dimension_name(dimension)
    return _figure(view, f"people-{dimension.field}", title, parts, names, say("people"), sentence, rounded=True)


def _window(view: View, kind: PeriodKind) -> str:
    last = view.span.last
    return view.wording.period(kind, last, last)


async def _count(view: View, measure: Measure) -> int:
    numbers = await view.numbers([Statistic.COUNT], [PeriodKind.DAY], measure)
    return sum(number.value or 0 for number in numbers)


def _figure(
    view: View,
    key: str,
    title: str,
    parts: Parts,
    names: dict[str, str],
    unit: str,
    sentence: str = "",
    *,
    rounded: bool = False,
) -> Figure:
    say = view.wording.say
    ranked = sorted(parts.sums, key=lambda value: (value == OTHER_VALUE, -parts.sums[value], value))
    own = [value for value in ranked if value != OTHER_VALUE]
    tail = own[BARS_MOST:]
    step = 10 if rounded else 1
    rows = [Row(value, names[value], (Cell(parts.sums[value], State.SHOWN, step),)) for value in own[:BARS_MOST]]
    if tail or OTHER_VALUE in parts.sums:
        together = parts.sums[OTHER_VALUE] + sum(parts.sums[value] for value in tail)
        note = say("groups under {k} people, and those beyond the first {n}", k=view.k, n=BARS_MOST) if tail else ""
        note = note or say("groups under {k} people", k=view.k)
        rows.append(Row(OTHER_VALUE, say("other"), (Cell(together, State.SHOWN, step),), note=note))
    rest = parts.total - sum(parts.sums.values())
    # Rounded people need not add up to the last ten; only a real remainder is a row.
    if parts.sums and rest > step * len(rows):
        note = say("days on which no group had {k} people", k=view.k)
        rows.append(Row(UNCUT, say("not divided"), (Cell(rest, State.SHOWN, step),), note=note))
    notes = [say("Groups below {k} are merged into other.", k=view.k)]
    if any(row.key == UNKNOWN for row in rows):
        notes.append(say("Not shared: people who did not allow the app to tell."))
    if rounded:
        notes.append(say("Rounded to tens."))
    return Figure(
        key=key,
        title=title,
        sentence=sentence,
        shape=Shape.BARS,
        head=title,
        series=(Series("value", unit.capitalize(), Weight.STRONG),),
        rows=tuple(rows),
        rule=view.rule,
        k=view.k,
        unit=unit,
        notes=tuple(notes),
        empty=say("No group of {k} people in these days. A longer range brings more people together.", k=view.k),
    )
