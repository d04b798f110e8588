"""The steps that are timed by themselves are those of the edge's own path."""

from __future__ import annotations

from pathlib import Path

from headcount_wire import days
from headcount_wire.clock import SystemClock

from benchmarks.bench.steps import steps
from benchmarks.peers.population import device_days


def test_every_step_takes_a_report_of_the_population(tmp_path: Path) -> None:
    """Each step is given what the one before it made, and refuses nothing; the sum is that of the whole steps."""
    people = device_days(20, 1, days.utc_day(SystemClock().now()), 1, lambda *_: None)
    rows = {name: float(took) for name, took in steps(people, tmp_path / "steps").rows}
    together = rows.pop("together")
    assert rows.keys() >= {"receive", "authenticate", "decode", "own", "admit", "strip", "answer"}
    assert rows["decode"] > rows["  of which inflating"] > 0
    assert abs(sum(took for name, took in rows.items() if not name.startswith(" ")) - together) < 0.5
