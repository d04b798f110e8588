"""What the demo prints when the numbers are there: the sealed ones, as the dashboard shows them."""

from __future__ import annotations

import asyncio

from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.released import Number, Question, State, Statistic
from headcount_aggregator.sealed_reader import SealedReader
from headcount_wire import days
from headcount_wire.clock import Clock
from headcount_wire.organisation import Customer, Organisation, load_organisation
from rich.table import Table

from headcount.demo.ground import Ground

SHOWN_DAYS = 7
WIDE_DAYS = 28
"""In so many days lies a Sunday, on which windows under noise end, and mostly a month's end."""


def summary(ground: Ground, clock: Clock) -> list[Table]:
    """The last sealed days of each Customer with a threshold; what is told of those with noise, a line each."""
    organisation = load_organisation(ground.organisation)
    reader = SealedReader(ground.folder / "data/releases", clock)
    plain = [customer for customer in organisation.customers.values() if customer.rule == "threshold"]
    noisy = [customer for customer in organisation.customers.values() if customer.rule != "threshold"]
    tables = [asyncio.run(_by_day(reader, organisation, customer)) for customer in plain]
    return [*tables, asyncio.run(_under_noise(reader, organisation, noisy))] if noisy else tables


async def _by_day(reader: SealedReader, organisation: Organisation, customer: Customer) -> Table:
    (app,) = organisation.apps.values()
    fresh = await reader.freshness(customer.code, app.code)
    title = f"{customer.title}: active people (threshold {customer.k})"
    table = Table(title=title, title_justify="left", caption_justify="left")
    for column in ("day", "active", "new", "last 7 days", "last 28 days"):
        table.add_column(column, justify="right")
    if fresh.sealed_through is None:
        table.caption = "Nothing is sealed yet: a day is released three days after it ends."
        return table
    first = fresh.sealed_through - SHOWN_DAYS + 1
    kinds = (PeriodKind.DAY, PeriodKind.ROLLING_7, PeriodKind.ROLLING_28)
    wanted = (Statistic.PEOPLE, Statistic.NEW_PEOPLE)
    numbers = await _people(reader, organisation, customer, wanted, kinds, (first, fresh.sealed_through))
    found = {(n.last, n.period, n.statistic): n for n in numbers}
    for day in range(first, fresh.sealed_through + 1):
        cells = [found.get((day, PeriodKind.DAY, statistic)) for statistic in wanted]
        cells += [found.get((day, kind, Statistic.PEOPLE)) for kind in kinds[1:]]
        table.add_row(days.text(day), *(_said(cell, customer.k) for cell in cells))
    table.caption = await _released(reader, customer, app.code, fresh.sealed_through)
    return table


async def _under_noise(reader: SealedReader, organisation: Organisation, customers: list[Customer]) -> Table:
    """The newest week, 28 days and month of each Customer whose days are too few for their noise."""
    (app,) = organisation.apps.values()
    table = Table(title="Customers under noise: active people", title_justify="left", caption_justify="left")
    kinds = {PeriodKind.WEEK: "last week", PeriodKind.ROLLING_28: "last 28 days", PeriodKind.MONTH: "last month"}
    for column in ("customer", *kinds.values(), "released"):
        table.add_column(column, justify="left" if column == "customer" else "right")
    for customer in customers:
        fresh = await reader.freshness(customer.code, app.code)
        if fresh.sealed_through is None:
            table.add_row(customer.title, *["-"] * (len(kinds) + 1))
            continue
        span = (fresh.sealed_through - WIDE_DAYS, fresh.sealed_through)
        numbers = await _people(reader, organisation, customer, (Statistic.PEOPLE,), tuple(kinds), span)
        newest = {n.period: n for n in sorted(numbers, key=lambda number: number.last)}
        cells = [_said(newest.get(kind), customer.k) for kind in kinds]
        table.add_row(customer.title, *cells, await _released(reader, customer, app.code, fresh.sealed_through))
    table.caption = "Under noise: too few people for it; of so few, longer times say more than days."
    return table


async def _people(
    reader: SealedReader,
    organisation: Organisation,
    customer: Customer,
    wanted: tuple[Statistic, ...],
    kinds: tuple[PeriodKind, ...],
    span: tuple[int, int],
) -> list[Number]:
    (app,) = organisation.apps.values()
    active = app.catalog.active
    code = active.code if active else None
    return list(await reader.numbers(Question(customer.code, app.code, wanted, kinds, *span, code, 0, 0)))


async def _released(reader: SealedReader, customer: Customer, app: int, sealed_through: int) -> str:
    everything = await reader.releases(customer.code, app, 0, sealed_through + 40)
    total, hidden = (sum(header.numbers for header in everything), sum(header.hidden for header in everything))
    if customer.rule == "threshold":
        return f"{len(everything)} releases sealed, {total:,} numbers, {hidden:,} of them hidden"
    return f"{total - hidden:,} of {total:,} shown"


def _said(number: Number | None, k: int) -> str:
    if number is None:
        return "-"
    if number.state is State.SHOWN and number.value is not None:
        return f"{number.value:,}{_margin(number)}"
    return {State.FEWER_THAN_K: f"fewer than {k}", State.UNDER_NOISE: "under noise"}.get(number.state, "hidden")


def _margin(number: Number) -> str:
    """By how much a number may be off under noise, in 95 of 100 cases."""
    if number.low is None or number.high is None:
        return ""
    return f" ± {(number.high - number.low) // 2:,}"
