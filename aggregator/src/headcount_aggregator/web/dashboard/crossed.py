"""A cut of two dimensions: one table, the first down and the second across."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from headcount_wire.catalog import Breakdown, Measure
from headcount_wire.dimensions import OTHER_VALUE

from headcount_aggregator.web.dashboard.cuts import counts
from headcount_aggregator.web.dashboard.figure import Cell, Figure, Row, Series, Shape
from headcount_aggregator.web.dashboard.people import distinct
from headcount_aggregator.web.dashboard.sums import Sum
from headcount_aggregator.web.dashboard.view import View

ACROSS_MOST = 8


async def crossed(view: View, measure: Measure, cut: Breakdown) -> Figure:
    """People of the days' period where the measure has them, else counts of the days."""
    assert cut.second is not None
    say, wording = view.wording.say, view.wording
    kind, numbers = await distinct(view, measure, cut.code)
    people = bool(numbers)
    if not people:
        numbers = await counts(view, measure, breakdown=cut.code)
    sums: defaultdict[tuple[str, str], Sum] = defaultdict(Sum)
    for number in numbers:
        if number.value is not None:
            sums[number.value1, number.value2].add(number)
    down = _ranked(sums, 0)
    across = _ranked(sums, 1)[:ACROSS_MOST]
    rows = [
        Row(
            value,
            wording.value_name(cut.first, value),
            tuple(sums[value, other].cell() if (value, other) in sums else Cell(state=view.hidden) for other in across),
        )
        for value in down
    ]
    days = (
        wording.period(kind, numbers[0].first, numbers[0].last)
        if people
        else wording.days(view.span.first, view.span.last)
    )
    return Figure(
        key=f"{measure.name}-{cut.first.field}-{cut.second.field}",
        title=wording.breakdown_name(cut),
        sentence=(
            say("Distinct people, {period}.", period=days) if people else say("Times, not people: {days}.", days=days)
        ),
        shape=Shape.TABLE,
        head=wording.dimension_name(cut.first),
        series=tuple(Series(value, wording.value_name(cut.second, value)) for value in across),
        rows=tuple(rows),
        rule=view.rule_of(measure) if people else view.rule,
        k=view.k,
        unit=say("people") if people else say("times"),
        notes=() if view.noisy else (say("Groups below {k} people are merged into other.", k=view.k),),
        empty=view.never_a_sum(
            say(
                "Divided by {cut}, the rule leaves no two groups to show in any period.",
                cut=wording.breakdown_name(cut),
            )
        ),
    )


def _ranked(sums: Mapping[tuple[str, str], Sum], place: int) -> list[str]:
    found: Counter[str] = Counter()
    for key, n in sums.items():
        found[key[place]] += n.value
    return sorted(found, key=lambda value: (value == OTHER_VALUE, -found[value], value))
