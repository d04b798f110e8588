"""Sealed segments of every worker, in the order they were made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from headcount_wire import segment
from headcount_wire.errors import MalformedSegment
from headcount_wire.segment import Record

from headcount_aggregator.load.disk import Disk

_DAY_NS = 86_400 * 10**9
SET_ASIDE = ".bad"


def sealed(spool: Path) -> list[Path]:
    """Every sealed segment, oldest first."""
    return sorted(spool.glob("*/*.seg"), key=lambda path: (path.name, path.parent.name))


def open_before(spool: Path, moment: float) -> bool:
    """Whether a worker still writes to a segment it began at or before a moment of the clock."""
    return any(_begun(path) <= moment * 1e9 for path in spool.glob("*/*.open"))


def drained(spool: Path, moment: float) -> bool:
    """Whether everything acknowledged up to a moment of the clock has been taken by the loader.

    Segments begun later do not count: under load there is always one.
    """
    # Open before sealed: a segment that is sealed between the two looks is seen by the second.
    return not open_before(spool, moment) and not any(_begun(path) <= moment * 1e9 for path in sealed(spool))


def oldest_day(spool: Path) -> int | None:
    """The UTC day on which the oldest segment that is still there was begun; ``None`` when there is none."""
    begun = [_begun(path) for pattern in ("*/*.open", "*/*.seg") for path in spool.glob(pattern)]
    return min(begun) // _DAY_NS if begun else None


def forget_set_aside(spool: Path, before: int, disk: Disk) -> None:
    """Remove files that were set aside, once they were begun before a day: they hold stripped records too."""
    for path in spool.glob(f"*/*{SET_ASIDE}"):
        if _begun(path) // _DAY_NS < before:
            disk.remove(path)


def records_of(path: Path, disk: Disk) -> list[tuple[bytes, Record]] | None:
    """The whole records of a segment; ``None`` when it is no segment this reader knows, and was set aside."""
    try:
        return list(segment.records(path.read_bytes()))
    except MalformedSegment:
        disk.rename(path, path.with_suffix(SET_ASIDE))
        return None


def batches(paths: list[Path], bytes_most: int) -> Iterator[list[Path]]:
    """Segments in groups of bounded size, so that memory stays bounded however long the backlog."""
    batch: list[Path] = []
    size = 0
    for path in paths:
        found = path.stat().st_size
        if batch and size + found > bytes_most:
            yield batch
            batch, size = [], 0
        batch.append(path)
        size += found
    if batch:
        yield batch


def _begun(path: Path) -> int:
    """Nanoseconds since 1970 at which a segment was begun, which its name starts with; 0 for another name."""
    stem = path.name[:20]
    return int(stem) if stem.isdecimal() else 0
