"""The first step: a request's head. What is not returned here is gone.

No header, no address, no user agent and no query passes this step; of the address there is only a
keyed hash, which counts for a rate limit. Nothing of the body is read yet.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from headcount_wire import limits
from headcount_wire.problems import Problem

from headcount_ingest.head import Head
from headcount_ingest.outcomes import Refused
from headcount_ingest.rates import Rates

_REPORT_ID = re.compile(rb"\A[0-9a-f]{32}\Z")
_MEDIA = {b"application/json": "json", b"application/msgpack": "msgpack"}
_CODINGS = frozenset({b"", b"identity", b"gzip", b"deflate", b"zstd"})
REMEMBERED, KEYS_REMEMBERED = 64, 256
"""Values of a header line that are remembered, each as long as a head may be: clients send a few."""


class Received:
    """The id of the URL, the bearer's key and the body's declared forms; nothing else of the request's head."""

    __slots__ = ("coding", "key", "media", "report_id")

    def __init__(self, report_id: bytes, key: str, media: str, coding: str) -> None:
        self.report_id: Final = report_id
        self.key: Final = key
        self.media: Final = media
        self.coding: Final = coding


def receive(head: Head, rates: Rates) -> Received | Refused:
    """Take what a request's head declares, or say why not."""
    if wait := rates.address(head.client):
        return Refused(Problem.RATE, wait)
    found = head.path.removeprefix(b"/v1/reports/")
    if not _REPORT_ID.match(found):
        return Refused(Problem.MALFORMED_ID)
    key = bearer(head)
    if not key:
        return Refused(Problem.KEY_MISSING)
    media, coding = _media(head.fields.get(b"content-type", b"")), _coding(head.fields.get(b"content-encoding", b""))
    if media is None or coding is None:
        return Refused(Problem.MEDIA_TYPE)
    declared = head.fields.get(b"content-length")
    if declared is not None and int(declared) > limits.BODY_BYTES:
        return Refused(Problem.TOO_LARGE)
    return Received(bytes.fromhex(found.decode()), key, media, coding)


@lru_cache(maxsize=REMEMBERED)
def _media(content_type: bytes) -> str | None:
    return _MEDIA.get(content_type.partition(b";")[0].strip().lower())


@lru_cache(maxsize=REMEMBERED)
def _coding(content_encoding: bytes) -> str | None:
    coding = content_encoding.strip().lower()
    return coding.decode() if coding in _CODINGS else None


def bearer(head: Head) -> str:
    """The app key a request carries, or an empty text."""
    return _key(head.fields.get(b"authorization", b""))


@lru_cache(maxsize=KEYS_REMEMBERED)
def _key(authorization: bytes) -> str:
    scheme, _, key = authorization.decode("ascii", "replace").strip().partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""
