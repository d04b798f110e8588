"""The sums that devices send against a truth with ids: every window, every cohort, exact."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

from headcount_sdk.client import Headcount
from headcount_sdk.testing import ManualClock, MemoryTransport, accepted
from headcount_sdk.transport import Answer, Request
from headcount_wire import days
from headcount_wire.facts import Fact, First

from tests.sdk.conftest import CATALOG, DAY

FIRST_DAY = days.parse("2025-11-20")
DAYS = 80


def population(folder: Path, seed: int) -> tuple[dict[int, set[int]], list[MemoryTransport]]:
    """Devices that are active at random, lose answers at random, are offline at random; truth by id."""
    truth: dict[int, set[int]] = {}
    networks: list[MemoryTransport] = []
    for device in range(25):
        draw = random.Random(seed * 1000 + device)
        clock = ManualClock((FIRST_DAY + draw.randrange(20)) * DAY + 3600)

        def edge(request: Request, draw: random.Random = draw) -> Answer | None:
            return None if request.method == "GET" or draw.random() < 0.2 else accepted()

        network = MemoryTransport(edge)
        client = Headcount(
            "hc_live_" + "k" * 43,
            "https://edge.example",
            CATALOG,
            directory=folder / str(device),
            clock=clock,
            transport=network,
            utc_offset=lambda _: 0.0,
            draw=draw,
        )
        client.start(thread=False)
        client.consent.grant("usage")
        active: set[int] = set()
        while clock.now() < (FIRST_DAY + DAYS) * DAY:
            if draw.random() < 0.35:
                active.add(client.local_day())
                client.track("share.used")
            if draw.random() < 0.7:
                client.pump()
            clock.advance(draw.choice([0.25, 0.5, 1.0]) * DAY)
        clock.advance(DAY)
        network.answer = lambda request: accepted() if request.method == "POST" else None
        client.flush()
        truth[device] = active
        networks.append(network)
        client.shutdown()
    return truth, networks


def delivered(networks: list[MemoryTransport]) -> Counter[tuple[int, int, int, int]]:
    """Sums over every report id once: what a loader that deduplicates would hold."""
    sums: Counter[tuple[int, int, int, int]] = Counter()
    for network in networks:
        ids: set[str] = set()
        posts = [request for request in network.requests if request.method == "POST"]
        for request, report in zip(posts, network.reports, strict=True):
            if request.url not in ids:
                ids.add(request.url)
                for day in report.days:
                    for measure, _, fact, slot, n in day.tallies:
                        sums[day.day, measure, fact, slot] += n
    return sums


def test_every_window_and_every_cohort_is_exact(tmp_path: Path) -> None:
    """Every window of 1 to 31 days, calendar period, age and week age equals the count over ids."""
    truth, networks = population(tmp_path, seed=1)
    sums = delivered(networks)
    compared = 0
    for last in range(FIRST_DAY, FIRST_DAY + DAYS):
        for width in range(1, 32):
            first = last - width + 1
            counted = sum(
                sums[day, 1, Fact.GAP, gap] for day in range(first, last + 1) for gap in range(day - first + 1, 32)
            )
            assert counted == sum(any(first <= day <= last for day in active) for active in truth.values())
            compared += 1
    for day in range(FIRST_DAY, FIRST_DAY + DAYS):
        for first, start in ((First.WEEK, days.week_start), (First.MONTH, days.month_start)):
            expected = sum(min((d for d in a if start(d) == start(day)), default=-1) == day for a in truth.values())
            assert sums[day, 1, Fact.FIRST, first] == expected
        for age in range(31):
            expected = sum(day in active and day - min(active) == age for active in truth.values())
            assert sums[day, 1, Fact.AGE, age] == expected
            compared += 1
    assert compared == DAYS * 62
