"""Sealed segments of every worker, in the order they were made."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog
from headcount_wire import segment
from headcount_wire.errors import MalformedSegment
from headcount_wire.segment_slices import Sliced, salvage_sliced

from headcount_aggregator.load.disk import Disk

_DAY_NS = 86_400 * 10**9
SEALED, OPEN, ORPHAN, SET_ASIDE = ".seg", ".open", ".orphan", ".bad"
"""A segment handed over; one a worker writes to; one whose worker is gone; a file nothing can be loaded from."""

UNSEALED_NAME = re.compile(r"[0-9]{20}-[0-9a-f]{16}-[0-9]{6,10}\.(open|orphan)")
"""How a worker names what it writes to. The sequence has six digits, and more once it needs them."""
_BEFORE_SEQUENCE = 38

log: structlog.stdlib.BoundLogger = structlog.get_logger("headcount.store")


@dataclass(frozen=True, slots=True)
class Found:
    """What a sealed segment holds. ``gaps``: damaged stretches, each of one record or more, that nobody can read."""

    records: list[Sliced]
    gaps: int = 0


def sealed(spool: Path) -> list[Path]:
    """Every sealed segment, oldest first."""
    return sorted(spool.glob(f"*/*{SEALED}"), key=_place)


def unsealed(spool: Path, moment: float = float("inf")) -> list[Path]:
    """Segments begun at or before a moment that a worker writes to, or that it left and nobody has taken over yet."""
    return [path for path in left_open(spool) if UNSEALED_NAME.fullmatch(path.name) and _begun(path) <= moment * 1e9]


def left_open(spool: Path) -> list[Path]:
    """Every file that is named as a segment that is not sealed, and those that only end like one."""
    return [path for suffix in (OPEN, ORPHAN) for path in spool.glob(f"*/*{suffix}")]


def drained(spool: Path, moment: float) -> bool:
    """Whether everything acknowledged up to a moment of the clock has been taken by the loader.

    Segments begun later do not count: under load there is always one.
    """
    # Open before sealed: a segment that is sealed between the two looks is seen by the second.
    return not unsealed(spool, moment) and not any(_begun(path) <= moment * 1e9 for path in sealed(spool))


def oldest_day(spool: Path) -> int | None:
    """The UTC day on which the oldest segment that is still there was begun; ``None`` when there is none."""
    begun = [_begun(path) for path in (*unsealed(spool), *sealed(spool))]
    return min(begun) // _DAY_NS if begun else None


def set_aside(path: Path, disk: Disk) -> None:
    """Take a file out of the loader's way, and keep it for whoever looks after the machine."""
    target = path.with_suffix(SET_ASIDE)
    number = 1
    while target.exists() or target.is_symlink():
        number += 1
        target = path.with_suffix(f".{number}{SET_ASIDE}")
    disk.rename(path, target)
    log.error("file_set_aside", file=f"{path.parent.name}/{path.name}", kept_as=target.name)


def forget_set_aside(spool: Path, before: int, disk: Disk) -> None:
    """Remove files that were set aside, once they were begun before a day: they hold stripped records too."""
    for path in spool.glob(f"*/*{SET_ASIDE}"):
        with contextlib.suppress(OSError):  # somebody else's file: it may vanish, or may not be ours to remove
            found = path.lstat()
            begun = _begun(path) or found.st_mtime_ns
            if begun // _DAY_NS < before and not stat.S_ISDIR(found.st_mode):
                disk.remove(path)


def records_of(path: Path, disk: Disk) -> Found | None:
    """What a segment holds; ``None`` when nothing can be loaded from it, and it was set aside.

    A damaged segment is copied aside before this returns, so that its loader may remove it.
    """
    try:
        data = bytes_of(path)
        found = salvage_sliced(data)
    except (OSError, MalformedSegment):
        try:
            set_aside(path, disk)
        except OSError as error:
            log.error("file_stuck", file=f"{path.parent.name}/{path.name}", error=type(error).__name__)
        return None
    if found.gaps:
        kept = path.with_suffix(SET_ASIDE)
        disk.write(kept, data)
        disk.sync(path.parent)
        log.error(
            "segment_damaged",
            file=f"{path.parent.name}/{path.name}",
            kept_as=kept.name,
            records_read=len(found.records),
            records_lost_at_least=found.gaps,
            bytes_lost=found.lost_bytes,
        )
    return Found(found.records, found.gaps)


def bytes_of(path: Path) -> bytes:
    """What a segment's file holds; raises ``OSError`` also for what can be none.

    A pipe would be waited for without end, and a hole of a terabyte is no file to have in memory.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "this is no file")
        if found.st_size > segment.FILE_BYTES_MOST:
            raise OSError(errno.EFBIG, "this file is larger than a segment")
        with os.fdopen(fd, "rb", closefd=False) as file:
            return file.read(segment.FILE_BYTES_MOST)
    finally:
        os.close(fd)


def batches(paths: list[Path], bytes_most: int) -> Iterator[list[Path]]:
    """Segments in groups of bounded size, so that memory stays bounded however long the backlog."""
    batch: list[Path] = []
    size = 0
    for path in paths:
        found = path.lstat().st_size
        if batch and size + found > bytes_most:
            yield batch
            batch, size = [], 0
        batch.append(path)
        size += found
    if batch:
        yield batch


def _place(path: Path) -> tuple[str, int, str, str]:
    """Where a segment stands in the order they were made: of one worker and moment, by the number, not its digits."""
    name = path.name
    return name[:_BEFORE_SEQUENCE], len(name), name, path.parent.name


def _begun(path: Path) -> int:
    """Nanoseconds since 1970 at which a segment was begun, which its name starts with; 0 for another name."""
    stem = path.name[:20]
    return int(stem) if stem.isdecimal() else 0
