"""For an app's own tests: a clock that waits to be told, and a network that remembers."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable

from headcount_wire import codec
from headcount_wire.clock import ManualClock
from headcount_wire.report import Report

from headcount_sdk.transport import Answer, NoAnswer, Request

__all__ = ["ManualClock", "MemoryTransport", "accepted"]


def accepted(*refused: int, dropped: int = 0) -> Answer:
    """The answer of an edge that took a report."""
    body = {"admitted": 1, "dropped": dropped or len(refused), "refused": list(refused), "v": 1}
    return Answer(202, {"content-type": "application/json"}, json.dumps(body).encode())


class MemoryTransport:
    """Keeps every request; answers with ``answer``, by default as an edge that takes everything."""

    def __init__(self, answer: Callable[[Request], Answer | None] | None = None) -> None:
        self.requests: list[Request] = []
        self.answer = answer

    def send(self, request: Request, timeout: float) -> Answer:
        self.requests.append(request)
        if request.method == "GET":
            found = self.answer(request) if self.answer else None
            return found or Answer(304)
        found = self.answer(request) if self.answer else accepted()
        if found is None:
            raise NoAnswer
        return found

    @property
    def reports(self) -> list[Report]:
        """Every report that was sent, in order, retries included."""
        posts = [request for request in self.requests if request.method == "POST"]
        return [_decoded(request) for request in posts]


def _decoded(request: Request) -> Report:
    body = gzip.decompress(request.body)
    msgpack = request.headers["Content-Type"] == codec.MSGPACK
    return codec.decode_msgpack(body) if msgpack else codec.decode_json(body)
