"""Every refusal of the closed list, met on a socket; a problem without a way to meet it fails here."""

from __future__ import annotations

import asyncio
import errno
from pathlib import Path
from typing import Any

import pytest
from headcount_ingest.disk import Disk
from headcount_wire import limits
from headcount_wire.clock import ManualClock
from headcount_wire.problems import Problem

from tests.ingest import test_fleet, world
from tests.ingest.conftest import TODAY, Worker
from tests.ingest.exchange import PATIENCE_SECONDS, Answer, answers_in, ask, path_of, request
from tests.ingest.test_drain import told_to_stop
from tests.ingest.world import served, sound

SENT: dict[Problem, bytes] = {
    Problem.MALFORMED: request(b"{}"),
    Problem.BAD_HTTP: b"\0\r\n\r\n",
    Problem.MALFORMED_ID: request(sound(), path=b"/v1/reports/0123"),
    Problem.KEY_MISSING: request(sound(), key=""),
    Problem.KEY_UNKNOWN: request(sound(), key=world.UNKNOWN),
    Problem.KEY_REVOKED: request(sound(), key=world.REVOKED),
    Problem.KEY_KIND: request(sound(), key=world.MISDECLARED),
    Problem.NOT_FOUND: request(path=b"/v1/devices", method=b"GET"),
    Problem.METHOD: request(sound(), method=b"PUT"),
    Problem.REGION: request(sound(), key=world.FAR),
    Problem.NOT_OWNER: request(sound(), path=path_of(test_fleet.OTHER.encode())),
    Problem.POLICY_OLD: request(sound(policy=5)),
    Problem.SDK_OLD: request(sound(), key=world.MODERN),
    Problem.PAUSED: request(sound(), key=world.HALTED),
    Problem.SLOW_BODY: request(b"{", b"Content-Length: 2", framed=False),
    Problem.TOO_LATE: request(sound(created=TODAY - limits.CREATED_PAST_DAYS - 1)),
    Problem.TOO_LARGE: request(bytes(limits.BODY_BYTES + 1)),
    Problem.MEDIA_TYPE: request(sound(), media=b"text/plain"),
    Problem.NOTHING_ADMISSIBLE: request(sound(purposes={})),
    Problem.RATE: request(sound()),
    Problem.FAILED: request(sound()),
    Problem.OVERLOADED: request(sound()),
    Problem.DRAINING: request(sound()),
    Problem.STORAGE: request(sound()),
    Problem.STORAGE_FAILED: request(sound()),
}
"""What is sent to meet each problem; the settings below make the edge's own part of it."""


class BrokenClock(ManualClock):
    """A clock that fails once, when it is asked for the time of a report."""

    def __init__(self) -> None:
        super().__init__(TODAY * 86_400.0)
        self.broken = False

    def now(self) -> float:
        if self.broken:
            self.broken = False
            raise ValueError("no time")
        return super().now()


class SilentDisk(Disk):
    """A disk that takes bytes, and cannot say that it has them."""

    def sync(self, fd: int) -> None:
        raise OSError(errno.ENOSPC, "no room")


async def while_draining(worker: Worker) -> Answer:
    """What is answered to a report whose head was under way when the worker was told to stop."""
    data = SENT[Problem.DRAINING]
    reader, writer = await asyncio.open_connection("127.0.0.1", worker.settings.port)
    writer.write(request(b"{}", closing=False) + data[:100])
    async with asyncio.timeout(PATIENCE_SECONDS):
        await reader.readuntil(b"}")
        await told_to_stop(worker)
        writer.write(data[100:])
        (answer,) = answers_in(await reader.read())
    writer.close()
    return answer


async def met(problem: Problem, folder: Path) -> tuple[Answer, Worker]:
    """The answer to what meets a problem, and the worker, which has ended."""
    changes: dict[Problem, dict[str, Any]] = {
        Problem.SLOW_BODY: {"body_seconds": 0.05, "lingering_seconds": 0.05},
        Problem.NOT_OWNER: {"node": "a", "fleet": test_fleet.declared((TODAY - 90, "ab"))},
        Problem.DRAINING: {"lingering_seconds": 10.0},
        Problem.RATE: {"key_per_minute": 0},
        Problem.OVERLOADED: {"bytes_in_flight": 10},
        Problem.STORAGE: {"disk_floor_bytes": 2**62},
    }
    clock = BrokenClock()
    disk = SilentDisk() if problem is Problem.STORAGE_FAILED else None
    async with served(folder, disk=disk, clock=clock, **changes.get(problem, {})) as worker:
        clock.broken = problem is Problem.FAILED
        if problem is Problem.DRAINING:
            return await while_draining(worker), worker
        answer = await ask(worker.settings.port, SENT[problem])
        assert await worker.outcomes() == {problem.slug: 1}
    return answer, worker


@pytest.mark.parametrize("problem", Problem, ids=lambda problem: problem.slug)
async def test_each_problem_is_met_on_a_socket(tmp_path: Path, problem: Problem) -> None:
    """It has its status, type, sentence and, where one is told, Retry-After; it is counted once; nothing is kept."""
    answer, worker = await met(problem, tmp_path)
    assert answer.problem is problem
    assert worker.spooled() == []
    spooled = [path for path in worker.settings.spool.rglob("*") if path.suffix in (".seg", ".open")]
    assert spooled == []
