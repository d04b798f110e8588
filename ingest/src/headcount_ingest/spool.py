"""The last step: append, sync, and only then answer. Returning is the promise.

Records that arrive while the disk is busy are written together and synced once (group commit).
A segment's file and name are on the disk before its first record is acknowledged; it is sealed by
rename, and a file left over from an earlier process is sealed at its last whole record and never
appended to. After a failed write or sync nothing of that file is trusted beyond what was synced.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import structlog
from headcount_wire import days, limits, segment
from headcount_wire.clock import Clock
from headcount_wire.errors import MalformedSegment
from headcount_wire.problems import Problem
from headcount_wire.segment import Header

from headcount_ingest.bytes_left import bytes_left
from headcount_ingest.disk import Disk
from headcount_ingest.metrics import Metrics
from headcount_ingest.outcomes import Refused
from headcount_ingest.strip import Anonymous
from headcount_ingest.waiting import Waits

log: structlog.stdlib.BoundLogger = structlog.get_logger("headcount.edge")

OPEN, SEALED = ".open", ".seg"
STORAGE_RETRY_SECONDS = 30
FEW_RECORDS = 64
"""So few wait for a slow disk, not for each other."""
GATHER_SECONDS, GATHER_RECORDS = 0.003, 256
"""So long, and up to so many, records that keep coming are gathered before they are written."""
NO_DESCRIPTOR = frozenset({errno.EMFILE, errno.ENFILE})
"""Clients' connections can take up every descriptor for a while: a file is not opened then, and no disk has failed."""
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, *NO_DESCRIPTOR})
"""What is over when there is room again: the disk has not failed."""
LOCK_TRIES, LOCK_PAUSE_SECONDS = 50, 0.02


@dataclass(frozen=True, slots=True)
class Recovered:
    """What an earlier process left: records that were sealed, and segments this version cannot read."""

    records: int
    unreadable: int


class SpoolBusy(Exception):
    """Another process has this worker's spool."""


class SegmentWriter:
    """The file side of the spool: one open segment at most, used by one thread.

    Once ``broken`` it takes nothing more: after EIO a later sync may lie, and the process has to end.
    ``unsure``: what the last commit failed at may be on the disk all the same.
    """

    def __init__(self, folder: Path, clock: Clock, disk: Disk) -> None:
        self._folder = folder
        self._clock = clock
        self._disk = disk
        self._worker = secrets.token_bytes(8)
        self._sequence = self._number = 0
        self._fd = -1
        self._path = folder
        self._name, self._file = "", (0, 0)
        self._size = 0
        self.stranded = False
        self.broken = False
        self.unsure = False
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = _locked(folder / "lock")

    @property
    def size(self) -> int:
        """Bytes in the open segment, all synced; 0 when none is open."""
        return self._size

    @property
    def full(self) -> bool:
        """Whether the open segment has reached its size."""
        return self._size >= limits.SEGMENT_BYTES

    def recover(self) -> Recovered:
        """Seal what an earlier process left open, each file without a last write that was cut off.

        A file this version cannot read may hold acknowledged reports (a newer worker wrote it, or
        the disk damaged it): it is handed over as it is, and the loader sets it aside. So is what is no file.
        """
        records = unreadable = 0
        for path in sorted(self._folder.glob("*" + OPEN)):
            try:
                data = bytes_left(path)
                if len(data) <= segment.HEADER_BYTES:  # nothing was acknowledged out of it
                    path.unlink()
                    continue
                kept = segment.kept_bytes(data)
                found = len(segment.salvage(data[:kept]).records)
            except (OSError, MalformedSegment):
                unreadable += 1
                self._disk.rename(path, path.with_suffix(SEALED))
                continue
            if kept == segment.HEADER_BYTES:
                path.unlink()
                continue
            fd = self._disk.open(path, os.O_RDWR)
            try:
                self._disk.truncate(fd, kept)
                self._disk.sync(fd)
            finally:
                os.close(fd)
            self._disk.rename(path, path.with_suffix(SEALED))
            records += found
        # The worker's own folder may be new: its name has to outlast a power cut as well.
        for folder in (self._folder, *self._folder.parents[:2]):
            self._disk.sync_directory(folder)
        return Recovered(records, unreadable)

    def commit(self, data: bytes) -> None:
        """Have whole records on the disk, under a name, when this returns; raises ``OSError`` when they are not."""
        self.unsure = False
        if self.broken:
            raise OSError(errno.EIO, "the disk has failed before")
        try:
            if self._fd < 0:
                self._begin()
            self._write(data)
            self._disk.sync(self._fd)
            if not self._disk.leads_to(self._name, self._file):
                raise FileNotFoundError(errno.ENOENT, "the open segment was removed or moved")
        except OSError as error:
            sound = error.errno in NO_ROOM
            self.unsure = not self._abandon(sound=sound) or not sound
            self.broken = self.stranded or not sound
            raise
        self._size += len(data)
        self._sequence = self._number  # used up with a record in it: a number that is missing is a segment that is

    def seal(self) -> None:
        """Hand the open segment over to the loader, if there is one; its records are safe either way."""
        if self._fd < 0:
            return
        fd, self._fd, self._size = self._fd, -1, 0
        try:
            os.close(fd)
            self._disk.rename(self._path, self._path.with_suffix(SEALED))
            self._disk.sync_directory(self._folder)
        except OSError as error:
            self.broken = error.errno not in NO_DESCRIPTOR
            raise

    def close(self) -> None:
        """Seal, and let go of the folder."""
        self.seal()
        os.close(self._lock)

    def _begin(self) -> None:
        self._number = self._sequence + 1
        now = self._clock.now()
        name = f"{int(now * 1e9):020d}-{self._worker.hex()}-{self._number:06d}{OPEN}"
        self._path = self._folder / name
        self._fd = self._disk.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND)
        made = os.fstat(self._fd)
        self._name, self._file = str(self._path), (made.st_dev, made.st_ino)
        self._size = 0
        header = segment.encode_header(Header(self._worker, self._number, days.utc_day(now)))
        self._write(header)
        self._disk.sync(self._fd)
        self._disk.sync_directory(self._folder)
        self._size = len(header)

    def _write(self, data: bytes) -> None:
        written = self._disk.write(self._fd, data)
        while written < len(data):
            written += self._disk.write(self._fd, data[written:])

    def _abandon(self, *, sound: bool) -> bool:
        """Keep what was synced, give up the rest; the file is never appended to again. Whether the rest is cut off.

        On a sound disk that is synced, else a power cut brings the rest back. What cannot even be handed over stays
        open on the disk, and the next process recovers it.
        """
        if self._fd < 0:
            return True
        fd, self._fd = self._fd, -1
        size, self._size = self._size, 0
        cut = True
        try:
            self._disk.truncate(fd, size)
            if sound:
                self._disk.sync(fd)
        except OSError as error:
            cut = False
            self.stranded |= error.errno not in NO_ROOM
        with contextlib.suppress(OSError):
            os.close(fd)
        try:
            if size > segment.HEADER_BYTES:
                self._disk.rename(self._path, self._path.with_suffix(SEALED))
            else:
                self._path.unlink()
            self._disk.sync_directory(self._folder)
        except OSError as error:
            # Without a descriptor only the folder's sync failed: the name was changed before it.
            self.stranded |= error.errno not in NO_DESCRIPTOR
        return cut


def _locked(path: Path) -> int:
    """The lock of a worker's folder; raises ``SpoolBusy``. The loader holds it for moments, to look for orphans."""
    fd = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    pause = threading.Event()
    for _ in range(LOCK_TRIES):
        with contextlib.suppress(OSError):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return fd
        pause.wait(LOCK_PAUSE_SECONDS)
    os.close(fd)
    raise SpoolBusy("another process uses this worker's spool; give each worker its own name")


class Spool:
    """The event loop's side: what ``append`` gives is there when the record is on the disk."""

    def __init__(self, writer: SegmentWriter, clock: Clock, seal_seconds: float, metrics: Metrics) -> None:
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        self._clock = clock
        self._seal_seconds = seal_seconds
        self._metrics = metrics
        self._writing_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spool")
        self._waiting: list[tuple[bytes, Waits[Refused | None]]] = []
        self._flusher: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._sealing: asyncio.Task[None] | None = None
        self._unsynced = 0
        self._began = self._next_began = 0.0
        self._writing = False
        self.synced = 0
        """Records that are on the disk, since the start."""
        self.broken = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many records wait for the disk to be free."""
        return len(self._waiting)

    def append(self, record: Anonymous) -> Waits[Refused | None]:
        """One record on its way to the disk: it is there when this comes to nothing, else it was not acknowledged."""
        synced: Waits[Refused | None] = Waits()
        if not self._waiting:
            self._next_began = self._clock.monotonic()
        self._waiting.append((record.framed, synced))
        self._unsynced += 1
        if self._flusher is None or self._flusher.done():
            self._flusher = self._loop.create_task(self._flush())
        return synced

    @property
    def waited(self) -> float:
        """For how many seconds records have been waiting for the disk; 0 while they are only a few."""
        if self._unsynced < FEW_RECORDS:
            return 0.0
        return self._clock.monotonic() - (self._began if self._writing else self._next_began)

    async def _flush(self) -> None:
        """Group commit: whatever has come while the disk was busy is written together and synced once."""
        while self._waiting:
            await self._gather()
            group = self._next_group()
            self._began, self._writing = self._next_began, True
            began = self._clock.monotonic()
            refused = None
            try:
                data = b"".join([framed for framed, _ in group])
                await self._loop.run_in_executor(self._writing_thread, self._writer.commit, data)
            except OSError:
                refused = self._failed(unsure=self._writer.unsure)
            except Exception as error:  # the last resort: nobody waits for ever, and this process ends
                log.error("spool_failed", kind=type(error).__name__)
                self.broken.set()
                refused = self._failed(unsure=True)
            else:
                self._metrics.sync_seconds.observe(self._clock.monotonic() - began)
                self._metrics.group_records.observe(len(group))
                self.synced += len(group)
            self._writing = False
            self._unsynced -= len(group)
            for _, synced in group:
                try:
                    synced.hand_over(refused)
                except Exception as error:  # the last resort: what fails at one client keeps no other waiting
                    log.error("answer_failed", kind=type(error).__name__)
            if self._writer.full:
                await self.seal()
            self._arm()

    async def _gather(self) -> None:
        """Let more join as long as each turn of the loop brings some, for a moment: a commit costs as much as several.

        Where nobody else is about to come, that is one turn; how busy the disk is does not matter.
        """
        until, had = self._loop.time() + GATHER_SECONDS, 0
        while had < len(self._waiting) < GATHER_RECORDS and self._loop.time() < until:
            had = len(self._waiting)
            await asyncio.sleep(0)

    def _next_group(self) -> list[tuple[bytes, Waits[Refused | None]]]:
        """What is written next: all that waits, up to a segment's size, so that no segment grows without bound."""
        size = 0
        for number, (framed, _) in enumerate(self._waiting):
            size += len(framed)
            if size > limits.SEGMENT_BYTES:
                group, self._waiting = self._waiting[:number], self._waiting[number:]
                return group
        group, self._waiting = self._waiting, []
        return group

    def _failed(self, *, unsure: bool) -> Refused:
        self._metrics.storage_failures.inc()
        if self._writer.broken:
            self.broken.set()
        return Refused(Problem.STORAGE_FAILED if unsure else Problem.STORAGE, STORAGE_RETRY_SECONDS)

    def _arm(self) -> None:
        if self._timer is None and self._writer.size:
            self._timer = self._loop.call_later(self._seal_seconds, self._seal_soon)

    def _seal_soon(self) -> None:
        self._timer = None
        self._sealing = self._loop.create_task(self.seal())

    async def seal(self) -> None:
        """Hand over what is open; what is being written goes first."""
        try:
            await self._loop.run_in_executor(self._writing_thread, self._writer.seal)
        except OSError:
            self._metrics.storage_failures.inc()
            if self._writer.broken:
                self.broken.set()
        self._arm()

    async def close(self) -> None:
        """Write what waits, seal, let go."""
        if self._flusher is not None:
            await self._flusher
        if self._timer is not None:
            self._timer.cancel()
        if self._sealing is not None:
            await self._sealing
        with contextlib.suppress(OSError):
            await self._loop.run_in_executor(self._writing_thread, self._writer.close)
        self._writing_thread.shutdown()
