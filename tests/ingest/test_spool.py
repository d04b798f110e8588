"""The spool: acknowledged means synced, whatever the disk does and whenever the process dies."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import shutil
import signal
import struct
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from headcount_ingest.disk import Disk
from headcount_ingest.spool import Recovered, SegmentWriter, SpoolBusy
from headcount_wire import codec, limits, segment
from headcount_wire.clock import ManualClock
from headcount_wire.problems import Problem
from headcount_wire.report import new_report_id

from tests.ingest.conftest import KEY, TODAY, report, running, settings_in

CALLS = ("open", "write", "sync", "truncate", "rename", "sync_directory")
IN_RECOVERY = 3
"""Calls of a start with an empty spool: the folder, and the two above it, are synced."""
SECOND_WRITE = IN_RECOVERY + 7
"""The call that writes the second group: the first begins the segment."""


class FailingDisk(Disk):
    """Fails one call in its life, or all from it on, with an error of choice; a failing write writes half."""

    def __init__(self, at: int, code: int, *, for_good: bool = False) -> None:
        self._at = at
        self._code = code
        self._for_good = for_good
        self.calls: list[str] = []

    def _hit(self, call: str) -> None:
        self.calls.append(call)
        if len(self.calls) == self._at or (self._for_good and len(self.calls) > self._at):
            raise OSError(self._code, "injected")

    def open(self, path: Path, flags: int) -> int:
        self._hit("open")
        return super().open(path, flags)

    def write(self, fd: int, data: bytes) -> int:
        try:
            self._hit("write")
        except OSError:
            os.write(fd, data[: len(data) // 2])
            raise
        return super().write(fd, data)

    def sync(self, fd: int) -> None:
        self._hit("sync")
        super().sync(fd)

    def truncate(self, fd: int, size: int) -> None:
        self._hit("truncate")
        super().truncate(fd, size)

    def rename(self, source: Path, target: Path) -> None:
        self._hit("rename")
        super().rename(source, target)

    def sync_directory(self, folder: Path) -> None:
        self._hit("sync_directory")
        super().sync_directory(folder)


@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for_good"])
@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize("at", range(IN_RECOVERY + 1, IN_RECOVERY + 16))
async def test_no_false_acknowledgement(tmp_path: Path, at: int, code: int, for_good: bool) -> None:
    """With EIO or ENOSPC at any call, once or for good, what was answered 202 is in a segment, the rest is 507.

    What was told to be nowhere (``storage``) is in none: it may come again under another id.
    """
    disk = FailingDisk(at, code, for_good=for_good)
    worker = await running(settings_in(tmp_path), disk)
    acknowledged: list[str] = []
    nowhere: set[str] = set()
    refused = 0
    for _ in range(8):
        report_id = new_report_id()
        try:
            status, body, _ = await worker.post(report(), report_id=report_id)
        except aiohttp.ClientConnectionError:
            break  # after EIO the worker stops by itself
        if status == 202:
            assert not (refused and code == errno.EIO), "a disk that has lied is not trusted again"
            acknowledged.append(report_id)
        else:
            assert status in (503, 507)
            refused += 1
            if body["type"] != Problem.STORAGE_FAILED.uri:
                nowhere.add(report_id)
    ended = await worker.close()
    await worker.session.close()
    failed = disk.calls[at - 1 : at]
    if failed and code == errno.EIO and failed != ["truncate"]:
        assert ended == 1, "a process whose disk has lied ends, so that another one looks at what is there"

    after = SegmentWriter(worker.settings.spool / "w0", ManualClock(0.0), Disk())
    after.recover()
    after.close()
    spooled = [report_id.hex() for report_id, _ in worker.spooled()]
    assert set(acknowledged) <= set(spooled)
    assert not nowhere & set(spooled)
    assert len(spooled) == len(set(spooled))
    assert not list((worker.settings.spool / "w0").glob("*.open"))


def test_every_call_is_reached_by_the_faults(tmp_path: Path) -> None:
    """The faults above would prove little if a kind of call were never made."""
    disk = FailingDisk(SECOND_WRITE, errno.ENOSPC)
    writer = SegmentWriter(tmp_path / "w", ManualClock(0.0), disk)
    writer.recover()
    writer.commit(b"x" * 100)
    with pytest.raises(OSError, match="injected"):
        writer.commit(b"y" * 100)
    writer.close()
    assert set(disk.calls) == set(CALLS)
    assert not writer.stranded


@pytest.mark.parametrize(
    ("code", "then", "unsure"),
    [
        (errno.ENOSPC, ["truncate", "sync", "rename", "sync_directory"], False),
        (errno.EIO, ["truncate", "rename", "sync_directory"], True),
    ],
)
def test_what_is_said_to_be_nowhere_was_cut_off_and_synced(
    tmp_path: Path, code: int, then: list[str], unsure: bool
) -> None:
    """After ENOSPC the cut is on the disk before the name changes: a power cut brings nothing back. EIO: who knows."""
    disk = FailingDisk(SECOND_WRITE, code)
    writer = SegmentWriter(tmp_path / "w", ManualClock(0.0), disk)
    writer.recover()
    writer.commit(b"x" * 100)
    with pytest.raises(OSError, match="injected"):
        writer.commit(b"y" * 100)
    assert disk.calls[SECOND_WRITE:] == then
    assert writer.unsure is unsure
    writer.close()


def framed(n: int) -> bytes:
    record = segment.Record(segment.Stream.LIVE, TODAY, 0, 1, 1, 1, ("ios",) * 6, None, ((TODAY, 1, 0, 4, 1, 1),))
    return segment.encode_record(bytes([n]) * 16, record)


def left_open(folder: Path, data: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "00000000000000000001-0001020304050607-000001.open"
    path.write_bytes(data)
    return path


def of_a_newer_kind() -> bytes:
    """A whole record of a kind that this version does not know."""
    whole = framed(9)
    length, report_id, payload = whole[:4], whole[8:24], b"\x63" + whole[25:]
    return length + struct.pack("<I", zlib.crc32(length + report_id + payload)) + report_id + payload


HEADER = segment.encode_header(segment.Header(bytes(8), 1, TODAY))
DAMAGED = framed(9)[:-1] + b"?"
OF_A_NEWER_KIND = of_a_newer_kind()


@pytest.mark.parametrize(
    ("data", "kept", "records", "unreadable"),
    [
        (b"", None, 0, 0),
        (HEADER[:7], None, 0, 0),
        (HEADER, None, 0, 0),
        (HEADER + framed(1)[:20], None, 0, 0),
        (HEADER + framed(1), HEADER + framed(1), 1, 0),
        (HEADER + framed(1) + framed(2)[:-1], HEADER + framed(1), 1, 0),
        (HEADER + framed(1) + b"\0" * 4096, HEADER + framed(1), 1, 0),
        (b"HCSEG\x03" + HEADER[6:] + framed(1), b"HCSEG\x03" + HEADER[6:] + framed(1), 0, 1),
        (b"?" + HEADER[1:] + framed(1), b"?" + HEADER[1:] + framed(1), 0, 1),
        (HEADER + DAMAGED + framed(2), HEADER + DAMAGED + framed(2), 1, 0),
        (HEADER + framed(1) + DAMAGED + framed(3), HEADER + framed(1) + DAMAGED + framed(3), 2, 0),
        (HEADER + framed(1) + DAMAGED, HEADER + framed(1), 1, 0),
        (HEADER + framed(1) + OF_A_NEWER_KIND, HEADER + framed(1) + OF_A_NEWER_KIND, 0, 1),
    ],
    ids=[
        *("empty", "half_header", "header", "torn_first", "whole", "torn_tail", "zero_tail", "newer", "damaged_header"),
        *("damaged_first", "damaged_middle", "damaged_last", "newer_record"),
    ],
)
def test_recovery_hands_over_all_that_may_be_acknowledged(
    tmp_path: Path, data: bytes, kept: bytes | None, records: int, unreadable: int
) -> None:
    """A torn tail is cut, a file without a record removed; what is damaged or cannot be read is handed over whole."""
    path = left_open(tmp_path / "w", data)
    writer = SegmentWriter(tmp_path / "w", ManualClock(0.0), Disk())
    assert writer.recover() == Recovered(records, unreadable)
    writer.close()
    sealed = path.with_suffix(".seg")
    assert not path.exists()
    assert (sealed.read_bytes() if sealed.exists() else None) == kept


async def test_reports_that_wait_together_are_synced_together(tmp_path: Path) -> None:
    """While the disk is busy reports gather, and one sync acknowledges all of them."""
    disk = FailingDisk(0, 0)
    worker = await running(settings_in(tmp_path), disk)
    answers = await asyncio.gather(*(worker.post(report()) for _ in range(40)))
    assert {status for status, _, _ in answers} == {202}
    assert disk.calls.count("sync") < 40
    await worker.close()
    await worker.session.close()
    assert len(worker.spooled()) == 40


async def test_a_segment_is_sealed_when_full_and_when_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A segment is handed over at its size, and an idle worker hands over what it has."""
    monkeypatch.setattr(limits, "SEGMENT_BYTES", 300)
    worker = await running(replace(settings_in(tmp_path), seal_seconds=0.05))
    for _ in range(9):
        await worker.post(report())
    async with asyncio.timeout(10):
        while list(worker.settings.spool.glob("*/*.open")):
            await worker.metrics()
    sealed = list(worker.settings.spool.glob("*/*.seg"))
    assert len(sealed) > 1
    assert len(worker.spooled()) == 9
    await worker.close()
    await worker.session.close()


def test_recovery_keeps_the_whole_prefix_and_never_appends(tmp_path: Path) -> None:
    """A torn tail is cut at the last whole record, the file is sealed, and the next goes elsewhere."""
    clock = ManualClock(TODAY * 86_400.0)
    first = SegmentWriter(tmp_path / "w", clock, Disk())
    first.commit(framed(0) + framed(1))
    (path,) = (tmp_path / "w").glob("*.open")
    whole = path.read_bytes()
    os.close(first._fd)
    os.close(first._lock)
    path.write_bytes(whole + framed(2)[:-5])

    second = SegmentWriter(tmp_path / "w", clock, Disk())
    assert second.recover() == Recovered(2, 0)
    (sealed,) = (tmp_path / "w").glob("*.seg")
    assert sealed.read_bytes() == whole
    second.commit(framed(2))
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


@pytest.mark.parametrize("what", ["segment", "worker's folder", "spool", "moved", "replaced"])
async def test_a_spool_that_is_taken_away_is_noticed(tmp_path: Path, what: str) -> None:
    """Where the open segment's name no longer leads to it the answer is 507, and the process ends to begin anew."""
    settings = replace(settings_in(tmp_path), seal_seconds=60.0)
    clock = ManualClock(TODAY * 86_400.0)
    worker = await running(settings, clock=clock)
    assert (await worker.post(report()))[0] == 202
    clock.advance(5.0)
    (segment_path,) = settings.spool.glob("*/*.open")
    match what:
        case "segment":
            segment_path.unlink()
        case "worker's folder":
            shutil.rmtree(segment_path.parent)
        case "spool":
            shutil.rmtree(settings.spool)
        case "moved":
            settings.spool.rename(tmp_path / "elsewhere")
        case _:
            data = segment_path.read_bytes()
            segment_path.unlink()
            segment_path.write_bytes(data)
    status, body, _ = await worker.post(report())
    assert (status, body["type"]) == (507, Problem.STORAGE_FAILED.uri)
    assert await asyncio.wait_for(worker.task, 20) == 1
    await worker.close()
    await worker.session.close()
    again = await running(settings)
    assert (await again.post(report()))[0] == 202
    await again.close()
    await again.session.close()


PROGRAM = """
import sys, pathlib
from headcount_ingest.settings import EdgeSettings
from headcount_ingest.worker import run
from headcount_wire.clock import ManualClock
from headcount_wire.problems import Problem
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


class Unheard(Disk):
    """Fails as no disk does."""

    def write(self, fd: int, data: bytes) -> int:
        raise MemoryError


async def test_a_fault_that_is_no_disk_s_keeps_nobody_waiting(tmp_path: Path) -> None:
    """Whatever goes wrong while a group is written, its reports are told 507, and the process ends to begin anew."""
    worker = await running(settings_in(tmp_path), Unheard())
    async with asyncio.timeout(20):
        answers = await asyncio.gather(*(worker.post(report()) for _ in range(3)))
        assert {status for status, _, _ in answers} <= {507, 503}
        assert await worker.task == 1
    await worker.session.close()
