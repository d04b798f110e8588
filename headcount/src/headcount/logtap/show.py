"""What the tap says at its end: a table of outcomes, and of a look at a log also one of route classes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from headcount_wire.buckets import quantile
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from headcount.logtap.coding import Coding
from headcount.logtap.labels import ANSWER, STATUS_CLASSES
from headcount.logtap.outcomes import Delivery, LineOutcome, Trouble
from headcount.logtap.reports import BUCKET, COUNT, Waiting
from headcount.logtap.state import State


def account(state: State, troubles: Mapping[Trouble, int] | None = None) -> dict[str, dict[str, int]]:
    """How many lines came to each outcome, requests to each delivery, and what went wrong how often."""
    requests = {delivery.value: state.requests[delivery] for delivery in Delivery}
    requests[Delivery.WAITING] = state.waits()
    lines = {outcome.value: state.lines[outcome] for outcome in LineOutcome}
    return {
        "lines": lines,
        "requests": requests,
        "troubles": {trouble.value: n for trouble, n in sorted((troubles or {}).items())},
    }


def print_account(found: dict[str, dict[str, int]], out: Console, *, as_json: bool) -> None:
    """Print an account: as JSON, or as a table of what is not 0, each row with its sentence."""
    if as_json:
        out.print_json(json.dumps(found))
        return
    table = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    for column in ("", "outcome", "what"):
        table.add_column(column, justify="right" if not column else "left", no_wrap=column != "what")
    total = sum(found["lines"].values())
    table.add_row(f"{total:,}", "lines", "Read since this state began." if total else "Nothing was read.")
    for outcome in LineOutcome:
        if n := found["lines"][outcome]:
            table.add_row(f"{n:,}", outcome, outcome.sentence)
    table.add_section()
    table.add_row(f"{sum(found['requests'].values()):,}", "requests", "Counted; each has come to one of these.")
    for delivery in Delivery:
        if n := found["requests"][delivery]:
            table.add_row(f"{n:,}", delivery, delivery.sentence)
    out.print(table)


def print_routes(waiting: Waiting, coding: Coding, names: Sequence[str], out: Console) -> None:
    """Print what a look at a log found: requests by route class and status class, and how long they took."""
    table = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    columns = ["route class", *(f"{at}xx" for at in STATUS_CLASSES), "other"]
    for column in [*columns, *(("median", "95 %") if coding.latency else ())]:
        table.add_column(column, justify="left" if column == columns[0] else "right", no_wrap=True)
    for number, name in enumerate(names):
        by_class = dict.fromkeys(columns[1:], 0)
        buckets: dict[int, int] = {}
        for (_, measure, label, fact, slot), n in waiting.sums.items():
            if fact == COUNT and measure == coding.requests[number].code:
                by_class[(ANSWER.value_of(label) or "other").rpartition("_")[2]] += n
            elif fact == BUCKET and measure == coding.latency[number].code:
                buckets[slot] = buckets.get(slot, 0) + n
        times = [f"{quantile(buckets, share):,.0f} ms" if buckets else "-" for share in (0.5, 0.95)]
        table.add_row(name, *(f"{n:,}" for n in by_class.values()), *(times if coding.latency else ()))
    out.print(table)
