"""An organisation file that changes under a running worker: what is taken, when, and what is held to it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from headcount_wire import codec
from headcount_wire.app_key import fingerprint
from headcount_wire.problems import Problem

from tests.ingest import world
from tests.ingest.conftest import Worker
from tests.ingest.exchange import PATIENCE_SECONDS, answers_in, ask, request
from tests.ingest.process import worker_process
from tests.ingest.world import served, sound

TAKEN = 'headcount_edge_reloads_total{result="taken"}'
FAULTY = 'headcount_edge_reloads_total{result="faulty"}'


async def counted(worker: Worker, name: str) -> float:
    """How often it was reloaded so, once it was."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while name not in (found := await worker.metrics()) or not found[name]:
            pass
    return found[name]


@asynccontextmanager
async def half_sent(worker: Worker) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]]:
    """A report whose head and all but the last byte have arrived; the last byte is left to send."""
    data = request(codec.encode_json(sound()))
    reader, writer = await asyncio.open_connection("127.0.0.1", worker.settings.port)
    writer.write(data[:-1])
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (await worker.metrics())["headcount_edge_bytes_in_flight"]:
            pass
    yield reader, writer, data[-1:]
    writer.close()


STATE = f'fingerprint = "{fingerprint(world.ACTIVE)}"\n'
CHANGES = {
    "paused": ('context = ["os", "app_version"] }', 'context = ["os", "app_version"], paused = true }', Problem.PAUSED),
    "revoked": (STATE, STATE + 'state = "revoked"\n', Problem.KEY_REVOKED),
    "gone": (STATE, f'fingerprint = "{32 * "0"}"\n', Problem.KEY_UNKNOWN),
    "elsewhere": ("code = 11\n", 'code = 11\nregion = "us"\n', Problem.REGION),
}


@pytest.mark.parametrize("name", CHANGES)
async def test_a_report_is_held_to_what_is_declared_when_it_is_whole(tmp_path: Path, name: str) -> None:
    """A pause or the end of a key holds also for a report whose head came before it; nothing of it is stored."""
    old, new, problem = CHANGES[name]
    async with served(tmp_path, body_seconds=60.0) as worker:
        file = worker.settings.organisation
        text = file.read_text()
        assert text.count(old) == 1
        async with half_sent(worker) as (reader, writer, last):
            file.write_text(text.replace(old, new))
            await counted(worker, TAKEN)
            writer.write(last)
            async with asyncio.timeout(PATIENCE_SECONDS):
                assert answers_in(await reader.read())[0].problem is problem
    assert worker.spooled() == []


async def test_a_change_that_is_another_s_stops_no_report(tmp_path: Path) -> None:
    """A report under way when something else of the organisation changes is accepted."""
    async with served(tmp_path, body_seconds=60.0) as worker, half_sent(worker) as (reader, writer, last):
        worker.settings.organisation.write_text(worker.settings.organisation.read_text() + "\n# later\n")
        await counted(worker, TAKEN)
        writer.write(last)
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert answers_in(await reader.read())[0].status == 202


async def test_a_file_cut_before_its_keys_refuses_nobody(tmp_path: Path) -> None:
    """A file that is sound and ends before the first key is a fault, and every key goes on."""
    async with served(tmp_path) as worker:
        file = worker.settings.organisation
        file.write_text(file.read_text()[: file.read_text().index("[[keys]]")])
        assert await counted(worker, FAULTY) == 1
        assert (await ask(worker.settings.port, request(sound()))).status == 202


async def test_a_pipe_in_place_of_the_file_hangs_nothing(tmp_path: Path) -> None:
    """While a pipe nobody writes to stands where the file was, reports are accepted and SIGTERM is heard."""
    with worker_process(tmp_path / "w", reload_seconds=0.02) as worker:
        file = worker.folder / "organisation.toml"
        pipe = worker.folder / "pipe"
        os.mkfifo(pipe)
        pipe.rename(file)
        await asyncio.to_thread(worker.until, lambda: worker.metrics().get(FAULTY, 0) >= 1)
        assert (await ask(worker.port, request(sound()))).status == 202
        assert await asyncio.to_thread(worker.end) == 0


async def test_a_reload_that_hangs_keeps_no_worker_from_draining(tmp_path: Path) -> None:
    """While a look at the organisation file does not come back, SIGTERM still has the worker drain and sync."""
    stuck = """
import threading
from headcount_wire import organisation_file
told, real = [], organisation_file.load_organisation
def load(path):
    told.append(path)
    if len(told) > 1:
        print("stuck", flush=True)
        threading.Event().wait(20)
    return real(path)
organisation_file.load_organisation = load
"""
    with worker_process(tmp_path / "w", prelude=stuck, reload_seconds=0.02) as worker:
        (worker.folder / "organisation.toml").write_text((worker.folder / "organisation.toml").read_text() + "\n# x\n")
        await asyncio.to_thread(worker.until, lambda: "stuck" in worker.log.read_text())
        assert (await ask(worker.port, request(sound()))).status == 202
        worker.process.terminate()
        await asyncio.to_thread(worker.until, lambda: "edge_stopped" in worker.log.read_text())
        assert worker.process.poll() is None  # the look has not come back, and was not waited for
    assert len(worker.spooled()) == 1
