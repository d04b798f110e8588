"""More connections than a worker can hold: it waits for them to end, and neither dies nor loses a report."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.ingest.exchange import PATIENCE_SECONDS, answers_in, ask, request
from tests.ingest.process import worker_process
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


async def test_connections_beyond_every_descriptor_stop_no_worker(tmp_path: Path) -> None:
    """While idle connections hold every descriptor, a report is accepted or told 507; afterwards all is as before."""
    with worker_process(
        tmp_path / "w", prelude=FEW, idle_seconds=60.0, reload_seconds=0.02, seal_seconds=0.01
    ) as worker:
        reader, writer = await asyncio.open_connection("127.0.0.1", worker.port)
        statuses = [await reported(reader, writer)]
        crowd = [await asyncio.open_connection("127.0.0.1", worker.port) for _ in range(2 * DESCRIPTORS)]
        await asyncio.to_thread(worker.until, lambda: worker.descriptors() == DESCRIPTORS)
        statuses += [await reported(reader, writer) for _ in range(20)]
        assert set(statuses) <= {202, 507}
        assert 507 in statuses
        for _, one in (*crowd, (reader, writer)):
            one.close()
        async with asyncio.timeout(PATIENCE_SECONDS):
            statuses.append((await ask(worker.port, request(sound()))).status)
        assert statuses[-1] == 202
        assert worker.process.poll() is None
        assert worker.end() == 0
    assert len(worker.spooled()) == statuses.count(202)


async def test_idle_connections_make_room_for_reports(tmp_path: Path) -> None:
    """Connections that send nothing end after their time, and then who waited is answered."""
    with worker_process(tmp_path / "w", prelude=FEW, idle_seconds=0.5) as worker:
        crowd = [await asyncio.open_connection("127.0.0.1", worker.port) for _ in range(2 * DESCRIPTORS)]
        answer = await ask(worker.port, request(sound()))
        assert answer.status == 202
        for _, writer in crowd:
            writer.close()


@pytest.mark.parametrize("sent", [b"", b"POST /v1/rep"], ids=["nothing", "a_part"])
async def test_many_connections_keep_no_report_out(tmp_path: Path, sent: bytes) -> None:
    """With hundreds of connections open and idle, a report is answered, and they cost less than 10 MB."""
    with worker_process(tmp_path / "w") as worker:
        await ask(worker.port, request(sound()))
        before = worker.cost(forget_peak=True)
        crowd = [await asyncio.open_connection("127.0.0.1", worker.port) for _ in range(500)]
        for _, writer in crowd:
            writer.write(sent)
        assert (await ask(worker.port, request(sound()))).status == 202
        assert worker.cost().peak_bytes - before.peak_bytes < 10_000_000
        for _, writer in crowd:
            writer.close()
