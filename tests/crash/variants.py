"""Workers to kill and to trace: the real one, and one with each planted bug.

A bug is planted in the disk that the worker is given, the one seam of its spool.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from headcount_ingest.disk import Disk
from headcount_ingest.settings import EdgeSettings
from headcount_ingest.worker import quiet, run, serve, tune
from headcount_wire.clock import SystemClock

LATER_SECONDS = 0.02


class AnswersBeforeWrite(Disk):
    """Bug: what is to be written is taken for written, and written a moment later."""

    def __init__(self) -> None:
        self._soon = ThreadPoolExecutor(1)
        self._pause = threading.Event()

    def write(self, fd: int, data: bytes) -> int:
        self._soon.submit(self._write, os.dup(fd), data)
        return len(data)

    def _write(self, fd: int, data: bytes) -> None:
        self._pause.wait(LATER_SECONDS)
        os.write(fd, data)
        os.close(fd)


class AnswersBeforeSync(Disk):
    """Bug: every second sync is left to the one after it."""

    def __init__(self) -> None:
        self._owed = False

    def sync(self, fd: int) -> None:
        self._owed = not self._owed
        if not self._owed:
            super().sync(fd)


class IgnoresFailedSyncs(Disk):
    """Bug: a sync that failed is taken for done."""

    def sync(self, fd: int) -> None:
        with contextlib.suppress(OSError):
            super().sync(fd)


class NeverSyncs(Disk):
    """Bug: nothing is synced."""

    def sync(self, fd: int) -> None:
        pass


class NamesNothing(Disk):
    """Bug: the name of a new segment is not synced."""

    def sync_directory(self, folder: Path) -> None:
        pass


class AppendsToWhatItFinds(Disk):
    """Bug: a file that an earlier process left is neither cut nor sealed, but written on."""

    def __init__(self) -> None:
        self._left: Path | None = None
        self._begun = False
        self._has_header = -1

    def truncate(self, fd: int, size: int) -> None:
        if self._begun:
            super().truncate(fd, size)

    def rename(self, source: Path, target: Path) -> None:
        if self._begun or self._left:
            super().rename(source, target)
        else:
            self._left = source

    def open(self, path: Path, flags: int) -> int:
        if not flags & os.O_CREAT:
            return super().open(path, flags)
        self._begun = True
        left, self._left = self._left, None
        if left is None:
            return super().open(path, flags)
        left.rename(path)
        self._has_header = super().open(path, os.O_WRONLY | os.O_APPEND)
        return self._has_header

    def write(self, fd: int, data: bytes) -> int:
        if fd == self._has_header:
            self._has_header = -1
            return len(data)
        return super().write(fd, data)


class Narrow(Disk):
    """No bug: a disk that takes a few bytes at a time."""

    def write(self, fd: int, data: bytes) -> int:
        return super().write(fd, data[:7])


def _with(disk: Callable[[], Disk]) -> Callable[[EdgeSettings], int]:
    def run_with(settings: EdgeSettings) -> int:
        quiet()
        tune()
        return asyncio.run(serve(settings, SystemClock(), disk=disk()))

    return run_with


VARIANTS: Mapping[str, Callable[[EdgeSettings], int]] = {
    "real": run,
    "narrow": _with(Narrow),
    "answers before write": _with(AnswersBeforeWrite),
    "answers before sync": _with(AnswersBeforeSync),
    "ignores failed syncs": _with(IgnoresFailedSyncs),
    "never syncs": _with(NeverSyncs),
    "names nothing": _with(NamesNothing),
    "appends to what it finds": _with(AppendsToWhatItFinds),
}
