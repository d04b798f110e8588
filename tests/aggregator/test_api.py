"""The API: named, bounded questions about released numbers; every refusal says what to do."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jsonschema_rs
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from headcount_aggregator.web.api.openapi import ADDRESSES, document, text
from headcount_aggregator.web.api.problems import ApiProblem
from headcount_aggregator.web.app import create_app
from headcount_aggregator.web.rates import Rates
from headcount_wire import days
from openapi_spec_validator import validate
from yarl import URL

from tests.aggregator.made_up_releases import TOKENS, K, MadeUpReleases, write_organisation

Client = TestClient[web.Request, web.Application]
API = "/api/v1"
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def released() -> MadeUpReleases:
    return MadeUpReleases(count=400, length=70)


@pytest.fixture
async def client(tmp_path: Path, released: MadeUpReleases) -> AsyncIterator[Client]:
    app = create_app(write_organisation(tmp_path), released)
    async with TestClient(TestServer(app), headers={"Authorization": f"Bearer {TOKENS['own']}"}) as found:
        yield found


def asked() -> list[str]:
    """Every address, with what it cannot do without."""
    needed = {f"{API}/sums": "?measure=meeting.joined&compare=weekdays"}
    return [f"{address}{needed.get(address, '')}" for address in ADDRESSES]


async def test_the_document_is_valid_and_names_every_address(client: Client) -> None:
    """The OpenAPI 3.1 document validates, needs no token, and each address it names answers."""
    document = await (await client.get(f"{API}/openapi.json", headers={"Authorization": ""})).json()
    validate(document)
    assert set(document["paths"]) == {f"{API}/openapi.json", *ADDRESSES}
    for address in asked():
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
        assert "at least 5 Customers" in body["withheld"]


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
        ("/numbers?limit=0", ApiProblem.PARAMETER),
        ("/numbers?limit=50001", ApiProblem.PARAMETER),
        ("/numbers?limit=ten", ApiProblem.PARAMETER),
        ("/releases?limit=-1", ApiProblem.PARAMETER),
        ("/releases?after=elsewhere", ApiProblem.PARAMETER),
        ("/numbers?after=elsewhere", ApiProblem.PARAMETER),
        ("/numbers?after=%ff", ApiProblem.PARAMETER),
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


async def pages(client: Client, name: str, params: dict[str, str]) -> list[Any]:
    """Every answer from the first to the last page, by the addresses that the answers link to."""
    found, link = [], f"{API}/{name}?{urlencode(params)}"
    while link:
        answer = await client.get(link)
        assert answer.status == 200
        found.append(await answer.json())
        link = URL(str(answer.links["next"]["url"])).path_qs if "next" in answer.links else ""
    return found


@pytest.mark.parametrize("limit", [1, 7, 500])
async def test_pages_hold_each_number_once_in_order(client: Client, limit: int) -> None:
    """However small the pages are, together they are the whole answer; the mark in the body is the link's."""
    params = {"statistic": "people,retention_week,count", "from": "2026-10-20", "to": "2026-10-30"}
    params |= {} if limit > 1 else {"measure": "active", "breakdown": "total"}
    (whole,) = await pages(client, "numbers", params)
    parts = await pages(client, "numbers", {**params, "limit": str(limit)})
    assert [number for part in parts for number in part["numbers"]] == whole["numbers"]
    assert {len(part["numbers"]) for part in parts[:-1]} <= {limit}
    assert [part["next"] is None for part in parts] == [*[False] * (len(parts) - 1), True]
    assert sum(part["hidden"] for part in parts) == whole["hidden"]
    places = [(n["period"], n["first"] if "retention" in n["statistic"] else n["last"]) for n in whole["numbers"]]
    assert places == sorted(places)


async def test_pages_of_releases_follow_the_chain(client: Client) -> None:
    """Each page of releases goes on where the one before it ended."""
    (whole,) = await pages(client, "releases", {})
    parts = await pages(client, "releases", {"limit": "10"})
    assert [release for part in parts for release in part] == whole


async def test_a_token_asks_so_much_in_a_minute(tmp_path: Path, released: MadeUpReleases) -> None:
    """Beyond its questions of a minute a token is told how long to wait; another token is not; then it goes on."""
    moment = [1000.0]
    app = create_app(write_organisation(tmp_path), released, rates=Rates(6, lambda: moment[0]))
    own, north = ({"Authorization": f"Bearer {TOKENS[name]}"} for name in ("own", "partner"))
    async with TestClient(TestServer(app)) as client:
        answers = [await client.get(f"{API}/freshness", headers=own) for _ in range(8)]
        assert [answer.status for answer in answers] == [200] * 6 + [429] * 2
        assert [answer.headers["RateLimit"] for answer in answers[:2]] == ['"reader";r=5;t=60', '"reader";r=4;t=60']
        assert answers[7].headers["RateLimit-Policy"] == '"reader";q=6;w=60'
        assert answers[7].headers["Retry-After"] == "10"
        assert (await answers[7].json())["type"] == ApiProblem.TOO_FAST.uri
        assert (await client.get(f"{API}/customers", headers=north)).status == 200
        assert (await client.get(f"{API}/freshness")).status == 401
        moment[0] += 10
        assert (await client.get(f"{API}/freshness", headers=own)).status == 200
        assert (await client.get(f"{API}/freshness", headers=own)).status == 429


async def test_every_answer_has_the_shape_the_document_says(client: Client) -> None:
    """Each address's answer, problems included, validates against its schema; the document is the one in docs/."""
    root = document()
    assert (ROOT / "docs/openapi-api.json").read_text("utf-8") == text()
    for address in (*asked(), f"{API}/numbers?limit=none", f"{API}/numbers?customer=nobody"):
        answer = await client.get(address)
        responses = root["paths"][address.partition("?")[0]]["get"]["responses"]
        content = responses[str(answer.status)]["content"][answer.content_type]["schema"]
        jsonschema_rs.validator_for({**content, "components": root["components"]}).validate(await answer.json())
    assert {str(problem.value.status) for problem in ApiProblem if problem is not ApiProblem.METHOD} < set(responses)


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


async def sums(client: Client, **params: str) -> dict[str, Any]:
    """The answer of /sums."""
    answer = await client.get(f"{API}/sums", params=params)
    assert answer.status == 200, await answer.text()
    return dict(await answer.json())


async def day_counts(client: Client, first: str, last: str, **params: str) -> list[dict[str, Any]]:
    """The released counts of the days, as /numbers tells them."""
    asked = {"statistic": "count", "period": "day", "from": first, "to": last, **params}
    return list((await (await client.get(f"{API}/numbers", params=asked)).json())["numbers"])


@pytest.mark.parametrize(
    ("first", "last"), [("2026-11-03", "2026-11-03"), ("2026-10-07", "2026-11-11"), ("2026-09-30", "2026-11-16")]
)
async def test_counts_add_up_over_any_range_of_sealed_days(client: Client, first: str, last: str) -> None:
    """A sum is that of the days' own released counts; hidden days are counted beside it, for each label and cut."""
    whole = await sums(client, measure="meeting.joined", **{"from": first, "to": last})
    for params in ({}, {"label": "all"}, {"breakdown": "os"}):
        body = await sums(client, measure="meeting.joined", **{"from": first, "to": last}, **params)
        asked = {"measure": "meeting.joined", "label": "whole", "breakdown": "total"} | params
        numbers = await day_counts(client, first, last, **{name: v for name, v in asked.items() if v != "all"})
        for part in body["parts"]:
            mine = [n for n in numbers if (n["label"], n["value1"]) == (part["label"], part["value1"])]
            shown = [n["value"] for n in mine if n["value"] is not None]
            assert part["value"] == (sum(shown) if shown else None)
            assert part["left_out"] == body["days"] - len(shown)
            assert part["verdict"] is None
    assert [part["label"] for part in whole["parts"]] == [""]


@pytest.mark.parametrize(("compare", "shift"), [("before", 10), ("weekdays", 14), ("year", 364)])
async def test_a_sum_is_compared_day_by_day(client: Client, compare: str, shift: int) -> None:
    """The earlier days are those the word says; the change is over the pairs of which both are shown."""
    span = {"from": "2026-11-02", "to": "2026-11-11"}
    body = await sums(client, measure="meeting.joined", compare=compare, **span)
    (part,) = body["parts"]
    moved = days.parse(span["from"]) - shift
    assert (body["earlier_first"], body["earlier_last"]) == (days.text(moved), days.text(moved + 9))
    now = await day_counts(client, *span.values(), measure="meeting.joined", label="whole", breakdown="total")
    then = await day_counts(
        client, body["earlier_first"], body["earlier_last"], measure="meeting.joined", label="whole", breakdown="total"
    )
    before = {days.parse(n["first"]) + shift: n["value"] for n in then}
    pairs = [(n["value"], before.get(days.parse(n["first"]))) for n in now]
    shown = [(a, b) for a, b in pairs if a is not None and b is not None]
    assert part["before"] == sum(b for _, b in shown)
    if part["verdict"] == "open":
        assert len(shown) < 7
    else:
        assert part["share"] == round(sum(a for a, _ in shown) / part["before"] - 1, 4)


async def test_only_sealed_counts_add_up(client: Client) -> None:
    """Days that are open, a measure that is not named, a comparison that is none: each is told why."""
    for params, word in (
        ({"measure": "meeting.joined", "to": "2026-11-18"}, "sealed"),
        ({}, "measure"),
        ({"measure": "meeting.joined", "compare": "luck"}, "compare"),
        ({"measure": "meeting.joined", "statistic": "people"}, "Known here"),
    ):
        answer = await client.get(f"{API}/sums", params=params)
        assert answer.status == 400
        assert word in (await answer.json())["detail"]


POOL = {
    "statistic": ["people", "count", "count,people", "none", "", ","],
    "period": ["day", "week,day", "year", "decade"],
    "measure": ["active", "meeting.joined", "no", "", "🙂", "a" * 300],
    "label": ["whole", "link", "other", "all", "nothing"],
    "breakdown": ["total", "os", "os x language", "all", "os x os", " x "],
    "from": [
        "2026-10-01",
        "2026-13-01",
        "0000-00-00",
        "9999-12-31",
        "",
        "\u0662\u0660\u0662\u0666-\u0661\u0660-\u0660\u0661",
    ],
    "to": ["2026-11-10", "2026-11-30", "1969-12-31", "tomorrow", "2026-02-30"],
    "limit": ["1", "50000", "0", "1e3", "\u0663", "999999999999999999999"],
    "after": ["", "AAAA", "=", "wAA", "%00", "k" * 5000],
    "compare": ["before", "weekdays", "year", "luck"],
    "customer": ["acme", "rival", ""],
    "app": ["meet", "none"],
    "token": ["x"],
}


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_is_asked_is_answered_as_the_document_says(client: Client, seed: int) -> None:
    """Right, wrong and absurd parameters in any mixture: a documented answer of its shape, and never a fault."""
    draw, root = random.Random(seed), document()
    seen = set[int]()
    for _ in range(60):
        address = draw.choice(list(ADDRESSES))
        names = draw.sample(list(POOL), draw.choice([0, 1, 2, 3, 5, 8]))
        answer = await client.get(address, params={name: draw.choice(POOL[name]) for name in names})
        responses = root["paths"][address]["get"]["responses"]
        assert answer.status in (200, 400, 404), (address, names)
        content = responses[str(answer.status)]["content"][answer.content_type]["schema"]
        jsonschema_rs.validator_for({**content, "components": root["components"]}).validate(await answer.json())
        seen.add(answer.status)
    assert seen >= {200, 400}
