"""Figures of one measure over time: how often, and how long or how much."""

from __future__ import annotations

from headcount_wire.catalog import Measure
from headcount_wire.facts import Kind

from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.released import Statistic
from headcount_aggregator.web.dashboard.figure import Figure, Series, Shape, Weight, cell_of
from headcount_aggregator.web.dashboard.over_time import by_last, day_rows, period_rows, rows_of, wide
from headcount_aggregator.web.dashboard.view import View


async def times(view: View, measure: Measure, key: str = "times", title: str = "") -> Figure:
    """How often, by the periods of the span."""
    say, by = view.wording.say, view.span.by
    usual, what = {
        Kind.SESSION: (say("How many sessions"), say("Sessions that ended")),
        Kind.SCREEN: (say("How many screens"), say("Screens shown")),
        Kind.PROBLEM: (say("How many problems"), say("Problems reported")),
    }.get(measure.kind, (say("How often"), say("Times it happened")))
    found = by_last(await view.numbers([Statistic.COUNT], sorted({PeriodKind.DAY, by}), measure))
    if by is PeriodKind.DAY:
        open_days = await view.open_days(measure, Statistic.COUNT)
        rows = day_rows(view, [lambda period: cell_of(found.get((PeriodKind.DAY, period.last)))], open_days)
    else:
        rows = period_rows(view, by, [lambda period: wide(found, period)])
    return Figure(
        key=key,
        title=title or usual,
        sentence=say("{what}, at most {cap} a device and day.", what=what, cap=view.wording.number(measure.cap)),
        shape=Shape.COLUMNS,
        head=view.wording.head(by),
        series=(Series("times", say("Times"), Weight.STRONG),),
        rows=rows,
        rule=view.rule,
        k=view.k,
        unit=say("times"),
        notes=(say("Sums over sealed days; days under {k} people may be missing from them.", k=view.k),)
        if by is not PeriodKind.DAY
        else (),
        empty=say("Nothing was released that ends in these days."),
    )


async def how_long(view: View, measure: Measure, key: str = "how-long", title: str = "") -> Figure:
    """What half, three quarters and 19 of 20 are under, by the periods of the span."""
    if view.noisy and view.span.by is PeriodKind.DAY:
        view = view.by_period(PeriodKind.WEEK)  # with noise, there are percentiles of weeks only
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
        key=key,
        title=title or (say("How much") if measure.kind is Kind.DISTRIBUTION else say("How long")),
        sentence=say("Half of all are under the first line, 19 of 20 under the last. {unit}", unit=unit).strip(),
        shape=Shape.LINES,
        head=view.wording.head(by),
        series=tuple(series),
        rows=rows_of(view, cells),
        rule=view.rule,
        k=view.k,
        unit=measure.unit,
        notes=view.tens(say("Off by less than 2 percent.")),
        empty=say("Nothing was released that ends in these days."),
    )


async def quantity(view: View, measure: Measure) -> Figure:
    """A quantity that server-side instances tell, by day."""
    say = view.wording.say
    by_day = view.by_period(PeriodKind.DAY)
    found = by_last(await view.numbers([Statistic.QUANTITY], [PeriodKind.DAY], measure))
    return Figure(
        key="quantity",
        title=say("How many"),
        sentence=say("As the server-side instances told it last on each day, added over instances."),
        shape=Shape.LINES,
        head=view.wording.head(PeriodKind.DAY),
        series=(Series("quantity", say("Number"), Weight.STRONG),),
        rows=rows_of(by_day, [lambda period: cell_of(found.get((PeriodKind.DAY, period.last)))]),
        rule=say("Exact for things; of people and requests, from 20 up."),
        k=view.k,
        unit=measure.unit.replace("_", " "),
        empty=say("Nothing was released that ends in these days."),
    )
