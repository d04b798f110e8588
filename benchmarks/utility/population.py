"""Made-up devices of one Customer, whole arrays at once, as the cells that the release layer is given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from headcount_aggregator.cells import Cell
from headcount_aggregator.release.day_sums import DaySums
from headcount_wire import buckets, days
from headcount_wire.catalog import Catalog
from headcount_wire.catalog_file import parse_catalog
from headcount_wire.facts import Fact, First
from numpy.typing import NDArray

Array = NDArray[Any]

FIRST_DAY = days.parse("2026-02-02")  # a Monday; the month begins the day before
SPAN = 28
ACTIVE, JOINED, SHARED, WAIT = 1, 2, 3, 4
OS, LANGUAGE, VERSION, CROSS = 8, 24, 40, 13

_MEASURE = """
[measures."{name}"]
code = {code}
kind = "{kind}"
purpose = "usage"
description = "{name}"
owner = "a@b.example"
breakdowns = ["os", "app_version", "language"{more}]
"""
CATALOG = """\
[catalog]
name = "utility"
version = 1
[purposes.usage]
sentence.en = "Count."
[context]
os = "usage"
app_version = "usage"
language = "usage"
""" + "".join(
    _MEASURE.format(name=name, code=code, kind=kind, more=more) + extra
    for name, code, kind, more, extra in (
        ("active", ACTIVE, "active", ', "os x app_version"', ""),
        ("joined", JOINED, "counter", "", 'cap = 10\nlabel = { key = "entry", values = ["link", "room"] }\n'),
        ("shared", SHARED, "flag", "", ""),
        ("wait", WAIT, "timing", "", "cap = 10\n"),
    )
)


def catalog() -> Catalog:
    """What the team declares: people, a counter, a flag and a timing, each by system, version and language."""
    return parse_catalog(CATALOG)


class Population:
    """Devices of which about ``daily`` are active a day, for four weeks; also the cells they become."""

    def __init__(self, daily: int, seed: int) -> None:
        draw = np.random.default_rng(seed)
        n = round(daily * 2.2)
        self._eager = draw.choice([0.08, 0.35, 0.85], n, p=[0.3, 0.4, 0.3])
        self._eager *= daily / self._eager.sum()
        self._values = {
            OS: draw.choice(["ios", "android", "web", "linux"], n, p=[0.5, 0.35, 0.12, 0.03]),
            LANGUAGE: draw.choice(["en", "de", "fr", "es", "it", "pl", "nl", "sv"], n, p=_tail(8, 1.2)),
            VERSION: draw.choice(["3.2", "3.1", "3.0", "2.9", "2.8", "2.7"], n, p=_tail(6, 1.5)),
        }
        self._sums: dict[int, Counter[tuple[Any, ...]]] = {}
        last = np.full(n, -1)
        for day in range(FIRST_DAY, FIRST_DAY + SPAN):
            here = np.flatnonzero(draw.random(n) < self._eager)
            self._sums[day] = Counter()
            self._count(draw, day, here, last)
            last[here] = day
        self._days = {day: self._day_sums(sums) for day, sums in self._sums.items()}

    def _count(self, draw: np.random.Generator, day: int, here: Array, last: Array) -> None:
        gaps = np.where(last[here] < 0, 31, np.minimum(31, day - last[here]))
        self._add(day, ACTIVE, 0, Fact.GAP, gaps, here)
        # Everybody is of old: what is told of new people is another question.
        self._add(day, ACTIVE, 0, Fact.AGE, np.full(len(here), 31), here)
        for slot, start in ((First.WEEK, days.week_start(day)), (First.MONTH, days.month_start(day))):
            new = here[last[here] < start]
            self._add(day, ACTIVE, 0, Fact.FIRST, np.full(len(new), int(slot)), new)
        joins = draw.poisson(1.6, len(here)).clip(0, 10)
        labels = draw.choice([1, 2, 3], len(here), p=[0.1, 0.6, 0.3])
        who = here[joins > 0]
        self._add(day, JOINED, 0, Fact.DEVICES, np.zeros(len(who), int), who)
        for label in (1, 2, 3):
            mine = (joins > 0) & (labels == label)
            self._add(day, JOINED, label, Fact.DEVICES, np.zeros(mine.sum(), int), here[mine])
            self._add(day, JOINED, label, Fact.COUNT, np.zeros(mine.sum(), int), here[mine], joins[mine])
        shared = here[draw.random(len(here)) < 0.25]
        self._add(day, SHARED, 0, Fact.DEVICES, np.zeros(len(shared), int), shared)
        waits = here[draw.random(len(here)) < 0.7]
        slots = np.array(
            [buckets.bucket_of(max(1, round(ms))) for ms in draw.lognormal(6.5, 0.6, len(waits))], dtype=int
        )
        self._add(day, WAIT, 0, Fact.DEVICES, np.zeros(len(waits), int), waits)
        self._add(day, WAIT, 0, Fact.BUCKET, slots, waits)

    def _add(
        self,
        day: int,
        measure: int,
        label: int,
        fact: Fact,
        slots: Array,
        who: Array,
        n: Array | int = 1,
    ) -> None:
        amounts = np.broadcast_to(n, len(who))
        for code in (0, OS, LANGUAGE, VERSION, *((CROSS,) if measure == ACTIVE else ())):
            first, second = self._cut(code, who)
            for key in zip(slots.tolist(), first, second, amounts.tolist(), strict=True):
                self._sums[day][measure, label, int(fact), key[0], code, key[1], key[2]] += key[3]

    def _cut(self, code: int, who: Array) -> tuple[list[str], list[str]]:
        nothing = [""] * len(who)
        if code == 0:
            return nothing, nothing
        if code == CROSS:
            return self._values[OS][who].tolist(), self._values[VERSION][who].tolist()
        return self._values[code][who].tolist(), nothing

    def _day_sums(self, *sums: Counter[tuple[Any, ...]]) -> DaySums:
        whole: Counter[tuple[Any, ...]] = Counter()
        for one in sums:
            whole.update(one)
        return DaySums(Cell._make((0, 0, 1, 1, 0, 0, *key, n)) for key, n in whole.items())

    def day(self, day: int) -> DaySums:
        """The sums of a day."""
        return self._days.get(day, DaySums())

    def span(self, first: int, last: int) -> DaySums:
        """The sums of a span, of everything."""
        return self._day_sums(*(sums for day, sums in self._sums.items() if first <= day <= last))

    def late(self, first: int, last: int) -> Mapping[int, DaySums]:
        """Nothing came late."""
        return {}

    def steps(self, day: int) -> DaySums:
        """There are no funnels."""
        return DaySums()


def _tail(values: int, power: float) -> list[float]:
    weights = [1 / (rank + 1) ** power for rank in range(values)]
    return [weight / sum(weights) for weight in weights]
