"""The first step: a bounded body off the socket. What is not returned here is gone.

No header, no address, no user agent and no query passes this step; the address is used for a
rate limit, as a keyed hash, and dropped.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from aiohttp import web
from headcount_wire import limits
from headcount_wire.problems import Problem

from headcount_ingest.gate import Gate
from headcount_ingest.outcomes import Refused
from headcount_ingest.rates import Rates

_REPORT_ID = re.compile(r"\A[0-9a-f]{32}\Z")
_MEDIA = {"application/json": "json", "application/msgpack": "msgpack"}
_CODINGS = frozenset({"", "identity", "gzip", "deflate", "zstd"})


@dataclass(frozen=True, slots=True)
class Received:
    """A body, its declared forms, the id of the URL and the bearer's key; nothing else of the request."""

    report_id: bytes
    key: str
    media: str
    coding: str
    body: bytes


async def receive(request: web.Request, rates: Rates, gate: Gate, body_seconds: float) -> Received | Refused:
    """Take a request's body within its bounds, or say why not."""
    if wait := rates.address(request):
        return Refused(Problem.RATE, wait)
    found = request.match_info["report_id"]
    if not _REPORT_ID.match(found):
        return Refused(Problem.MALFORMED_ID)
    key = bearer(request)
    if not key:
        return Refused(Problem.KEY_MISSING)
    media = _MEDIA.get(request.content_type)
    coding = request.headers.get("Content-Encoding", "").strip().lower()
    if media is None or coding not in _CODINGS:
        return Refused(Problem.MEDIA_TYPE)
    declared = request.content_length
    if declared is not None and declared > limits.BODY_BYTES:
        return Refused(Problem.TOO_LARGE)
    with gate.room_for(declared or limits.BODY_BYTES) as admitted:
        if not admitted:
            return Refused(Problem.OVERLOADED, gate.retry_after)
        body = await _read(request, body_seconds)
    if isinstance(body, Refused):
        return body
    return Received(bytes.fromhex(found), key, media, coding, body)


def bearer(request: web.Request) -> str:
    """The app key a request carries, or an empty text."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


async def _read(request: web.Request, seconds: float) -> bytes | Refused:
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.content.iter_any():
                size += len(chunk)
                if size > limits.BODY_BYTES:
                    return Refused(Problem.TOO_LARGE)
                chunks.append(chunk)
    except TimeoutError:
        return Refused(Problem.SLOW_BODY)
    return b"".join(chunks)
