"""Attacks that infer: from all that is shown, from knowing everybody else, and from people who are not real."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
from headcount_aggregator.release.threshold import Threshold
from numpy.typing import NDArray
from scipy.optimize import linprog

from tests.attacks.crowd import CRASHED, Crowd, Mask, Person, draw_crowd
from tests.attacks.outcome import Engine, Outcome, of_share

K = 20
RULE = Threshold(K)
WORLDS = 4
PRIOR = 0.5
BY_CHANCE = 0.06
"""How much more than the prior is guessed right by chance, of 200 people in each of four worlds."""

RARE = ("linux", "6.1", "fi", "desktop")


def reconstruction() -> Iterator[Outcome]:
    """Solve for everybody's secret at once: each shown number is one equation of a linear program."""
    naive = []
    shown = []
    for seed in range(WORLDS):
        crowd = draw_crowd(200, seed, crashes=PRIOR)
        draw = np.random.default_rng(seed)
        subsets: list[Mask] = [draw.random(200) < 0.5 for _ in range(500)]
        naive.append(solved(crowd, [(who, int((who & crowd.crashed).sum())) for who in subsets]))
        shown.append(solved(crowd, crowd.shown_sets(crowd.released(RULE), CRASHED)))
    yield guessed(Engine.NAIVE, naive)
    yield guessed(Engine.THRESHOLD, shown)


def solved(crowd: Crowd, equations: list[tuple[Mask, int]]) -> float:
    """The share of secrets that the best explanation of the equations has right."""
    n, m = len(crowd.people), len(equations)
    if not m:
        return PRIOR
    asked = np.array([who for who, _ in equations], dtype=float)
    told = np.array([value for _, value in equations], dtype=float)
    slack = np.eye(m)
    found = linprog(
        np.concatenate([np.zeros(n), np.ones(m)]),
        A_ub=np.block([[asked, -slack], [-asked, -slack]]),
        b_ub=np.concatenate([told, -told]),
        bounds=[(0, 1)] * n + [(0, None)] * m,
        method="highs",
    )
    guess: NDArray[np.float64] = found.x[:n]
    return float(((guess > 0.5) == crowd.crashed).mean())


def guessed(engine: Engine, shares: list[float]) -> Outcome:
    """An outcome by the share of secrets guessed right, over worlds."""
    mean = sum(shares) / len(shares)
    figure = f"{mean:.0%} of secrets right, where guessing has {PRIOR:.0%}"
    return Outcome(engine, mean > PRIOR + BY_CHANCE, figure, bounded=engine is Engine.DP)


def membership() -> Iterator[Outcome]:
    """Know everybody else: the total tells whether one more was there."""
    draw = random.Random(3)
    others = draw_crowd(60).people
    right = {Engine.NAIVE: 0, Engine.THRESHOLD: 0}
    tries = 40
    for _ in range(tries):
        there = draw.random() < 0.5
        crowd = Crowd([*others, Person(RARE, crashed=False)] if there else others)
        right[Engine.NAIVE] += (len(crowd.people) > len(others)) == there
        (total,) = [n.value for n in crowd.released(RULE) if n.measure == 1 and not n.breakdown]
        right[Engine.THRESHOLD] += ((total or 0) > len(others)) == there
    for engine, n in right.items():
        yield Outcome(engine, n > 0.9 * tries, f"{n} of {tries} times told rightly, where guessing has half")


def threshold_probing() -> Iterator[Outcome]:
    """Know k - 1 others of a group: that it is shown at all says that the target is in it."""
    yield from _told_by_one_group(K - 1, Crowd)


def sybil_fill() -> Iterator[Outcome]:
    """Forge k - 1 devices with the target's rare values: the group is shown when the target is real."""
    yield from _told_by_one_group(K - 1, Crowd)


def _told_by_one_group(companions: int, crowd_of: type[Crowd]) -> Iterator[Outcome]:
    common = [Person(("ios", "4.0", "en", "phone"), crashed=False)] * 300
    beside = [Person(RARE, crashed=False)] * companions
    tries, right = 20, 0
    draw = random.Random(5)
    for _ in range(tries):
        there = draw.random() < 0.5
        crowd = crowd_of([*common, *beside, *([Person(RARE, crashed=False)] if there else [])])
        shown = any(n.breakdown and n.value1 == RARE[0] and n.value for n in crowd.released(RULE))
        right += shown == there
    said = "times told rightly whether the target was there"
    # A naive engine hides fewer than k in the same way, so it tells the same.
    yield of_share(Engine.NAIVE, right if right == tries else 0, tries, said)
    yield of_share(Engine.THRESHOLD, right if right == tries else 0, tries, said)
