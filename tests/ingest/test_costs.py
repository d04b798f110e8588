"""What hostile bytes cost a worker: its own memory and its own processor, read from the system, not from a model."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from headcount_wire import codec, limits
from headcount_wire.problems import Problem
from headcount_wire.report import Tally

from tests.fuzz import costly
from tests.fuzz.mutations import Body
from tests.ingest import world
from tests.ingest.exchange import PATIENCE_SECONDS, Answer, answers_in, chunked, request
from tests.ingest.process import WorkerProcess, worker_process
from tests.ingest.world import sound

MOST_BYTES = 5_000_000
MOST_CPU_NS = 50_000_000
TIMES = 5


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    """A worker that has taken the largest report in both forms, and what a request itself needs."""
    bounds: dict[str, Any] = {"body_seconds": 2.0, "lingering_seconds": 0.2, "bytes_in_flight": 4 * 2**20}
    with worker_process(tmp_path_factory.mktemp("costs"), **bounds) as found:
        for _ in range(TIMES):
            for media in (codec.JSON, codec.MSGPACK):
                body = costly.control(media)
                told(found, as_request(Body(media, body.data[:60_000])))
            assert told(found, request(sound())).status == 202
        yield found


def as_request(body: Body) -> bytes:
    """A body as a client sends it."""
    coding = [b"Content-Encoding: " + body.coding.encode()] if body.coding else []
    return request(body.data, *coding, media=body.media.encode())


def told(worker: WorkerProcess, data: bytes) -> Answer:
    """The one answer to bytes on a connection of their own."""
    with socket.create_connection(("127.0.0.1", worker.port), timeout=PATIENCE_SECONDS) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(data)
        parts: list[bytes] = []
        with contextlib.suppress(ConnectionError):
            while part := connection.recv(65_536):
                parts.append(part)
    (answer,) = answers_in(b"".join(parts))
    return answer


def takes(worker: WorkerProcess) -> bool:
    """Whether it takes a report now; under too much load it may not even say no."""
    try:
        return told(worker, request(sound())).status == 202
    except (ConnectionError, ValueError):
        return False


def costs(worker: WorkerProcess, act: Callable[[], object]) -> tuple[int, int]:
    """How many bytes of memory and nanoseconds of processor a worker takes for something at most."""
    before = worker.cost(forget_peak=True)
    act()
    after = worker.cost()
    return after.peak_bytes - before.peak_bytes, after.cpu_ns - before.cpu_ns


SENT = {
    **costly.PACKED,
    **{name: body for name, body in costly.BODIES.items() if len(body.data) <= 65_536},
    **{
        f"{name}_{coding}": costly.packed(body, coding)
        for name, body in costly.BODIES.items()
        if len(body.data) > 65_536
        for coding in ("gzip", "zstd")
    },
}


@pytest.mark.parametrize("name", SENT)
def test_a_body_made_to_cost_costs_little(worker: WorkerProcess, name: str) -> None:
    """A bomb, or the dearest body of its kind, costs under 5 MB of the process's memory and 50 ms of its time."""
    body = SENT[name]
    answers: list[Answer] = []
    memory, cpu = costs(worker, lambda: answers.extend(told(worker, as_request(body)) for _ in range(TIMES)))
    assert {answer.problem for answer in answers} <= {Problem.MALFORMED, Problem.TOO_LARGE}
    assert memory < MOST_BYTES
    assert cpu < MOST_CPU_NS * TIMES


def endlessly(worker: WorkerProcess, start: bytes, unit: bytes, most: int) -> int:
    """Send on and on without reading an answer, until the worker takes no more, or it is enough; how much went."""
    sent = 0
    with socket.create_connection(("127.0.0.1", worker.port), timeout=0.5) as connection, contextlib.suppress(OSError):
        connection.sendall(start)
        while sent < most:
            connection.sendall(unit)
            sent += len(unit)
    return sent


STREAM = request(b"", b"Transfer-Encoding: chunked", framed=False)
ENDLESS = {
    "requests_whose_answers_are_not_read": (b"", request(b"{}", closing=False) * 100, 10_000_000),
    "requests_for_nothing": (b"", b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n" * 1000, 10_000_000),
    "a_body_without_a_key": (
        request(b"", b"Content-Length: 999999999", key="", framed=False),
        bytes(10**6),
        50_000_000,
    ),
    "a_body_of_an_unknown_key": (
        request(b"", b"Transfer-Encoding: chunked", key=world.UNKNOWN, framed=False),
        chunked(bytes(10**5))[:-5],
        50_000_000,
    ),
    "behind_an_upgrade": (
        request(
            b"", b"Upgrade: websocket", b"Connection: Upgrade", method=b"GET", path=b"/x", framed=False, closing=False
        ),
        bytes(10**6),
        50_000_000,
    ),
    "behind_connect": (b"CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n", bytes(10**6), 50_000_000),
    "a_chunk_extension": (STREAM + b"2;", b"a" * 10**6, 50_000_000),
    "chunks": (STREAM, chunked(bytes(10**5))[:-5], 50_000_000),
    "a_header_s_name": (b"GET / HTTP/1.1\r\n", b"a" * 10**6, 50_000_000),
    "an_address": (b"GET /", b"a" * 10**6, 50_000_000),
    "noise": (b"", b"\0" * 10**6, 50_000_000),
}
"""What a client can send without an end: how it starts, what it repeats, and how much of it is enough."""


@pytest.mark.parametrize("name", ENDLESS)
def test_what_has_no_end_is_not_kept(worker: WorkerProcess, name: str) -> None:
    """A client that sends on and on, and reads nothing, makes the worker's memory grow by less than 20 MB."""
    start, unit, most = ENDLESS[name]
    memory, _ = costs(worker, lambda: endlessly(worker, start, unit, most))
    assert memory < 4 * MOST_BYTES
    assert told(worker, request(sound())).status == 202


HELD = {
    "heads_that_do_not_end": b"GET /v1/policy HTTP/1.1\r\n"
    + b"".join(b"X-%d: %b\r\n" % (at, b"a" * 8000) for at in range(100)),
    "bodies_in_tiny_chunks": STREAM + chunked(bytes(60_000), 2)[:-5],
    "bodies_that_do_not_end": request(bytes(60_000))[:-1],
    "answers_that_are_not_read": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 20_000,
    "reports_whose_answers_are_not_read": request(sound(), closing=False) * 1000,
    "trailers_that_do_not_end": STREAM + b"2\r\n{}\r\n0\r\n" + b"X: a\r\n" * 1000,
}
"""What many clients can leave unfinished at once."""
CLIENTS = 100


@pytest.mark.parametrize("name", HELD)
def test_what_many_leave_unfinished_takes_what_it_counts(worker: WorkerProcess, name: str) -> None:
    """A hundred clients that stop in the middle of as much as they may send hold less than 20 MB altogether."""
    with contextlib.ExitStack() as clients:

        def one_more() -> bool:
            try:
                client = socket.create_connection(("127.0.0.1", worker.port), timeout=PATIENCE_SECONDS)
            except ConnectionError:  # the door is shut for a moment, or was shut on it
                return False
            clients.enter_context(client).setblocking(False)
            with contextlib.suppress(OSError):  # what does not fit into the system's buffers is not waited for
                client.sendall(HELD[name])
            return True

        def all_of_them() -> None:
            for _ in range(CLIENTS):
                worker.until(one_more)
            worker.until(lambda: takes(worker))

        memory, _ = costs(worker, all_of_them)
    assert memory < 4 * MOST_BYTES


def test_memory_stays_flat_over_many_refusals(worker: WorkerProcess) -> None:
    """Hundreds of bombs and refusals in turn leave the worker's peak where the first dozens of them put it."""
    bodies = [as_request(body) for body in SENT.values()]

    def all_of_them(times: int) -> None:
        for data in bodies * times:
            told(worker, data)

    all_of_them(1)
    memory, _ = costs(worker, lambda: all_of_them(TIMES))
    assert memory < MOST_BYTES


MOST_REMEMBERED_BYTES = 60_000_000


def test_made_up_tallies_are_not_remembered_without_end(worker: WorkerProcess) -> None:
    """Hundreds of thousands of tallies that were never seen, under every set of verdicts, take bounded memory."""
    worker.cost(forget_peak=True)
    before = worker.resident()
    n = itertools.count(1)
    consents = [{"usage": 4}, {"usage": 4, "diagnostics": 4}]
    contexts: list[dict[str, int]] = [{}, {"context": 4}, {"context": 1}]
    for catalog, purposes, context in itertools.product((5, 4, 3), consents, contexts):
        for _ in range(4):
            tallies = [Tally(world.WIDE, 2, 1, 0, next(n)) for _ in range(limits.TALLIES_PER_REPORT)]
            told_of = sound(*tallies, catalog=catalog, purposes={**purposes, **context})
            body = gzip.compress(codec.encode_json(told_of), 1)
            assert told(worker, request(body, b"Content-Encoding: gzip")).status == 202
    assert worker.cost().peak_bytes - before < MOST_REMEMBERED_BYTES
