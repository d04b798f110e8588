"""A disk that is really full: a file system of a few pages, mounted for the test."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from headcount_wire.problems import Problem
from headcount_wire.report import new_report_id

from tests.ingest.conftest import Worker, report, running, settings_in

MOST_REPORTS = 2000
ROOM_SECONDS = 5.0

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 and "CI" not in os.environ, reason="mounting a file system needs root"
)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """An empty file system of 512 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k,mode=0700", "headcount-test", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


async def fill(worker: Worker) -> list[str]:
    """Send reports until one is refused for want of room; returns the ids of those that were accepted."""
    accepted: list[str] = []
    for _ in range(MOST_REPORTS):
        report_id = new_report_id()
        status, body, answer = await worker.post(report(), report_id=report_id)
        if status != 202:
            assert (status, body["type"]) == (507, Problem.STORAGE.uri)
            assert int(answer.headers["Retry-After"]) > 0
            return accepted
        accepted.append(report_id)
    raise AssertionError("the disk never became full")


@pytest.mark.parametrize("floor", [0, 64 * 1024], ids=["to_the_last_page", "to_the_floor"])
async def test_a_full_disk_is_507_until_there_is_room(tmp_path: Path, small: Path, floor: int) -> None:
    """Full, a worker answers 507 and has all that it acknowledged; within 5 s of room it answers 202 again."""
    settings = replace(settings_in(tmp_path), spool=small / "spool", disk_floor_bytes=floor)
    worker = await running(settings)
    room = os.statvfs(small)
    ballast = small / "ballast"
    ballast.write_bytes(bytes(room.f_bavail * room.f_frsize - floor - 24 * 1024))
    accepted = await fill(worker)
    assert accepted
    assert {report_id.hex() for report_id, _ in worker.spooled()} == set(accepted)
    assert not worker.task.done(), "a full disk is no reason to give up"

    ballast.unlink()
    async with asyncio.timeout(ROOM_SECONDS):
        while (await worker.post(report(), report_id=(last := new_report_id())))[0] != 202:
            pass
    found = [report_id.hex() for report_id, _ in worker.spooled()]
    assert sorted(found) == sorted([*accepted, last])
    assert await worker.close() == 0
    await worker.session.close()
