"""Which of the edge's two addresses a request is for: a report in, the policy out, a problem for everything else."""

from __future__ import annotations

import hashlib
from collections.abc import Coroutine
from typing import Any

from headcount_wire.policy import encode_policy
from headcount_wire.problems import Problem

from headcount_ingest.arrive import Body
from headcount_ingest.authenticate import find_account
from headcount_ingest.edge import Edge
from headcount_ingest.head import Head
from headcount_ingest.outcomes import Answered, Outcome, Refused
from headcount_ingest.path import take
from headcount_ingest.receive import bearer

REPORTS, POLICY = b"/v1/reports/", b"/v1/policy"


def respond(head: Head, body: Body, edge: Edge) -> Coroutine[Any, Any, Outcome]:
    """What becomes of a request."""
    path = head.path
    if head.method == b"POST" and path.startswith(REPORTS):
        return take(head, body, edge)
    return _without_report(head, path, edge)


async def _without_report(head: Head, path: bytes, edge: Edge) -> Outcome:
    if path.startswith(REPORTS):
        return _none(head, edge, Problem.METHOD, "POST")
    if path == POLICY:
        known = head.method in (b"GET", b"HEAD")
        return _policy(head, edge) if known else _none(head, edge, Problem.METHOD, "GET, HEAD")
    return _none(head, edge, Problem.NOT_FOUND)


def _none(head: Head, edge: Edge, problem: Problem, allow: str = "") -> Refused:
    """What is no request of ours counts for its client's rate all the same."""
    wait = edge.rates.address(head.client)
    return Refused(Problem.RATE, wait) if wait else Refused(problem, allow=allow)


def _policy(head: Head, edge: Edge) -> Answered | Refused:
    """What may be collected for the Customer of the key, unless the client knows it already."""
    if wait := edge.rates.address(head.client):
        return Refused(Problem.RATE, wait)
    text = bearer(head)
    account = find_account(text, edge.keyring, edge.rates) if text else Refused(Problem.KEY_MISSING)
    if isinstance(account, Refused):
        return account
    body = encode_policy(account.customer.policy)
    etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    known = {tag.strip().removeprefix("W/") for tag in head.text(b"if-none-match").split(",")}
    return Answered(304, etag, b"") if known & {etag, "*"} else Answered(200, etag, body)
