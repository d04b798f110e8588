"""When a device tries: spread, never sooner than it was told, and after an outage in no wave."""

from __future__ import annotations

import random
import statistics

import pytest
from headcount_sdk import pacing
from headcount_sdk.background import EVERY_SECONDS
from headcount_sdk.pacing import DAY_SECONDS, LONGEST_SECONDS, SHORTEST_SECONDS
from headcount_sdk.testing import ManualClock, MemoryTransport, accepted
from headcount_sdk.transport import Answer, Request
from headcount_wire.app_key import new_key
from headcount_wire.problems import Problem

from benchmarks.recovery import OUTAGES, SPREAD_SECONDS, Device, before, simulate
from tests.sdk.conftest import DAY, START, MakeClient, policy
from tests.sdk.test_uploader import refusal

DEVICES = 100_000


@pytest.mark.parametrize("attempts", [0, 1, 2, 9])
def test_a_pause_is_drawn_from_minutes_to_hours(attempts: int) -> None:
    """Each pause lies between its shortest and four hours, the shorter ones are the likelier, and no two are alike."""
    shortest = SHORTEST_SECONDS[min(attempts, 2)]
    draw = random.Random(1)
    drawn = sorted(pacing.pause(attempts, 0.0, draw) for _ in range(2000))
    assert shortest <= drawn[0] < 1.05 * shortest
    assert 0.95 * LONGEST_SECONDS < drawn[-1] <= LONGEST_SECONDS
    assert statistics.median(drawn) == pytest.approx((shortest * LONGEST_SECONDS) ** 0.5, rel=0.15)
    assert len(set(drawn)) == 2000


@pytest.mark.parametrize("told", [5.0, 60.0, 600.0, DAY_SECONDS])
def test_what_the_edge_asks_for_comes_before_the_device_s_own_time(told: float) -> None:
    """Devices that were told the same Retry-After wait at least so long, and do not come back together."""
    draw = random.Random(1)
    drawn = [pacing.pause(0, told, draw) for _ in range(500)]
    assert min(drawn) >= told + SHORTEST_SECONDS[0]
    assert max(drawn) - min(drawn) > LONGEST_SECONDS / 2
    assert all(pacing.waits(1e9, 1e9 + pause) for pause in drawn)


def test_a_developer_does_not_wait_for_hours(make: MakeClient, network: MemoryTransport, clock: ManualClock) -> None:
    """With a debug key an edge that is started after the app is found within two minutes."""
    network.answer = lambda _: None
    client = make(app_key=new_key("debug"))
    client.consent.grant("usage")
    client.track("share.used")
    for _ in range(30):
        client.pump()
        clock.advance(EVERY_SECONDS)
    assert len(network.reports) > 10
    network.answer = None
    client.pump()
    clock.advance(EVERY_SECONDS)
    client.pump()
    assert client.export()["report_under_way"] is None


def test_those_whose_customer_pauses_do_not_ask_all_at_midnight(
    make: MakeClient, network: MemoryTransport, clock: ManualClock
) -> None:
    """While nothing may be sent the policy is asked for at a drawn moment of the day, and seldom while none answers."""
    asked: list[float] = []
    answers = [True]

    def answer(request: Request) -> Answer | None:
        if request.method == "GET":
            asked.append(clock.now())
            return Answer(200, {}, policy(paused=True)) if answers[0] else Answer(502)
        return accepted()

    network.answer = answer
    client = make(spread_hours=4.0, draw=random.Random(3))
    client.consent.grant("usage")
    client.flush()
    asked.clear()
    for day in (1, 2):
        clock.set_now((START // DAY + day) * DAY)
        for _ in range(6 * 60):
            client.pump()
            clock.advance(EVERY_SECONDS)
    first, second = (moment % DAY for moment in asked)
    assert 0 < first < SPREAD_SECONDS
    assert 0 < second < SPREAD_SECONDS
    assert first != second
    asked.clear()
    answers[0] = False
    clock.set_now((START // DAY + 3) * DAY)
    for _ in range(12 * 60):
        client.pump()
        clock.advance(EVERY_SECONDS)
    assert 2 <= len(asked) <= 6


def test_the_simulated_device_is_the_real_one(make: MakeClient, network: MemoryTransport, clock: ManualClock) -> None:
    """Given the same draws and answers, the simulation's device tries at the very minutes at which the SDK does."""
    script: list[Answer | None] = [None, None, refusal(Problem.OVERLOADED, **{"retry-after": "90"}), None]
    tried: list[float] = []

    def answer(request: Request) -> Answer | None:
        if request.method == "GET":
            return Answer(304)
        tried.append(clock.now())
        return script[len(tried) - 1] if len(tried) <= len(script) else accepted()

    network.answer = answer
    client = make(spread_hours=SPREAD_SECONDS / 3600, draw=random.Random(7))
    client.consent.grant("usage")
    client.track("share.used")
    clock.advance(DAY)
    device = Device(clock.now(), SPREAD_SECONDS, random.Random(7))
    expected = [device.next_try]
    for told in (0.0, 0.0, 90.0, 0.0):
        device.failed(expected[-1], told)
        expected.append(device.next_try)
    while len(tried) < len(expected) and clock.now() < START + 3 * DAY:
        client.pump()
        clock.advance(EVERY_SECONDS)
    assert tried == expected


@pytest.mark.parametrize("outage", OUTAGES)
def test_after_an_outage_there_is_no_wave(outage: str) -> None:
    """100,000 devices bring at most twice the load of an ordinary busy hour, ever less of it, and lose nothing."""
    found = simulate(DEVICES, OUTAGES[outage], one_zone=True)
    assert found.delivered == found.devices == DEVICES
    assert found.peak() <= 2.0
    assert found.second_wave() == 0.0
    assert found.drained <= 8 * 3600.0
    assert found.most_tries <= 8


@pytest.mark.parametrize("outage", OUTAGES)
def test_a_fleet_all_over_the_world_brings_less(outage: str) -> None:
    """Where days close round the clock, what comes after an outage stays under that of one time zone's busy hour."""
    found = simulate(DEVICES // 4, OUTAGES[outage], one_zone=False)
    assert found.delivered == found.devices
    assert found.peak(10) <= 1.0
    assert found.second_wave() == 0.0


def test_the_simulation_sees_a_wave() -> None:
    """Seconds that double bring a many times higher peak, and one pause for all brings a second wave."""
    doubling = simulate(DEVICES // 10, OUTAGES["1 h"], one_zone=True, pause=before)
    assert doubling.peak(10) > 5.0
    same = simulate(DEVICES // 10, OUTAGES["1 h"], one_zone=True, pause=lambda *_: 3.5 * 3600.0)
    assert same.second_wave() > 0.2
