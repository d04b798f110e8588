"""Sealed segments of every worker, in the order they were made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from headcount_wire import segment
from headcount_wire.errors import MalformedSegment
from headcount_wire.segment import Record

from headcount_aggregator.load.disk import Disk


def sealed(spool: Path) -> list[Path]:
    """Every sealed segment, oldest first."""
    return sorted(spool.glob("*/*.seg"), key=lambda path: (path.name, path.parent.name))


def open_before(spool: Path, moment: float) -> bool:
    """Whether a worker still writes to a segment it began at or before a moment of the clock."""
    return any(int(path.name[:20]) <= moment * 1e9 for path in spool.glob("*/*.open"))


def records_of(path: Path, disk: Disk) -> list[tuple[bytes, Record]] | None:
    """The whole records of a segment; ``None`` when it is no segment this reader knows, and was set aside."""
    try:
        return list(segment.records(path.read_bytes()))
    except MalformedSegment:
        disk.rename(path, path.with_suffix(".bad"))
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
