"""An edge on loopback that keeps what it gets, and goes wrong when it is told to."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from headcount_wire import codec
from headcount_wire.problems import Problem
from headcount_wire.report import Report

OPEN_POLICY: dict[str, Any] = {
    "consent_since": {"usage": 1, "diagnostics": 1, "context": 1},
    "context": ["os", "app_version"],
    "minimum_sdk": "",
    "paused": False,
    "policy": 1,
    "v": 1,
}
PORTAL = b"<html><title>Welcome</title>Please accept the terms of this network.</html>"


@dataclass
class Got:
    """One POST as it came: its path, headers, bytes, and the report in them."""

    path: str
    headers: dict[str, str]
    body: bytes
    report: Report

    @property
    def report_id(self) -> str:
        return self.path.rsplit("/", 1)[1]


@dataclass
class Edge:
    """What an edge knows: its clock, its policy, what it has, and how it will fail next.

    ``faults``: for each of the next POSTs, what to do instead of accepting it. ``accepted``: reports by id.
    """

    now: Callable[[], float]
    policy: dict[str, Any] = field(default_factory=lambda: dict(OPEN_POLICY))
    faults: list[Callable[[Handler], None]] = field(default_factory=list)
    got: list[Got] = field(default_factory=list)
    accepted: dict[str, Got] = field(default_factory=dict)
    requests: int = 0
    wrong: list[str] = field(default_factory=list)
    other: str = ""

    def take(self, got: Got) -> None:
        """Accept a report; a repeat must be the same bytes."""
        before = self.accepted.setdefault(got.report_id, got)
        if before.body != got.body:
            self.wrong.append("a retry under the same id was not byte-identical")

    @property
    def reports(self) -> list[Report]:
        """What was accepted, each id once, in order."""
        return [got.report for got in self.accepted.values()]


class Handler(BaseHTTPRequestHandler):
    """One connection of the loopback edge."""

    edge: Edge
    protocol_version = "HTTP/1.1"
    latest: Got | None = None

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self.edge.requests += 1
        if self.path == "/v1/policy":
            self.answer(200, "application/json", json.dumps(self.edge.policy).encode())
        else:
            self.edge.wrong.append(f"asked for {self.path}")
            self.answer(404, "text/html", b"not here")

    def do_POST(self) -> None:
        edge = self.edge
        edge.requests += 1
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            plain = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
            media = self.headers["Content-Type"]
            report = codec.decode_msgpack(plain) if media == codec.MSGPACK else codec.decode_json(plain)
        except Exception as error:  # whatever is wrong with it is the finding
            edge.wrong.append(f"a body that is no report: {error!r}")
            self.problem(Problem.MALFORMED)
            return
        self.latest = Got(self.path, {name.lower(): value for name, value in self.headers.items()}, body, report)
        edge.got.append(self.latest)
        if "cookie" in self.latest.headers:
            edge.wrong.append("sent a cookie back")
        if not self.latest.headers.get("authorization", "").startswith("Bearer hc_"):
            edge.wrong.append("sent no app key")
        if edge.faults:
            edge.faults.pop(0)(self)
        else:
            self.accept()

    def accept(self) -> None:
        """202, with the body that says so."""
        assert self.latest is not None
        self.edge.take(self.latest)
        self.answer(202, "application/json", b'{"admitted":1,"dropped":0,"refused":[],"v":1}')

    def problem(self, problem: Problem, **extra: str) -> None:
        """A listed problem."""
        retry = {"Retry-After": extra.pop("retry_after")} if "retry_after" in extra else {}
        plain = {"type": problem.uri, "title": problem.sentence, "status": problem.status, **extra}
        self.answer(problem.status, "application/problem+json", json.dumps(plain).encode(), **retry)

    def answer(self, status: int, media: str, body: bytes, **headers: str) -> None:
        """Any answer."""
        self.send_response_only(status)
        self.send_header("Date", formatdate(self.edge.now(), usegmt=True))
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", "portal=1")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def reset(self) -> None:
        """Break the connection off, so that the other side sees a reset."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()


class Server:
    """A loopback server for an edge, with TLS if it is given a certificate. A context manager."""

    def __init__(self, edge: Edge, context: ssl.SSLContext | None = None) -> None:
        handler = type("EdgeHandler", (Handler,), {"edge": edge})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # broken connections are the point
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        if context is not None:
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
            self.url = f"https://localhost:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
