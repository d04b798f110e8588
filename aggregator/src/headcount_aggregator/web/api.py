"""The query API: the same released numbers as the dashboard, as JSON, with an OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import msgspec
import orjson
from aiohttp import web
from headcount_wire import days
from headcount_wire.organisation import App, Customer, Organisation

from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.released import Number, Question, ReleasedReader, ReleaseHeader, Statistic
from headcount_aggregator.web.access import customer_of, reader_of

SPAN_DAYS = 400
NUMBERS = 50_000


class NumberAnswer(msgspec.Struct, frozen=True):
    """One released number; ``value`` is null where ``state`` says it is hidden, and ``why`` says why."""

    statistic: Statistic
    period: PeriodKind
    first: str
    last: str
    measure: str
    label: str
    breakdown: str
    value1: str
    value2: str
    slot: int
    state: str
    why: str
    value: int | None
    rounding: int
    members: int
    left_out: int
    provisional: bool


class NumbersAnswer(msgspec.Struct, frozen=True):
    """Released numbers, with the rule they were released by."""

    customer: str
    app: str
    rule: str
    k: int
    sealed_through: str | None
    numbers: list[NumberAnswer]


def add_routes(app: web.Application, organisation: Callable[[], Organisation], released: ReleasedReader) -> None:
    """Add the API to an application."""

    async def numbers(request: web.Request) -> web.Response:
        found = _customer(request, organisation())
        if isinstance(found, web.Response):
            return found
        customer, its_app = found
        fresh = await released.freshness(customer.code, its_app.code)
        question = _question(request, customer, its_app, fresh.sealed_through or fresh.today)
        if isinstance(question, str):
            return problem(400, question)
        rows = await released.numbers(question)
        if len(rows) > NUMBERS:
            return problem(400, f"More than {NUMBERS:,} numbers: ask for fewer days, one measure or one statistic.")
        through = None if fresh.sealed_through is None else days.text(fresh.sealed_through)
        answers = [_number(row, its_app, customer.k) for row in rows]
        body = NumbersAnswer(customer.name, its_app.name, "threshold", customer.k, through, answers)
        return _json(msgspec.to_builtins(body))

    async def releases(request: web.Request) -> web.Response:
        found = _customer(request, organisation())
        if isinstance(found, web.Response):
            return found
        customer, its_app = found
        rows = await released.releases(customer.code, its_app.code, 0, 65_000)
        return _json([_release(row) for row in rows])

    async def openapi(_: web.Request) -> web.Response:
        return _json(document())

    app.router.add_get("/api/v1/numbers", numbers)
    app.router.add_get("/api/v1/releases", releases)
    app.router.add_get("/api/v1/openapi.json", openapi)


def problem(status: int, title: str) -> web.Response:
    """An error that says what to do."""
    body = orjson.dumps({"type": "about:blank", "title": title, "status": status})
    return web.Response(status=status, body=body, content_type="application/problem+json")


def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document, its schemas generated from the answer types."""
    _, schemas = msgspec.json.schema_components([NumbersAnswer], ref_template="#/components/schemas/{name}")
    text = {"type": "string"}
    parameters = [
        {"name": "statistic", "in": "query", "schema": {"type": "string", "enum": [s.value for s in Statistic]}},
        {"name": "period", "in": "query", "schema": {"type": "string", "enum": [p.value for p in PeriodKind]}},
        {"name": "measure", "in": "query", "schema": text, "description": "A measure's name."},
        {"name": "from", "in": "query", "schema": {"type": "string", "format": "date"}},
        {"name": "to", "in": "query", "schema": {"type": "string", "format": "date"}},
    ]
    answer = {"application/json": {"schema": {"$ref": "#/components/schemas/NumbersAnswer"}}}
    refused = {
        "description": "What is wrong, and what to do.",
        "content": {"application/problem+json": {"schema": {"type": "object"}}},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Headcount", "version": "1", "description": "Released numbers, and nothing else."},
        "components": {"schemas": schemas, "securitySchemes": {"reader": {"type": "http", "scheme": "bearer"}}},
        "security": [{"reader": []}],
        "paths": {
            "/api/v1/numbers": {
                "get": {
                    "summary": "Released numbers of the reader's Customer.",
                    "parameters": parameters,
                    "responses": {
                        "200": {"description": "The numbers.", "content": answer},
                        "400": refused,
                        "401": refused,
                    },
                }
            },
            "/api/v1/releases": {
                "get": {
                    "summary": "Every sealed release, with its hash and the one before it.",
                    "responses": {
                        "200": {
                            "description": "The releases.",
                            "content": {"application/json": {"schema": {"type": "array"}}},
                        },
                        "401": refused,
                    },
                }
            },
        },
    }


def _customer(request: web.Request, organisation: Organisation) -> tuple[Customer, App] | web.Response:
    reader = reader_of(request, organisation)
    if reader is None:
        return problem(401, "Send a reader's token: Authorization: Bearer hc_read_...")
    customer = customer_of(reader)
    if customer is None:
        return problem(403, "Numbers across Customers need a release rule of their own, which is not built yet.")
    (app, *_) = organisation.apps.values()
    return customer, app


def _question(request: web.Request, customer: Customer, app: App, newest: int) -> Question | str:
    query = request.query
    unknown = set(query) - {"statistic", "period", "measure", "from", "to"}
    if unknown:
        return "Ask by statistic, period, measure, from and to; nothing else is known."
    try:
        statistics = (Statistic(query["statistic"]),) if "statistic" in query else tuple(Statistic)
        periods = (PeriodKind(query["period"]),) if "period" in query else tuple(PeriodKind)
        last = days.parse(query["to"]) if "to" in query else newest
        first = days.parse(query["from"]) if "from" in query else last - 27
    except ValueError:
        return "statistic and period are of the documented lists; from and to are written YYYY-MM-DD."
    if not 0 <= last - first < SPAN_DAYS:
        return f"from must not be after to, nor more than {SPAN_DAYS} days before it."
    measure = app.catalog.measures.get(query["measure"]) if "measure" in query else None
    if "measure" in query and measure is None:
        return "measure must be a name of the app's catalog."
    return Question(customer.code, app.code, statistics, periods, first, last, measure.code if measure else None)


def _number(number: Number, app: App, k: int) -> NumberAnswer:
    measure = app.catalog.by_code.get(number.measure)
    label = measure.label.value_of(number.label) if measure and measure.label and number.label else None
    cuts = {b.code: b.name for b in measure.breakdowns} if measure else {}
    plain = asdict(number)
    plain |= {
        "first": days.text(number.first),
        "last": days.text(number.last),
        "measure": measure.name if measure else str(number.measure),
        "label": label or "",
        "breakdown": cuts.get(number.breakdown, ""),
        "state": number.state.value,
        "why": number.state.sentence.format(k=k),
    }
    return NumberAnswer(**plain)


def _release(header: ReleaseHeader) -> dict[str, Any]:
    plain = asdict(header)
    return plain | {name: days.text(plain[name]) for name in ("first", "last", "sealed_on")}


def _json(plain: object) -> web.Response:
    response = web.Response(body=orjson.dumps(plain), content_type="application/json")
    response.enable_compression()
    return response
