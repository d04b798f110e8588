"""Funnels: of the people who began, how many came to each step, over time and in each group.

A step is released by the day its attempt began on. A day counts here where all its steps are shown: a sum over
days of which some steps are hidden would compare different people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from headcount_wire.catalog import TOTAL, Measure, Step
from headcount_wire.dimensions import Dimension
from headcount_wire.facts import WHOLE, Kind

from headcount_aggregator.periods import Period, PeriodKind
from headcount_aggregator.released import Number, State, Statistic
from headcount_aggregator.web.dashboard.compare import compared
from headcount_aggregator.web.dashboard.figure import MISSING, Cell, Figure, Link, Row, Series, Shape, Weight
from headcount_aggregator.web.dashboard.over_time import rows_of
from headcount_aggregator.web.dashboard.sums import Sum, share, sum_of
from headcount_aggregator.web.dashboard.view import Page, Section, Stat, View
from headcount_aggregator.web.dashboard.wording import PER_MILLE
from headcount_aggregator.web.dashboard.words import title_of

Steps = Sequence[Number]
"""People by step, the first one first."""


async def funnels(view: View) -> Page:
    """Build the page for the funnel the address names, else the first."""
    say, wording = view.wording.say, view.wording
    declared = [m for m in view.subject.app.catalog.measures.values() if m.kind is Kind.FUNNEL]
    if not declared:
        return Page(
            say("This app declares no funnel yet"),
            sentence=say(
                "Declare a measure of kind funnel in the catalog: its steps, and how long an attempt may take."
            ),
            grains=(),
        )
    chosen = next((m for m in declared if m.name == view.query.get("measure")), declared[0])
    choices = tuple((m.name, Link(view.link(measure=m.name), title_of(m)), m is chosen) for m in declared)
    days = await _days(view, chosen)
    cuts = [cut.first for cut in chosen.breakdowns if cut.second is None]
    groups = [await _by_value(view, chosen, dimension) for dimension in cuts]
    total = _sum(days.values())
    stats = []
    if total and (came := share(total[-1], total[0], 1000)):
        stats.append(
            Stat(
                wording.cell(came, view.k, PER_MILLE),
                say("of those who began came to the end"),
                wording.days(min(days), max(days)),
            )
        )
    return Page(
        title_of(chosen),
        (
            Section("", (_steps(view, chosen, days), await compared(view, lambda at: _share(at, chosen)))),
            Section(say("How it divides"), tuple(groups)),
        ),
        say(
            "{what} An attempt may take {n} minutes.", what=chosen.description, n=wording.number(chosen.window_minutes)
        ),
        tuple(stats),
        choices=choices,
        grains=("day", "week", "month"),
        compared=True,
    )


async def _days(view: View, funnel: Measure, value: str = "", breakdown: int = TOTAL) -> dict[int, Steps]:
    """The steps of each day of the span on which all of them are shown."""
    found = await view.numbers([Statistic.FUNNEL], [PeriodKind.DAY], funnel, breakdown=breakdown)
    return _whole(funnel, [number for number in found if number.value1 == value])


def _whole(funnel: Measure, numbers: Sequence[Number]) -> dict[int, Steps]:
    by_day: dict[int, dict[int, Number]] = {}
    for number in numbers:
        if number.value is not None:
            by_day.setdefault(number.last, {})[number.slot] = number
    count = len(funnel.steps)
    return {day: [steps[slot] for slot in range(1, count + 1)] for day, steps in by_day.items() if len(steps) == count}


def _sum(days: Iterable[Steps]) -> list[Sum]:
    return [sum_of(column) for column in zip(*days, strict=True)]


def _steps(view: View, funnel: Measure, days: Mapping[int, Steps]) -> Figure:
    """People at each step, over the days that say all of them."""
    say, wording = view.wording.say, view.wording
    total = _sum(days.values())
    rows = []
    for place, people in enumerate(total):
        of_all = share(people, total[0], 1000) or MISSING
        lost = Cell(max(0, total[place - 1].value - people.value), State.SHOWN) if place else MISSING
        name = step_name(view, funnel.steps[place])
        rows.append(Row(str(place + 1), f"{place + 1}. {name}", (people.cell(10), of_all, lost)))
    left = view.span.length - len(days)
    notes = [*view.tens(say("Steps are rounded to tens on each day."))]
    if days and left:
        notes.append(
            wording.plural(
                "{n} day is left out: a step of it is hidden.", "{n} days are left out: a step of each is hidden.", left
            )
        )
    return Figure(
        key="steps",
        title=say("Step by step"),
        sentence=say("How far those came who began on these days; who began on two days counts twice."),
        shape=Shape.RANK,
        head=say("Step"),
        series=(
            Series("people", say("People"), Weight.STRONG),
            Series("share", say("Of all who began"), unit=PER_MILLE),
            Series("lost", say("Did not come this far")),
        ),
        rows=tuple(rows),
        rule=view.ruled(
            say("At least {k} people at a step and {k} who stopped before it; or nobody, or everybody.", k=view.k)
        ),
        k=view.k,
        unit=say("people"),
        notes=tuple(notes),
        wide=True,
        empty=nothing_whole(view),
    )


async def _share(view: View, funnel: Measure) -> Figure:
    """The share that came to the end, over time."""
    say = view.wording.say
    days = await _days(view, funnel)

    def cell(period: Period) -> Cell:
        total = _sum([days[day] for day in range(period.first, period.last + 1) if day in days])
        return (share(total[-1], total[0], 1000) if total else None) or MISSING

    return Figure(
        key="share",
        title=say("Came to the end"),
        sentence=say("The share of those who began in a period and took every step."),
        shape=Shape.LINES,
        head=view.wording.head(view.span.by),
        series=(Series("share", say("Came to the end"), Weight.STRONG, PER_MILLE),),
        rows=rows_of(view, [cell]),
        rule=view.rule,
        k=view.k,
        unit=PER_MILLE,
        ceiling=1000,
        empty=nothing_whole(view),
    )


async def _by_value(view: View, funnel: Measure, dimension: Dimension) -> Figure:
    """Each group's first and last step, and the share between them."""
    say, wording = view.wording.say, view.wording
    numbers = await view.numbers([Statistic.FUNNEL], [PeriodKind.DAY], funnel, breakdown=dimension * 8)
    rows = []
    for value in {number.value1 for number in numbers}:
        total = _sum(_whole(funnel, [number for number in numbers if number.value1 == value]).values())
        if total and (came := share(total[-1], total[0], 1000)):
            cells = (came, total[0].cell(10), total[-1].cell(10))
            rows.append(Row(value, wording.value_name(dimension, value), cells))
    rows.sort(key=lambda row: (-row.cells[1].value_or_zero, row.key))
    return Figure(
        key=f"{funnel.name}-{dimension.field}",
        title=wording.dimension_name(dimension),
        sentence=say("Days on which all steps of the group are shown."),
        shape=Shape.RANK,
        head=wording.dimension_name(dimension),
        series=(
            Series("share", say("Came to the end"), Weight.STRONG, PER_MILLE),
            Series("began", say("Began")),
            Series("ended", say("At the end")),
        ),
        rows=tuple(rows),
        rule=view.rule,
        k=view.k,
        unit=say("people"),
        ceiling=1000,
        empty=nothing_whole(view),
    )


def step_name(view: View, step: Step) -> str:
    """A step in words: the measure it is of, and under which label."""
    measure = next((m for m in view.subject.app.catalog.measures.values() if m.code == step.measure), None)
    name = title_of(measure) if measure else str(step.measure)
    if step.label == WHOLE:
        return name
    return f"{name}: {view.wording.label_name(view.vocabulary.label_name(step.measure, step.label))}"


def nothing_whole(view: View) -> str:
    """What stands in place of a funnel that no day shows whole."""
    say = view.wording.say
    return view.never_a_sum(
        say("On none of these days are all steps shown: too few people took one, or stopped at it.")
    )
