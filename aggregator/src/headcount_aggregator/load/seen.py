"""Ids that were counted, by the day their reports were made: 16 bytes each, where a set would take 100.

Not a second store that could disagree: it is built from the ``.ids`` files at each start.
"""

from __future__ import annotations

from collections.abc import Iterable

from headcount_wire.report import REPORT_ID_BYTES as WIDTH

_EMPTY = bytes(WIDTH)
_FIRST_PLACES = 1024


class Seen:
    """Every id that is remembered."""

    def __init__(self) -> None:
        self._days: dict[int, _Table] = {}

    def __contains__(self, report_id: bytes) -> bool:
        return any(report_id in table for table in self._days.values())

    def add(self, ids: Iterable[tuple[bytes, int]]) -> None:
        """Remember ids with their creation days."""
        for report_id, created in ids:
            table = self._days.get(created)
            if table is None:
                table = self._days[created] = _Table()
            table.add(report_id)

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

    def add(self, report_id: bytes) -> None:
        if report_id == _EMPTY:
            self._has_empty = True
            return
        if self._count * 4 > len(self._places) // WIDTH * 3:
            self._grow()
        self._count += _place(self._places, report_id)

    def _grow(self) -> None:
        old = self._places
        self._places = bytearray((len(old) // WIDTH * 3 // 2) * WIDTH)
        for at in range(0, len(old), WIDTH):
            report_id = bytes(old[at : at + WIDTH])
            if report_id != _EMPTY:
                _place(self._places, report_id)


def _place(places: bytearray, report_id: bytes) -> bool:
    at = hash(report_id) % (len(places) // WIDTH) * WIDTH
    while not places.startswith(_EMPTY, at):
        if places.startswith(report_id, at):
            return False
        at += WIDTH
        if at == len(places):
            at = 0
    places[at : at + WIDTH] = report_id
    return True
