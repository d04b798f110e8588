"""The wiring of one worker on one screen: addresses, handlers, answers.

The public side has two addresses and answers only with what is listed. It is built on aiohttp's
plain server: no router, no middleware, and no page of aiohttp's own, which would repeat to a
client, and to a log, the bytes that it sent.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable

import orjson
import structlog
from aiohttp import web
from headcount_wire.policy import encode_policy
from headcount_wire.problems import Dropped, Problem

from headcount_ingest.authenticate import find_key
from headcount_ingest.edge import Edge
from headcount_ingest.outcomes import Accepted, Answered, Gone, Outcome, Refused
from headcount_ingest.path import take
from headcount_ingest.receive import bearer

PROBLEM_TYPE = "application/problem+json"
REPORTS, POLICY = "/v1/reports/", "/v1/policy"

log: structlog.stdlib.BoundLogger = structlog.get_logger("headcount.edge")

Handle = Callable[[web.BaseRequest], Awaitable[web.Response]]


def create_handler(edge: Edge) -> Handle:
    """The public side: reports in, the policy out, a problem for everything else."""

    async def handle(request: web.BaseRequest) -> web.Response:
        began = edge.clock.monotonic()
        try:
            outcome = await _outcome(request, edge)
        except Exception as error:  # the last resort: counted and answered, its text never told to anyone
            log.error("request_failed", kind=type(error).__name__)
            outcome = Refused(Problem.FAILED, edge.settings.failed_retry_seconds)
        count(edge, outcome)
        response = answer(outcome)
        if not request.content.is_eof():
            response.force_close()
        edge.metrics.seconds.observe(edge.clock.monotonic() - began)
        return response

    return handle


async def _outcome(request: web.BaseRequest, edge: Edge) -> Outcome:
    path = request.rel_url.raw_path
    if path.startswith(REPORTS):
        if request.method != "POST":
            return Refused(Problem.METHOD)
        return await take(request, edge)
    if path == POLICY:
        return _policy(request, edge) if request.method in ("GET", "HEAD") else Refused(Problem.METHOD)
    return Refused(Problem.NOT_FOUND)


def _policy(request: web.BaseRequest, edge: Edge) -> Answered | Refused:
    """What may be collected for the Customer of the key, unless the client knows it already."""
    if wait := edge.rates.address(request):
        return Refused(Problem.RATE, wait)
    text = bearer(request)
    key = find_key(text, edge.keyring.organisation, edge.rates) if text else Refused(Problem.KEY_MISSING)
    if isinstance(key, Refused):
        return key
    body = encode_policy(key.customer.policy)
    etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    known = {tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")}
    return Answered(304, etag, b"") if known & {etag, "*"} else Answered(200, etag, body)


def answer(outcome: Outcome) -> web.Response:
    """The response for an outcome; every refusal is a problem of the closed list."""
    if isinstance(outcome, Accepted):
        refused = sorted({measure for measure, _ in outcome.drops})
        body = {"admitted": outcome.admitted, "dropped": sum(outcome.drops.values()), "refused": refused, "v": 1}
        return web.Response(status=202, body=orjson.dumps(body), headers={"Content-Type": "application/json"})
    if isinstance(outcome, Answered):
        headers = {"ETag": outcome.etag, "Cache-Control": "no-cache", "Content-Type": "application/json"}
        return web.Response(status=outcome.status, body=outcome.body or None, headers=headers)
    refusal = Refused(Problem.BAD_HTTP) if isinstance(outcome, Gone) else outcome
    problem = refusal.problem
    plain = {"type": problem.uri, "title": problem.sentence, "status": problem.status, **refusal.extra}
    headers = {"Content-Type": PROBLEM_TYPE}
    if refusal.retry_after:
        headers["Retry-After"] = str(refusal.retry_after)
    return web.Response(status=problem.status, body=json.dumps(plain).encode(), headers=headers)


def count(edge: Edge, outcome: Outcome) -> None:
    """Count a request's one outcome, and each tally it dropped.

    A measure that no catalog declares has no name here: a client could make up 65,535 of them.
    """
    edge.metrics.outcome(outcome.name).inc()
    if isinstance(outcome, Accepted):
        edge.metrics.admitted.inc(outcome.admitted)
    if isinstance(outcome, Accepted | Refused):
        for (measure, reason), times in outcome.drops.items():
            name = "undeclared" if reason is Dropped.UNKNOWN_MEASURE else str(measure)
            edge.metrics.dropped.labels(str(outcome.customer), name, reason.value).inc(times)


class EdgeServer(web.Server):
    """aiohttp's server, with this edge's own answer to what is no request at all."""

    def __init__(self, edge: Edge) -> None:
        super().__init__(
            create_handler(edge),
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=edge.settings.idle_seconds,
            lingering_time=edge.settings.lingering_seconds,
        )
        self._edge = edge

    def __call__(self) -> web.RequestHandler:
        return _Connection(self, self._edge, loop=self._loop, **self._kwargs)


class _Connection(web.RequestHandler):
    def __init__(self, server: EdgeServer, edge: Edge, **options: object) -> None:
        super().__init__(server, **options)  # type: ignore[arg-type]  # what EdgeServer gave, and aiohttp hands back
        self._edge = edge

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer and count bytes that are no HTTP; ``exc`` and ``message`` repeat them, and are not used."""
        outcome = Refused(Problem.BAD_HTTP if status == 400 else Problem.FAILED)
        count(self._edge, outcome)
        response = answer(outcome)
        response.force_close()
        return response
