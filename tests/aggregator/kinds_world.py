"""Made-up devices with ids that walk through screens, funnels and problems: their cells, and the truth."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from headcount_aggregator.cells import Cell
from headcount_aggregator.release.day_sums import DaySums
from headcount_wire.catalog import Catalog
from headcount_wire.catalog_file import parse_catalog
from headcount_wire.facts import Fact, First

DAY = 20_010  # a Monday
OS = 8
ACTIVE, SCREENS, PROBLEM, FUNNEL = 1, 2, 3, 4
HOME, LOBBY, MEETING = 2, 3, 4
CAP = 3

CATALOG = """\
[catalog]
name = "walks"
version = 1
[purposes.usage]
sentence.en = "Count."
[context]
os = "usage"
[measures."active"]
code = 1
kind = "active"
purpose = "usage"
description = "Used."
owner = "a@b.example"
breakdowns = ["os"]
[measures."screen"]
code = 2
kind = "screen"
purpose = "usage"
description = "Shown."
owner = "a@b.example"
cap = 40
journeys = true
label = { key = "screen", values = ["home", "lobby", "meeting"] }
[measures."problem"]
code = 3
kind = "problem"
purpose = "usage"
description = "Reported."
owner = "a@b.example"
cap = 3
reach = true
label = { key = "category", values = ["sound", "picture"] }
[measures."setup"]
code = 4
kind = "funnel"
purpose = "usage"
description = "Into a meeting."
owner = "a@b.example"
steps = ["screen=home", "screen=lobby", "screen=meeting"]
window_minutes = 2000
breakdowns = ["os"]
"""


def catalog() -> Catalog:
    """The catalog of the made-up app."""
    return parse_catalog(CATALOG)


@dataclass(frozen=True)
class Visit:
    """What one device did on one day. ``step``: how far its attempts came; ``late``: told after the freeze."""

    device: int
    day: int
    os: str
    path: tuple[int, ...] = ()
    problems: tuple[tuple[int, int, int], ...] = ()
    step: int = 0
    late: bool = False


class Walks:
    """All visits, as the cells they become."""

    def __init__(self, visits: Iterable[Visit]) -> None:
        self.visits = list(visits)
        self._cells: Counter[tuple[object, ...]] = Counter()
        before: dict[tuple[int, int], int] = {}
        for visit in sorted(self.visits, key=lambda visit: visit.day):
            self._active(visit, before)
            self._screens(visit)
            self._problems(visit, before)
            if visit.step:
                self._add(visit, FUNNEL, 0, Fact.STEP, visit.step, cut=True, late=visit.late)

    @property
    def cells(self) -> list[Cell]:
        """All cells, as a warehouse holds them."""
        return [Cell._make((0, 0, 1, 1, *key, n)) for key, n in self._cells.items()]

    def _add(
        self, visit: Visit, measure: int, label: int, fact: Fact, slot: int, *, cut: bool = False, late: bool = False
    ) -> None:
        for code, value in ((0, ""), (OS, visit.os)) if cut else ((0, ""),):
            self._cells[visit.day, int(late), measure, label, int(fact), slot, code, value, ""] += 1

    def _gap(self, visit: Visit, measure: int, before: dict[tuple[int, int], int]) -> int:
        last = before.get((measure, visit.device))
        before[measure, visit.device] = visit.day
        return 31 if last is None else min(31, visit.day - last)

    def _active(self, visit: Visit, before: dict[tuple[int, int], int]) -> None:
        gap = self._gap(visit, ACTIVE, before)
        self._add(visit, ACTIVE, 0, Fact.GAP, gap, cut=True)
        if gap > (visit.day - DAY) % 7:
            self._add(visit, ACTIVE, 0, Fact.FIRST, First.WEEK, cut=True)

    def _screens(self, visit: Visit) -> None:
        if visit.path:
            self._add(visit, SCREENS, 0, Fact.DEVICES, 0)
        for screen in set(visit.path):
            self._add(visit, SCREENS, screen, Fact.DEVICES, 0)
        for came_from, screen in zip((0, *visit.path), visit.path, strict=False):
            self._add(visit, SCREENS, screen, Fact.COUNT, 0)
            self._add(visit, SCREENS, screen, Fact.MOVE, came_from)

    def _problems(self, visit: Visit, before: dict[tuple[int, int], int]) -> None:
        if visit.problems:
            self._add(visit, PROBLEM, 0, Fact.DEVICES, 0)
            self._add(visit, PROBLEM, 0, Fact.GAP, self._gap(visit, PROBLEM, before))
        for category in {category for category, _, _ in visit.problems}:
            self._add(visit, PROBLEM, category, Fact.DEVICES, 0)
        for category, severity, screen in visit.problems:
            self._add(visit, PROBLEM, category, Fact.COUNT, 0)
            if severity:
                self._add(visit, PROBLEM, category, Fact.SEVERITY, severity)
            if screen:
                self._add(visit, PROBLEM, category, Fact.SCREEN, screen)

    def _sums(self, days: range, *facts: Fact, late: tuple[int, ...] = (0,)) -> DaySums:
        found: Counter[tuple[object, ...]] = Counter()
        for (day, was_late, *key), n in self._cells.items():
            if day in days and was_late in late and (not facts or key[2] in facts):
                found[tuple(key)] += n
        return DaySums(Cell._make((0, 0, 1, 1, 0, 0, *key, n)) for key, n in found.items())

    def day(self, day: int) -> DaySums:
        """The on-time sums of a day."""
        return self._sums(range(day, day + 1))

    def span(self, first: int, last: int) -> DaySums:
        """The on-time sums of a span."""
        return self._sums(range(first, last + 1), Fact.FIRST, Fact.AGE, Fact.WEEK_AGE)

    def late(self, first: int, last: int) -> Mapping[int, DaySums]:
        """Nothing but funnels is late here."""
        return {}

    def steps(self, day: int) -> DaySums:
        """How far the attempts of a day came, on time and late."""
        return self._sums(range(day, day + 1), Fact.STEP, late=(0, 1))


def draw_walks(seed: int, devices: int, span: int) -> Walks:
    """A world drawn by seed."""
    draw = random.Random(seed)
    visits = []
    for device in range(devices):
        os = draw.choice(["ios", "ios", "android", "web"])
        for day in range(DAY, DAY + span):
            if draw.random() < 0.7:
                path = tuple(draw.choice([HOME, HOME, LOBBY, MEETING, 1]) for _ in range(draw.randrange(5)))
                problems = tuple(
                    (draw.choice([2, 2, 3]), draw.choice([0, 1, 2, 2, 3]), draw.choice([0, HOME, LOBBY, 1]))
                    for _ in range(draw.choice([0, 0, 0, 1, 1, 3]))
                )
                step = draw.choice([0, 1, 2, 3, 3]) if draw.random() < 0.9 else 0
                visits.append(Visit(device, day, os, path, problems, step, draw.random() < 0.5))
    return Walks(visits)
