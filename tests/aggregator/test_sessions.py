"""Who signs in, who stays signed in, and whose request ends a session."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from headcount_aggregator.web.app import create_app
from headcount_aggregator.web.rates import Rates

from tests.aggregator.made_up_releases import TOKENS, MadeUpReleases, write_organisation

Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    app = create_app(write_organisation(tmp_path), MadeUpReleases(count=60, length=8), https=True)
    async with TestClient(TestServer(app)) as found:
        yield found


@pytest.mark.parametrize("token", ["", "x", "hc_read_" + "k" * 43, "x" * 5_000, "a\r\nSet-Cookie: x=y", "\0", "é"])
async def test_a_link_that_is_wrong_signs_nobody_in_or_out(client: Client, token: str) -> None:
    """A token nobody has sets no cookie; who was signed in stays so."""
    answer = await client.get("/", params={"token": token}, allow_redirects=False)
    assert "Set-Cookie" not in answer.headers
    assert (await client.get("/")).status == 401
    session = {"Cookie": f"headcount={TOKENS['own']}"}
    answer = await client.get("/", params={"token": "wrong"}, headers=session, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/")
    assert "Set-Cookie" not in answer.headers


async def test_a_known_link_signs_in_over_tls_only(client: Client) -> None:
    """A reader's token becomes a cookie; where the site is reached over TLS, one for TLS alone."""
    answer = await client.get("/", params={"token": TOKENS["own"]}, allow_redirects=False)
    assert answer.cookies["headcount"].value == TOKENS["own"]
    assert answer.cookies["headcount"]["secure"]


async def test_a_link_to_a_page_signs_in_and_leads_there(client: Client) -> None:
    """A page's address may bring the token: it leaves the address, and the rest of it stays."""
    page, state = "/c/acme/meet/explore", {"measure": "active", "range": "90"}
    answer = await client.get(page, params={**state, "token": TOKENS["own"]}, allow_redirects=False)
    assert answer.cookies["headcount"].value == TOKENS["own"]
    assert (answer.status, answer.headers["Location"]) == (303, f"{page}?measure=active&range=90")
    answer = await client.get(page, params={"token": "wrong", **state}, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, f"{page}?measure=active&range=90")
    assert "Set-Cookie" not in answer.headers


async def test_a_link_from_another_site_is_tried_again_from_here(client: Client) -> None:
    """Without its cookie, which a browser then keeps back, it is led once to the same address; from here it is 401."""
    page = "/c/acme/meet/overview?range=90"
    for path in ("/", page):
        answer = await client.get(path, headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status == 200
        assert f'content="0; url={path}"' in await answer.text()
        assert "Set-Cookie" not in answer.headers
        for site in ("same-origin", "none"):
            assert (await client.get(path, headers={"Sec-Fetch-Site": site})).status == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 303),
        ({"Origin": "http://{host}"}, 303),
        ({}, 303),
    ],
)
async def test_only_our_own_page_signs_out(client: Client, headers: dict[str, str], status: int) -> None:
    """What another site's page sends ends no session; the dashboard's own button does."""
    sent = {name: value.format(host=f"{client.host}:{client.port}") for name, value in headers.items()}
    answer = await client.post("/sign-out", headers=sent, allow_redirects=False)
    assert answer.status == status
    assert ("Set-Cookie" in answer.headers) is (status == 303)


@pytest.mark.parametrize("header", [b"Authorization: Bearer \xff\xfe", b"Cookie: headcount=\xff\xfe"])
async def test_bytes_that_are_no_token_are_an_unknown_token(client: Client, header: bytes) -> None:
    """A token of any bytes is answered 401, at the API as on the dashboard."""
    for path in (b"/api/v1/customers", b"/"):
        reader, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n" + header + b"\r\nConnection: close\r\n\r\n")
        assert b" 401 " in await reader.readline()
        writer.close()
        await writer.wait_closed()


async def test_a_reader_s_pages_have_a_rate(tmp_path: Path) -> None:
    """Beyond its pages and files of a minute a reader is asked for a moment; others are not, and later it goes on."""
    moment = [1000.0]
    app = create_app(
        write_organisation(tmp_path), MadeUpReleases(count=60, length=8), pages=Rates(6, lambda: moment[0])
    )
    page, own = "/c/acme/meet/overview", {"Authorization": f"Bearer {TOKENS['own']}", "Accept-Language": "de"}
    async with TestClient(TestServer(app)) as client:
        for path in (page, f"{page}/active.csv") * 3:
            assert (await client.get(path, headers=own)).status == 200
        answer = await client.get(f"{page}?range=90", headers=own)
        assert (answer.status, answer.headers["Retry-After"]) == (429, "10")
        text = await answer.text()
        assert "Einen Moment, bitte" in text
        assert f'href="{page}?range=90"' in text
        assert (await client.get(f"{page}/active.csv", headers=own)).status == 429
        assert (await client.get("/api/v1/freshness", headers=own)).status == 200
        assert (await client.get(page, headers={"Authorization": f"Bearer {TOKENS['partner']}"})).status == 404
        moment[0] += 10
        assert (await client.get(page, headers=own)).status == 200
