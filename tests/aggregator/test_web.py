"""The web process over a real store's sealed files: from chDB to the API's answer and the page."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from headcount_aggregator.sealed_reader import SealedReader
from headcount_aggregator.settings import StoreSettings
from headcount_aggregator.store import Store
from headcount_aggregator.web.app import Tenancy, create_app
from headcount_aggregator.web.dashboard.pages import PAGES
from headcount_wire import days
from headcount_wire.app_key import fingerprint, new_key
from headcount_wire.clock import ManualClock

from tests.aggregator.conftest import CUT_CATALOG, ORGANISATION, TODAY, Spooled, record_of, spool

TOKEN, PARTNER = new_key("read"), new_key("read")
READERS = f"""
[[readers]]
name = "pm"
fingerprint = "{fingerprint(TOKEN)}"
scope = "own"
customer = "acme"
[[readers]]
name = "partner"
fingerprint = "{fingerprint(PARTNER)}"
scope = "partner"
partner = "north"
"""
Client = TestClient[web.Request, web.Application]
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
async def client(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Client]:
    (tmp_path / "catalog.toml").write_text(CUT_CATALOG)
    (tmp_path / "organisation.toml").write_text(ORGANISATION + READERS)
    settings = StoreSettings(organisation=tmp_path / "organisation.toml", data=tmp_path / "data")
    settings.spool.mkdir(parents=True)
    draw, count = random.Random(1), Spooled()
    store = Store(settings, clock)
    for day in range(10):
        records = [(draw.randbytes(16), record_of(draw, day=TODAY + day)) for _ in range(25 + 5 * (day % 3))]
        spool(settings.spool, records, count=count)
        store.tick()
        clock.advance(86_400.0)
    store.tick()
    store.close()
    app = create_app(Tenancy(settings.organisation), SealedReader(settings.releases, clock))
    async with TestClient(TestServer(app)) as found:
        yield found


async def test_numbers_are_those_of_the_readers_customer(client: Client) -> None:
    """The API answers with names, the rule, and a reason beside every number that is hidden."""
    answer = await client.get("/api/v1/numbers", params={"statistic": "people", "period": "day"}, headers=BEARER)
    body = await answer.json()
    assert (body["customer"], body["rule"], body["k"]) == ("acme", "threshold", 20)
    totals = {n["first"]: n["value"] for n in body["numbers"] if n["measure"] == "active" and not n["breakdown"]}
    assert totals[days.text(TODAY)] == 25
    assert totals[days.text(TODAY + 2)] == 35
    hidden = [number for number in body["numbers"] if number["value"] is None]
    assert all("hidden" in number["why"] for number in hidden)


async def test_without_a_token_there_is_nothing(client: Client) -> None:
    """No token, a wrong one, or one of another scope: an error that says what to do, and no number."""
    for headers, status in (
        ({}, 401),
        ({"Authorization": "Bearer hc_read_wrong"}, 401),
        ({"Authorization": f"Bearer {PARTNER}"}, 403),
    ):
        answer = await client.get("/api/v1/numbers", headers=headers)
        assert answer.status == status
        assert answer.content_type == "application/problem+json"
    assert (await client.get("/")).status == 401


async def test_releases_show_their_chain(client: Client) -> None:
    """Every release is listed with its hash and the one before it."""
    rows = await (await client.get("/api/v1/releases", headers=BEARER)).json()
    assert len(rows) > 5
    assert [row["previous"] for row in rows[1:]] == [row["hash"] for row in rows[:-1]]


async def test_every_page_stands_on_sealed_files(client: Client) -> None:
    """Each page is built from what the store sealed, or says what to declare; the overview's figure is the API's."""
    for page in PAGES:
        answer = await client.get(f"/c/acme/meet/{page}", headers=BEARER)
        assert answer.status == 200
        text = await answer.text()
        assert "<b>Rule</b>" in text or "Declare" in text or page == "privacy"
    text = await (await client.get("/c/acme/meet/privacy", headers=BEARER)).text()
    assert "is unbroken" in text
    figure = await (await client.get("/c/acme/meet/overview/active.json", headers=BEARER)).json()
    people = {cell["row"]: cell["value"] for cell in figure["cells"] if cell["series"] == "day"}
    assert people[days.text(TODAY)] == 25
    assert people[days.text(TODAY + 2)] == 35
