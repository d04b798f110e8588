"""One connection with at most one request under way: bytes out, one answer in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from headcount_sdk.transport import Answer
from headcount_sdk.uploader import Outcome, judge


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
        self._rest = b""
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
        if self._rest:
            data = self._rest + data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self._rest = data
            return
        status, length, kind, retry, last = _head(data[:end])
        if len(data) < end + 4 + length:
            self._rest = data
            return
        self._rest = b""
        if self.carries is not None:
            outcome = _judged(status, kind, retry, data[end + 4 : end + 4 + length])
            self._answered(self, Heard(outcome, status, bool(retry), last))

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._lost(self)


@lru_cache(maxsize=256)
def _judged(status: int, kind: str, retry: str, body: bytes) -> Outcome:
    """What a device makes of an answer: by the SDK's own rule, asked once for answers that are alike."""
    headers = {"content-type": kind, **({"retry-after": retry} if retry else {})}
    return judge(Answer(status, headers, body))


def _head(head: bytes) -> tuple[int, int, str, str, bool]:
    """Of a head: status, length of the body, its kind, Retry-After, and whether the connection ends behind it."""
    length, kind, retry, last = 0, "", "", False
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        match name.lower():
            case b"content-length":
                length = int(value)
            case b"content-type":
                kind = value.strip().decode("latin-1")
            case b"retry-after":
                retry = value.strip().decode("latin-1")
            case b"connection":
                last = value.strip().lower() == b"close"
            case _:
                pass
    status = head[9:12]
    return int(status) if status.isdigit() else 0, length, kind, retry, last
