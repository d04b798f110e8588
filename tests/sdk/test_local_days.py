"""Local days as people live them: through summer time, travel, the date line, and a device that was off for long."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from headcount_sdk.testing import ManualClock, MemoryTransport
from headcount_wire import days
from headcount_wire.facts import Fact
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sdk.conftest import DAY, CountingFacts, MakeFull, sums

FLAG = 3


def zone(name: str) -> Callable[[float], float]:
    """Seconds east of UTC at a moment, as the system would say there."""
    place = ZoneInfo(name)

    def offset(now: float) -> float:
        there = datetime.fromtimestamp(now, UTC).astimezone(place).utcoffset()
        assert there is not None
        return there.total_seconds()

    return offset


def at(year: int, month: int, day: int, hour: int, place: str) -> float:
    return datetime(year, month, day, hour, 30, tzinfo=ZoneInfo(place)).timestamp()


def flag_days(network: MemoryTransport) -> list[str]:
    return sorted(days.text(key[0]) for key in sums(network) if key[1:4] == (FLAG, 0, Fact.DEVICES))


@pytest.mark.parametrize(
    ("place", "month", "day"),
    [("Europe/Berlin", 3, 29), ("Europe/Berlin", 10, 25), ("America/New_York", 3, 8), ("Australia/Lord_Howe", 4, 5)],
)
def test_a_day_of_23_or_25_hours_is_one_day(
    full: MakeFull, network: MemoryTransport, clock: ManualClock, place: str, month: int, day: int
) -> None:
    """On the days when clocks change, each hour from the first to the last counts on the day people call it."""
    clock.set_now(at(2026, month, day, 0, place))
    client = full("usage", utc_offset=zone(place))
    began = clock.now()
    end = at(2026, month, day, 23, place)
    while clock.now() <= end:
        client.track("share.used")
        clock.advance(1800)
    assert (end - began) / 3600 in (22, 24, 22.5, 23.5)
    client.flush()
    assert flag_days(network) == [f"2026-{month:02}-{day:02}"]


def test_a_flight_over_the_date_line_repeats_no_day(
    full: MakeFull, network: MemoryTransport, clock: ManualClock
) -> None:
    """From Auckland to Honolulu the calendar goes back a day: the device does not, and counts no day twice."""
    here = [zone("Pacific/Auckland")]
    clock.set_now(at(2026, 6, 10, 9, "Pacific/Auckland"))
    client = full("usage", utc_offset=lambda now: here[0](now))
    client.track("share.used")
    clock.advance(9 * 3600)
    here[0] = zone("Pacific/Honolulu")
    client.track("share.used")
    clock.advance(26 * 3600)
    client.track("share.used")
    clock.advance(DAY)
    client.flush()
    assert flag_days(network) == ["2026-06-10"] or flag_days(network) == ["2026-06-10", "2026-06-11"]
    assert all(n == 1 for key, n in sums(network).items() if key[3] in (Fact.DEVICES, Fact.GAP, Fact.AGE))


@given(
    moves=st.lists(
        st.tuples(
            st.sampled_from(
                ["Pacific/Kiritimati", "Etc/GMT+12", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"]
            ),
            st.integers(0, 60),
        ),
        min_size=1,
        max_size=12,
    )
)
@settings(max_examples=40)
def test_however_a_device_travels_each_day_counts_once(moves: list[tuple[str, int]]) -> None:
    """Between +14 and -12, with any hours between and uploads on the way: days only go forward, none is told twice."""
    import random
    import tempfile

    from headcount_sdk import Headcount

    from tests.sdk.conftest import FULL, START

    clock, network, here = ManualClock(START), MemoryTransport(), [zone("UTC")]
    with tempfile.TemporaryDirectory() as folder:
        client = Headcount(
            "hc_live_" + "k" * 43,
            "https://edge.example",
            FULL,
            directory=folder + "/state",
            clock=clock,
            transport=network,
            facts=CountingFacts(),
            utc_offset=lambda now: here[0](now),
            draw=random.Random(1),
        )
        client.start(thread=False)
        client.consent.grant("usage")
        recorded: list[int] = []
        for place, hours in moves:
            here[0] = zone(place)
            clock.advance(hours * 3600.0 + 61)
            client.track("share.used")
            recorded.append(client._device.state.last_day)
            client.pump()
        clock.advance(3 * DAY)
        client.flush()
        client.shutdown()
    assert recorded == sorted(recorded)
    told = [key[0] for key in sums(network) if key[1:4] == (FLAG, 0, Fact.DEVICES)]
    assert sorted(told) == sorted(set(recorded))
    assert all(n == 1 for key, n in sums(network).items() if key[3] in (Fact.DEVICES, Fact.GAP, Fact.AGE, Fact.FIRST))
