"""The API: named, bounded questions about released numbers; every refusal says what to do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from headcount_aggregator.web.api.openapi import ADDRESSES
from headcount_aggregator.web.api.problems import ApiProblem
from headcount_aggregator.web.app import create_app
from openapi_spec_validator import validate

from tests.aggregator.made_up_releases import TOKENS, K, MadeUpReleases, write_organisation

Client = TestClient[web.Request, web.Application]
API = "/api/v1"


@pytest.fixture(scope="module")
def released() -> MadeUpReleases:
    return MadeUpReleases(count=400, length=70)


@pytest.fixture
async def client(tmp_path: Path, released: MadeUpReleases) -> AsyncIterator[Client]:
    app = create_app(write_organisation(tmp_path), released)
    async with TestClient(TestServer(app), headers={"Authorization": f"Bearer {TOKENS['own']}"}) as found:
        yield found


async def test_the_document_is_valid_and_names_every_address(client: Client) -> None:
    """The OpenAPI 3.1 document validates, needs no token, and each address it names answers."""
    document = await (await client.get(f"{API}/openapi.json", headers={"Authorization": ""})).json()
    validate(document)
    assert set(document["paths"]) == {f"{API}/openapi.json", *ADDRESSES}
    for address in ADDRESSES:
        assert (await client.get(address)).status == 200
    assert set(document["components"]["schemas"]["NumberAnswer"]["required"]) >= {"state", "value", "why"}


async def test_a_reader_sees_its_customer(client: Client) -> None:
    """Own scope: its Customer with its apps. Other scopes: none, and why."""
    body = await (await client.get(f"{API}/customers")).json()
    assert [customer["name"] for customer in body["customers"]] == ["acme"]
    assert body["customers"][0]["apps"] == [{"name": "meet", "title": "Meet"}]
    for scope in ("partner", "product"):
        body = await (await client.get(f"{API}/customers", headers={"Authorization": f"Bearer {TOKENS[scope]}"})).json()
        assert body["customers"] == []
        assert "later release rule" in body["withheld"]


async def test_a_question_is_asked_by_name(client: Client) -> None:
    """Measure, label, breakdown, statistic and period narrow the answer; hidden numbers are counted and explained."""
    params = {"statistic": "count", "period": "day", "measure": "meeting.joined", "label": "link", "breakdown": "total"}
    body = await (await client.get(f"{API}/numbers", params=params)).json()
    assert {(n["measure"], n["label"], n["breakdown"]) for n in body["numbers"]} == {("meeting.joined", "link", "")}
    params = {"statistic": "people", "period": "rolling_28,day", "measure": "active", "breakdown": "os"}
    body = await (await client.get(f"{API}/numbers", params=params)).json()
    assert {n["period"] for n in body["numbers"]} == {"day", "rolling_28"}
    assert "other" in {n["value1"] for n in body["numbers"]}
    hidden = [n for n in body["numbers"] if n["value"] is None]
    assert body["hidden"] == len(hidden)
    assert all(f"{K}" in n["why"] for n in hidden)


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/numbers?statistic=everything", ApiProblem.PARAMETER),
        ("/numbers?period=decade", ApiProblem.PARAMETER),
        ("/numbers?measure=no", ApiProblem.PARAMETER),
        ("/numbers?label=link", ApiProblem.PARAMETER),
        ("/numbers?measure=meeting.joined&label=no", ApiProblem.PARAMETER),
        ("/numbers?breakdown=user", ApiProblem.PARAMETER),
        ("/numbers?sql=1", ApiProblem.PARAMETER),
        ("/numbers?from=yesterday", ApiProblem.SPAN),
        ("/numbers?from=2020-01-01&to=2024-01-01", ApiProblem.SPAN),
        ("/releases?from=2026-02-02&to=2026-02-01", ApiProblem.SPAN),
        ("/catalog?measure=active", ApiProblem.PARAMETER),
        ("/numbers?customer=rival", ApiProblem.NOT_VISIBLE),
        ("/numbers?customer=nobody", ApiProblem.NOT_VISIBLE),
        ("/numbers?app=other", ApiProblem.NOT_VISIBLE),
        ("/cells", ApiProblem.NOT_FOUND),
    ],
)
async def test_a_question_that_cannot_be_is_told_why(client: Client, path: str, problem: ApiProblem) -> None:
    """Each wrong question has its problem, with advice; nothing of the question is repeated."""
    answer = await client.get(API + path)
    body = await answer.json()
    assert answer.content_type == "application/problem+json"
    assert (answer.status, body["status"], body["type"]) == (problem.value.status, problem.value.status, problem.uri)
    assert problem.value.advice in body["detail"]


@pytest.mark.parametrize("name", ["catalog", "numbers", "provisional", "releases", "freshness"])
async def test_no_number_without_a_right_token(client: Client, name: str) -> None:
    """No token, a wrong one, one of another scope, or an app key: an error, and nothing else."""
    for token, problem in (
        ("", ApiProblem.TOKEN_MISSING),
        ("Bearer hc_read_wrong", ApiProblem.TOKEN_UNKNOWN),
        (f"Bearer {TOKENS['own'].replace('read', 'live')}", ApiProblem.TOKEN_UNKNOWN),
        (f"Bearer {TOKENS['partner']}", ApiProblem.WITHHELD),
        (f"Bearer {TOKENS['product']}", ApiProblem.WITHHELD),
    ):
        answer = await client.get(f"{API}/{name}", headers={"Authorization": token})
        assert (answer.status, (await answer.json())["type"]) == (problem.value.status, problem.uri)


async def test_released_numbers_are_only_read(client: Client) -> None:
    """Any other method is refused."""
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        answer = await client.request(method, f"{API}/numbers")
        assert answer.status == 405


async def test_an_answer_that_did_not_change_is_not_sent_again(client: Client) -> None:
    """The ETag names the bytes; the same question is a 304."""
    answer = await client.get(f"{API}/releases")
    again = await client.get(f"{API}/releases", headers={"If-None-Match": answer.headers["ETag"]})
    assert (answer.status, again.status) == (200, 304)
    other = await client.get(f"{API}/freshness", headers={"If-None-Match": answer.headers["ETag"]})
    assert other.status == 200


async def test_the_catalog_says_what_may_be_counted(client: Client) -> None:
    """Every measure with its labels and breakdowns, every purpose with its sentence."""
    body = await (await client.get(f"{API}/catalog")).json()
    joined = next(measure for measure in body["measures"] if measure["name"] == "meeting.joined")
    assert joined["labels"] == ["link", "calendar", "dial_in", "room"]
    assert joined["breakdowns"] == ["os", "language", "time_zone"]
    assert body["purposes"]["usage"]["en"]
