"""The API and the page: released numbers for the reader they belong to, and nothing to anybody else."""

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
from headcount_aggregator.web.charts import Line, line_chart, nice_top
from headcount_wire import days
from headcount_wire.app_key import fingerprint, new_key
from headcount_wire.clock import ManualClock
from hypothesis import given
from hypothesis import strategies as st
from openapi_spec_validator import validate

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


@pytest.mark.parametrize(
    "params",
    [
        {"statistic": "everything"},
        {"from": "yesterday"},
        {"from": "2020-01-01", "to": "2024-01-01"},
        {"measure": "no"},
        {"sql": "1"},
    ],
)
async def test_a_question_that_cannot_be_is_told_why(client: Client, params: dict[str, str]) -> None:
    """A wrong question is a 400 with a sentence, never a guess."""
    answer = await client.get("/api/v1/numbers", params=params, headers=BEARER)
    assert answer.status == 400
    assert (await answer.json())["title"].endswith(".")


async def test_the_openapi_document_is_valid(client: Client) -> None:
    """The document that describes the API is valid OpenAPI 3.1 and names every path."""
    document = await (await client.get("/api/v1/openapi.json")).json()
    validate(document)
    assert set(document["paths"]) == {"/api/v1/numbers", "/api/v1/releases"}


async def test_releases_show_their_chain(client: Client) -> None:
    """Every release is listed with its hash and the one before it."""
    rows = await (await client.get("/api/v1/releases", headers=BEARER)).json()
    assert len(rows) > 5
    assert [row["previous"] for row in rows[1:]] == [row["hash"] for row in rows[:-1]]


async def test_the_page_says_its_rule_and_carries_no_script(client: Client) -> None:
    """The page is one document under a strict policy; every chart has its table and its rule."""
    signed_in = await client.get("/", params={"token": TOKEN}, allow_redirects=False)
    assert (signed_in.status, signed_in.headers["Location"]) == (303, "/")
    cookie = signed_in.cookies["headcount"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Strict"
    answer = await client.get("/", headers=BEARER)
    html = await answer.text()
    assert "<script" not in html
    assert "style=" not in html
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert html.count("Rule:") >= 4
    assert html.count("<svg viewBox") >= 2
    assert html.count("<details>") == 2
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert len(html) < 60_000
    again = await client.get("/", headers={**BEARER, "If-None-Match": answer.headers["ETag"]})
    assert again.status == 304


@given(st.lists(st.none() | st.integers(0, 10**9), min_size=1, max_size=90))
def test_a_chart_stays_in_its_box(values: list[int | None]) -> None:
    """Whatever the values, every point lies inside the chart, and every hidden day has its tick."""
    svg = line_chart("Test", [str(n) for n in range(len(values))], [Line("s0", "x", values)], len(values))
    assert "nan" not in svg
    assert "inf" not in svg
    assert svg.count('class="hidden"') == sum(value is None for value in values)
    for points in svg.split('points="')[1:]:
        for pair in points.split('"')[0].split():
            x, y = map(float, pair.split(","))
            assert 0 <= x <= 760
            assert 0 <= y <= 240


@given(st.integers(1, 10**12))
def test_axes_end_at_round_numbers(largest: int) -> None:
    """An axis ends at 1, 2 or 5 times a power of ten, not far above the largest value."""
    assert largest <= nice_top(largest) <= max(1, largest * 5 // 2)
