"""Bytes to a worker and back, on a connection of their own; every answer is held to its declared shape."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass

import msgspec
from headcount_ingest.answers import SHAPE_OF, AcceptedAnswer, PolicyAnswer, ProblemAnswer
from headcount_ingest.openapi import WITH_RETRY_AFTER
from headcount_wire import codec
from headcount_wire.problems import BY_URI, Problem
from headcount_wire.report import Report

from tests.ingest import world

PATIENCE_SECONDS = 30
Shape = AcceptedAnswer | PolicyAnswer | ProblemAnswer | None


@dataclass(frozen=True)
class Answer:
    """One answer as it stood on the wire."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> Problem | None:
        """The problem of the closed list that it is."""
        return BY_URI[self.shape.type] if isinstance(self.shape, ProblemAnswer) else None

    @property
    def shape(self) -> Shape:
        """The body as the type that is declared for it; raises where it is anything else."""
        if self.headers.get("content-type") == "application/problem+json" and self.body:
            bare = msgspec.json.decode(self.body)
            problem = BY_URI[bare["type"]]
            shape = SHAPE_OF.get(problem, ProblemAnswer)
            read = msgspec.json.decode(self.body, type=shape)
            assert (read.title, read.status) == (problem.sentence, problem.status)
            assert self.status == problem.status
            assert ("retry-after" in self.headers) == (problem in WITH_RETRY_AFTER)
            assert int(self.headers.get("retry-after", "1")) > 0
            return read
        if self.status == 202:
            return msgspec.json.decode(self.body, type=AcceptedAnswer)
        return msgspec.json.decode(self.body, type=PolicyAnswer) if self.body else None


def answers_in(data: bytes) -> list[Answer]:
    """Every final answer in the bytes of one connection, in order; all of them must be whole."""
    found: list[Answer] = []
    while data:
        head, _, data = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("ascii").split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        size = int(headers.get("content-length", "0"))
        assert len(data) >= size, "an answer was cut short"
        found.append(Answer(int(first.split()[1]), headers, data[:size]))
        data = data[size:]
    return [answer for answer in found if answer.status >= 200]


def path_of(report_id: bytes = b"") -> bytes:
    """The address of a report, with a fresh id if none is given."""
    return b"/v1/reports/" + (report_id or os.urandom(16).hex().encode())


def request(
    body: bytes | Report = b"",
    *headers: bytes,
    method: bytes = b"POST",
    path: bytes = b"",
    version: bytes = b"1.1",
    key: str = world.ACTIVE,
    framed: bool = True,
    closing: bool = True,
    media: bytes = b"application/json",
) -> bytes:
    """A request byte for byte. ``framed``: with the body's Content-Length. ``closing``: the last of its connection."""
    data = codec.encode_json(body) if isinstance(body, Report) else body
    lines = [method + b" " + (path or path_of()) + b" HTTP/" + version, b"Host: edge.example"]
    lines += [b"Authorization: Bearer " + key.encode()] if key else []
    lines += [b"Content-Type: " + media] if media else []
    lines += [b"Content-Length: %d" % len(data)] if framed else []
    lines += [b"Connection: close"] if closing else []
    return b"\r\n".join([*lines, *headers]) + b"\r\n\r\n" + data


def chunked(body: bytes | Report, size: int = 0) -> bytes:
    """A body in chunks of a size; in one, if none is given."""
    data = codec.encode_json(body) if isinstance(body, Report) else body
    size = size or len(data)
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


async def converse(port: int, data: bytes, *, source: str = "127.0.0.1") -> bytes:
    """What is answered to bytes until the connection ends. ``source``: the client's own address."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    try:
        writer.write(data)
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await reader.read()
    finally:
        writer.close()


async def ask(port: int, data: bytes, *, source: str = "127.0.0.1") -> Answer:
    """The one answer to the bytes of one connection."""
    (answer,) = answers_in(await converse(port, data, source=source))
    return answer
