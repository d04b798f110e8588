"""How long, or how much, by the values of a dimension or by label: the median and what 95 % are under."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from headcount_wire.catalog import Measure
from headcount_wire.dimensions import OTHER_VALUE, Dimension
from headcount_wire.facts import OTHER, WHOLE

from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.released import Number, Statistic
from headcount_aggregator.web.dashboard.cuts import other_note, over_time
from headcount_aggregator.web.dashboard.figure import Cell, Figure, Row, Series, Shape, Weight, cell_of
from headcount_aggregator.web.dashboard.view import View

PERIODS = (PeriodKind.MONTH, PeriodKind.WEEK, PeriodKind.DAY)
"""The periods percentiles are released for, longest first."""

SLOTS = (50, 95)


async def spread_by_dimension(view: View, measure: Measure, dimension: Dimension) -> Figure:
    """Percentiles by the values of a dimension, of the newest longest period that shows them."""
    title = view.wording.dimension_name(dimension)
    found, whole = await _newest(view, measure, breakdown=dimension * 8)
    rows = {number.value1: view.wording.value_name(dimension, number.value1) for number in found}
    cells = {(n.value1, n.slot): cell_of(n) for n in found}
    figure = _figure(view, measure, f"{measure.name}-{dimension.field}", title, rows, cells, whole)
    return replace(figure, more=over_time(view, measure, dimension))


async def spread_by_label(view: View, measure: Measure) -> Figure:
    """Percentiles by label, of the newest longest period that shows them."""
    assert measure.label is not None
    title = view.wording.say("By {label}", label=measure.label.key.replace("_", " "))
    found, whole = await _newest(view, measure, label=None)
    found = [number for number in found if number.label != WHOLE]
    keys = {
        n.label: OTHER_VALUE if n.label == OTHER else view.vocabulary.label_name(measure.code, n.label) for n in found
    }
    rows = {key: view.wording.label_name(key) for key in keys.values()}
    cells = {(keys[n.label], n.slot): cell_of(n) for n in found}
    return _figure(view, measure, f"{measure.name}-label", title, rows, cells, whole)


async def _newest(
    view: View, measure: Measure, *, label: int | None = WHOLE, breakdown: int = 0
) -> tuple[Sequence[Number], Number | None]:
    """The percentiles of one period with the whole's median; where none is shown, of the first one looked at."""
    nothing: Number | None = None
    for kind in PERIODS:
        wholes = await view.numbers([Statistic.QUANTILE], [kind], measure)
        parts = await view.numbers([Statistic.QUANTILE], [kind], measure, label=label, breakdown=breakdown)
        # A month that began before the page's days is not asked for; its weeks are.
        inside = [number for number in wholes if number.first >= view.span.first or kind is PeriodKind.DAY]
        last = max((number.last for number in inside), default=None)
        whole = next((n for n in inside if n.last == last and n.slot == SLOTS[0]), None)
        nothing = nothing or whole
        shown = [n for n in parts if n.last == last and n.value is not None and (n.label != WHOLE or breakdown)]
        if shown:
            return shown, whole
    return (), nothing


def _figure(
    view: View,
    measure: Measure,
    key: str,
    title: str,
    names: dict[str, str],
    cells: dict[tuple[str, int], Cell],
    whole: Number | None,
) -> Figure:
    say, wording = view.wording.say, view.wording
    ranked = sorted(names, key=lambda value: (value == OTHER_VALUE, -cells[value, SLOTS[0]].value_or_zero, value))
    rows = [
        Row(
            value,
            names[value],
            tuple(cells.get((value, slot), Cell(state=view.hidden)) for slot in SLOTS),
            note=other_note(view) if value == OTHER_VALUE else "",
        )
        for value in ranked
    ]
    begins = view.freshness.first_day or 0
    days = wording.days(max(begins, whole.first), whole.last) if whole else ""
    return Figure(
        key=key,
        title=title,
        sentence=say("Half are under the first number, 95% under the second: {days}.", days=days) if days else "",
        shape=Shape.SPREAD,
        head=title,
        series=(Series("p50", say("Half under"), Weight.STRONG), Series("p95", say("95% under"), Weight.FAINT)),
        rows=tuple(rows),
        rule=view.rule,
        k=view.k,
        unit=measure.unit,
        notes=view.tens(say("Off by less than 2 percent.")),
        empty=_why_not(view, whole, title, days),
    )


def _why_not(view: View, whole: Number | None, cut: str, days: str) -> str:
    say, k = view.wording.say, view.k
    if whole is None:
        return say("Nothing was released that ends in these days.")
    if whole.value is None:
        return view.too_few(say("Fewer than {k} people had it ({period}).", k=k, period=days))
    return say("Divided by {cut}, the rule leaves no two groups to show ({period}).", cut=cut, period=days)
