"""Where a client's state lives on the device, and the few durable operations it is made of.

Every write that must survive goes through ``Storage``, so that a test can die at each of them.
Files are readable by the app only.
"""

from __future__ import annotations

import contextlib
import mmap
import os

DIRECTORY_MODE = 0o700
FILE_MODE = 0o600
ZEROS_BYTES = 16 * 1024
"""As many zeros are held at a time to fill a file with."""


class Closed(Exception):
    """The state is not open: before ``start``, or after ``shutdown``."""


class DirectoryBusy(Exception):
    """Another process of the app already uses this directory."""


class Storage:
    """Files in one directory, made only when the first one is written."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self._lock: int | None = None

    def path(self, name: str) -> str:
        """The path of a file."""
        return os.path.join(self.directory, name)

    def holds(self, name: str) -> bool:
        """Whether there is a file of this name."""
        return os.path.exists(self.path(name))

    def open(self) -> None:
        """Make the directory and take it for this process; raises ``DirectoryBusy`` or ``OSError``."""
        if self._lock is not None:
            return
        os.makedirs(self.directory, mode=DIRECTORY_MODE, exist_ok=True)
        lock = os.open(self.path("lock"), os.O_CREAT | os.O_RDWR, FILE_MODE)
        try:
            _lock_file(lock)
        except OSError:
            os.close(lock)
            raise DirectoryBusy(
                "another process of this app has this directory open; give each process its own directory"
            ) from None
        self._lock = lock

    def close(self) -> None:
        """Let go of the directory."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def read(self, name: str) -> bytes | None:
        """A file's bytes, or ``None`` when there is none."""
        try:
            with open(self.path(name), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def replace(self, name: str, data: bytes) -> None:
        """Put a file in place of another, whole or not at all, durable when this returns."""
        temporary = self.path(name + ".new")
        fd = os.open(temporary, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, FILE_MODE)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(fd, view) :]
            self.sync(fd)
        finally:
            os.close(fd)
        self.rename(temporary, self.path(name))
        self.sync_directory()

    def set_aside(self, name: str) -> None:
        """Keep a file that cannot be read under another name, in place of the one set aside before."""
        with contextlib.suppress(OSError):
            self.rename(self.path(name), self.path(name + ".bad"))

    def remove(self, name: str) -> None:
        """Remove a file, if it is there; in a folder that lets nothing go, leave it empty."""
        with contextlib.suppress(FileNotFoundError):
            try:
                self.unlink(self.path(name))
            except PermissionError:
                os.truncate(self.path(name), 0)

    def unlink(self, path: str) -> None:
        """Take a file's name away."""
        os.unlink(path)

    def size(self, name: str) -> int | None:
        """A file's size in bytes, or ``None`` when there is none."""
        try:
            return os.stat(self.path(name)).st_size
        except FileNotFoundError:
            return None

    def map(self, name: str, size: int) -> mmap.mmap:
        """A file of a fixed size, mapped into memory: what is written survives the death of the process."""
        fd = os.open(self.path(name), os.O_CREAT | os.O_RDWR, FILE_MODE)
        try:
            there = min(os.fstat(fd).st_size, size)
            if os.fstat(fd).st_size != size:
                os.ftruncate(fd, there)
                os.lseek(fd, 0, os.SEEK_END)
                # Written, not only sized: a hole would have no room on a full disk, and writing to it in
                # memory would end the process.
                while there < size:
                    there += os.write(fd, bytes(min(size - there, ZEROS_BYTES)))
                self.sync(fd)
            return mmap.mmap(fd, size)
        finally:
            os.close(fd)

    def sync(self, fd: int) -> None:
        """Have a file's bytes on the disk."""
        os.fsync(fd)

    def rename(self, source: str, target: str) -> None:
        """Give a file its final name."""
        os.replace(source, target)

    def sync_directory(self) -> None:
        """Have the directory's names on the disk, where the system can do that."""
        with contextlib.suppress(OSError):
            fd = os.open(self.directory, os.O_RDONLY)
            try:
                self.sync(fd)
            finally:
                os.close(fd)


def _lock_file(fd: int) -> None:
    try:
        import fcntl
    except ImportError:  # Windows has no flock; a byte-range lock does the same there
        import msvcrt

        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]  # Windows only
        return
    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
