"""A server-side instance: quantities and counts, never a person."""

from __future__ import annotations

from pathlib import Path

import pytest
from headcount_sdk.instance import Instance
from headcount_sdk.testing import ManualClock, MemoryTransport
from headcount_wire.facts import Fact

from tests.sdk.conftest import DAY, FULL, sums

D = 20_000


@pytest.fixture
def instance(tmp_path: Path, clock: ManualClock, network: MemoryTransport) -> Instance:
    return Instance(
        "hc_live_" + "k" * 43,
        "https://edge.example",
        FULL,
        directory=tmp_path / "state",
        version="2.1",
        clock=clock,
        transport=network,
        utc_offset=lambda _: 0.0,
        thread=False,
    )


def test_an_instance_states_quantities_and_is_nobody(
    instance: Instance, clock: ManualClock, network: MemoryTransport
) -> None:
    """The day's last value goes when the day is over; no active day, no session, no context goes with it."""
    instance.quantity("rooms", 12)
    instance.quantity("rooms", 15)
    instance.track("meeting.joined", entry="room")
    instance.track("share.used")
    clock.advance(DAY)
    instance.flush()
    found = sums(network)
    assert found[D, 10, 0, Fact.VALUE, 0] == 15
    assert found[D, 2, 3, Fact.COUNT, 0] == 1
    assert {key[1] for key in found} == {2, 10}
    assert all(not report.context and report.origin is None for report in network.reports)
    assert set(network.reports[0].purposes) == {"usage", "diagnostics"}


def test_an_instance_goes_on_after_a_restart(
    instance: Instance, tmp_path: Path, clock: ManualClock, network: MemoryTransport
) -> None:
    """What was stated before a restart is told with the day, and a restart does not restart the count."""
    instance.quantity("rooms", 12)
    instance.shutdown()
    again = Instance(
        "hc_live_" + "k" * 43,
        "https://edge.example",
        FULL,
        directory=tmp_path / "state",
        clock=clock,
        transport=network,
        utc_offset=lambda _: 0.0,
        thread=False,
    )
    clock.advance(DAY)
    with again.timer("join.time"):
        clock.advance(1)
    again.flush()
    assert sums(network)[D, 10, 0, Fact.VALUE, 0] == 12
    assert sums(network)[D + 1, 4, 0, Fact.DEVICES, 0] == 1
