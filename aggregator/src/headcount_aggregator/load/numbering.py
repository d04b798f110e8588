"""Which sealed segments are missing: a worker numbers its own from 1 on, and no number is used up without a record.

What is carried on is the newest segment that was taken of each worker's process. So a segment that vanished is
noticed as soon as a later one of the same process is there; of the last ones of a process nobody can tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import structlog

log: structlog.stdlib.BoundLogger = structlog.get_logger("headcount.store")

PROCESSES_KEPT = 8
"""So many processes of a worker are remembered, those that were last heard of: one lives, a few may have left files."""

_NAME = re.compile(r"([0-9]{20})-([0-9a-f]{16})-([0-9]{6,10})\.")


class Place(NamedTuple):
    """When a segment was begun, in nanoseconds since 1970, and its number."""

    begun: int
    number: int


Newest = dict[str, dict[str, Place]]
"""By worker's folder, by process: the newest segment that was taken."""


def missing(found: Iterable[Path], newest: Newest) -> int:
    """How many segments are missing before those that are there now; each is logged as a loss.

    A process that was never heard of begins with 1 if it came later than all that were. If it came earlier, it may
    have been put back by hand, and misses nothing; nor does the first of a folder, before what is there of it.
    """
    lost = 0
    for folder, processes in _by_process(found).items():
        known = newest.get(folder.name, {})
        for process, places in processes.items():
            first = _first(places, known, process)
            last = max(place.number for place in places)
            # Looked for again, under any suffix: one that was renamed meanwhile can escape a look, but not two.
            if _gaps(places, first, last) and (gaps := _gaps(_all_of(folder, process), first, last)):
                log.error("segments_missing", folder=folder.name, segments=gaps, before=last)
                lost += gaps
    return lost


def taken(paths: Iterable[Path], newest: Newest) -> Newest:
    """The newest segment of each process, once these are taken."""
    result = {folder: dict(processes) for folder, processes in newest.items()}
    for folder, processes in _by_process(paths).items():
        mine = result.setdefault(folder.name, {})
        for process, places in processes.items():
            before = mine.pop(process, Place(0, 0))
            mine[process] = max(before, *places, key=lambda place: place.number)
        for process in list(mine)[:-PROCESSES_KEPT]:
            del mine[process]
    return result


def to_plain(newest: Newest) -> dict[str, list[list[str | int]]]:
    """As JSON holds it, the process that was last heard of last."""
    return {folder: [[name, *place] for name, place in mine.items()] for folder, mine in newest.items()}


def from_plain(plain: Mapping[str, list[tuple[str, int, int]]]) -> Newest:
    """Out of what ``to_plain`` made."""
    return {folder: {name: Place(begun, number) for name, begun, number in mine} for folder, mine in plain.items()}


def _first(places: set[Place], known: Mapping[str, Place], process: str) -> int:
    if process in known:
        return known[process].number + 1
    oldest = min(places)
    if not known:
        return oldest.number
    return 1 if oldest.begun > max(known.values()).begun else max(place.number for place in places)


def _gaps(places: set[Place], first: int, last: int) -> int:
    return max(0, last + 1 - first - len({place.number for place in places if first <= place.number <= last}))


def _by_process(paths: Iterable[Path]) -> dict[Path, dict[str, set[Place]]]:
    result: dict[Path, dict[str, set[Place]]] = {}
    for path in paths:
        if named := _NAME.match(path.name):
            place = Place(int(named[1]), int(named[3]))
            result.setdefault(path.parent, {}).setdefault(named[2], set()).add(place)
    return result


def _all_of(folder: Path, process: str) -> set[Place]:
    return _by_process(folder.glob(f"*-{process}-*")).get(folder, {}).get(process, set())
