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

from headcount_ingest.outcomes import Gone, Refused
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


async def receive(request: web.BaseRequest, rates: Rates, body_seconds: float) -> Received | Refused | Gone:
    """Take a request's body within its bounds, or say why not."""
    if wait := rates.address(request):
        return Refused(Problem.RATE, wait)
    found = request.rel_url.raw_path.rpartition("/")[2]
    if not _REPORT_ID.match(found):
        return Refused(Problem.MALFORMED_ID)
    key = bearer(request)
    if not key:
        return Refused(Problem.KEY_MISSING)
    media = _MEDIA.get(request.headers.get("Content-Type", "").partition(";")[0].strip().lower())
    coding = request.headers.get("Content-Encoding", "").strip().lower()
    if media is None or coding not in _CODINGS:
        return Refused(Problem.MEDIA_TYPE)
    declared = request.content_length
    if declared is not None and declared > limits.BODY_BYTES:
        return Refused(Problem.TOO_LARGE)
    body = await _read(request, body_seconds)
    if not isinstance(body, bytes):
        return body
    return Received(bytes.fromhex(found), key, media, coding, body)


def bearer(request: web.BaseRequest) -> str:
    """The app key a request carries, or an empty text."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


async def _read(request: web.BaseRequest, seconds: float) -> bytes | Refused | Gone:
    content = request.content
    try:
        if content.is_eof():  # a small body comes with its head: no timer is needed for it
            body = content.read_nowait()
            return body if len(body) <= limits.BODY_BYTES else Refused(Problem.TOO_LARGE)
        async with asyncio.timeout(seconds):
            return await _gather(request)
    except TimeoutError:
        return Refused(Problem.SLOW_BODY)
    except web.RequestPayloadError:
        return Refused(Problem.BAD_HTTP)
    except ConnectionError:
        return Gone()


async def _gather(request: web.BaseRequest) -> bytes | Refused:
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.content.iter_any():
        size += len(chunk)
        if size > limits.BODY_BYTES:
            return Refused(Problem.TOO_LARGE)
        chunks.append(chunk)
    return b"".join(chunks)
