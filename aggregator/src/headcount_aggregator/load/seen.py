"""Ids that were counted, by the day their reports were made: 16 bytes each, where a set would take 100.

Not a second store that could disagree: it is built from the ``.ids`` files at each start.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from headcount_wire.report import REPORT_ID_BYTES as WIDTH

_EMPTY = bytes(WIDTH)
_FIRST_PLACES = 1024
_AT_ONCE = 100_000
"""Added together: a table that grows moves all that are there."""


class Seen:
    """Every id that is remembered."""

    def __init__(self) -> None:
        self._days: dict[int, _Table] = {}

    def __contains__(self, report_id: bytes) -> bool:
        return any(report_id in table for table in self._days.values())

    def add(self, ids: Iterable[tuple[bytes, int]]) -> None:
        """Remember ids with their creation days."""
        pairs = iter(ids)
        while some := list(islice(pairs, _AT_ONCE)):
            by_day: dict[int, list[bytes]] = {}
            for report_id, created in some:
                by_day.setdefault(created, []).append(report_id)
            for created, mine in by_day.items():
                self._days.setdefault(created, _Table()).add(mine)

    def forget(self, before: int) -> None:
        """Forget every id created before a day."""
        self._days = {created: table for created, table in self._days.items() if created >= before}

    def clear(self) -> None:
        """Forget all."""
        self._days.clear()

    @property
    def size(self) -> int:
        """Bytes of memory that the ids take."""
        return sum(table.size for table in self._days.values())


class _Table:
    """Open addressing over one block of memory. ``hash`` is keyed anew in each process: no id is chosen to collide."""

    def __init__(self) -> None:
        self._places = bytearray(_FIRST_PLACES * WIDTH)
        self._count = 0
        self._has_empty = False

    @property
    def size(self) -> int:
        return len(self._places)

    def __contains__(self, report_id: bytes) -> bool:
        if report_id == _EMPTY:
            return self._has_empty
        places = self._places
        at = hash(report_id) % (len(places) // WIDTH) * WIDTH
        while not places.startswith(report_id, at):
            if places.startswith(_EMPTY, at):
                return False
            at += WIDTH
            if at == len(places):
                at = 0
        return True

    def add(self, ids: Sequence[bytes]) -> None:
        """Add ids, with room made for all of them at once: each time, all that are there are moved."""
        if (self._count + len(ids)) * 4 > len(self._places) // WIDTH * 3:
            self._grow(self._count + len(ids))
        self._count += _place(self._places, ids)
        self._has_empty |= _EMPTY in ids

    def _grow(self, count: int) -> None:
        old = self._places
        self._places = bytearray(max(len(old) // WIDTH * 3 // 2, count * 4 // 3 + 1) * WIDTH)
        _place(self._places, (bytes(old[at : at + WIDTH]) for at in range(0, len(old), WIDTH)))


def _place(places: bytearray, ids: Iterable[bytes]) -> int:
    """Put ids where there is room; returns how many were not there yet. What is empty has no place."""
    starts, number, added = places.startswith, len(places) // WIDTH, 0
    for report_id in ids:
        if report_id == _EMPTY:
            continue
        at = hash(report_id) % number * WIDTH
        while not starts(_EMPTY, at):
            if starts(report_id, at):
                break
            at += WIDTH
            if at == len(places):
                at = 0
        else:
            places[at : at + WIDTH] = report_id
            added += 1
    return added
