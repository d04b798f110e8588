"""A place in a log that is found again after a restart or a rotation, and that holds nothing of a line.

A mark is a 32-bit checksum of how long the last lines before the place are and of the seconds they name. No other
character goes into it: no address, user, path or agent, hashed or not.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LINE_BYTES = 64 * 1024
"""A longer line is thrown away unread."""

MARK_LINES = 32
_SECONDS = re.compile(rb"\[\d\d/[A-Z][a-z]{2}/\d{4}:(\d\d:\d\d:\d\d) |\d{4}-\d\d-\d\dT(\d\d:\d\d:\d\d)")
"""Where a line says when it was: the same in every format, so that a changed declaration finds its place."""

_ROTATED = re.compile(r"[._-]?(\d[\dT._-]*)")


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a file: all before ``offset`` is counted.

    ``skipping``: the place is inside a line that is thrown away.
    """

    inode: int
    offset: int
    mark: int
    skipping: bool = False


def window_of(offset: int) -> int:
    """Where the bytes begin that the mark of a place is made of."""
    return max(0, offset - LINE_BYTES)


def mark_at(fd: int, offset: int) -> int:
    """The mark of a place in a file; -1, which is no place's mark, where the file ends before it."""
    start = window_of(offset)
    window = os.pread(fd, offset - start, start)
    return mark_of(window, from_start=start == 0) if len(window) == offset - start else -1


def mark_of(window: bytes, *, from_start: bool) -> int:
    """The mark of the place behind some bytes: 0 where no whole line is among them.

    ``from_start``: they begin with the file, and so not in the middle of a line.
    """
    lines = window.split(b"\n")[0 if from_start else 1 : -1][-MARK_LINES:]
    mark = 0
    for line in lines:
        found = _SECONDS.search(line)
        seconds = (found[1] or found[2]) if found else b""
        mark = zlib.crc32(b"%d %b\n" % (len(line), seconds), mark)
    return mark


def is_at(fd: int, position: Position) -> bool:
    """Whether a file is, up to a position, the one in which it was taken."""
    return mark_at(fd, position.offset) == position.mark


@dataclass(frozen=True, slots=True)
class Rotated:
    """A log that was put aside: ``order`` sorts by age, the oldest first."""

    path: Path
    inode: int
    order: tuple[int, int, str]


def rotated(log: Path) -> list[Rotated]:
    """What rotation put beside a log and did not compress, the oldest first.

    Taken are ``access.log.1``, ``access.log-20261008`` and ``access-20261008.log``.
    """
    return sorted(_beside(log), key=lambda one: one.order)


def _beside(log: Path) -> Iterator[Rotated]:
    try:
        paths = list(log.parent.iterdir())
    except OSError:
        return
    for path in paths:
        name = path.name
        middle = _between(name, log.name, "") or _between(name, log.stem, log.suffix)
        found = _ROTATED.fullmatch(middle) if middle else None
        if found is None:
            continue
        try:
            status = path.stat()
        except OSError:
            continue
        digits = found[1]
        # With numbers the smallest is the youngest; dates sort by themselves, which the name does.
        number = -int(digits) if digits.isdigit() and len(digits) < 6 else 0
        yield Rotated(path, status.st_ino, (status.st_mtime_ns, number, name))


def _between(name: str, start: str, end: str) -> str:
    return name[len(start) : len(name) - len(end)] if name.startswith(start) and name.endswith(end) else ""
