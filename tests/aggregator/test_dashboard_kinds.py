"""The kinds beyond counters and flags on the Explore page, over a small world with known numbers."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from headcount_aggregator.cells import Cell
from headcount_aggregator.debug_counts import DebugCounts
from headcount_aggregator.periods import PeriodKind, period_of
from headcount_aggregator.release.block import Block
from headcount_aggregator.release.counts import blocks_of_day
from headcount_aggregator.release.day_sums import DaySums
from headcount_aggregator.release.period_numbers import Statistics
from headcount_aggregator.release.threshold import Threshold
from headcount_aggregator.released import Freshness, Number, Question, ReleaseHeader
from headcount_aggregator.web.app import create_app
from headcount_wire import buckets, days
from headcount_wire.catalog_file import parse_catalog
from headcount_wire.facts import Fact, First

from tests.aggregator.made_up_releases import CATALOG, TOKENS, K, asked, write_organisation

Client = TestClient[web.Request, web.Application]
FIRST = days.parse("2026-11-02")  # a Monday
LAST = FIRST + 13
CRASHES_FROM = FIRST + 7
"""In the first week five devices crash, too few to tell; in the second twenty-five do."""

KINDS = """
[measures."screen.viewed"]
code = 11
kind = "screen"
purpose = "usage"
description = "A screen was shown."
owner = "a@b.example"
cap = 500
label = { key = "screen", values = ["home", "lobby"] }
[measures."session"]
code = 12
kind = "session"
purpose = "usage"
description = "The app was in use."
owner = "a@b.example"
cap = 50
breakdowns = ["os"]
[measures."session.end"]
code = 13
kind = "crash_free"
purpose = "usage"
description = "How a session ended."
owner = "a@b.example"
cap = 50
[measures."problem"]
code = 14
kind = "problem"
purpose = "usage"
description = "A problem was reported."
owner = "a@b.example"
cap = 9
label = { key = "category", values = ["sound", "picture"] }
[measures."everyday"]
code = 16
kind = "flag"
purpose = "usage"
description = "What nearly everybody does."
owner = "a@b.example"
breakdowns = ["os"]
[measures."rooms.open"]
code = 17
kind = "quantity"
purpose = "usage"
description = "Rooms that are open."
owner = "a@b.example"
cap = 1000
unit = "rooms"
things = true
[measures."meeting.setup"]
code = 15
kind = "funnel"
purpose = "usage"
description = "From the lobby into a meeting."
owner = "a@b.example"
steps = ["screen.viewed=lobby", "meeting.joined"]
window_minutes = 30
"""
OS = 8


def cells_of(day: int) -> list[Cell]:
    """A hundred active devices: sixty see home twice, thirty the lobby; eighty have two sessions; fifty a problem."""
    found: list[Cell] = []

    def add(measure: int, label: int, fact: Fact, slot: int, n: int, code: int = 0, value: str = "") -> None:
        found.append(Cell(0, 5, 11, 3, day, 0, measure, label, int(fact), slot, code, value, "", n))

    add(1, 0, Fact.GAP, 31 if day == FIRST else 1, 100)
    if day in (FIRST, CRASHES_FROM):
        add(1, 0, Fact.FIRST, First.WEEK, 100)
    for label, devices, times in ((2, 60, 120), (3, 30, 30)):
        add(11, label, Fact.DEVICES, 0, devices)
        add(11, label, Fact.COUNT, 0, times)
    add(11, 0, Fact.DEVICES, 0, 70)
    for code, value, devices in ((0, "", 80), (OS, "ios", 40), (OS, "android", 40)):
        add(12, 0, Fact.DEVICES, 0, devices, code, value)
        for seconds in (90, 1800) if value == "android" else (60, 600) if value == "ios" else ():
            add(12, 0, Fact.BUCKET, buckets.bucket_of(seconds), devices, code, value)
    for seconds in (60, 90, 600, 1800):
        add(12, 0, Fact.BUCKET, buckets.bucket_of(seconds), 40)
    crashed = 25 if day >= CRASHES_FROM else 5
    add(13, 0, Fact.DEVICES, 0, 80)
    for label, devices, times in ((2, 80, 160 - crashed), (3, crashed, crashed)):
        add(13, label, Fact.DEVICES, 0, devices)
        add(13, label, Fact.COUNT, 0, times)
    for code, value, devices in ((0, "", 95), (OS, "ios", 50), (OS, "android", 45)):
        add(16, 0, Fact.DEVICES, 0, devices, code, value)
    add(17, 0, Fact.DEVICES, 0, 1)
    add(17, 0, Fact.VALUE, 0, 7)
    add(14, 0, Fact.DEVICES, 0, 50)
    for label, devices in ((2, 28), (3, 22)):
        add(14, label, Fact.DEVICES, 0, devices)
        add(14, label, Fact.COUNT, 0, devices)
    return found


class Cells:
    """The small world's sums by day."""

    def day(self, day: int) -> DaySums:
        return DaySums(cells_of(day) if FIRST <= day <= LAST else ())

    def span(self, first: int, last: int) -> DaySums:
        rows = [replaced for day in range(max(first, FIRST), min(last, LAST) + 1) for replaced in cells_of(day)]
        return DaySums(row for row in rows if row.fact == Fact.FIRST)

    def late(self, first: int, last: int) -> Mapping[int, DaySums]:
        return {}

    def steps(self, day: int) -> DaySums:
        return DaySums()


class SmallReleases:
    """What the real statistics and the real rule release of it."""

    def __init__(self) -> None:
        statistics = Statistics(parse_catalog(CATALOG + KINDS), FIRST, Cells(), Threshold(K))
        self._numbers: list[Number] = []
        blocks: list[Block] = []
        for day in range(FIRST, LAST + 1):
            numbers = list(statistics.of_day(day))
            blocks += blocks_of_day(numbers)
            self._numbers += numbers
        for first in (FIRST, CRASHES_FROM):
            week = period_of(PeriodKind.WEEK, first)
            self._numbers += statistics.of_span(week, [b for b in blocks if week.first <= b.days[0] <= week.last])[0]

    async def numbers(self, question: Question) -> Sequence[Number]:
        return [number for number in self._numbers if asked(number, question)]

    async def provisional(self, customer: int, app: int) -> Sequence[Number]:
        return []

    async def debug(self, customer: int, app: int) -> DebugCounts:
        return DebugCounts()

    async def releases(self, customer: int, app: int, first: int, last: int) -> Sequence[ReleaseHeader]:
        return []

    async def freshness(self, customer: int, app: int) -> Freshness:
        return Freshness(LAST, LAST + 4, FIRST)


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    tenancy = write_organisation(tmp_path)
    (tmp_path / "catalog.toml").write_text(CATALOG + KINDS)
    app = create_app(tenancy, SmallReleases())
    async with TestClient(TestServer(app), headers={"Authorization": f"Bearer {TOKENS['own']}"}) as found:
        yield found


async def page(client: Client, measure: str, more: str = "") -> str:
    answer = await client.get(f"/c/acme/meet/explore?measure={measure}{more}")
    assert answer.status == 200
    text = re.sub(r"<[^>]+>", " ", await answer.text())
    return re.sub(r"\s+", " ", html.unescape(text))


async def cells(client: Client, measure: str, figure: str, more: str = "") -> dict[tuple[str, str], Any]:
    answer = await client.get(f"/c/acme/meet/explore/{figure}.json?measure={measure}{more}")
    assert answer.status == 200
    return {(c["row"], c["series"]): c["value"] for c in (await answer.json())["cells"]}


async def test_screens_are_counted_by_screen(client: Client) -> None:
    """A screen measure shows how many were shown, and how often each."""
    text = await page(client, "screen.viewed")
    assert "How many screens" in text
    found = await cells(client, "screen.viewed", "screen.viewed-label")
    assert found == {("home", "value"): 14 * 120, ("lobby", "value"): 14 * 30}
    assert "Times, not people: 2" in text


async def test_sessions_have_a_number_and_a_length(client: Client) -> None:
    """A session measure shows how many there were, and their lengths in seconds and minutes, by system too."""
    text = await page(client, "session")
    assert "How many sessions" in text
    assert "2,240 sessions" in text  # 14 days of 160
    lengths = await cells(client, "session", "how-long")
    assert lengths[days.text(LAST), "p50"] == pytest.approx(90, rel=0.02)
    assert lengths[days.text(LAST), "p95"] == pytest.approx(1800, rel=0.02)
    by_os = await cells(client, "session", "session-os")
    assert by_os["android", "p95"] == pytest.approx(1800, rel=0.02)
    assert by_os["ios", "p50"] == pytest.approx(60, rel=0.02)
    assert "30 min" in text
    assert "under the second: 9" in text  # the newest whole week, named by its days


async def test_clean_sessions_are_a_share_of_those_whose_end_is_known(client: Client) -> None:
    """Clean / (clean + crashed) stands where both are shown; days with too few crashes say so and draw nothing."""
    share = await cells(client, "session.end", "clean")
    assert share[days.text(FIRST), "clean"] is None
    assert share[days.text(LAST), "clean"] == round(1000 * 135 / 160)
    ends = await cells(client, "session.end", "times")
    assert (ends[days.text(LAST), "clean"], ends[days.text(LAST), "crashed"]) == (135, 25)
    assert ends[days.text(FIRST), "undivided"] == 160
    text = await page(client, "session.end")
    assert "84.4% of sessions ended clean 945 clean, 175 crashed: 9" in text
    weeks = await cells(client, "session.end", "clean", "&by=week")
    assert weeks == {(days.text(FIRST), "clean"): None, (days.text(CRASHES_FROM), "clean"): 844}


async def test_problems_stand_by_category(client: Client) -> None:
    """A problem measure shows how many were reported, and by which category."""
    text = await page(client, "problem")
    assert "How many problems" in text
    assert "700 problems" in text
    assert await cells(client, "problem", "problem-label") == {
        ("sound", "value"): 14 * 28,
        ("picture", "value"): 14 * 22,
    }


async def test_what_is_hidden_is_not_drawn_and_has_its_true_reason(client: Client) -> None:
    """Where all is hidden a box stands in place of an empty axis; a cut of nearly everybody says that it is that."""
    answer = await client.get("/c/acme/meet/explore?measure=everyday")
    text = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", await answer.text())))
    assert 'class="chart"' not in await answer.text()
    assert "All 14 numbers of these days are hidden" in text
    assert f"All but fewer than {K} of the active people had it (Sun, 15 Nov 2026)" in text
    assert "longer range" not in text


async def test_a_quantity_is_a_number_a_day(client: Client) -> None:
    """A quantity of things stands exactly as the instances told it last, however small, and says its rule."""
    found = await cells(client, "rooms.open", "quantity")
    assert found[days.text(LAST), "quantity"] == 7
    assert len(found) == 14
    assert "Exact for things" in await page(client, "rooms.open")


async def test_a_funnel_has_a_page_of_its_own(client: Client) -> None:
    """Explore leads from a funnel to its steps; where no day shows them all, the page says so and draws nothing."""
    text = await page(client, "meeting.setup")
    assert "See its steps" in text
    answer = await client.get("/c/acme/meet/funnels?measure=meeting.setup")
    text = re.sub(r"<[^>]+>", " ", html.unescape(await answer.text()))
    assert "On none of these days are all steps shown" in text
    assert 'class="chart"' not in await answer.text()
