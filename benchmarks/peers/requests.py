"""Prepared requests for any server, in the shape that the load generator of ``benchmarks.edge`` sends."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from benchmarks.edge.client import Source


class Prepared(Source):
    """The same requests in turn; ``once``: each only once, and then no more."""

    def __init__(self, requests: Sequence[bytes], *, once: bool = False) -> None:
        self._requests = iter(requests) if once else itertools.cycle(requests)
        self.kept = True
        self.taken: Callable[[str], object] | None = None

    def __next__(self) -> tuple[str, bytes]:
        return "", next(self._requests)


class Stored(Source):
    """Requests that were made before and stand in a file: a day of a house is more of them than memory should hold."""

    def __init__(self, path: Path) -> None:
        self._requests = self._read(path)
        self.kept = True
        self.taken: Callable[[str], object] | None = None

    @staticmethod
    def write(path: Path, requests: Iterable[bytes]) -> None:
        """Store requests."""
        with path.open("wb") as file:
            for request in requests:
                file.write(len(request).to_bytes(4, "little") + request)

    @staticmethod
    def _read(path: Path) -> Iterator[bytes]:
        with path.open("rb") as file:
            while size := file.read(4):
                yield file.read(int.from_bytes(size, "little"))

    def __next__(self) -> tuple[str, bytes]:
        return "", next(self._requests)


class ReportRequests(Source):
    """Reports in turn, each under a new id: app keys and bodies, gzipped JSON if nothing else is said.

    ``once``: each only once. ``media``: another coding, not compressed.
    """

    def __init__(self, bodies: Sequence[tuple[str, bytes]], *, once: bool = False, media: str = "") -> None:
        rests = [_rest(key, body, media) for key, body in bodies]
        self._rests = iter(rests) if once else itertools.cycle(rests)
        self._numbers = itertools.count(secrets.randbits(120))
        self.kept = True
        self.taken: Callable[[str], object] | None = None

    def __next__(self) -> tuple[str, bytes]:
        report_id = f"{next(self._numbers):032x}"
        return report_id, b"POST /v1/reports/" + report_id.encode() + next(self._rests)


def _rest(key: str, body: bytes, media: str) -> bytes:
    head = f" HTTP/1.1\r\nHost: edge\r\nAuthorization: Bearer {key}\r\nUser-Agent: headcount\r\n"
    coding = f"Content-Type: {media}\r\n" if media else "Content-Type: application/json\r\nContent-Encoding: gzip\r\n"
    head += coding
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def post(path: str, body: bytes, *, gzipped: bool = False, kind: str = "application/json") -> bytes:
    """One request to a server that is no edge."""
    head = f"POST {path} HTTP/1.1\r\nHost: peer\r\nUser-Agent: headcount\r\nContent-Type: {kind}\r\n"
    head += "Content-Encoding: gzip\r\n" * gzipped
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
