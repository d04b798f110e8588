"""``headcount erase`` and ``headcount retention``: what is kept of a Customer, and how all of it goes."""

from __future__ import annotations

from pathlib import Path

import typer
from headcount_aggregator.load.belonging import StrangeWarehouse
from headcount_aggregator.load.loader import LoaderBusy
from headcount_aggregator.retention.plan import (
    Rule,
    cells_kept_until,
    complete_from,
    months_back,
    releases_kept_from,
)
from headcount_aggregator.retention.record import DROPPED, Entry, Record
from headcount_aggregator.retention.requests import Requests
from headcount_aggregator.store import NotShared, Store
from headcount_aggregator.warehouse import Reason, WarehouseError
from headcount_wire import days
from headcount_wire.clock import Clock, SystemClock
from headcount_wire.errors import DeclarationError
from headcount_wire.organisation import Organisation, load_organisation
from rich.console import Console
from rich.table import Table

from headcount.settings import Settings, load_settings
from headcount.store_settings import store_settings

RECORD_LINES = 20


def run_erase(
    whose: str, config: Path | None, out: Console, err: Console, *, yes: bool = False, clock: Clock | None = None
) -> int:
    """Erase a Customer: at once when the house stands still, else by a request the store takes up."""
    found = _read(config, err)
    if found is None:
        return 2
    settings, organisation = found
    customer = organisation.customers.get(whose)
    if customer is None and not whose.isdecimal():
        err.print(
            f"{whose} is no Customer of {settings.organisation}; one that is gone from it can be given by its code"
        )
        return 2
    code = customer.code if customer else int(whose)
    named = f"{customer.title} (code {code})" if customer else f"the Customer with code {code}"
    keys = [key for key in organisation.keys if key.customer.code == code and key.state != "revoked"]
    if keys:
        err.print(
            f"{len(keys)} of its keys still admit reports: what they send from now on is counted anew. "
            "Revoke them first if it should not be.",
            style="yellow",
        )
    if not yes and not typer.confirm(f"Erase all that is held of {named}? It cannot be brought back.", err=True):
        return 1
    Requests(settings.data / "erase").ask(code, Rule.ERASED)
    return _take_up(settings, code, named, out, err, clock or SystemClock())


def run_retention(config: Path | None, out: Console, err: Console, clock: Clock | None = None) -> int:
    """Print what is kept until when, and the newest lines of the record."""
    found = _read(config, err)
    if found is None:
        return 2
    settings, organisation = found
    today = days.utc_day((clock or SystemClock()).now())
    out.print(_kept(organisation, today))
    entries = list(Record(settings.data / "retention.jsonl").entries())
    if entries:
        out.print(_dropped(organisation, entries[-RECORD_LINES:]))
    for code, _ in Requests(settings.data / "erase").waiting():
        out.print(f"The Customer with code {code} is to be erased: the store takes it up with its next step.")
    return 0


def _take_up(settings: Settings, code: int, named: str, out: Console, err: Console, clock: Clock) -> int:
    settings.data.joinpath("spool").mkdir(parents=True, exist_ok=True)
    try:
        store = Store(store_settings(settings), clock)
    except (LoaderBusy, NotShared, StrangeWarehouse, WarehouseError) as error:
        if not isinstance(error, LoaderBusy) and not (
            isinstance(error, WarehouseError) and error.reason is Reason.LOCKED
        ):
            err.print(f"the warehouse cannot be opened: {error}", style="red")
            return 2
        out.print(f"The house is running: its store takes the request up within {settings.unit_seconds:.0f} seconds.")
        return 0
    try:
        left = store.erase_requested()
    finally:
        store.close()
    if left:
        err.print("Not all of it could be erased yet; the store goes on with it when it starts.", style="yellow")
        return 1
    out.print(f"Nothing is held of {named} any more; the next start confirms it in retention.jsonl (code {code}).")
    return 0


def _read(config: Path | None, err: Console) -> tuple[Settings, Organisation] | None:
    try:
        settings = load_settings(config)
        return settings, load_organisation(settings.organisation)
    except (OSError, ValueError, DeclarationError) as error:
        err.print(str(error), style="red", markup=False)
        return None


def _kept(organisation: Organisation, today: int) -> Table:
    shown = Table("Customer", "releases since", "cells of", "are kept until", "periods since", title="What is kept")
    for customer in organisation.customers.values():
        for number, month in enumerate(months_back(3, today)):
            until = days.text(cells_kept_until(customer, month))
            whole = (customer.title, days.text(releases_kept_from(customer, today)))
            since = days.text(complete_from(customer, today))
            row = (*whole, month.text, until, since) if not number else ("", "", month.text, until, "")
            shown.add_row(*row)
        if customer.agreement_ends is not None:
            shown.add_row("", "", "everything", days.text(customer.agreement_ends), "")
    return shown


def _dropped(organisation: Organisation, entries: list[Entry]) -> Table:
    names = {customer.code: customer.title for customer in organisation.customers.values()}
    shown = Table("day", "Customer", "what", "event", "rule", title="What was dropped")
    for entry in entries:
        what = f"{entry.kind} {entry.what}".strip()
        why = Rule(entry.rule).sentence if entry.event == DROPPED else ""
        shown.add_row(entry.day, names.get(entry.customer, str(entry.customer)), what, entry.event, why)
    return shown
