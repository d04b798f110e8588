"""The wiring of one worker on one screen: addresses, handlers, answers."""

from __future__ import annotations

import hashlib
import json

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler
from headcount_wire.policy import encode_policy
from headcount_wire.problems import Problem

from headcount_ingest.authenticate import find_key
from headcount_ingest.edge import Edge
from headcount_ingest.outcomes import Accepted, Outcome, Refused
from headcount_ingest.path import take
from headcount_ingest.receive import bearer

PROBLEM_TYPE = "application/problem+json"


def create_app(edge: Edge) -> web.Application:
    """The public side: reports in, the policy out, a problem for everything else."""

    async def reports(request: web.Request) -> web.Response:
        began = edge.clock.monotonic()
        outcome = await take(request, edge)
        count(edge, outcome)
        response = answer(outcome)
        if not request.content.is_eof():
            response.force_close()
        edge.metrics.seconds.observe(edge.clock.monotonic() - began)
        return response

    async def policy(request: web.Request) -> web.Response:
        key = find_key(bearer(request), edge.keyring.organisation) if bearer(request) else Refused(Problem.KEY_MISSING)
        if isinstance(key, Refused):
            return answer(key)
        body = encode_policy(key.customer.policy)
        etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        headers = {"ETag": etag, "Cache-Control": "no-cache"}
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers=headers)
        return web.Response(body=body, content_type="application/json", headers=headers)

    app = web.Application(middlewares=[_only_problems])
    app.router.add_post("/v1/reports/{report_id}", reports)
    app.router.add_get("/v1/policy", policy)
    return app


def create_admin_app(edge: Edge) -> web.Application:
    """The operator's side, on its own port: alive, ready or why not, metrics."""

    async def livez(_: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def readyz(_: web.Request) -> web.Response:
        reasons = [
            reason
            for reason, holds in (
                ("draining: this worker is stopping", edge.gate.draining),
                ("disk: less free space than the floor", edge.gate.disk_is_low),
                ("spool: a write or sync failed", edge.spool.broken.is_set()),
            )
            if holds
        ]
        return web.json_response({"ready": not reasons, "reasons": reasons}, status=503 if reasons else 200)

    async def metrics(_: web.Request) -> web.Response:
        edge.metrics.in_flight.set(edge.gate.in_flight)
        return web.Response(body=edge.metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4"})

    app = web.Application()
    app.router.add_get("/livez", livez)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
    return app


def answer(outcome: Outcome) -> web.Response:
    """The response for an outcome; every refusal is a problem of the closed list."""
    if isinstance(outcome, Accepted):
        body = {
            "admitted": outcome.admitted,
            "dropped": outcome.dropped,
            "refused": outcome.refused,
            "v": 1,
        }
        return web.Response(status=202, body=orjson.dumps(body), content_type="application/json")
    problem = outcome.problem
    plain = {"type": problem.uri, "title": problem.sentence, "status": problem.status, **outcome.extra}
    headers = {"Retry-After": str(outcome.retry_after)} if outcome.retry_after else {}
    return web.Response(status=problem.status, text=json.dumps(plain), content_type=PROBLEM_TYPE, headers=headers)


def count(edge: Edge, outcome: Outcome) -> None:
    """Count a request's one outcome."""
    if isinstance(outcome, Accepted):
        edge.metrics.outcomes.labels("accepted").inc()
        edge.metrics.admitted.inc(outcome.admitted)
    else:
        edge.metrics.outcomes.labels(outcome.problem.slug).inc()


@web.middleware
async def _only_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPNotFound:
        return answer(Refused(Problem.NOT_FOUND))
    except web.HTTPMethodNotAllowed:
        return answer(Refused(Problem.METHOD))
