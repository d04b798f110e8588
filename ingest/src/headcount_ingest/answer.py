"""The bytes of an answer: a 202 of ours, the policy, or a problem of the closed list. Nothing is echoed."""

from __future__ import annotations

import json
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

import orjson
from headcount_wire.problems import Problem

from headcount_ingest.outcomes import NO_DROPS, Accepted, Answered, Gone, Outcome, Refused

PROBLEM_TYPE = "application/problem+json"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def answer(outcome: Outcome, now: float, *, last: bool = False, bare: bool = False) -> bytes:
    """An outcome as the bytes of an HTTP answer, dated ``now`` (seconds since 1970).

    ``last``: the connection is closed behind it. ``bare``: the question was a HEAD, so no body is sent.
    """
    if isinstance(outcome, Accepted) and not outcome.drops:
        return _whole(outcome.admitted, int(now), last)
    return _encode(outcome, int(now), last, bare)


@lru_cache(maxsize=1024)
def _whole(admitted: int, second: int, last: bool) -> bytes:
    """The answer to a report of which nothing was dropped: for each number of tallies the same, for a second."""
    return _encode(Accepted(0, admitted, NO_DROPS), second, last, bare=False)


def _encode(outcome: Outcome, second: int, last: bool, bare: bool) -> bytes:
    status, fields, body = _said(outcome)
    head = f"{_line(status)}Date: {_date(second)}\r\n{fields}Content-Length: {len(body)}\r\n"
    if status == HTTPStatus.NOT_MODIFIED:
        head = f"{_line(status)}Date: {_date(second)}\r\n{fields}"
    end = "Connection: close\r\n\r\n" if last else "\r\n"
    return (head + end).encode() + (b"" if bare else body)


def _said(outcome: Outcome) -> tuple[int, str, bytes]:
    """Status, header fields and body."""
    if isinstance(outcome, Accepted):
        refused = sorted({measure for measure, _ in outcome.drops})
        body = {"admitted": outcome.admitted, "dropped": sum(outcome.drops.values()), "refused": refused, "v": 1}
        return 202, "Content-Type: application/json\r\n", orjson.dumps(body)
    if isinstance(outcome, Answered):
        fields = f"ETag: {outcome.etag}\r\nCache-Control: no-cache\r\nContent-Type: application/json\r\n"
        return outcome.status, fields, outcome.body
    refusal = Refused(Problem.BAD_HTTP) if isinstance(outcome, Gone) else outcome
    problem = refusal.problem
    fields = f"Content-Type: {PROBLEM_TYPE}\r\n"
    if refusal.retry_after:
        fields += f"Retry-After: {refusal.retry_after}\r\n"
    if refusal.allow:
        fields += f"Allow: {refusal.allow}\r\n"
    return problem.status, fields, _body(problem, **refusal.extra) if refusal.extra else _plain_body(problem)


def _body(problem: Problem, **extra: str) -> bytes:
    return json.dumps({"type": problem.uri, "title": problem.sentence, "status": problem.status, **extra}).encode()


@lru_cache
def _plain_body(problem: Problem) -> bytes:
    """Under too much load the same refusal is written more often than anything else."""
    return _body(problem)


@lru_cache
def _line(status: int) -> str:
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)
