"""A day of made-up people with a secret, as the release layer sees them, and the naive engine beside it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from headcount_aggregator.cells import Cell
from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.release.day_sums import DaySums
from headcount_aggregator.release.family import Rule
from headcount_aggregator.release.period_numbers import Statistics
from headcount_aggregator.released import Number, Statistic
from headcount_wire import days
from headcount_wire.catalog import Catalog
from headcount_wire.catalog_file import parse_catalog
from headcount_wire.dimensions import Dimension
from headcount_wire.facts import Fact
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

DAY = days.parse("2026-03-04")
ACTIVE, CRASHED = 1, 2
FIELDS = (Dimension.OS, Dimension.APP_VERSION, Dimension.LANGUAGE, Dimension.DEVICE_CLASS)
CODES = (8, 40, 24, 48, 13)
"""The declared breakdowns: each field alone, and the version within the system."""

_BREAKDOWNS = '["os", "app_version", "language", "device_class", "os x app_version"]'
CATALOG = f"""\
[catalog]
name = "crowd"
version = 1
[purposes.usage]
sentence.en = "Count."
[context]
os = "usage"
app_version = "usage"
language = "usage"
device_class = "usage"
[measures."active"]
code = 1
kind = "active"
purpose = "usage"
description = "Used."
owner = "a@b.example"
breakdowns = {_BREAKDOWNS}
[measures."crashed"]
code = 2
kind = "flag"
purpose = "usage"
description = "Crashed."
owner = "a@b.example"
breakdowns = {_BREAKDOWNS}
"""


def catalog() -> Catalog:
    """What the crowd's app declares."""
    return parse_catalog(CATALOG)


@dataclass(frozen=True, slots=True)
class Person:
    """One device of a day: its context, and whether it crashed, which is what the attacker wants to know."""

    values: tuple[str, str, str, str]
    crashed: bool

    def cut(self, code: int) -> tuple[str, str]:
        """Its values in a breakdown."""
        if code == 0:
            return "", ""
        by_field = dict(zip(FIELDS, self.values, strict=True))
        first, second = divmod(code, 8)
        return by_field[Dimension(first)], by_field[Dimension(second)] if second else ""


class Crowd:
    """The people of one day, as cells; all of them have been here before."""

    def __init__(self, people: Sequence[Person]) -> None:
        self.people = people
        self.crashed: Mask = np.array([person.crashed for person in people], dtype=bool)
        sums: Counter[tuple[int, Fact, int, int, tuple[str, str]]] = Counter()
        for person in people:
            for code in (0, *CODES):
                key = person.cut(code)
                sums[ACTIVE, Fact.GAP, 1, code, key] += 1
                sums[ACTIVE, Fact.AGE, 31, code, key] += 1
                if person.crashed:
                    sums[CRASHED, Fact.DEVICES, 0, code, key] += 1
        self._day = DaySums(
            Cell(0, 0, 1, 1, DAY, 0, measure, 0, fact, slot, code, *key, n)
            for (measure, fact, slot, code, key), n in sums.items()
        )

    def day(self, day: int) -> DaySums:
        """The sums of the day; others are empty."""
        return self._day if day == DAY else DaySums()

    def span(self, first: int, last: int) -> DaySums:
        """Nothing adds over days here."""
        return DaySums()

    def late(self, first: int, last: int) -> Mapping[int, DaySums]:
        """Nothing came late."""
        return {}

    def steps(self, day: int) -> DaySums:
        """Nobody is in a funnel here."""
        return DaySums()

    def released(self, rule: Rule) -> list[Number]:
        """What a rule publishes of the day."""
        # The app is older than the day, so that nobody is new.
        numbers = Statistics(catalog(), DAY, self, rule).of_day(DAY)
        return [n for n in numbers if n.period is PeriodKind.DAY and n.statistic is Statistic.PEOPLE]

    def column(self, at: int) -> NDArray[np.str_]:
        """One field of everybody."""
        return np.array([person.values[at] for person in self.people])

    def shown_by_number(self, numbers: Iterable[Number], measure: int = ACTIVE) -> list[tuple[Number, Mask]]:
        """The exact shown numbers of a measure, each with the active people it is about."""
        shown: dict[int, list[Number]] = {}
        for number in numbers:
            if number.measure == measure and number.value is not None:
                shown.setdefault(number.breakdown, []).append(number)
        found = []
        for code, mine in shown.items():
            rows, columns = {n.value1 for n in mine}, {n.value2 for n in mine}
            keys = [_group(person.cut(code), rows, columns) for person in self.people]
            found += [(n, np.array([key == (n.value1, n.value2) for key in keys])) for n in mine]
        return found

    def shown_sets(self, numbers: Iterable[Number], measure: int = ACTIVE) -> list[tuple[Mask, int]]:
        """The same, with the values alone."""
        return [(who, number.value or 0) for number, who in self.shown_by_number(numbers, measure)]


def _group(key: tuple[str, str], rows: set[str], columns: set[str]) -> tuple[str, str]:
    return (
        key[0] if key[0] in rows else "other",
        key[1] if key[1] in columns or not key[1] else "other",
    )


class LiveEngine:
    """The usual product: any filter anybody can think of, answered at once when k people match it."""

    def __init__(self, crowd: Crowd, k: int) -> None:
        self._crowd = crowd
        self._k = k

    def count(self, who: Mask) -> int | None:
        """How many match, if they are enough."""
        n = int(who.sum())
        return n if n >= self._k else None

    def crashed(self, who: Mask) -> int | None:
        """How many of those who match crashed, if those who match are enough."""
        return int((who & self._crowd.crashed).sum()) if who.sum() >= self._k else None


def draw_crowd(size: int, seed: int = 7, crashes: float = 0.3) -> Crowd:
    """People drawn by seed: few systems, versions within them, languages and classes with long tails."""
    draw = random.Random(seed)
    languages = ("en", "de", "fr", "es", "it", "pl", "nl", "sv", "pt", "cs", "da", "fi", "el", "hu", "ro")
    weights = [1 / (rank + 1) ** 1.3 for rank in range(len(languages))]
    people = []
    for _ in range(size):
        os = draw.choices(["ios", "android", "web", "linux"], [10, 8, 3, 0.5])[0]
        generation = {"ios": 4, "android": 5, "web": 6, "linux": 6}[os]
        minor = min(7, int(draw.expovariate(0.7)))
        language = draw.choices(languages, weights)[0]
        device = draw.choices(["phone", "tablet", "desktop"], [8, 2, 1])[0]
        people.append(Person((os, f"{generation}.{minor}", language, device), draw.random() < crashes))
    return Crowd(people)
