"""How bytes reach an edge: one request, one answer, or none.

The standard library's HTTP client is imported with the first request. Redirects are not followed,
no cookie is kept, and the user agent says nothing about the device.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; ``url`` is absolute."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, headers in lower case, and at most 64 KiB of body."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class NoAnswer(Exception):
    """There was no connection, no TLS, or no whole answer."""


class Transport(Protocol):
    """What the uploader asks of the network."""

    def send(self, request: Request, timeout: float) -> Answer:
        """Send one request; raises ``NoAnswer``, and nothing else."""
        ...


_ANSWER_BYTES = 64 * 1024


class HttpTransport:
    """The standard library's HTTP and HTTPS."""

    def send(self, request: Request, timeout: float) -> Answer:
        import http.client
        import urllib.parse

        parts = urllib.parse.urlsplit(request.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=timeout)
        headers = {"User-Agent": "headcount", "Connection": "close", **request.headers}
        try:
            connection.request(request.method, parts.path, request.body or None, headers)
            answer = connection.getresponse()
            body = answer.read(_ANSWER_BYTES)
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)
        except (OSError, http.client.HTTPException, ValueError):
            raise NoAnswer from None
        finally:
            connection.close()
