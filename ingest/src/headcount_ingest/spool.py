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
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from headcount_wire import days, limits, segment
from headcount_wire.clock import Clock
from headcount_wire.errors import MalformedSegment
from headcount_wire.segment import Header

from headcount_ingest.metrics import Metrics
from headcount_ingest.strip import Anonymous

OPEN, SEALED = ".open", ".seg"


class StorageFailed(Exception):
    """The record is not on the disk and was not acknowledged."""


class SpoolBusy(Exception):
    """Another process has this worker's spool."""


class Disk:
    """The system calls the spool is made of; tests replace them to fail or to die."""

    def open(self, path: Path, flags: int) -> int:
        """Open a file, private to its owner."""
        return os.open(path, flags, 0o600)

    def write(self, fd: int, data: bytes) -> int:
        """Write some of the data."""
        return os.write(fd, data)

    def sync(self, fd: int) -> None:
        """Have a file's bytes and size on the disk."""
        os.fdatasync(fd)

    def truncate(self, fd: int, size: int) -> None:
        """Cut a file."""
        os.ftruncate(fd, size)

    def rename(self, source: Path, target: Path) -> None:
        """Give a file its final name."""
        source.rename(target)

    def sync_directory(self, folder: Path) -> None:
        """Have a folder's names on the disk."""
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


class SegmentWriter:
    """The file side of the spool: one open segment at most, used by one thread."""

    def __init__(self, folder: Path, clock: Clock, disk: Disk) -> None:
        self._folder = folder
        self._clock = clock
        self._disk = disk
        self._worker = secrets.token_bytes(8)
        self._sequence = 0
        self._fd = -1
        self._path = folder
        self._size = 0
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise SpoolBusy("another process uses this worker's spool; give each worker its own name") from None

    @property
    def size(self) -> int:
        """Bytes in the open segment, all synced; 0 when none is open."""
        return self._size

    def recover(self) -> int:
        """Seal what an earlier process left open, at its last whole record; returns the records found."""
        found = 0
        for path in sorted(self._folder.glob("*" + OPEN)):
            data = path.read_bytes()
            try:
                whole = segment.whole_bytes(data)
            except MalformedSegment:
                whole = 0
            if whole <= segment.HEADER_BYTES:
                path.unlink()
                continue
            fd = self._disk.open(path, os.O_RDWR)
            try:
                self._disk.truncate(fd, whole)
                self._disk.sync(fd)
            finally:
                os.close(fd)
            self._disk.rename(path, path.with_suffix(SEALED))
            found += sum(1 for _ in segment.records(data[:whole]))
        self._disk.sync_directory(self._folder)
        return found

    def commit(self, data: bytes) -> None:
        """Have whole records on the disk when this returns; raises ``OSError`` when they are not."""
        try:
            if self._fd < 0:
                self._begin()
            self._write(data)
            self._disk.sync(self._fd)
        except OSError:
            self._abandon()
            raise
        self._size += len(data)
        if self._size >= limits.SEGMENT_BYTES:
            self.seal()

    def seal(self) -> None:
        """Hand the open segment over to the loader, if there is one."""
        if self._fd < 0:
            return
        os.close(self._fd)
        self._fd, self._size = -1, 0
        self._disk.rename(self._path, self._path.with_suffix(SEALED))
        self._disk.sync_directory(self._folder)

    def close(self) -> None:
        """Seal, and let go of the folder."""
        self.seal()
        os.close(self._lock)

    def _begin(self) -> None:
        self._sequence += 1
        now = self._clock.now()
        name = f"{int(now * 1e9):020d}-{self._worker.hex()}-{self._sequence:06d}{OPEN}"
        self._path = self._folder / name
        self._fd = self._disk.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND)
        self._size = 0
        header = segment.encode_header(Header(self._worker, self._sequence, days.utc_day(now)))
        self._write(header)
        self._disk.sync(self._fd)
        self._disk.sync_directory(self._folder)
        self._size = len(header)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._disk.write(self._fd, bytes(view)) :]

    def _abandon(self) -> None:
        """Keep what was synced, give up the rest; the file is never appended to again."""
        if self._fd < 0:
            return
        fd, self._fd = self._fd, -1
        size, self._size = self._size, 0
        with contextlib.suppress(OSError):
            self._disk.truncate(fd, size)
        os.close(fd)
        with contextlib.suppress(OSError):
            if size > segment.HEADER_BYTES:
                self._disk.rename(self._path, self._path.with_suffix(SEALED))
            else:
                self._path.unlink()
            self._disk.sync_directory(self._folder)


class Spool:
    """The event loop's side: ``append`` returns when the record is on the disk."""

    def __init__(self, writer: SegmentWriter, clock: Clock, seal_seconds: float, metrics: Metrics) -> None:
        self._writer = writer
        self._clock = clock
        self._seal_seconds = seal_seconds
        self._metrics = metrics
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spool")
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._flusher: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._sealing: asyncio.Task[None] | None = None
        self.broken = asyncio.Event()

    async def append(self, record: Anonymous) -> None:
        """Have one record on the disk; raises ``StorageFailed`` when that failed."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((record.framed, done))
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.create_task(self._flush())
        await done

    async def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            group, self._waiting = self._waiting, []
            began = self._clock.monotonic()
            try:
                await loop.run_in_executor(self._thread, self._writer.commit, b"".join(data for data, _ in group))
            except OSError as error:
                self._fail(group, error)
                continue
            self._metrics.sync_seconds.observe(self._clock.monotonic() - began)
            self._metrics.group_records.observe(len(group))
            for _, done in group:
                if not done.done():
                    done.set_result(None)
            self._arm()

    def _fail(self, group: list[tuple[bytes, asyncio.Future[None]]], error: OSError) -> None:
        self._metrics.storage_failures.inc()
        for _, done in group:
            if not done.done():
                done.set_exception(StorageFailed())
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            # After EIO a later sync may lie: this process never trusts the disk again.
            self.broken.set()

    def _arm(self) -> None:
        if self._timer is None and self._writer.size:
            self._timer = asyncio.get_running_loop().call_later(self._seal_seconds, self._seal_soon)

    def _seal_soon(self) -> None:
        self._timer = None
        self._sealing = asyncio.create_task(self.seal())

    async def seal(self) -> None:
        """Hand over what is open; what is being written goes first."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._writer.seal)
        except OSError:
            self._metrics.storage_failures.inc()
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
            await asyncio.get_running_loop().run_in_executor(self._thread, self._writer.close)
        self._thread.shutdown()
