"""A device in a temporary folder, with a clock and a network that tests hold in their hands."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from headcount_sdk.client import Headcount
from headcount_sdk.facts import DeviceFacts
from headcount_sdk.testing import ManualClock, MemoryTransport
from headcount_wire.catalog import Catalog
from headcount_wire.catalog_file import parse_catalog
from headcount_wire.policy import Policy, encode_policy

CATALOG_TEXT = """\
[catalog]
name = "meet"
version = 1
[purposes.usage]
sentence.en = "Count features."
sentence.de = "Funktionen zählen."
[purposes.diagnostics]
sentence.en = "Measure speed."
[purposes.context]
sentence.en = "Tell the system."
[context]
os = "context"
app_version = "context"
[measures."active"]
code = 1
kind = "active"
purpose = "usage"
description = "Used."
owner = "p@x.example"
[measures."meeting.joined"]
code = 2
kind = "counter"
purpose = "usage"
description = "Joined."
owner = "p@x.example"
cap = 5
reach = true
label = { key = "entry", values = ["link", "room"] }
[measures."share.used"]
code = 3
kind = "flag"
purpose = "usage"
description = "Shared."
owner = "p@x.example"
[measures."join.time"]
code = 4
kind = "timing"
purpose = "diagnostics"
description = "Time to join."
owner = "q@x.example"
cap = 10
"""
CATALOG: Catalog = parse_catalog(CATALOG_TEXT)
START = 20_000 * 86_400.0 + 12 * 3600.0
DAY = 86_400.0


class CountingFacts(DeviceFacts):
    """Facts that note each reading."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []
        self.version = "3.1"

    def os(self) -> str | None:
        self.read.append("os")
        return "ios"

    def app_version(self) -> str | None:
        self.read.append("app_version")
        return self.version


def policy(**changes: object) -> bytes:
    """A policy's answer that allows what these tests ask for, but for what is changed."""
    plain: dict[str, object] = {
        "version": 1,
        "consent_since": {"usage": 1, "context": 1},
        "context": frozenset({"os", "app_version"}),
        **changes,
    }
    return encode_policy(Policy(**plain))  # type: ignore[arg-type]  # a test names the fields it changes


MakeClient = Callable[..., Headcount]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def network() -> MemoryTransport:
    return MemoryTransport()


@pytest.fixture
def facts() -> CountingFacts:
    return CountingFacts()


@pytest.fixture
def make(tmp_path: Path, clock: ManualClock, network: MemoryTransport, facts: CountingFacts) -> Iterator[MakeClient]:
    made: list[Headcount] = []

    def client(**changes: Any) -> Headcount:
        settings: dict[str, Any] = {
            "directory": tmp_path / "state",
            "clock": clock,
            "transport": network,
            "facts": facts,
            "utc_offset": lambda _: 0.0,
            "draw": random.Random(1),
        }
        catalog, start = changes.pop("catalog", CATALOG), changes.pop("start", True)
        host = changes.pop("host", "https://edge.example")
        key = changes.pop("app_key", "hc_live_" + "k" * 43)
        found = Headcount(key, host, catalog, **{**settings, **changes})
        if start:
            found.start(thread=False)
        made.append(found)
        return found

    yield client
    for client_made in made:
        client_made.shutdown()


FULL_TEXT = (
    CATALOG_TEXT
    + """\
[measures."screen.viewed"]
code = 5
kind = "screen"
purpose = "usage"
description = "A screen."
owner = "p@x.example"
cap = 50
journeys = true
label = { key = "screen", values = ["home", "lobby", "meeting"] }
[measures."meeting.setup"]
code = 6
kind = "funnel"
purpose = "usage"
description = "Into a meeting."
owner = "p@x.example"
steps = ["screen.viewed=lobby", "meeting.joined", "share.used"]
window_minutes = 30
[measures."session"]
code = 7
kind = "session"
purpose = "usage"
description = "Sessions."
owner = "p@x.example"
cap = 20
[measures."session.end"]
code = 8
kind = "crash_free"
purpose = "diagnostics"
description = "Ends."
owner = "p@x.example"
cap = 20
[measures."problem.reported"]
code = 9
kind = "problem"
purpose = "diagnostics"
description = "Problems."
owner = "p@x.example"
cap = 3
label = { key = "category", values = ["audio", "video"] }
[measures."rooms"]
code = 10
kind = "quantity"
purpose = "usage"
description = "Rooms."
owner = "p@x.example"
cap = 1000
unit = "rooms"
"""
)
FULL: Catalog = parse_catalog(FULL_TEXT)
"""Every kind of measure; sessions are for one purpose, how they end for another."""
MakeFull = Callable[..., Headcount]


@pytest.fixture
def full(make: MakeClient) -> MakeFull:
    """A client of the full catalog, granted what it is told to grant."""

    def client(*granted: str, **changes: Any) -> Headcount:
        found = make(**{"catalog": FULL, **changes})
        if granted:
            found.consent.grant(*granted)
        return found

    return client


def sums(network: MemoryTransport) -> dict[tuple[int, int, int, int, int], int]:
    """Everything that was reported, added up by day, measure, label, fact and slot."""
    found: dict[tuple[int, int, int, int, int], int] = {}
    for report in network.reports:
        for day in report.days:
            for tally in day.tallies:
                key = (day.day, tally.measure, tally.label, int(tally.fact), tally.slot)
                found[key] = found.get(key, 0) + tally.n
    return found
