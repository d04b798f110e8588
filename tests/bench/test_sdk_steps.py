"""The steps of a call that the report tells are parts of the call."""

from __future__ import annotations

from pathlib import Path

from benchmarks.sdk_peers.steps import steps


def test_the_whole_call_costs_more_than_its_parts(tmp_path: Path) -> None:
    """Each step holds the next; nothing of it is free, and a call that does nothing is the cheapest."""
    found = {step.strip(): float(cost) for step, cost in steps(tmp_path / "device").rows}
    whole, recorder, device, tallies, session, day, nothing = found.values()
    assert whole > recorder > device > tallies > nothing > 0
    assert min(session, day) > 0
