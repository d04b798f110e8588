"""The closed list of what the API answers besides 200 and 304, each with what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import orjson
from aiohttp import web
from headcount_wire.problems import URI_PREFIX


@dataclass(frozen=True, slots=True)
class ApiProblemKind:
    """One problem: its HTTP status, what it means, what the asker does."""

    status: int
    sentence: str
    advice: str


class ApiProblem(Enum):
    """Everything that can be wrong with a question."""

    TOKEN_MISSING = ApiProblemKind(
        401, "The question carries no reader's token.", "Send a reader's token: Authorization: Bearer hc_read_..."
    )
    TOKEN_UNKNOWN = ApiProblemKind(
        401,
        "The token is not one of this organisation's readers.",
        "Declare its fingerprint under [[readers]] in the organisation file, or use another token.",
    )
    WITHHELD = ApiProblemKind(
        403, "This scope has no released number yet.", "Ask with a token of a Customer's own scope."
    )
    CROSS_SITE = ApiProblemKind(
        403, "Another site's page asked for this.", "Ask from the dashboard's own page, or without a browser."
    )
    NOT_VISIBLE = ApiProblemKind(
        404,
        "There is no such Customer or app, or it is not this reader's.",
        "GET /api/v1/customers lists what this token can see.",
    )
    NOT_FOUND = ApiProblemKind(
        404, "There is nothing at this address.", "GET /api/v1/openapi.json lists the addresses."
    )
    METHOD = ApiProblemKind(
        405, "This address does not answer that method.", "Use GET; released numbers are only read."
    )
    PARAMETER = ApiProblemKind(400, "A parameter cannot be used.", "Correct the one that is named.")
    SPAN = ApiProblemKind(400, "The span of days cannot be used.", "Ask for another span, or for several.")
    TOO_FAST = ApiProblemKind(
        429, "This token asked more than its questions of a minute.", "Wait as many seconds as Retry-After says."
    )
    FAULT = ApiProblemKind(500, "The server could not answer; its log says that it happened.", "Tell the operator.")

    @property
    def uri(self) -> str:
        """What stands in the answer's ``type``."""
        return URI_PREFIX + self.name.lower().replace("_", "-")


@dataclass(frozen=True, slots=True)
class Refused:
    """A question that is not answered: the problem, and where it lies."""

    problem: ApiProblem
    detail: str = ""


def problem_of(refused: Refused) -> dict[str, str | int]:
    """A refused question as RFC 9457 writes it."""
    kind = refused.problem.value
    detail = f"{refused.detail} {kind.advice}".strip()
    return {"type": refused.problem.uri, "title": kind.sentence, "status": kind.status, "detail": detail}


def problem_response(refused: Refused, headers: Mapping[str, str] | None = None) -> web.Response:
    """The ``application/problem+json`` answer to a refused question."""
    kind = refused.problem.value
    headers = dict(headers or {})
    if kind.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="headcount"'
    if kind.status == 405:
        headers["Allow"] = "GET, HEAD"
    return web.Response(
        body=orjson.dumps(problem_of(refused)),
        status=kind.status,
        content_type="application/problem+json",
        headers=headers,
    )
