"""The system calls that the spool is made of, in one place: what may fail, and what tests make fail."""

from __future__ import annotations

import os
from pathlib import Path


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

    def leads_to(self, name: str, file: tuple[int, int]) -> bool:
        """Whether a name still leads to an open file, known by device and number: somebody may have moved it.

        One call of the system, as each lets other threads go first: this one waits for its turn after it.
        """
        try:
            found = os.stat(name)  # noqa: PTH116 - once a commit, and a path would be made into a text each time
        except FileNotFoundError:
            return False
        return (found.st_dev, found.st_ino) == file

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
