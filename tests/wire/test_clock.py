"""The manual clock that drives the whole stack."""

from __future__ import annotations

import pytest
from headcount_wire.clock import Clock, ManualClock, SystemClock


def test_time_moves_only_when_told() -> None:
    """Both readings move together; setting the wall clock moves only itself."""
    clock: Clock = ManualClock(100.0)
    assert isinstance(clock, ManualClock)
    clock.advance(5.0)
    clock.set_now(0.0)
    assert (clock.now(), clock.monotonic()) == (0.0, 5.0)
    with pytest.raises(ValueError):
        clock.advance(-1.0)


def test_the_system_clock_never_goes_back() -> None:
    """The monotonic reading never goes back."""
    clock = SystemClock()
    assert clock.monotonic() <= clock.monotonic()
    assert clock.now() > 1_700_000_000
