"""One connection with at most one request under way: bytes out, one answer in.

Answers are read by llhttp (httptools), so that proxies may say theirs as they like: in chunks, after a 100, until they
hang up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import httptools
from headcount_sdk.transport import Answer
from headcount_sdk.uploader import Outcome, judge

ANSWER_BYTES = 64 * 1024
"""An answer with its head, at most; an edge's are a few hundred."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One whole answer: what a device makes of it, its status, whether it says when to come back, if it is the last."""

    outcome: Outcome
    status: int
    says_when: bool
    last: bool


class Line(asyncio.Protocol):
    """``answered`` and ``lost`` are called with this line; ``lost`` also when nothing was under way."""

    def __init__(self, answered: Callable[[Line, Heard], None], lost: Callable[[Line], None]) -> None:
        self._answered = answered
        self._lost = lost
        self._reading = _Reading()
        self._transport: asyncio.Transport | None = None
        self.carries: Any = None
        """What is under way on it."""
        self.left = 0.0
        """When it left, by the loop's time."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class

    @property
    def open(self) -> bool:
        """Whether there is a connection."""
        return self._transport is not None

    def send(self, data: bytes, carries: object, now: float) -> None:
        """Send one request."""
        self.carries, self.left = carries, now
        if self._transport is not None:
            self._transport.write(data)

    def close(self) -> None:
        """Leave, once what is written is sent."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Leave at once."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        heard = self._reading.feed(data)
        if heard is None:
            return
        if self.carries is None:  # nobody asked
            self.abort()
        else:
            self._answered(self, heard)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        heard = self._reading.hung_up() if exc is None and self.carries is not None else None
        if heard is not None:
            self._answered(self, heard)
        self._lost(self)


class _Reading:
    """Answers as they arrive, one after the other."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._forget()

    def _forget(self) -> None:
        self._status = self._read = 0
        self._kind = self._retry = ""
        self._body = b""
        self._sized = self._whole = self._last = self._more = False

    def feed(self, data: bytes) -> Heard | None:
        """The answer that is whole with this, or that is none; it is the last where there is more behind it."""
        self._read += len(data)
        broken = False
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            broken = True
        if self._whole:
            return self._heard(last=broken or self._last or self._more)
        if broken or self._read > ANSWER_BYTES:
            self._body = b""
            return self._heard(last=True)
        return None

    def hung_up(self) -> Heard | None:
        """The answer whose end is that of the connection, if it is one."""
        return self._heard(last=True) if self._status >= 200 and not self._sized else None

    def _heard(self, *, last: bool) -> Heard:
        outcome = _judged(self._status, self._kind, self._retry, self._body)
        heard = Heard(outcome, self._status, bool(self._retry), last)
        self._forget()
        return heard

    def on_message_begin(self) -> None:
        """Something begins; nobody asked for what comes behind a whole answer."""
        self._more = self._whole

    def on_header(self, name: bytes, value: bytes) -> None:
        """One field of a head."""
        if self._more:
            return
        match name.lower():
            case b"content-type":
                self._kind = value.decode("latin-1")
            case b"retry-after":
                self._retry = value.decode("latin-1")
            case b"content-length" | b"transfer-encoding":
                self._sized = True
            case _:
                pass

    def on_headers_complete(self) -> None:
        """The head is whole."""
        if not self._more:
            self._status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        """A piece of a body, without its chunks' frames."""
        if not self._more:
            self._body += body

    def on_message_complete(self) -> None:
        """An answer is whole; one in between (100) is none."""
        if self._more:
            return
        if self._status >= 200:
            self._whole, self._last = True, not self._parser.should_keep_alive()
        else:
            self._forget()


@lru_cache(maxsize=256)
def _judged(status: int, kind: str, retry: str, body: bytes) -> Outcome:
    """What a device makes of an answer: by the SDK's own rule, asked once for answers that are alike."""
    headers = {"content-type": kind, **({"retry-after": retry} if retry else {})}
    return judge(Answer(status, headers, body))
