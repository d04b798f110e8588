"""One question to the API over HTTP: what is sent, what counts as an answer, and what is raised when there is none."""

from __future__ import annotations

import http.client
import ipaddress
import json
import ssl
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

TIMEOUT_SECONDS = 30.0
PATIENCE_SECONDS = 120.0
KEPT_ANSWERS = 64


class HeadcountError(Exception):
    """A question was not answered. ``ProblemError``: refused; ``AnswerError``, ``UnreachableError``: something else."""


class UnreachableError(HeadcountError):
    """Nobody answers at the address."""


class AnswerError(HeadcountError):
    """What came is not the API's: a proxy's page, a redirect, half an answer."""


class ProblemError(HeadcountError):
    """The API refused the question. ``type`` names the problem, ``detail`` says what to do."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.type = str(problem.get("type", ""))
        self.title = str(problem.get("title", ""))
        self.detail = str(problem.get("detail", ""))
        super().__init__(f"{self.title} {self.detail}".strip())


def wait_seconds(seconds: float) -> None:
    """Wait; an interrupt ends it."""
    threading.Event().wait(seconds)


class Asking:
    """Asks one API with one token. A redirect is not followed: it would carry the token elsewhere.

    ``wait`` waits some seconds; ``patience``: how many at most for one question, when the API says to ask more slowly.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout: float = TIMEOUT_SECONDS,
        patience: float = PATIENCE_SECONDS,
        context: ssl.SSLContext | None = None,
        wait: Callable[[float], None] = wait_seconds,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
            raise ValueError("the address of a Headcount is written https://host")
        if parts.scheme == "http" and not _is_loopback(parts.hostname):
            raise ValueError("over http the token could be read on its way: use https, or an address of this machine")
        self._parts = parts
        self._token = token
        self._timeout = timeout
        self._patience = patience
        self._context = context
        self._wait = wait
        self._kept: OrderedDict[str, tuple[str, bytes]] = OrderedDict()

    def get(self, path: str, query: Mapping[str, str]) -> tuple[Any, Mapping[str, str]]:
        """The answer to a question, decoded, and its header fields. Raises a ``HeadcountError``."""
        address = f"{self._parts.path.rstrip('/')}{path}" + (f"?{urlencode(query)}" if query else "")
        waited = 0.0
        while True:
            status, fields, body = self._send(address)
            if status == 429 and (pause := _seconds(fields)) and waited + pause <= self._patience:
                self._wait(pause)
                waited += pause
                continue
            return _decoded(status, fields, self._whole(address, status, fields, body)), fields

    def _send(self, address: str) -> tuple[int, Mapping[str, str], bytes]:
        connection = self._connection()
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        if address in self._kept:
            headers["If-None-Match"] = self._kept[address][0]
        try:
            connection.request("GET", address, headers=headers)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        except http.client.HTTPException as error:
            raise AnswerError("the answer was cut off or is no HTTP") from error
        except OSError as error:
            raise UnreachableError(f"{self._parts.netloc} does not answer: {error}") from error
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=self._timeout, context=self._context)
        return http.client.HTTPConnection(host, port, timeout=self._timeout)

    def _whole(self, address: str, status: int, fields: Mapping[str, str], body: bytes) -> bytes:
        """The body; of an answer that did not change, the one that was kept."""
        if status == 304 and address in self._kept:
            self._kept.move_to_end(address)
            return self._kept[address][1]
        if status == 200 and "etag" in fields:
            self._kept[address] = fields["etag"], body
            while len(self._kept) > KEPT_ANSWERS:
                self._kept.popitem(last=False)
        return body


def _decoded(status: int, fields: Mapping[str, str], body: bytes) -> Any:
    kind = fields.get("content-type", "").partition(";")[0]
    try:
        if status == 304 or (status == 200 and kind == "application/json"):
            return json.loads(body)
        if kind == "application/problem+json":
            raise ProblemError(status, json.loads(body))
    except ValueError as error:
        raise AnswerError("the answer is no whole JSON") from error
    raise AnswerError(f"what answered (HTTP {status}) is no Headcount API")


def _seconds(fields: Mapping[str, str]) -> float:
    text = fields.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else 0.0


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
