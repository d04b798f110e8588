"""A cut over time: one line, or one part of a column, for each of the largest values of a dimension."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from headcount_wire.catalog import Measure
from headcount_wire.dimensions import OTHER_VALUE, UNKNOWN, Dimension

from headcount_aggregator.periods import Period, PeriodKind
from headcount_aggregator.released import Number, Statistic
from headcount_aggregator.web.dashboard.figure import HUES, MISSING, Cell, Figure, Series, Shape, Weight, cell_of
from headcount_aggregator.web.dashboard.over_time import CellAt, rows_of
from headcount_aggregator.web.dashboard.sums import sum_of
from headcount_aggregator.web.dashboard.view import View
from headcount_aggregator.web.dashboard.wording import LATE_VALUE

REST = "rest"
"""The key of what is not one of the values drawn."""


@dataclass(frozen=True, slots=True)
class Cut:
    """What is drawn of a measure: one statistic (a percentile: its slot) by one dimension."""

    measure: Measure
    dimension: Dimension
    statistic: Statistic
    slot: int = 0


async def over_time_by_value(view: View, cut: Cut, shape: Shape = Shape.LINES) -> Figure:
    """The cut over the periods of the span; as ``Shape.STACK`` each period's values are shares of its total."""
    say, wording = view.wording.say, view.wording
    notes = () if view.noisy else (say("Groups below {k} people are merged into other.", k=view.k),)
    found = await view.numbers([cut.statistic], [view.span.by], cut.measure, breakdown=cut.dimension * 8)
    if view.noisy and view.span.by is PeriodKind.DAY and not any(number.value is not None for number in found):
        weekly = view.by_period(PeriodKind.WEEK)
        by_week = await weekly.numbers([cut.statistic], [PeriodKind.WEEK], cut.measure, breakdown=cut.dimension * 8)
        if by_week:
            found, notes, view = by_week, (view.by_week(""),), weekly
    numbers = [number for number in found if cut.slot in (0, number.slot)]
    cells = {(number.last, number.value1): number for number in numbers}
    values = _largest(numbers, cut)
    series = [
        Series(value, wording.value_name(cut.dimension, value), hue) for value, hue in zip(values, HUES, strict=False)
    ]
    columns: list[CellAt] = [partial(_cell, cells, value) for value in values]
    others: defaultdict[int, list[Number]] = defaultdict(list)
    for number in numbers:
        if number.value1 not in values:
            others[number.last].append(number)
    if cut.statistic is not Statistic.QUANTILE and others:
        series.append(Series(REST, say("all others"), Weight.REST))
        columns.append(partial(_rest, others))
    return Figure(
        key=f"{cut.dimension.field}-over-time",
        title=say("{what}, over time", what=wording.dimension_name(cut.dimension)),
        sentence=_sentence(view, cut, shape),
        shape=shape,
        head=wording.head(view.span.by),
        series=tuple(series),
        rows=rows_of(view, columns) if series else (),
        rule=view.rule_of(cut.measure) if cut.statistic is Statistic.PEOPLE else view.rule,
        k=view.k,
        unit=cut.measure.unit if cut.statistic is Statistic.QUANTILE else say("people"),
        notes=notes,
        empty=_why_not(view, cut, numbers),
    )


def _why_not(view: View, cut: Cut, numbers: Sequence[Number]) -> str:
    """Why no value is drawn: nothing was released, or none of what was is shown."""
    say = view.wording.say
    if not numbers:
        return view.too_few(say("Nothing was released that ends in these days."))
    name = view.wording.dimension_name(cut.dimension)
    return say("Divided by {cut}, the rule leaves no two groups to show in any period.", cut=name)


def _sentence(view: View, cut: Cut, shape: Shape) -> str:
    say = view.wording.say
    if cut.statistic is Statistic.QUANTILE:
        return say("What half of all values are under, by value.")
    if cut.statistic is Statistic.COUNT:
        return say("How often, by value.")
    if shape is Shape.STACK:
        return say("Each column is everybody of that time; a person counts under what their device said first in it.")
    return say("Distinct people of each time, by value.")


def _largest(numbers: Sequence[Number], cut: Cut) -> list[str]:
    """The values to draw, most first: of a version the newest, since they are what is asked about."""
    sums: Counter[str] = Counter()
    for number in numbers:
        if number.value1 not in (OTHER_VALUE, UNKNOWN, LATE_VALUE):
            sums[number.value1] += number.value or 0
    shown = [value for value, n in sums.most_common() if n]
    if cut.dimension is Dimension.APP_VERSION:
        shown = sorted(shown, key=version_key, reverse=True)
    return shown[: len(HUES)]


def version_key(text: str) -> tuple[int, ...]:
    """How versions are ordered: 3.10 after 3.9."""
    return tuple(int(part) if part.isdigit() else -1 for part in text.replace("-", ".").split("."))


def _cell(cells: dict[tuple[int, str], Number], value: str, period: Period) -> Cell:
    return cell_of(cells.get((period.last, value)))


def _rest(others: Mapping[int, Sequence[Number]], period: Period) -> Cell:
    rest = others.get(period.last, ())
    shown = [n for n in rest if n.value is not None]
    if not shown:
        return cell_of(rest[0]) if rest else MISSING
    return sum_of(shown).cell(shown[0].rounding)
