"""The OpenAPI 3.1 document, made from the types of ``shapes`` and the parameters of ``questions``."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.released import State, Statistic
from headcount_aggregator.web.api import paging, questions, shapes
from headcount_aggregator.web.api.problems import ApiProblem

Plain = dict[str, Any]

ADDRESSES: dict[str, tuple[Any, str, tuple[str, ...]]] = {
    "/api/v1/customers": (shapes.CustomersAnswer, "What this token sees.", ()),
    "/api/v1/catalog": (shapes.CatalogAnswer, "What may be counted.", questions.SUBJECT),
    "/api/v1/numbers": (
        shapes.NumbersAnswer,
        "Released numbers, page by page.",
        (*questions.NUMBERS, *questions.PAGE, *questions.SUBJECT),
    ),
    "/api/v1/sums": (
        shapes.SumsAnswer,
        "How often over any range of whole sealed days, and whether it changed.",
        (*questions.SUMS, *questions.SPAN, *questions.SUBJECT),
    ),
    "/api/v1/provisional": (shapes.NumbersAnswer, "Open days so far, rounded down to tens.", questions.SUBJECT),
    "/api/v1/releases": (
        list[shapes.ReleaseAnswer],
        "Sealed releases, each with its hash and the one before it.",
        (*questions.SPAN, *questions.PAGE, *questions.SUBJECT),
    ),
    "/api/v1/notes": (list[shapes.NoteAnswer], "What happened on which day, as the team noted it.", questions.SUBJECT),
    "/api/v1/views": (list[shapes.ViewAnswer], "Saved views.", questions.SUBJECT),
    "/api/v1/freshness": (shapes.FreshnessAnswer, "How far the releases have come.", questions.SUBJECT),
}
"""Every address that needs a token: the shape of its answer, its sentence, its parameters."""

_TEXT: Plain = {"type": "string"}
_RATES: Plain = {
    "RateLimit-Policy": {
        "schema": _TEXT,
        "description": "How many questions (q) a token may ask in so many seconds (w).",
    },
    "RateLimit": {"schema": _TEXT, "description": "How many it may still ask (r), and for how long that is said (t)."},
}
_DAY: Plain = {"type": "string", "format": "date"}
_PARAMETERS: dict[str, tuple[Plain, str]] = {
    "statistic": (_TEXT, f"One or more, joined by commas, of: {', '.join(Statistic)}. All when it is not given."),
    "period": (_TEXT, f"One or more, joined by commas, of: {', '.join(PeriodKind)}. All when it is not given."),
    "measure": (_TEXT, "A measure's name; every measure when it is not given."),
    "label": (_TEXT, "A declared value, 'other', or 'whole' for the measure as a whole."),
    "breakdown": (_TEXT, "'total', or as the catalog writes it: 'os', 'os x app_version'."),
    "from": (_DAY, "The first day; 27 days before 'to' when it is not given."),
    "to": (_DAY, f"The last day, included. At most {questions.SPAN_DAYS} days at a time."),
    "compare": (
        {"type": "string", "enum": ["before", "weekdays", "year"]},
        "Beside which earlier days: as many before, the same weekdays before, the same weekdays a year before.",
    ),
    "limit": (
        {"type": "integer", "minimum": 1, "maximum": paging.LIMIT_MOST, "default": paging.LIMIT},
        "How many a page holds at most.",
    ),
    "after": (_TEXT, "The page after this place: of numbers, what `next` says; of releases, the last one's name."),
    "customer": (_TEXT, "A Customer's name; the first this token sees when it is not given."),
    "app": (_TEXT, "An app's name; the Customer's first when it is not given."),
}


def text() -> str:
    """The document as it is kept in ``docs/openapi-api.json`` and as the API tells it."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def document() -> Plain:
    """The document as plain data."""
    types = [shapes.ProblemAnswer, *dict.fromkeys(shape for shape, _, _ in ADDRESSES.values())]
    found, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    schema_of = dict(zip(map(str, types), found, strict=True))
    states = [f"- `{state}`: {state.sentence.format(k='k')}" for state in State]
    statistics = [f"- `{statistic}`: {statistic.sentence}" for statistic in Statistic]
    description = ["Released numbers, and nothing else.", "", *statistics, "", "States:", *states, "", shapes.FOOTNOTE]
    reader = {"type": "http", "scheme": "bearer", "description": "A reader's token: hc_read_..."}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Headcount", "version": "1", "description": "\n".join(description)},
        "security": [{"reader": []}],
        "paths": {
            "/api/v1/openapi.json": {"get": _own()},
            **{address: {"get": _operation(address, schema_of)} for address in ADDRESSES},
        },
        "components": {"securitySchemes": {"reader": reader}, "schemas": components},
    }


def _operation(address: str, schema_of: dict[str, Plain]) -> Plain:
    shape, sentence, names = ADDRESSES[address]
    parameters = [
        {"name": name, "in": "query", "schema": _PARAMETERS[name][0], "description": _PARAMETERS[name][1]}
        for name in names
    ]
    etag = {"schema": _TEXT, "description": "Names these very bytes; send it as If-None-Match."}
    following = {"schema": _TEXT, "description": 'The address of the next page, with rel="next"; not on the last one.'}
    return {
        "operationId": address.rsplit("/", 1)[1],
        "summary": sentence,
        "parameters": parameters,
        "responses": {
            "200": {
                "description": sentence,
                "headers": {"ETag": etag, "Link": following, **_RATES}
                if "after" in names
                else {"ETag": etag, **_RATES},
                "content": {"application/json": {"schema": schema_of[str(shape)]}},
            },
            "304": {"description": "The asker has these very bytes.", "headers": _RATES},
            **_problems(),
        },
    }


def _own() -> Plain:
    content = {"application/json": {"schema": {"type": "object"}}}
    responses = {"200": {"description": "This document.", "content": content}}
    return {"operationId": "openapi", "summary": "This document.", "security": [], "responses": responses}


def _problems() -> Plain:
    by_status: dict[int, list[str]] = {}
    for problem in ApiProblem:
        if problem is not ApiProblem.METHOD:
            by_status.setdefault(problem.value.status, []).append(problem.value.sentence)
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemAnswer"}}}
    wait = {"schema": {"type": "integer", "minimum": 1}, "description": "The seconds to wait."}
    return {
        str(status): {"description": " / ".join(sentences), "content": content}
        | ({"headers": {**_RATES, "Retry-After": wait}} if status == 429 else {})
        for status, sentences in sorted(by_status.items())
    }
