"""How bytes reach an edge: one request, one answer, or none.

The standard library's HTTP client is imported with the first request. Redirects are not followed,
no cookie is kept, and the user agent says nothing about the device.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import http.client


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; ``url`` is absolute.

    ``wanted``: asked once more when the connection stands, right before the first byte leaves.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""
    wanted: Callable[[], bool] = lambda: True


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
        import threading
        import urllib.parse

        parts = urllib.parse.urlsplit(request.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=timeout)
        headers = {"User-Agent": "headcount", "Connection": "close", **request.headers}
        # The connection's own timeout is for one piece; an answer that drips is ended as a whole.
        deadline = threading.Timer(timeout, _hang_up, (connection,))
        deadline.daemon = True
        try:
            deadline.start()
            connection.connect()
            if not request.wanted():
                raise NoAnswer
            connection.request(request.method, parts.path, request.body or None, headers)
            answer = connection.getresponse()
            body = answer.read(_ANSWER_BYTES)
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)
        except (OSError, http.client.HTTPException, ValueError, AttributeError, RuntimeError):
            # AttributeError: http.client, hung up in the middle; RuntimeError: a Python without threads.
            raise NoAnswer from None
        finally:
            deadline.cancel()
            connection.close()


def _hang_up(connection: http.client.HTTPConnection) -> None:
    if (socket := connection.sock) is not None:
        with contextlib.suppress(OSError):
            socket.shutdown(SHUT_RDWR)


SHUT_RDWR = 2
