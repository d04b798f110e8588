"""The record of what was dropped: one line each, only ever added to. It holds no value, no count and no name.

``dropped`` is written before the first row goes, ``gone`` once no row and no file is left, and ``gone`` again by
the first process after it: a database can bring back, at its start, what it had dropped before.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

CELLS, RELEASES, ALL = "cells", "releases", "all"
DROPPED, GONE = "dropped", "gone"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: on which day (UTC), what became of which kind of data of a Customer, by which rule.

    ``what``: a month (``2026-11``), the place of the last release, or empty for everything.
    """

    day: str
    event: str
    customer: int
    kind: str
    what: str
    rule: str
    starts: int = 0

    @property
    def thing(self) -> tuple[int, str, str]:
        """What the line is about."""
        return self.customer, self.kind, self.what


class Record:
    """The file. ``starts`` counts the processes that have opened it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.starts = max((entry.starts for entry in self.entries()), default=0) + 1

    def add(self, *entries: Entry) -> None:
        """Add lines; they are on the disk when this returns. A line that a crash cut is ended first."""
        if not entries:
            return
        begun = self._path.exists()
        fd = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o600)
        try:
            size = os.fstat(fd).st_size
            cut = size and os.pread(fd, 1, size - 1) != b"\n"
            lines = "".join(json.dumps(asdict(entry), separators=(",", ":")) + "\n" for entry in entries)
            data = memoryview((("\n" if cut else "") + lines).encode())
            while data:
                data = data[os.write(fd, data) :]
            os.fsync(fd)
        finally:
            os.close(fd)
        if not begun:
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
            os.fsync(folder)
            os.close(folder)

    def entries(self) -> Iterator[Entry]:
        """Every whole line, oldest first."""
        try:
            lines = self._path.read_text("utf-8").splitlines()
        except FileNotFoundError:
            return
        for line in lines:
            try:
                yield Entry(**json.loads(line))
            except (ValueError, TypeError):
                continue

    def unconfirmed(self) -> list[Entry]:
        """The newest line of everything whose absence no later process has confirmed yet."""
        dropped: dict[tuple[int, str, str], Entry] = {}
        for entry in self.entries():
            before = dropped.get(entry.thing)
            if entry.event == DROPPED:
                dropped[entry.thing] = entry
            elif before is not None and entry.starts > before.starts:
                del dropped[entry.thing]
        return list(dropped.values())

    def noted(self, entry: Entry) -> bool:
        """Whether this process has said already that it is gone."""
        return any(
            other.event == GONE and other.thing == entry.thing and other.starts == self.starts
            for other in self.entries()
        )
