"""Audits of a release under noise, from outside: what it publishes of made-up reports, held against what it claims.

Each audit answers with a sentence of what is wrong, or with nothing. They know the true counts and who was there, as no
attacker does; the release under audit knows nothing of them.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from headcount_aggregator.cells import Cell
from headcount_aggregator.periods import PeriodKind, period_of
from headcount_aggregator.release.day_sums import DaySums, Key
from headcount_aggregator.release.dp import Budget, Ledger, Noise, Planned, budget_of
from headcount_aggregator.release.dp.budget import epsilon
from headcount_aggregator.release.dp.noisy import WHOLE_PLACE, Noisy
from headcount_aggregator.release.dp.releases import NoisyReleases
from headcount_aggregator.release.dp.told import hidden_under
from headcount_aggregator.released import Number, State
from headcount_wire.catalog import TOTAL
from headcount_wire.catalog_file import parse_catalog
from headcount_wire.dimensions import Dimension, values_of
from headcount_wire.facts import Fact
from scipy.stats import beta

DAY = 20_010
COUNTER, CROSS = 2, 28  # the breakdown language x time_zone
CAP = 9
RUNS = 3_000
DELTA = 1e-5
SURE = 0.001
"""How often an audit may accuse a release that is as it should be."""

CATALOG = parse_catalog("""\
[catalog]
name = "audit"
version = 1
[purposes.usage]
sentence.en = "Count."
[context]
language = "usage"
time_zone = "usage"
[measures."done"]
code = 2
kind = "counter"
purpose = "usage"
description = "Done."
owner = "a@b.example"
cap = 9
breakdowns = ["language x time_zone"]
""")
PERIOD = period_of(PeriodKind.DAY, DAY)
PLACES = [
    (language, zone)
    for language in sorted(values_of(Dimension.LANGUAGE) or ())[:120]
    for zone in sorted(values_of(Dimension.TIME_ZONE) or ())[:300]
]
"""A place for each canary: as many cells as make an audit sharp."""

BACKGROUND = 30
Reports = Iterable[tuple[Key, int]]


class _Day:
    """The cells that reports become."""

    def __init__(self, reports: Reports, cap: int | None) -> None:
        sums: dict[Key, int] = {}
        for key, value in reports:
            sums[key] = sums.get(key, 0) + (value if cap is None else min(value, cap))
        at = (0, 0, 1, 1, DAY, 0, COUNTER, 0, int(Fact.COUNT), 0)
        cells = [Cell(*at, CROSS, *key, n) for key, n in sums.items()]
        self._day = DaySums([Cell(*at, TOTAL, "", "", sum(sums.values())), *cells])

    def day(self, day: int) -> DaySums:
        return self._day

    def span(self, first: int, last: int) -> DaySums:
        return DaySums()

    def late(self, first: int, last: int) -> Mapping[int, DaySums]:
        return {}

    def steps(self, day: int) -> DaySums:
        return DaySums()


@dataclass(frozen=True)
class Machine:
    """The real release of one view of a day. ``clips``: whether the edge held reports to the cap; ``by_truth``: a
    release that decides by the true count what is shown, which is what must not be."""

    noise: Callable[[], Noise]
    clips: bool = True
    by_truth: bool = False

    def world(self, reports: Reports) -> _Day:
        """The cells that reports become."""
        return _Day(reports, CAP if self.clips else None)

    def release(self, cells: _Day, planned: Planned) -> tuple[Noisy, list[Number]]:
        """What is kept and told of one view."""
        budget = Budget(planned.rho * 31, (planned,))
        found = NoisyReleases(CATALOG, budget, DAY, cells, self.noise()).of_period(PERIOD, Ledger(), ())
        numbers = list(found.numbers)
        if self.by_truth:
            true = sum(cells.day(DAY).of(COUNTER, Fact.COUNT).values())
            state = State.SHOWN if true >= hidden_under(planned.scale**2) else State.UNDER_NOISE
            numbers = [replace(number, state=state) for number in numbers]
        return found.noisy[0], numbers


def planned_of(code: int) -> Planned:
    """The counter's view by a breakdown, with the scale that a real budget gives it."""
    budget = budget_of(CATALOG, "light")
    return next(
        p for p in budget.planned if p.view.measure == COUNTER and p.view.breakdown == code and p.view.squared > 1
    )


def residuals(machine: Machine) -> str:
    """Released less true counts of two releases: as wide as claimed, around zero, unrelated, of every remainder."""
    planned = planned_of(CROSS)
    world = machine.world((place, 1) for place in PLACES for _ in range(3))
    both = []
    for _ in range(2):
        noisy, _ = machine.release(world, planned)
        found = {(place.value1, place.value2): n for place, n in noisy.at().items()}
        both.append([found[place] - 3 for place in PLACES])
    n, square = len(PLACES), planned.scale**2
    for one in both:
        if abs(sum(x * x for x in one) / n - square) > 5 * square * math.sqrt(2 / n):
            return "the noise is not as wide as claimed"
        if abs(sum(one) / n) > 5 * planned.scale / math.sqrt(n):
            return "the noise is not around zero"
        remainders = [sum(x % CAP == r for x in one) for r in range(CAP)]
        if max(abs(m - n / CAP) for m in remainders) > 5 * math.sqrt(n / CAP):
            return "remainders by the cap show through"
    if abs(sum(a * b for a, b in zip(*both, strict=True)) / n) > 5 * square / math.sqrt(n):
        return "two releases have the same noise"
    return ""


def one_run(machine: Machine) -> str:
    """Thousands of canaries that report far too much, each there by a coin's flip: how far one moves its number."""
    planned, draw = planned_of(CROSS), random.Random(11)
    there = {place: draw.random() < 0.5 for place in PLACES}
    reports: list[tuple[Key, int]] = [(place, 1) for place in PLACES for _ in range(BACKGROUND)]
    reports += [(place, 1_000_000) for place in PLACES if there[place]]
    noisy, _ = machine.release(machine.world(reports), planned)
    scores = {(place.value1, place.value2): n - BACKGROUND for place, n in noisy.at().items()}
    with_, without = ([scores[place] for place in PLACES if there[place] is side] for side in (True, False))
    means = [sum(side) / len(side) for side in (with_, without)]
    square = sum((x - means[1]) ** 2 for x in without) / len(without)
    if not square:
        return "who is not there is told exactly"
    moved = (means[0] - means[1]) / math.sqrt(square)
    error = 2 / math.sqrt(len(PLACES))
    if moved - 4 * error > math.sqrt(2 * planned.rho):
        return "one device moves its number further than its budget allows"
    return ""


def two_worlds(machine: Machine) -> str:
    """A total with and without one device that reports far too much, again and again: what telling them apart costs."""
    planned = planned_of(TOTAL)
    base: list[tuple[Key, int]] = [(place, 1) for place in PLACES[:400]]
    worlds = [machine.world(base), machine.world([*base, (PLACES[0], 1_000_000)])]
    seen = [[machine.release(world, planned)[0].at()[WHOLE_PLACE] for _ in range(RUNS)] for world in worlds]
    half = RUNS // 2
    levels = sorted(seen[0][:half] + seen[1][:half])[:: half // 20]
    best = max(levels, key=lambda level: _bound(seen[1][:half], seen[0][:half], level))
    return _accuse(_bound(seen[1][half:], seen[0][half:], best), planned)


def at_the_threshold(machine: Machine) -> str:
    """A total just under what is shown, and one device more: whether it appears must tell as little as it says."""
    planned = planned_of(TOTAL)
    least = math.ceil(hidden_under(planned.scale**2))
    base: list[tuple[Key, int]] = [(PLACES[0], 1)] * (least - 1)
    worlds = [machine.world(base), machine.world([*base, (PLACES[0], 1_000_000)])]
    seen = [
        [int(machine.release(world, planned)[1][0].state is State.SHOWN) for _ in range(RUNS // 2)] for world in worlds
    ]
    return _accuse(_bound(seen[1], seen[0], 1), planned)


def _bound(with_: list[int], without: list[int], level: int) -> float:
    """At least how large epsilon is, by how often each world reaches a level (Clopper and Pearson 1934)."""
    reached = [sum(x >= level for x in side) for side in (with_, without)]
    n, m = len(with_), len(without)
    low = 0.0 if not reached[0] else float(beta.ppf(SURE / 2, reached[0], n - reached[0] + 1))
    high = 1.0 if reached[1] == m else float(beta.ppf(1 - SURE / 2, reached[1] + 1, m - reached[1]))
    return math.log((low - DELTA) / high) if low > DELTA else 0.0


def _accuse(bound: float, planned: Planned) -> str:
    claim = epsilon(planned.rho, DELTA)
    return f"epsilon is at least {bound:.2f}, and {claim:.2f} is claimed" if bound > claim else ""


Audit = Callable[[Machine], str]
AUDITS: tuple[Audit, ...] = (residuals, one_run, two_worlds, at_the_threshold)
