"""The real SDK against a real edge: from a user's yes to bytes on the edge's disk."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest
from headcount_ingest.settings import EdgeSettings
from headcount_sdk.client import Headcount
from headcount_sdk.facts import DeviceFacts
from headcount_sdk.uploader import Fate
from headcount_wire.clock import ManualClock

from tests.ingest.conftest import KEY, TODAY, running, settings_in
from tests.sdk.conftest import CATALOG


@pytest.fixture
def settings(tmp_path: Path) -> EdgeSettings:
    return settings_in(tmp_path)


async def test_a_day_of_use_reaches_the_spool(tmp_path: Path, settings: EdgeSettings) -> None:
    """What an app counted stands in the spool as sums; what it did not ask for stands nowhere."""
    clock = ManualClock(TODAY * 86_400.0 + 43_200.0)
    worker = await running(settings, clock=clock)
    client = Headcount(
        KEY,
        worker.url,
        CATALOG,
        directory=tmp_path / "device",
        policy=4,
        clock=clock,
        facts=DeviceFacts("3.1", "phone"),
        utc_offset=lambda _: 3600.0,
        draw=random.Random(1),
    )
    client.start(thread=False)
    client.consent.grant("usage", "diagnostics", "context")
    for _ in range(3):
        client.track("meeting.joined", entry="link")
    client.measure("join.time", 900)
    outcomes = await asyncio.to_thread(client.flush)
    assert [outcome.fate for outcome in outcomes] == [Fate.ACCEPTED]
    client.shutdown()
    await worker.close()
    await worker.session.close()

    ((_, record),) = worker.spooled()
    sums = {tally[1:5]: tally[5] for tally in record.tallies}
    assert sums[2, 2, 1, 0] == 3
    assert sums[1, 0, 4, 31] == 1
    assert not any(tally[1] == 4 for tally in record.tallies), "the Customer's policy does not allow diagnostics"
    assert record.context[1:] == ("unknown",) * 5, "the Customer's policy allows the OS only"
