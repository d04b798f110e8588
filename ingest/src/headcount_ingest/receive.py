"""The first step: a request's head. What is not returned here is gone.

No header, no address, no user agent and no query passes this step; the address is used for a
rate limit, as a keyed hash, and dropped. Nothing of the body is read yet.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from aiohttp import web
from headcount_wire import limits
from headcount_wire.problems import Problem

from headcount_ingest.outcomes import Refused
from headcount_ingest.rates import Rates

_REPORT_ID = re.compile(r"\A[0-9a-f]{32}\Z")
_MEDIA = {"application/json": "json", "application/msgpack": "msgpack"}
_CODINGS = frozenset({"", "identity", "gzip", "deflate", "zstd"})


@dataclass(frozen=True, slots=True)
class Received:
    """The id of the URL, the bearer's key and the body's declared forms; nothing else of the request's head."""

    report_id: bytes
    key: str
    media: str
    coding: str


def receive(request: web.BaseRequest, rates: Rates) -> Received | Refused:
    """Take what a request's head declares, or say why not."""
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
    return Received(bytes.fromhex(found), key, media, coding)


def bearer(request: web.BaseRequest) -> str:
    """The app key a request carries, or an empty text."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""
