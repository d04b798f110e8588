"""A worker that is told to stop: what it took is on the disk, what is under way may end, nothing new is taken."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from headcount_wire.problems import Problem
from headcount_wire.report import new_report_id

from tests.ingest.conftest import Worker
from tests.ingest.exchange import PATIENCE_SECONDS, Answer, answers_in, chunked, path_of, request
from tests.ingest.process import worker_process
from tests.ingest.world import served, sound

WHOLE = {
    "by_length": request(sound()),
    "in_chunks": request(b"", b"Transfer-Encoding: chunked", framed=False) + chunked(sound(), 20),
}


async def half_sent(worker: Worker, data: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection on which the worker has the first part of a report's body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", worker.settings.port)
    writer.write(data[:-50])
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (await worker.metrics())["headcount_edge_bytes_in_flight"]:
            pass
    return reader, writer


async def told_to_stop(worker: Worker) -> None:
    """Tell a worker to stop, as SIGTERM does, and wait until it takes nothing any more."""
    worker.stop.set()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            async with worker.session.get(f"{worker.admin}/readyz") as answer:
                if answer.status == 503:
                    assert [one["reason"] for one in (await answer.json())["reasons"]] == ["draining"]
                    return


async def half_asked(worker: Worker, data: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection on which the worker has the first part of a request's head."""
    reader, writer = await asyncio.open_connection("127.0.0.1", worker.settings.port)
    writer.write(request(sound(), closing=False) + data[:100])
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert answers_in(await reader.readuntil(b'"v":1}'))[0].status == 202
    return reader, writer


@pytest.mark.parametrize("name", WHOLE)
async def test_what_is_under_way_may_end_and_nothing_new_is_taken(tmp_path: Path, name: str) -> None:
    """Half a report is waited for and accepted; one that only begins is told 503 and to go; no connection is taken."""
    async with served(tmp_path, lingering_seconds=10.0) as worker:
        begun_reader, begun = await half_asked(worker, WHOLE[name])
        idle_reader, idle = await half_asked(worker, b"")
        reader, writer = await half_sent(worker, WHOLE[name])
        await told_to_stop(worker)
        begun.write(WHOLE[name][100:])
        writer.write(WHOLE[name][-50:])
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await idle_reader.read() == b""
            (refused,) = answers_in(await begun_reader.read())
            (accepted,) = answers_in(await reader.read())
        assert (refused.problem, refused.headers["connection"]) == (Problem.DRAINING, "close")
        assert (accepted.status, accepted.headers["connection"]) == (202, "close")
        with pytest.raises(ConnectionError):
            await asyncio.open_connection("127.0.0.1", worker.settings.port)
        for one in (begun, idle, writer):
            one.close()
        assert await asyncio.wait_for(worker.task, PATIENCE_SECONDS) == 0
    assert len(worker.spooled()) == 3


async def test_a_body_that_never_comes_holds_no_worker(tmp_path: Path) -> None:
    """A report that stays half sent is given up when the time for draining is over, and nothing of it is kept."""
    async with served(tmp_path, drain_seconds=0.2, body_seconds=600.0) as worker:
        reader, writer = await half_sent(worker, WHOLE["by_length"])
        worker.stop.set()
        assert await asyncio.wait_for(worker.task, PATIENCE_SECONDS) == 0
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await reader.read() == b""
        writer.close()
    assert worker.spooled() == []


@dataclass
class Sent:
    """What became of the reports of many clients."""

    accepted: set[str] = field(default_factory=set)
    others: Counter[Problem | None] = field(default_factory=Counter)
    unanswered: int = 0

    def note(self, report_id: str, answer: Answer) -> None:
        if answer.status == 202:
            self.accepted.add(report_id)
        else:
            self.others[answer.problem] += 1


async def keeps_sending(port: int, sent: Sent, enough: asyncio.Event) -> None:
    """Report after report on one connection, until it ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        while True:
            report_id = new_report_id()
            writer.write(request(sound(), path=path_of(report_id.encode()), closing=False))
            head = await reader.readuntil(b"\r\n\r\n")
            size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            (answer,) = answers_in(head + await reader.readexactly(size))
            sent.note(report_id, answer)
            if len(sent.accepted) > 200:
                enough.set()
    except (ConnectionError, asyncio.IncompleteReadError):
        sent.unanswered += 1
    finally:
        writer.close()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=lambda how: how.name)
async def test_a_signal_under_load_loses_no_accepted_report(tmp_path: Path, how: signal.Signals) -> None:
    """Every report that was answered 202 is in a sealed segment once; others were told to wait, or not answered."""
    sent, enough = Sent(), asyncio.Event()
    with worker_process(tmp_path / "w") as worker:
        clients = [asyncio.create_task(keeps_sending(worker.port, sent, enough)) for _ in range(32)]
        async with asyncio.timeout(PATIENCE_SECONDS):
            await enough.wait()
            worker.process.send_signal(how)
            await asyncio.gather(*clients)
        assert await asyncio.to_thread(worker.process.wait, PATIENCE_SECONDS) == 0
    spooled = [report_id.hex() for report_id, _ in worker.spooled()]
    assert len(spooled) == len(set(spooled))
    assert sent.accepted <= set(spooled)
    assert set(sent.others) <= {Problem.DRAINING}
    assert sent.unanswered + sent.others[Problem.DRAINING] >= 32
    assert not list(worker.folder.glob("spool/*/*.open"))
    assert '"edge_stopped"' in worker.log.read_text()
