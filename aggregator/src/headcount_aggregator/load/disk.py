"""The durable operations the loader is made of; tests replace them to die at each."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


class Disk:
    """Files that are whole or not there."""

    def write(self, path: Path, data: bytes) -> None:
        """Write a file, synced when this returns."""
        self.write_parts(path, (data,))

    def write_parts(self, path: Path, parts: Iterable[bytes]) -> None:
        """Write a file part by part as they come, synced when this returns."""
        fd = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        try:
            for part in parts:
                view = memoryview(part)
                while view:
                    view = view[os.write(fd, view) :]
            os.fsync(fd)
        finally:
            os.close(fd)

    def rename(self, source: Path, target: Path) -> None:
        """Give a file its final name; the name is on the disk when this returns."""
        source.rename(target)
        self.sync(target.parent)

    def truncate(self, path: Path, size: int) -> None:
        """Cut a file; its bytes and size are on the disk when this returns."""
        fd = os.open(path, os.O_RDWR)
        try:
            os.ftruncate(fd, size)
            os.fsync(fd)
        finally:
            os.close(fd)

    def remove(self, path: Path) -> None:
        """Remove a file, if it is there."""
        path.unlink(missing_ok=True)

    def sync(self, folder: Path) -> None:
        """Have a folder's names on the disk."""
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
