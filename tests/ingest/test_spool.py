"""The spool: acknowledged means synced, whatever the disk does and whenever the process dies."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
from headcount_ingest.spool import Disk, SegmentWriter, SpoolBusy
from headcount_wire import codec, segment
from headcount_wire.clock import ManualClock
from headcount_wire.report import new_report_id

from tests.ingest.conftest import KEY, TODAY, report, running, settings_in


class FailingDisk(Disk):
    """Fails one call in its life, with an error of choice; a failing write may write half."""

    def __init__(self, at: int, code: int) -> None:
        self.at = at
        self.code = code
        self.calls = 0

    def _hit(self) -> None:
        self.calls += 1
        if self.calls == self.at:
            raise OSError(self.code, "injected")

    def write(self, fd: int, data: bytes) -> int:
        try:
            self._hit()
        except OSError:
            os.write(fd, data[: len(data) // 2])
            raise
        return super().write(fd, data)

    def sync(self, fd: int) -> None:
        self._hit()
        super().sync(fd)

    def sync_directory(self, folder: Path) -> None:
        self._hit()
        super().sync_directory(folder)


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize("at", range(2, 12))
async def test_no_false_acknowledgement(tmp_path: Path, at: int, code: int) -> None:
    """With EIO or ENOSPC at any write or sync, every report answered 202 is in a segment, others are 507."""
    worker = await running(settings_in(tmp_path), FailingDisk(at, code))
    acknowledged: list[str] = []
    for _ in range(6):
        report_id = new_report_id()
        try:
            status, _, _ = await worker.post(report(), report_id=report_id)
        except aiohttp.ClientConnectionError:
            break  # after EIO the worker stops by itself
        if status == 202:
            acknowledged.append(report_id)
        else:
            assert status in (503, 507)
    code_at_end = await worker.close()
    await worker.session.close()
    spooled = [report_id.hex() for report_id, _ in worker.spooled()]
    assert set(acknowledged) <= set(spooled)
    assert len(spooled) == len(set(spooled))
    assert code_at_end == (1 if code == errno.EIO and len(acknowledged) < 6 else code_at_end)


def test_recovery_keeps_the_whole_prefix_and_never_appends(tmp_path: Path) -> None:
    """A torn tail is cut at the last whole record, the file is sealed, and the next goes elsewhere."""
    clock = ManualClock(TODAY * 86_400.0)
    first = SegmentWriter(tmp_path / "w", clock, Disk())
    record = segment.Record(segment.Stream.LIVE, TODAY, 0, 1, 1, 1, ("ios",) * 6, None, ((TODAY, 1, 0, 4, 1, 1),))
    framed = [segment.encode_record(bytes([n]) * 16, record) for n in range(3)]
    first.commit(framed[0] + framed[1])
    (path,) = (tmp_path / "w").glob("*.open")
    whole = path.read_bytes()
    os.close(first._fd)
    os.close(first._lock)
    path.write_bytes(whole + framed[2][:-5])

    second = SegmentWriter(tmp_path / "w", clock, Disk())
    assert second.recover() == 2
    (sealed,) = (tmp_path / "w").glob("*.seg")
    assert sealed.read_bytes() == whole
    second.commit(framed[2])
    assert sealed.read_bytes() == whole
    with pytest.raises(SpoolBusy):
        SegmentWriter(tmp_path / "w", clock, Disk())
    second.close()
    assert len(list((tmp_path / "w").glob("*.seg"))) == 2


def test_names_are_on_disk_before_the_first_record_is(tmp_path: Path) -> None:
    """The order of calls: file synced, folder synced, then the record written and synced."""

    class Recorder(Disk):
        calls: list[str] = []

        def write(self, fd: int, data: bytes) -> int:
            self.calls.append("write")
            return super().write(fd, data)

        def sync(self, fd: int) -> None:
            self.calls.append("sync")
            super().sync(fd)

        def sync_directory(self, folder: Path) -> None:
            self.calls.append("folder")
            super().sync_directory(folder)

    writer = SegmentWriter(tmp_path / "w", ManualClock(0.0), Recorder())
    writer.commit(b"x" * 100)
    assert Recorder.calls == ["write", "sync", "folder", "write", "sync"]
    writer.close()


PROGRAM = """
import sys, pathlib
from headcount_ingest.settings import EdgeSettings
from headcount_ingest.worker import run
from headcount_wire.clock import ManualClock
folder, port, admin = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
settings = EdgeSettings(organisation=folder / "organisation.toml", spool=folder / "spool", worker="w0", port=port,
    admin_port=admin, seal_seconds=0.01, disk_floor_bytes=0)
sys.exit(run(settings, ManualClock(20_000 * 86_400.0)))
"""


@pytest.mark.parametrize("seed", range(4))
async def test_sigkill_loses_no_acknowledged_report(tmp_path: Path, seed: int) -> None:
    """Killed at a random moment under load, every acknowledged report is in a segment after recovery."""
    settings = settings_in(tmp_path)
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), str(settings.port), str(settings.admin_port)]
    process = await asyncio.create_subprocess_exec(*command, stderr=subprocess.DEVNULL)
    acknowledged: set[str] = set()
    body = codec.encode_json(report())
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}

    async def client(session: aiohttp.ClientSession) -> None:
        while process.returncode is None:
            report_id = new_report_id()
            url = f"http://127.0.0.1:{settings.port}/v1/reports/{report_id}"
            try:
                async with session.post(url, data=body, headers=headers) as answer:
                    if answer.status == 202:
                        acknowledged.add(report_id)
            except (aiohttp.ClientError, OSError):
                await asyncio.sleep(0)
            if len(acknowledged) >= 40 + 60 * seed:
                with contextlib.suppress(ProcessLookupError):  # another client was first
                    process.send_signal(signal.SIGKILL)
                return

    async with aiohttp.ClientSession() as session, asyncio.timeout(60):
        await asyncio.gather(*(client(session) for _ in range(8)))
    await process.wait()
    writer = SegmentWriter(settings.spool / "w0", ManualClock(0.0), Disk())
    writer.recover()
    found = {i.hex() for path in (settings.spool / "w0").glob("*.seg") for i, _ in segment.records(path.read_bytes())}
    assert len(acknowledged) >= 40
    assert acknowledged <= found
    writer.close()
