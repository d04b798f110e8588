"""From what waits to the tallies of one report, and back. Pure.

Counts are deltas, and the edge holds each report to a measure's cap. So a report takes as much as one may say, and
what is left goes with the next one: nothing is ever clipped, however busy the server is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from headcount_wire import limits
from headcount_wire.facts import WHOLE, Fact
from headcount_wire.report import ReportDay, Tally

from headcount.logtap.coding import Coding
from headcount.logtap.reading import UNTIMED, Line

Key = tuple[int, int, int, int, int]
"""``(day, measure, label, fact, slot)``."""

COUNT, DEVICES, BUCKET = int(Fact.COUNT), int(Fact.DEVICES), int(Fact.BUCKET)


@dataclass(slots=True)
class Waiting:
    """Sums that are in no report yet, and which once-a-day facts have gone out: that this instance contributed."""

    sums: dict[Key, int] = field(default_factory=dict)
    said: dict[int, set[tuple[int, int]]] = field(default_factory=dict)
    buckets: int = 0

    def add(self, key: Key, n: int) -> None:
        """Add to one sum."""
        if key not in self.sums:
            self.buckets += key[3] == BUCKET
        self.sums[key] = self.sums.get(key, 0) + n

    def count(self, lines: Mapping[Line, int], coding: Coding, most: int) -> tuple[int, int]:
        """Count lines: each as a request, and, where it has a latency, in its bucket, of which there are ``most``.

        Returns how many had no latency, and for how many there was no room for theirs.
        """
        sums, codes = self.sums, [measure.code for measure in coding.latency]
        requests: dict[tuple[int, int, int], int] = {}
        untimed = crowded = 0
        for (day, route, label, bucket), times in lines.items():
            place = (day, route, label)
            requests[place] = requests.get(place, 0) + times
            if bucket == UNTIMED or not codes:
                untimed += times
                continue
            key = (day, codes[route], label, BUCKET, bucket)
            if key in sums:
                sums[key] += times
            elif self.buckets < most:
                sums[key] = times
                self.buckets += 1
            else:
                crowded += times
        for (day, route, label), times in requests.items():
            self.add((day, coding.requests[route].code, label, COUNT, 0), times)
        return untimed if codes else 0, crowded

    def requests(self) -> int:
        """How many requests wait."""
        return requests_in(self.sums.items())

    def take(self, caps: Mapping[int, int], most: int) -> list[ReportDay]:
        """Remove and return the tallies of the next report, at most so many; empty when nothing waits."""
        found: dict[int, list[Tally]] = {}
        room: dict[tuple[int, int, int], int] = {}
        lines = 0
        for key in sorted(self.sums):
            day, measure, label, fact, slot = key
            if day not in found and len(found) == limits.DAYS_PER_REPORT:
                break
            n = min(self.sums[key], room.setdefault((day, measure, fact), caps[measure]))
            once = {(measure, WHOLE), (measure, label)} - self.said.get(day, set())
            if n == 0:
                continue
            if lines + 1 + len(once) > most:
                break
            lines += 1 + len(once)
            room[day, measure, fact] -= n
            tallies = found.setdefault(day, [])
            tallies.append(Tally(measure, label, fact, slot, n))
            tallies += [Tally(code, under, DEVICES, 0, 1) for code, under in once]
            self.said.setdefault(day, set()).update(once)
            self._remove(key, n)
        return [ReportDay(day, tuple(sorted(tallies))) for day, tallies in sorted(found.items())]

    def give_back(self, taken: Iterable[ReportDay]) -> None:
        """Undo a ``take``: the edge has not counted it."""
        for day in taken:
            for measure, label, fact, slot, n in day.tallies:
                if fact == DEVICES:
                    self.said.get(day.day, set()).discard((measure, label))
                else:
                    self.add((day.day, measure, label, fact, slot), n)

    def forget_before(self, day: int) -> int:
        """Drop days before this one; how many requests waited on them."""
        old = {key: n for key, n in self.sums.items() if key[0] < day}
        for key, n in old.items():
            self._remove(key, n)
        self.said = {one: said for one, said in self.said.items() if one >= day}
        return requests_in(old.items())

    def _remove(self, key: Key, n: int) -> None:
        left = self.sums[key] - n
        if left:
            self.sums[key] = left
        else:
            del self.sums[key]
            self.buckets -= key[3] == BUCKET


def requests_in(sums: Iterable[tuple[Key, int]]) -> int:
    """How many requests stand in some sums: each counts once as a request, and its latency beside it."""
    return sum(n for key, n in sums if key[3] == COUNT)


def requests_of(taken: Iterable[ReportDay]) -> int:
    """How many requests a report tells of."""
    return sum(tally.n for day in taken for tally in day.tallies if tally.fact == COUNT)
