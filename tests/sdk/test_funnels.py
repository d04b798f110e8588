"""Funnels: the furthest step of a day's attempts, against a model that knows every event."""

from __future__ import annotations

import random

from headcount_sdk.testing import ManualClock, MemoryTransport
from headcount_wire.facts import Fact
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sdk.conftest import DAY, FULL, START, CountingFacts, MakeFull, sums

FUNNEL = 6
WINDOW = 30


def steps(network: MemoryTransport) -> dict[int, int]:
    """The furthest step told of each day."""
    found = {}
    for (day, measure, _, fact, slot), n in sums(network).items():
        if (measure, fact) == (FUNNEL, Fact.STEP):
            assert n == 1
            assert day not in found
            found[day] = slot
    return found


def test_the_furthest_step_is_told_when_the_day_is_over(
    full: MakeFull, clock: ManualClock, network: MemoryTransport
) -> None:
    """Two attempts, the first of them further: one step, told with the day, not with a flush of the open day."""
    client = full("usage")
    client.screen("lobby")
    client.track("meeting.joined", entry="link")
    clock.advance(31 * 60)
    client.screen("lobby")
    client.flush()
    assert steps(network) == {}
    clock.advance(DAY)
    client.flush()
    assert steps(network) == {20_000: 2}
    clock.advance(DAY)
    client.flush()
    assert steps(network) == {20_000: 2}


def test_a_step_out_of_order_or_too_late_is_none(full: MakeFull, clock: ManualClock, network: MemoryTransport) -> None:
    """A later step without the one before it, another label, and a step after the window move nothing."""
    client = full("usage")
    client.track("meeting.joined", entry="link")
    client.screen("home")
    client.screen("lobby")
    client.track("share.used")
    clock.advance(31 * 60)
    client.track("meeting.joined", entry="link")
    clock.advance(DAY)
    client.flush()
    assert steps(network) == {20_000: 1}


def test_an_attempt_over_midnight_counts_on_its_first_day(
    full: MakeFull, clock: ManualClock, network: MemoryTransport
) -> None:
    """While an attempt's window is open its day waits; then it tells how far the attempt came."""
    client = full("usage")
    clock.advance(11 * 3600 + 50 * 60)
    client.screen("lobby")
    clock.advance(15 * 60)
    client.track("meeting.joined", entry="link")
    client.flush()
    assert steps(network) == {}
    client.track("share.used")
    client.flush()
    assert steps(network) == {20_000: 3}


def test_funnels_survive_death_and_go_with_consent(
    full: MakeFull, clock: ManualClock, network: MemoryTransport
) -> None:
    """What was reached is there after a kill, in the context it began in; a withdrawal erases it."""
    facts = CountingFacts()
    client = full("usage", "context", facts=facts)
    client.screen("lobby")
    client._device.close()
    facts.version = "4.0"
    client = full(facts=facts)
    client.track("meeting.joined", entry="link")
    assert client.export()["funnels_under_way"] == {"meeting.setup": {"2024-10-04": 2}}
    clock.advance(DAY)
    client.flush()
    with_step = [r for r in network.reports if any(t.fact == Fact.STEP for d in r.days for t in d.tallies)]
    assert [dict(report.context)["app_version"] for report in with_step] == ["3.1"]
    client.screen("lobby")
    client.consent.withdraw("usage")
    assert client.export()["funnels_under_way"] == {}
    clock.advance(2 * DAY)
    client.flush()
    assert steps(network) == {20_000: 2}


EVENTS = st.lists(st.tuples(st.integers(0, 400), st.sampled_from(["lobby", "joined", "share", "kill"])), max_size=40)


def model(events: list[tuple[int, str]]) -> dict[int, int]:
    """The rule of docs/protocol.md, on a list of every event: minutes passed before it, and what it was."""
    minute, began, reached, day_of, furthest = int(START // 60), 0, 0, 0, dict[int, int]()
    for passed, what in events:
        minute += passed
        if what == "kill":
            continue
        step = {"lobby": 1, "joined": 2, "share": 3}[what]
        under_way = 0 < reached < 3 and minute <= began + WINDOW
        if not under_way and step == 1:
            began, reached, day_of = minute, 1, minute // 1440
        elif under_way and step == reached + 1:
            reached = step
        else:
            continue
        furthest[day_of] = max(furthest.get(day_of, 0), reached)
    return furthest


@given(events=EVENTS)
@settings(max_examples=60)
def test_any_order_of_events_gives_what_the_rule_says(events: list[tuple[int, str]]) -> None:
    """Random steps at random minutes, with kills between them: the device tells what a full history would."""
    import tempfile

    from headcount_sdk import Headcount

    clock, network = ManualClock(START), MemoryTransport()
    with tempfile.TemporaryDirectory() as folder:

        def opened() -> Headcount:
            client = Headcount(
                "hc_live_" + "k" * 43,
                "https://edge.example",
                FULL,
                directory=folder + "/state",
                clock=clock,
                transport=network,
                facts=CountingFacts(),
                utc_offset=lambda _: 0.0,
                draw=random.Random(1),
            )
            client.start(thread=False)
            return client

        client = opened()
        client.consent.grant("usage")
        for passed, what in events:
            clock.advance(passed * 60)
            if what == "kill":
                client._device.close()
                client._hooks.remove()
                client = opened()
            elif what == "lobby":
                client.screen("lobby")
            else:
                client.track("meeting.joined" if what == "joined" else "share.used")
            client.pump()
        clock.advance(2 * DAY)
        client.flush()
        client.shutdown()
    assert steps(network) == model(events)
