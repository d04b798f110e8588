"""Made-up devices with ids: the cells they would become, and the truth that only ids can tell."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from headcount_aggregator.cells import Cell
from headcount_aggregator.periods import Period
from headcount_aggregator.release.day_sums import DaySums
from headcount_wire import buckets, days
from headcount_wire.catalog import Catalog
from headcount_wire.catalog_file import parse_catalog
from headcount_wire.facts import Fact, First

FIRST_DAY = days.parse("2026-01-14")  # a Wednesday, so that weeks, months and quarters cross
OS, VERSION, CROSS = 8, 40, 13  # breakdown codes: os, app_version, os x app_version

CATALOG = """\
[catalog]
name = "world"
version = 1
[purposes.usage]
sentence.en = "Count."
[context]
os = "usage"
app_version = "usage"
[measures."active"]
code = 1
kind = "active"
purpose = "usage"
description = "Used."
owner = "a@b.example"
breakdowns = ["os", "app_version", "os x app_version"]
[measures."joined"]
code = 2
kind = "counter"
purpose = "usage"
description = "Joined."
owner = "a@b.example"
cap = 9
reach = true
label = { key = "entry", values = ["link", "room"] }
breakdowns = ["os", "app_version", "os x app_version"]
[measures."shared"]
code = 3
kind = "flag"
purpose = "usage"
description = "Shared."
owner = "a@b.example"
breakdowns = ["os"]
[measures."wait"]
code = 4
kind = "timing"
purpose = "usage"
description = "Waited."
owner = "a@b.example"
cap = 9
breakdowns = ["os"]
"""


def catalog() -> Catalog:
    """The catalog of the made-up app."""
    return parse_catalog(CATALOG)


@dataclass(frozen=True)
class Use:
    """What one device did on one day."""

    device: int
    day: int
    os: str
    version: str
    joined: Mapping[int, int]
    shared: bool
    waits: tuple[int, ...]
    late: bool = False

    def value(self, code: int) -> tuple[str, str]:
        """The values of a cut."""
        return {0: ("", ""), OS: (self.os, ""), VERSION: (self.version, ""), CROSS: (self.os, self.version)}[code]


@dataclass
class World:
    """All uses, and their cells by day."""

    uses: list[Use]
    cells: list[Cell] = field(default_factory=list)

    def __post_init__(self) -> None:
        sums: Counter[tuple[object, ...]] = Counter()
        self.by_device: dict[int, list[Use]] = defaultdict(list)
        for use in sorted(self.uses, key=lambda use: (use.device, use.day)):
            self.by_device[use.device].append(use)
        for mine in self.by_device.values():
            for at, use in enumerate(mine):
                self._tally(sums, mine, at, use)
        self.cells = [Cell._make((0, 0, 1, 1, *key, n)) for key, n in sums.items()]
        self._days: dict[tuple[int, int], DaySums] = {}

    def _tally(self, sums: Counter[tuple[object, ...]], mine: list[Use], at: int, use: Use) -> None:
        first, before = mine[0], mine[at - 1] if at else None

        def add(measure: int, label: int, fact: Fact, slot: int, n: int = 1, origin: bool = False) -> None:
            for code in {1: (0, OS, VERSION, CROSS), 2: (0, OS, VERSION, CROSS), 3: (0, OS), 4: (0, OS)}[measure]:
                value = (first if origin else use).value(code)
                sums[use.day, int(use.late), measure, label, int(fact), slot, code, *value] += n

        add(1, 0, Fact.GAP, min(31, use.day - before.day) if before else 31)
        add(1, 0, Fact.AGE, min(31, use.day - first.day), origin=True)
        for slot, start in ((First.WEEK, days.week_start), (First.MONTH, days.month_start)):
            if before is None or before.day < start(use.day):
                add(1, 0, Fact.FIRST, slot)
                if slot is First.WEEK:
                    add(1, 0, Fact.WEEK_AGE, min(53, days.weeks_between(first.day, use.day)), origin=True)
        if use.joined:
            earlier = [one.day for one in mine[:at] if one.joined]
            add(2, 0, Fact.GAP, min(31, use.day - earlier[-1]) if earlier else 31)
            add(2, 0, Fact.DEVICES, 0)
            for label, n in use.joined.items():
                add(2, label, Fact.DEVICES, 0)
                add(2, label, Fact.COUNT, 0, n)
        if use.shared:
            add(3, 0, Fact.DEVICES, 0)
        if use.waits:
            add(4, 0, Fact.DEVICES, 0)
            for wait in use.waits:
                add(4, 0, Fact.BUCKET, buckets.bucket_of(wait))

    def day(self, day: int) -> DaySums:
        """The on-time sums of a day."""
        if (day, day) not in self._days:
            self._days[day, day] = DaySums(cell for cell in self.cells if cell.day == day and not cell.late)
        return self._days[day, day]

    def span(self, first: int, last: int) -> DaySums:
        """The on-time sums of a span."""
        sums: Counter[Cell] = Counter()
        for cell in self.cells:
            if first <= cell.day <= last and not cell.late:
                sums[cell._replace(day=0, n=0)] += cell.n
        return DaySums(cell._replace(n=n) for cell, n in sums.items())

    def late(self, first: int, last: int) -> Mapping[int, DaySums]:
        """What came late, by day."""
        found: dict[int, list[Cell]] = defaultdict(list)
        for cell in self.cells:
            if first <= cell.day <= last and cell.late:
                found[cell.day].append(cell)
        return {day: DaySums(cells) for day, cells in found.items()}

    def steps(self, day: int) -> DaySums:
        """This app has no funnels."""
        return DaySums()

    def between(self, first: int, last: int) -> list[Use]:
        """The uses of a span of days."""
        return [use for use in self.uses if first <= use.day <= last]

    def people(self, period: Period, code: int, measure: int = 1) -> dict[tuple[str, str], set[int]]:
        """Device ids of a period by the values of their first day in it."""
        found: dict[tuple[str, str], set[int]] = defaultdict(set)
        seen: set[int] = set()
        for use in sorted(self.between(period.first, period.last), key=lambda use: use.day):
            did = {1: True, 2: bool(use.joined), 3: use.shared, 4: bool(use.waits)}[measure]
            if did and use.device not in seen:
                seen.add(use.device)
                found[use.value(code)].add(use.device)
        return found


def draw_world(seed: int, devices: int, span: int, late: float = 0.0) -> World:
    """A world drawn by seed: devices of a few systems and versions that come, upgrade and stay away."""
    draw = random.Random(seed)
    uses: list[Use] = []
    for device in range(devices):
        os = draw.choices(["ios", "android", "web", "linux"], [10, 8, 3, 1])[0]
        eager = draw.choice([0.05, 0.3, 0.8])
        version = draw.choice([1, 2, 2, 3])
        start = draw.randrange(span)
        for day in range(start, span):
            if day != start and draw.random() > eager:
                continue
            if draw.random() < 0.05:
                version += 1
            joined = {label: draw.randint(1, 4) for label in (1, 2, 3) if draw.random() < (0.1, 0.6, 0.3)[label - 1]}
            waits = tuple(draw.randint(1, 900) for _ in range(draw.choice([0, 0, 1, 3])))
            uses.append(
                Use(
                    device,
                    FIRST_DAY + day,
                    os,
                    f"{version}.0",
                    joined,
                    draw.random() < 0.4,
                    waits,
                    draw.random() < late,
                )
            )
    return World(uses)


def total_of(parts: Mapping[tuple[str, str], Iterable[int]]) -> int:
    """How many ids all parts hold."""
    return sum(len(set(part)) for part in parts.values())
