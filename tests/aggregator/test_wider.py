"""A hidden number leads to the longer time that shows it, and to nothing where none does."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from headcount_aggregator.web import access
from headcount_aggregator.web.app import create_app
from headcount_aggregator.web.dashboard.languages import wording_of
from headcount_aggregator.web.dashboard.pages import PAGES
from headcount_aggregator.web.dashboard.span import read_span
from headcount_aggregator.web.dashboard.view import View

from tests.aggregator.made_up_releases import TOKENS, MadeUpReleases, write_organisation
from tests.aggregator.product_world import NoisyProduct, World, write_product

Client = TestClient[web.Request, web.Application]
Cells = list[dict[str, Any]]
BASE = "/c/acme/meet"
STATES = [
    *PAGES,
    "overview?by=week",
    "overview?range=month",
    "overview?range=90&by=week&compare=before",
    "overview?from=2026-09-10&to=2026-10-20",
    "retention?by=day&range=28",
    "explore?measure=screen_share.used&range=90",
    "explore?measure=meeting.join_time&cut=app_version",
    "explore?measure=active&cut=time_zone&range=week",
    "engagement?range=week",
]


@dataclass(frozen=True)
class Hidden:
    """A hidden cell as a reader meets it, and where it leads."""

    row: str
    figure: str
    href: str


@pytest.fixture(scope="module")
def small() -> MadeUpReleases:
    """So few people that many days, and some weeks, are hidden."""
    return MadeUpReleases(count=260, length=100)


@pytest.fixture(scope="module")
def noisy() -> NoisyProduct:
    return NoisyProduct(World(count=420, length=110))


@pytest.fixture
async def client(tmp_path: Path, small: MadeUpReleases) -> AsyncIterator[Client]:
    async with asking(create_app(write_organisation(tmp_path), small)) as found:
        yield found


def asking(app: web.Application) -> Client:
    return TestClient(TestServer(app), headers={"Authorization": f"Bearer {TOKENS['own']}"})


async def test_a_hidden_number_leads_to_where_it_is_shown(client: Client) -> None:
    """On every page: whatever hidden cell has a link, the figure it leads to shows a number that holds its day."""
    assert await followed(client) > 50


async def test_it_leads_there_under_noise_too(tmp_path: Path, noisy: NoisyProduct) -> None:
    """The same where noise hides."""
    async with asking(create_app(write_product(tmp_path, rule="dp"), noisy)) as client:
        assert await followed(client) > 20


async def test_a_number_that_nothing_shows_leads_nowhere(client: Client) -> None:
    """Where no longer time shows a figure's hidden numbers, there is no link, and a sentence that says so."""
    lost = 0
    for state in STATES:
        text = await (await client.get(f"{BASE}/{state}")).text()
        for figure in text.split("<figure")[1:]:
            if re.search(r"numbers? (is|are) hidden:|numbers? of these days (is|are) hidden:", figure):
                leads = "see it" in figure.lower()
                assert leads != ("Longer periods hide it too, or are not sealed yet." in figure), state
                lost += not leads
    assert lost


@pytest.mark.parametrize("rule", ["threshold", "dp"])
async def test_a_figure_that_is_looked_for_alone_is_the_pages_own(
    rule: str, tmp_path: Path, small: MadeUpReleases, noisy: NoisyProduct
) -> None:
    """What a longer time is tried with, one figure without its page, is what its page will show, but for its marks."""
    released = noisy if rule == "dp" else small
    tenancy = write_product(tmp_path, rule="dp") if rule == "dp" else write_organisation(tmp_path)
    reader = access.reader_of_token(TOKENS["own"], tenancy.organisation)
    assert reader is not None
    subject = access.subject_of(tenancy.organisation, access.sight_of(reader, tenancy.organisation))
    assert subject is not None
    freshness = await released.freshness(*subject.codes)
    seen = 0
    for state in STATES:
        name, _, text = state.partition("?")
        kind, query = PAGES[name], dict(parse_qsl(text))
        span = read_span(query, freshness, kind.preset, kind.by)
        view = View(subject, released, freshness, span, wording_of("en"), name, query)
        for figure in [figure for section in (await kind.build(view)).sections for figure in section.figures]:
            alone = (await kind.build(replace(view, asked=frozenset({figure.key})))).figure(figure.key)
            assert alone is not None, (state, figure.key)
            assert replace(alone, markers=figure.markers) == figure
            seen += 1
    assert seen > 30


async def followed(client: Client) -> int:
    """Follow each link of a hidden cell on every page; how many there were."""
    count = 0
    for state in STATES:
        page, _, query = state.partition("?")
        for found in hidden_in(await (await client.get(f"{BASE}/{state}")).text()):
            count += 1
            own = await cells_of(client, f"{BASE}/{page}", found.figure, query)
            (row,) = {cell["row"] for cell in own if cell["name"] == found.row}
            address = urlsplit(found.href)
            assert address.fragment == f"{found.figure}-title"
            there = await cells_of(client, address.path, found.figure, address.query)
            assert any(cell["value"] is not None for cell in there if holds(there, cell["row"], row)), (state, found)
    return count


async def cells_of(client: Client, path: str, figure: str, query: str) -> Cells:
    body: dict[str, Cells] = await (await client.get(f"{path}/{figure}.json?{query}")).json()
    return body["cells"]


def holds(cells: Cells, longer: str, row: str) -> bool:
    """Whether a row is the time that another one lies in: the last that begins no later; or, no time, the same."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", row):
        return longer == row
    return longer == max((cell["row"] for cell in cells if cell["row"] <= row), default="")


def hidden_in(text: str) -> list[Hidden]:
    """The linked hidden cells of a page's tables."""
    found: list[Hidden] = []
    for figure in text.split("<figure")[1:]:
        key = re.findall(r'aria-labelledby="([^"]+)-title"', figure)[0]
        for row in figure.split('<th scope="row">')[1:]:
            words = row.split("</tr>")[0]
            name = html.unescape(re.sub(r"<[^>]+>", "", re.split("</th>| <small>", words)[0]))
            links = re.findall(r'hidden-words">[^<]+</span> <a href="([^"]+)"', words)
            found += [Hidden(name, key, html.unescape(href)) for href in links]
    return found
