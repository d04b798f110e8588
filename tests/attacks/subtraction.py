"""Attacks that subtract: answers that are each of many people, and whose difference is of one."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.release.period_numbers import Statistics
from headcount_aggregator.release.threshold import Threshold
from headcount_aggregator.released import Number, Statistic

from tests.aggregator import world
from tests.attacks.crowd import CRASHED, Crowd, LiveEngine, Mask, Person, draw_crowd
from tests.attacks.outcome import Engine, Outcome, of_share

K = 20
RULE = Threshold(K)
TARGETS = 150


def nested_filters() -> Iterator[Outcome]:
    """Ask for a group, and for the group without one value: the difference is the target, and its secret."""
    crowd = draw_crowd(2000)
    engine = LiveEngine(crowd, K)
    columns = [crowd.column(at) for at in range(4)]
    right = sum(_isolated(crowd, engine, columns, target) for target in range(TARGETS))
    yield of_share(Engine.NAIVE, right, TARGETS, "people singled out, and whether they crashed")
    told = [isolated_by(draw_crowd(size, seed)) for seed, size in enumerate((2000, 1200, 700))]
    said = f"people in a difference of the {sum(sets for _, sets, _ in told)} shown sets of three days"
    yield of_share(Engine.THRESHOLD, sum(alone for alone, _, _ in told), sum(people for *_, people in told), said)


def isolated_by(crowd: Crowd) -> tuple[int, int, int]:
    """How many people are in a difference of fewer than k, how many sets are shown, how many people there are."""
    numbers = crowd.released(RULE)
    active = crowd.shown_by_number(numbers)
    crashed = [(number, who & crowd.crashed) for number, who in crowd.shown_by_number(numbers, CRASHED)]
    assert all(number.value == who.sum() for number, who in (*active, *crashed))
    alone = np.zeros(len(crowd.people), dtype=bool)
    for sets in (active, crashed):
        for rest in _differences(sets):
            if 0 < rest.sum() < K:
                alone |= rest
    for number, who in active:
        for other, subset in crashed:
            same = (number.breakdown, number.value1, number.value2) == (other.breakdown, other.value1, other.value2)
            if same and not (subset & ~who).any() and 0 < (rest := who & ~subset).sum() < K:
                alone |= rest
    return int(alone.sum()), len(active) + len(crashed), len(crowd.people)


def _isolated(crowd: Crowd, engine: LiveEngine, columns: list[np.ndarray], target: int) -> bool:
    same = [column == column[target] for column in columns]
    for width in (1, 2, 3):
        for kept in itertools.combinations(range(4), width):
            group: Mask = np.logical_and.reduce([same[at] for at in kept])
            for left_out in set(range(4)) - set(kept):
                rest = group & ~same[left_out]
                counts = engine.count(group), engine.count(rest)
                crashes = engine.crashed(group), engine.crashed(rest)
                if None not in counts and (counts[0] or 0) - (counts[1] or 0) == 1:
                    return (crashes[0] or 0) - (crashes[1] or 0) == crowd.people[target].crashed
    return False


def _differences(shown: Sequence[tuple[Number, Mask]]) -> Iterator[Mask]:
    """Any set or union of two of one cut, less one, two or all sets of one cut that lie in it."""
    by_code: dict[int, list[Mask]] = {}
    for number, who in shown:
        by_code.setdefault(number.breakdown, []).append(who)
    for cut in by_code.values():
        for outer in (*cut, *(one | two for one, two in itertools.combinations(cut, 2))):
            for other in by_code.values():
                inner = [mask for mask in other if not (mask & ~outer).any()]
                for width in {1, 2, len(inner)}:
                    for chosen in itertools.combinations(inner, width):
                        yield outer & ~np.logical_or.reduce([*chosen, np.zeros_like(outer)])


def tracker() -> Iterator[Outcome]:
    """Pad a question about one person with a half of everybody, and take the halves away again."""
    crowd = draw_crowd(2000)
    engine = LiveEngine(crowd, K)
    columns = [crowd.column(at) for at in range(4)]
    half = columns[0] == "ios"
    patterns = Counter(person.values for person in crowd.people)
    unique = [at for at, person in enumerate(crowd.people) if patterns[person.values] == 1]
    right = 0
    for target in unique:
        only: Mask = np.logical_and.reduce([column == column[target] for column in columns])
        padded = [engine.crashed(who) or 0 for who in (only | half, only | ~half, half, ~half)]
        right += padded[0] + padded[1] - padded[2] - padded[3] == crowd.people[target].crashed
    yield of_share(Engine.NAIVE, right, len(unique), "people with values nobody else has, and whether they crashed")
    sets = [who for who, _ in crowd.shown_sets(crowd.released(RULE))]
    found = _combined(crowd, patterns, sets)
    said = "groups under k that are any sum, with any weights, of shown sets"
    yield of_share(Engine.THRESHOLD, found, sum(n < K for n in patterns.values()), said)


def _combined(crowd: Crowd, patterns: Counter[tuple[str, str, str, str]], sets: list[Mask]) -> int:
    """How many small groups of people with equal values a linear combination of shown sets is about."""
    first = {person.values: at for at, person in reversed(list(enumerate(crowd.people)))}
    atoms = list(patterns)
    matrix = np.array([[who[first[atom]] for atom in atoms] for who in sets], dtype=float)
    _, sizes, directions = np.linalg.svd(matrix, full_matrices=False)
    spanned = directions[sizes > 1e-9 * sizes[0]]
    reach = (spanned**2).sum(axis=0)
    return sum(bool(reach[at] > 1 - 1e-6) and patterns[atom] < K for at, atom in enumerate(atoms))


def complement() -> Iterator[Outcome]:
    """A number of nearly everybody, taken from everybody, is the few others."""
    naive = shown = 0
    for others in range(1, K):
        crowd = Crowd([Person(("ios", "4.0", "en", "phone"), at >= others) for at in range(200)])
        everybody = np.ones(200, dtype=bool)
        naive += 200 - (LiveEngine(crowd, K).crashed(everybody) or 0) == others
        shown += any(n.measure == CRASHED and n.value is not None for n in crowd.released(RULE))
    yield of_share(Engine.NAIVE, naive, K - 1, "sizes of a rest under k told")
    yield of_share(Engine.THRESHOLD, shown, K - 1, "sizes of a rest under k told")


def distinct_counts() -> Iterator[Outcome]:
    """People of one day and of the next, less people of both days, are those who came twice."""
    naive = pinned = 0
    day = world.FIRST_DAY
    for twice in range(1, K):
        first, second = range(100), range(100 - twice, 200 - twice)
        uses = [_use(device, day) for device in first] + [_use(device, day + 1) for device in second]
        naive += len(first) + len(second) - len({use.device for use in uses}) == twice
        numbers = list(Statistics(world.catalog(), day, world.World(uses), RULE).of_day(day + 1))
        pinned += len(_came_twice(numbers, len(first))) == 1
    yield of_share(Engine.NAIVE, naive, K - 1, "numbers of people who came twice told")
    yield of_share(Engine.THRESHOLD, pinned, K - 1, "numbers of people who came twice told")


def _came_twice(numbers: Iterable[Number], yesterday: int) -> set[int]:
    """What the day, its windows and its new and returning people leave possible, of one to k - 1."""
    possible = set(range(1, K))
    found = [n for n in numbers if n.measure == 1 and not n.breakdown and n.value is not None]
    by = {(n.statistic, n.period): n for n in found}
    today = by[Statistic.PEOPLE, PeriodKind.DAY].value or 0
    for kind in (PeriodKind.ROLLING_7, PeriodKind.ROLLING_28, PeriodKind.ROLLING_30):
        if window := by.get((Statistic.PEOPLE, kind)):
            half = window.rounding / 2
            possible &= {m for m in possible if abs(yesterday + today - m - (window.value or 0)) <= half}
    new, back = by.get((Statistic.NEW_PEOPLE, PeriodKind.DAY)), by.get((Statistic.RETURNING_PEOPLE, PeriodKind.DAY))
    if new:
        possible &= {today - (new.value or 0)}
    return possible & {back.value or 0} if back else possible


def _use(device: int, day: int) -> world.Use:
    return world.Use(device, day, "ios", "1.0", {}, False, ())
