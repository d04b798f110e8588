"""The file of the disclosure log: only ever added to, each line chained to the one before it, synced.

Several processes add to it, each holding the file's lock while it does. A line is in the log once it ends;
what a crash cut off was acknowledged to nobody and is cut away by the next who adds. Beside it, the *head*
says which line was the newest: so the loss of the last lines is noticed too. Who may write the
folder can rewrite both; keep a head elsewhere to tell (``headcount audit log --since``).
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from headcount_wire.clock import Clock

from headcount_aggregator.disclosure.entry import GENESIS, About, DamagedError, Entry, Event, hash_of, parse

NAME = "log.jsonl"
HEAD = "head"
TAIL_BYTES = 64 * 1024
"""More than the longest line."""

LINE_BYTES = 16 * 1024


class DisclosureLog:
    """The log in a folder, for adding. It can be shared by threads."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._clock = clock
        self._lock = threading.Lock()

    def now(self) -> float:
        """The moment that an entry added now would have."""
        return self._clock.now()

    def add(self, event: Event, about: About) -> Entry:
        """Add an entry; it is on the disk when this returns.

        Raises ``OSError`` when it cannot be, and ``DamagedError`` when the log ends in what is no entry: then
        nothing must leave that should stand in it.
        """
        with self._lock, self._locked() as fd:
            size, last = _whole(fd)
            before = parse(last) if last else None
            place = before.place + 1 if before else 0
            entry = Entry(place, int(self._clock.now()), event, about, hash_of(last) if last else GENESIS)
            line = entry.line()
            if len(line) > LINE_BYTES:
                raise ValueError("an entry is one short line")
            os.ftruncate(fd, size)
            _write(fd, line + b"\n", size)
            os.fsync(fd)
            if not place:
                _sync(self._folder)
            self._say_head(place, hash_of(line))
        return entry

    def entries(self) -> Iterator[Entry]:
        """Every whole entry, oldest first; raises ``DamagedError`` at a line that is none."""
        for line in _lines(self._folder)[0]:
            yield parse(line)

    @contextmanager
    def _locked(self) -> Iterator[int]:
        fd = os.open(self._folder / NAME, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield fd
        finally:
            os.close(fd)

    def _say_head(self, place: int, digest: str) -> None:
        temporary = self._folder / f"{HEAD}.tmp"
        temporary.write_text(f"{place} {digest}\n", "ascii")
        temporary.rename(self._folder / HEAD)


@dataclass
class Audit:
    """What a look at the log found: its entries, and a sentence for everything that is wrong.

    ``unfinished``: a last line that a crash cut off; it was acknowledged to nobody.
    """

    entries: list[Entry] = field(default_factory=list)
    hashes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    unfinished: bool = False

    @property
    def head(self) -> str:
        """The newest line's place and hash, to keep elsewhere; empty for an empty log."""
        return f"{self.entries[-1].place} {self.hashes[-1]}" if self.entries else ""

    def holds(self, head: str) -> bool:
        """Whether a head that was kept elsewhere is a line of this log."""
        place, _, digest = head.strip().partition(" ")
        return place.isdecimal() and int(place) < len(self.hashes) and self.hashes[int(place)] == digest


def audit(folder: Path) -> Audit:
    """Look at every line: whether it is whole, in its place, and follows the one before it."""
    found = Audit()
    lines, found.unfinished = _lines(folder)
    previous = GENESIS
    for place, line in enumerate(lines):
        try:
            entry = parse(line)
        except DamagedError:
            found.faults.append(f"line {place + 1} is no entry: it was damaged or written by something else")
            return found
        if entry.place != place or entry.previous != previous:
            found.faults.append(f"line {place + 1} does not follow the line before it")
            return found
        previous = hash_of(line)
        found.entries.append(entry)
        found.hashes.append(previous)
    head = _head(folder)
    if head is None:
        found.faults += ["the record of the newest line cannot be read"] if found.entries else []
    elif not found.holds(head):
        found.faults.append("lines at the end are missing or other than they were")
    return found


def _lines(folder: Path) -> tuple[list[bytes], bool]:
    try:
        data = (folder / NAME).read_bytes()
    except FileNotFoundError:
        return [], False
    *whole, rest = data.split(b"\n")
    return whole, bool(rest)


def _head(folder: Path) -> str | None:
    try:
        return (folder / HEAD).read_text("ascii").strip()
    except (OSError, ValueError):
        return None


def _whole(fd: int) -> tuple[int, bytes]:
    """Where the whole lines of a file end, and the last of them; it is empty in an empty file."""
    size = os.fstat(fd).st_size
    start = max(0, size - TAIL_BYTES)
    tail = os.pread(fd, size - start, start)
    end = tail.rfind(b"\n")
    if end < 0:
        if start:
            raise DamagedError
        return 0, b""
    begin = tail.rfind(b"\n", 0, end)
    if begin < 0 and start:
        raise DamagedError
    return start + end + 1, tail[begin + 1 : end]


def _write(fd: int, data: bytes, at: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(fd, view, at)
        view, at = view[written:], at + written


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
