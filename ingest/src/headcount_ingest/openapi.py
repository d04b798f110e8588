"""The OpenAPI 3.1 document of an edge's public side, made from the types that decode and the closed lists that answer.

``headcount openapi`` prints it; ``docs/openapi-edge.json`` is what it printed last, and a test compares the two.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from headcount_wire import codec, limits
from headcount_wire.policy import Policy, encode_policy
from headcount_wire.problems import Dropped, Problem
from headcount_wire.report import PROTOCOL

from headcount_ingest.openapi_schemas import Plain, examples, problem_example, ref, schemas

ANYWHERE = frozenset({Problem.NOT_FOUND, Problem.METHOD})
"""What is answered at other addresses and to other methods: it belongs to no operation."""

OF_THE_POLICY = frozenset(
    {
        Problem.BAD_HTTP,
        Problem.KEY_MISSING,
        Problem.KEY_UNKNOWN,
        Problem.KEY_REVOKED,
        Problem.KEY_KIND,
        Problem.REGION,
        Problem.RATE,
        Problem.FAILED,
        Problem.OVERLOADED,
    }
)
"""What ``GET /v1/policy`` can answer; a report can meet everything else that is listed as well."""

WITH_RETRY_AFTER = frozenset(
    {Problem.RATE, Problem.FAILED, Problem.OVERLOADED, Problem.DRAINING, Problem.STORAGE, Problem.STORAGE_FAILED}
)
"""The problems whose answers say how many seconds to wait."""


def document() -> Plain:
    """The document as plain data."""
    key = {"type": "http", "scheme": "bearer", "description": "An app key: hc_live_... or hc_debug_..."}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Headcount's edge",
            "version": str(PROTOCOL),
            "summary": "Reports in, the policy out.",
            "description": _description(),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "http://127.0.0.1:8700", "description": "An edge on this machine."}],
        "security": [{"app_key": []}],
        "paths": {
            "/v1/reports/{report_id}": {"post": _report()},
            "/v1/policy": {"get": _policy(), "head": _policy_head()},
        },
        "components": {
            "securitySchemes": {"app_key": key},
            "schemas": schemas(),
            "responses": {problem.slug: _response([problem]) for problem in Problem if problem in ANYWHERE},
        },
        "x-limits": {limit.name: {"value": limit.value, "sentence": limit.sentence} for limit in limits.LIMITS},
    }


def text() -> str:
    """The document as it stands in ``docs/openapi-edge.json``."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def _description() -> str:
    other = [f"`{problem.slug}` ({problem.status})" for problem in Problem if problem in ANYWHERE]
    return "\n".join(
        [
            "What a device and an edge say to each other; docs/protocol.md explains it.",
            "",
            f"Other addresses and methods are answered {' and '.join(other)}. Only a listed problem, or the",
            "edge's own 200, 202 or 304, is an answer: a proxy's page, a captive portal's or a redirect is none.",
            "",
            "A tally of an accepted report that is not counted was dropped for one of these reasons:",
            "",
            *(f"- `{reason.value}`: {reason.sentence}" for reason in Dropped),
        ]
    )


def _report() -> Plain:
    body = {"schema": ref("Report"), "examples": examples()}
    accepted = {"admitted": 2, "dropped": 1, "refused": [2], "v": 1}
    return {
        "operationId": "report",
        "summary": "Takes a report, strips it, and has it on the disk before it answers.",
        "description": "A report whose id was accepted before is answered 202 again, and counted once. "
        "A retry sends the same id and the same bytes.",
        "parameters": [
            {
                "name": "report_id",
                "in": "path",
                "required": True,
                "description": "128 bits drawn at random for this upload, kept until it is answered.",
                "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
            },
            {
                "name": "Content-Encoding",
                "in": "header",
                "description": "How the body is compressed; absent, empty or identity: not at all.",
                "schema": {"type": "string", "enum": ["", "identity", "gzip", "deflate", "zstd"]},
            },
        ],
        "requestBody": {
            "required": True,
            "description": f"At most {limits.BODY_BYTES:,} bytes as sent and {limits.DECODED_BYTES:,} decompressed. "
            "No key of a map stands twice.",
            "content": {codec.JSON: body, codec.MSGPACK: body},
        },
        "responses": {
            "202": {
                "description": "On the disk.",
                "content": {"application/json": {"schema": ref("Accepted"), "example": accepted}},
            },
            **_refusals(problem for problem in Problem if problem not in ANYWHERE),
        },
    }


_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The ETag of a policy that is known.",
    "schema": {"type": "string"},
    "examples": {"one": {"value": '"0123456789abcdef01234567"'}, "any": {"value": "*"}},
}
_POLICY_HEADERS = {
    "ETag": {"schema": {"type": "string"}, "description": "Names this policy; send it as If-None-Match."},
    "Cache-Control": {"schema": {"const": "no-cache"}, "description": "Ask again before you use a stored answer."},
}
_KNOWN = {"description": "The asker has this policy.", "headers": _POLICY_HEADERS}


def _policy() -> Plain:
    example = Policy(version=4, consent_since={"context": 2, "usage": 2}, context=frozenset({"os"}))
    return {
        "operationId": "policy",
        "summary": "What this app may collect for the Customer of the key.",
        "parameters": [_IF_NONE_MATCH],
        "responses": {
            "200": {
                "description": "The policy.",
                "headers": _POLICY_HEADERS,
                "content": {
                    "application/json": {"schema": ref("Policy"), "example": json.loads(encode_policy(example))}
                },
            },
            "304": _KNOWN,
            **_refusals(problem for problem in Problem if problem in OF_THE_POLICY),
        },
    }


def _policy_head() -> Plain:
    return {
        "operationId": "policy_head",
        "summary": "Whether the policy has changed; no answer has a body.",
        "parameters": [_IF_NONE_MATCH],
        "responses": {
            "200": {"description": "The policy is another one.", "headers": _POLICY_HEADERS},
            "304": _KNOWN,
            **_refusals((problem for problem in Problem if problem in OF_THE_POLICY), body=False),
        },
    }


def _refusals(problems: Iterable[Problem], *, body: bool = True) -> Plain:
    by_status: dict[int, list[Problem]] = {}
    for problem in problems:
        by_status.setdefault(problem.status, []).append(problem)
    return {str(status): _response(found, body=body) for status, found in sorted(by_status.items())}


def _response(problems: list[Problem], *, body: bool = True) -> Plain:
    sentences = [f"- `{problem.slug}` (an SDK: {problem.verdict}): {problem.sentence}" for problem in problems]
    found: Plain = {"description": "\n".join(sentences)}
    if any(problem in WITH_RETRY_AFTER for problem in problems):
        seconds = {"type": "string", "pattern": "^[1-9][0-9]*$"}
        found["headers"] = {"Retry-After": {"schema": seconds, "description": "Seconds to wait."}}
    if body:
        kinds = [ref(problem.slug) for problem in problems]
        found["content"] = {
            "application/problem+json": {
                "schema": kinds[0] if len(kinds) == 1 else {"oneOf": kinds},
                "examples": {problem.slug: {"value": problem_example(problem)} for problem in problems},
            }
        }
    return found
