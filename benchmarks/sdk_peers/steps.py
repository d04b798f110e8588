"""What each step of a call costs from there on: ``track``, the recorder, the device, and what it counts and writes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from headcount_sdk import Headcount
from headcount_sdk.tallies import Day, record
from headcount_wire.catalog_file import parse_catalog
from headcount_wire.facts import WHOLE, Fact

from benchmarks.bench.chapter import Sheet
from benchmarks.sdk_peers.day import CATALOG, ENTRIES, plain

ROUNDS, CALLS = 30, 500
COUNT = int(Fact.COUNT)


def steps(folder: Path) -> Sheet:
    """A counter with a label, counted in this process; each step with all that it calls.

    Raises ``RuntimeError`` when something was not counted: what is refused early costs less.
    """
    catalog = parse_catalog(CATALOG.replace("cap = 1000", f"cap = {ROUNDS * CALLS * 4}"))
    headcount = Headcount("hc_live_" + "k" * 43, "http://127.0.0.1:9", catalog, directory=folder, app_version="4.2")
    headcount.start(thread=False)
    headcount.consent.grant("usage", "context")
    headcount.track("meeting.joined", entry=ENTRIES[0])
    recorder, device = headcount._recorder, headcount._device
    measure, today, context = catalog.measures["meeting.joined"], headcount.local_day(), recorder._asked.context or ()
    label = measure.label.code_of(ENTRIES[0]) if measure.label else WHOLE
    day, now = Day(), time.monotonic()
    rows: dict[str, Callable[[], object]] = {
        "track, the whole call": lambda: headcount.track("meeting.joined", entry=ENTRIES[0]),
        "  the recorder: the session, the day, may it be counted": lambda: recorder.record(measure, label, COUNT, 0, 1),
        "  the device, under its lock: tallies and journal": lambda: device.record(
            device.epoch, today, context, measure, label, COUNT, 0, 1
        ),
        "  the tallies alone": lambda: record(day, context, measure, label, COUNT, 0, 1),
        "the session alone": lambda: recorder.sessions.touch(now),
        "the day alone": recorder.local_day,
        "a Python call that does nothing": lambda: plain("meeting.joined", entry=ENTRIES[0]),
    }
    found: dict[str, list[float]] = {name: [] for name in rows}
    for _ in range(ROUNDS):  # in turn: a machine that slows down slows all of them
        for name, call in rows.items():
            found[name].append(_microseconds(call))
    headcount.shutdown()
    if headcount.health.counts:
        raise RuntimeError(f"not everything was counted: {headcount.health.counts}")
    timed = [(name, f"{min(times):.2f}") for name, times in found.items()]
    return Sheet(f"A call step by step, each with all that it calls (least of {ROUNDS} rounds)", ("step", "us"), timed)


def _microseconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    for _ in range(CALLS):
        call()
    return (time.perf_counter() - began) / CALLS * 1e6
