"""Many requests at once from one connection: each has its answer in the end, and nobody else waits for all of them."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from headcount_ingest.connections import RECEIVED_BYTES
from headcount_ingest.turns import WAITING_BYTES_MOST
from headcount_wire.problems import Problem

from tests.ingest.exchange import PATIENCE_SECONDS, answers_in, converse, request
from tests.ingest.process import WorkerProcess, worker_process
from tests.ingest.world import served, sound

POLICY = request(method=b"GET", path=b"/v1/policy", framed=False, media=b"", closing=False)
NOTHING = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
AT_ONCE = 250
CROWD = 200
A_FEW = 8


def connected(worker: WorkerProcess, many: int, stack: ExitStack) -> list[socket.socket]:
    """Connections that the worker has taken, a few at a time: of a burst a busy one turns some away."""
    found: list[socket.socket] = []
    while len(found) < many:
        for _ in range(min(A_FEW, many - len(found))):
            one = socket.create_connection(("127.0.0.1", worker.port), timeout=PATIENCE_SECONDS)
            found.append(stack.enter_context(one))
        worker.until(lambda: worker.metrics()["headcount_edge_connections"] == len(found))
    return found


@contextmanager
def held_still(worker: WorkerProcess) -> Iterator[None]:
    """While the block runs the worker does not: what is sent in it has all arrived when it goes on."""
    worker.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, worker.process.pid, os.WSTOPPED | os.WNOWAIT)
    try:
        yield
    finally:
        worker.process.send_signal(signal.SIGCONT)


def all_of(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65_536), b""))


def answer_on(connection: socket.socket) -> int:
    (answer,) = answers_in(all_of(connection))
    return answer.status


def test_a_report_waits_for_no_pipeline(tmp_path: Path) -> None:
    """While 200 clients each ask 250 things at once, another's report is answered before half of that is."""
    with worker_process(tmp_path, address_per_minute=10**6) as worker, ExitStack() as stack:
        *crowd, honest = connected(worker, CROWD + 1, stack)
        with held_still(worker):
            for one in crowd:
                one.sendall(POLICY * AT_ONCE)
            honest.sendall(request(sound()))
        assert answer_on(honest) == 202
        served_then = worker.metrics()['headcount_edge_requests_total{outcome="policy"}']
        assert served_then < CROWD * AT_ONCE / 2
        for one in crowd:
            one.shutdown(socket.SHUT_WR)
            answers = answers_in(all_of(one))
            assert [answer.status for answer in answers] == [200] * AT_ONCE


def test_what_waits_for_its_turn_has_a_bound(tmp_path: Path) -> None:
    """What clients send ahead is kept up to a bound; beyond it they are told 503, and a report is taken."""
    ahead = POLICY * (2 * RECEIVED_BYTES // len(POLICY))
    with worker_process(tmp_path, address_per_minute=10**6) as worker, ExitStack() as stack:
        *crowd, honest = connected(worker, 2 * WAITING_BYTES_MOST // RECEIVED_BYTES + 1, stack)
        with held_still(worker):
            for one in crowd:
                one.setblocking(False)
                one.send(ahead)
            honest.sendall(request(sound()))
        assert answer_on(honest) == 202
        worker.until(lambda: worker.metrics().get('headcount_edge_requests_total{outcome="overloaded"}', 0) > 0)


CLOSING = {
    "nothing_there": (NOTHING, Problem.NOT_FOUND),
    "no_key": (request(sound(), key="", closing=False), Problem.KEY_MISSING),
    "another_method": (request(method=b"DELETE", path=b"/v1/policy", closing=False), Problem.METHOD),
}


@pytest.mark.parametrize("name", CLOSING)
async def test_who_has_nothing_to_go_on_with_connects_again(tmp_path: Path, name: str) -> None:
    """Of many requests that lead nowhere one is answered, and the connection ends; a trusted proxy's goes on."""
    data, problem = CLOSING[name]
    (tmp_path / "proxied").mkdir()
    async with served(tmp_path) as worker:
        raw = await converse(worker.settings.port, data * 200)
        (answer,) = answers_in(raw)
        assert (answer.problem, answer.headers["connection"]) == (problem, "close")
        assert await worker.outcomes() == {problem.slug: 1}
    async with served(tmp_path / "proxied", trusted_proxies=("127.0.0.1",)) as worker:
        raw = await converse(worker.settings.port, data * 2 + request(sound()))
        assert [answer.problem for answer in answers_in(raw)] == [problem, problem, None]


async def test_what_leads_nowhere_counts_for_the_rate(tmp_path: Path) -> None:
    """Addresses that are none, methods that are none and bytes that are no request use an address's rate up."""
    async with served(tmp_path, address_per_minute=3) as worker:
        port = worker.settings.port
        for data in (NOTHING, request(method=b"PUT", path=b"/v1/policy"), b"nonsense\r\n\r\n"):
            assert answers_in(await converse(port, data))[0].problem in (
                Problem.NOT_FOUND,
                Problem.METHOD,
                Problem.BAD_HTTP,
            )
        for data in (NOTHING, request(sound())):
            assert answers_in(await converse(port, data))[0].problem is Problem.RATE
