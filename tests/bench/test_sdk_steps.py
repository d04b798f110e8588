"""The steps of a call that the report tells are of calls that were counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.sdk_peers import steps


def test_every_step_is_told(tmp_path: Path) -> None:
    """From the whole call down to one that does nothing, which costs a small part of it."""
    costs = [float(cost) for _, cost in steps.steps(tmp_path / "device").rows]
    assert len(costs) == 7
    assert all(cost > 0 for cost in costs)
    assert costs[0] > 3 * costs[-1]


def test_what_is_not_counted_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that the SDK takes for a mistake is none to time."""
    monkeypatch.setattr(steps, "ENTRIES", ("nowhere",))
    with pytest.raises(RuntimeError, match="not everything was counted"):
        steps.steps(tmp_path / "device")
