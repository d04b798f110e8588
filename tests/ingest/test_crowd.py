"""More connections than a worker can hold: it waits for them to end, and neither dies nor loses a report."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.ingest.exchange import PATIENCE_SECONDS, Answer, answers_in, ask, request
from tests.ingest.process import WorkerProcess, worker_process
from tests.ingest.world import sound

DESCRIPTORS = 64
FEW = f"import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, ({DESCRIPTORS}, {DESCRIPTORS}))\n"


async def reported(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
    """The status of a report on a connection that stands and stays."""
    writer.write(request(sound(), closing=False))
    async with asyncio.timeout(PATIENCE_SECONDS):
        head = await reader.readuntil(b"\r\n\r\n")
        (bare,) = answers_in(head.replace(b"Content-Length", b"X-Length"))
        await reader.readexactly(int(bare.headers["x-length"]))
    return bare.status


async def answered(worker: WorkerProcess) -> Answer:
    """The answer to a report, however often its connection is refused, or told that the worker is busy, before it."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            with contextlib.suppress(ConnectionError, ValueError):  # refused, or closed without an answer
                if (answer := await ask(worker.port, request(sound()))).status != 503:
                    return answer
            await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def crowd(worker: WorkerProcess, number: int, sent: bytes = b"") -> AsyncIterator[None]:
    """So many clients that connect, say little or nothing, and stay; some of them may not be let in."""
    writers: list[asyncio.StreamWriter] = []
    for _ in range(number):
        with contextlib.suppress(ConnectionError):
            writers.append((await asyncio.open_connection("127.0.0.1", worker.port))[1])
            writers[-1].write(sent)
    try:
        yield
    finally:
        for writer in writers:
            writer.close()


async def test_connections_beyond_every_descriptor_stop_no_worker(tmp_path: Path) -> None:
    """While idle connections hold every descriptor, a report is accepted or told 507; afterwards all is as before."""
    seldom: dict[str, Any] = {"idle_seconds": 60.0, "reload_seconds": 0.02, "seal_seconds": 0.01}
    with worker_process(tmp_path / "w", prelude=FEW, **seldom) as worker:
        reader, writer = await asyncio.open_connection("127.0.0.1", worker.port)
        statuses = [await reported(reader, writer)]
        async with crowd(worker, 2 * DESCRIPTORS):
            await asyncio.to_thread(worker.until, lambda: worker.descriptors() == DESCRIPTORS)
            statuses += [await reported(reader, writer) for _ in range(20)]
        writer.close()
        assert set(statuses) <= {202, 507}
        assert 507 in statuses
        statuses.append((await answered(worker)).status)
        assert statuses[-1] == 202
        assert worker.process.poll() is None
        assert await asyncio.to_thread(worker.end) == 0
    assert len(worker.spooled()) == statuses.count(202)


async def test_idle_connections_make_room_for_reports(tmp_path: Path) -> None:
    """Connections that send nothing end after their time, and then who waited is answered."""
    with worker_process(tmp_path / "w", prelude=FEW, idle_seconds=0.5) as worker:
        async with crowd(worker, 2 * DESCRIPTORS):
            assert (await answered(worker)).status == 202


@pytest.mark.parametrize("sent", [b"", b"POST /v1/rep"], ids=["nothing", "a_part"])
async def test_many_connections_keep_no_report_out(tmp_path: Path, sent: bytes) -> None:
    """With hundreds of connections open and idle, a report is answered, and they cost less than 10 MB."""
    with worker_process(tmp_path / "w", lingering_seconds=0.1) as worker:
        await answered(worker)
        before = worker.cost(forget_peak=True)
        async with crowd(worker, 500, sent):
            assert (await answered(worker)).status == 202
            assert worker.cost().peak_bytes - before.peak_bytes < 10_000_000
