"""Segments whose worker is gone: sealed without a write that was cut off, as the worker would have at its next start.

A worker holds the lock of its folder as long as it lives. What stands open in a folder whose lock is
free has no owner: a machine that runs fewer workers than before starts none that would look there.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
from headcount_wire import segment
from headcount_wire.errors import MalformedSegment

from headcount_aggregator.load.disk import Disk
from headcount_aggregator.load.spool_reader import (
    OPEN,
    ORPHAN,
    SEALED,
    UNSEALED_NAME,
    bytes_of,
    left_open,
    set_aside,
)

log: structlog.stdlib.BoundLogger = structlog.get_logger("headcount.store")


@dataclass(slots=True)
class TakenOver:
    """Records that were sealed, and files that are no segment and were set aside."""

    records: int = 0
    set_aside: int = 0


def take_over(spool: Path, disk: Disk) -> TakenOver:
    """Seal what dead workers left open; set aside what no worker wrote.

    In the folder of a worker that lives nothing is touched, whatever its name: it may be what the worker writes to.
    """
    result = TakenOver()
    for folder in sorted({path.parent for path in left_open(spool)}):
        try:
            with _without_owner(folder) as ours:
                if ours:
                    _take_folder(folder, disk, result)
        except OSError as error:
            log.error("spool_folder_failed", folder=folder.name, error=type(error).__name__)
    return result


def _take_folder(folder: Path, disk: Disk, result: TakenOver) -> None:
    for path in sorted(path for suffix in (OPEN, ORPHAN) for path in folder.glob(f"*{suffix}")):
        if not UNSEALED_NAME.fullmatch(path.name):
            set_aside(path, disk)
            result.set_aside += 1
    # Renamed before it is read: a worker whose lock file was taken away notices, and acknowledges nothing more.
    for path in sorted(folder.glob(f"*{OPEN}")):
        disk.rename(path, path.with_suffix(ORPHAN))
    for path in sorted(folder.glob(f"*{ORPHAN}")):
        try:
            data = bytes_of(path)
            kept = segment.kept_bytes(data) if len(data) > segment.HEADER_BYTES else 0
            records = len(segment.salvage(data[:kept]).records) if kept else 0
        except (OSError, MalformedSegment):
            set_aside(path, disk)
            result.set_aside += 1
            continue
        if kept <= segment.HEADER_BYTES:  # nothing was acknowledged out of it
            disk.remove(path)
            continue
        if kept < len(data):
            disk.truncate(path, kept)
        disk.rename(path, path.with_suffix(SEALED))
        result.records += records
        log.warning("segment_taken_over", folder=folder.name, records=records)
    disk.sync(folder)


@contextmanager
def _without_owner(folder: Path) -> Iterator[bool]:
    """Whether no worker has the folder; while it has none, none can begin."""
    lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(lock)
