"""What the demo prints when the numbers are there: the sealed ones, as the dashboard shows them."""

from __future__ import annotations

import asyncio

from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.released import Number, Question, State, Statistic
from headcount_aggregator.sealed_reader import SealedReader
from headcount_wire import days
from headcount_wire.clock import Clock
from headcount_wire.organisation import Organisation, load_organisation
from rich.table import Table

from headcount.demo.ground import Ground

SHOWN_DAYS = 7


def summary(ground: Ground, clock: Clock) -> list[Table]:
    """A table per Customer: active people of the last sealed days, what is hidden, and one cut."""
    organisation = load_organisation(ground.organisation)
    reader = SealedReader(ground.folder / "data/releases", clock)
    return [asyncio.run(_customer(reader, organisation, name)) for name in organisation.customers]


async def _customer(reader: SealedReader, organisation: Organisation, name: str) -> Table:
    customer = organisation.customers[name]
    (app,) = organisation.apps.values()
    fresh = await reader.freshness(customer.code, app.code)
    rule = f"threshold {customer.k}" if customer.rule == "threshold" else f"{customer.noise} noise"
    table = Table(title=f"{customer.title}: active people ({rule})", title_justify="left")
    for column in ("day", "active", "new", "last 7 days", "last 28 days"):
        table.add_column(column, justify="right")
    if fresh.sealed_through is None:
        table.caption = "Nothing is sealed yet: a day is released three days after it ends."
        return table
    first = fresh.sealed_through - SHOWN_DAYS + 1
    kinds = (PeriodKind.DAY, PeriodKind.ROLLING_7, PeriodKind.ROLLING_28)
    wanted = (Statistic.PEOPLE, Statistic.NEW_PEOPLE)
    active = app.catalog.active
    question = Question(
        customer.code, app.code, wanted, kinds, first, fresh.sealed_through, active.code if active else None, 0, 0
    )
    found = {(n.last, n.period, n.statistic): n for n in await reader.numbers(question)}
    for day in range(first, fresh.sealed_through + 1):
        cells = [found.get((day, PeriodKind.DAY, statistic)) for statistic in wanted]
        cells += [found.get((day, kind, Statistic.PEOPLE)) for kind in kinds[1:]]
        table.add_row(days.text(day), *(_said(cell, customer.k) for cell in cells))
    everything = await reader.releases(customer.code, app.code, 0, fresh.sealed_through + 40)
    hidden = sum(header.hidden for header in everything)
    total = sum(header.numbers for header in everything)
    table.caption = f"{len(everything)} releases sealed, {total} numbers, {hidden} of them hidden"
    return table


def _said(number: Number | None, k: int) -> str:
    if number is None:
        return "-"
    if number.state is State.SHOWN:
        return f"{number.value:,}"
    return {State.FEWER_THAN_K: f"fewer than {k}", State.UNDER_NOISE: "under noise"}.get(number.state, "hidden")
