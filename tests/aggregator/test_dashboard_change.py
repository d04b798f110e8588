"""Real change or within noise: what is called a change is one, and what is one is mostly called so."""

from __future__ import annotations

import random

from headcount_aggregator.web.dashboard.change import Verdict, change_of_pairs
from hypothesis import given
from hypothesis import strategies as st

WEEK = [1.0, 1.05, 1.1, 1.0, 0.95, 0.4, 0.35]


def stretch(draw: random.Random, level: float, days: int = 28) -> list[int]:
    """Days with a weekly rhythm; each keeps half of what chance did to the one before."""
    off, found = 0.0, []
    for day in range(days):
        off = 0.5 * off + draw.gauss(0, 0.05)
        found.append(round(level * WEEK[day % 7] * (1 + off)))
    return found


def verdicts(times: int, change: float) -> list[Verdict]:
    draw = random.Random(5)
    pairs = [(stretch(draw, 1000 * (1 + change)), stretch(draw, 1000)) for _ in range(times)]
    return [change_of_pairs(list(zip(now, before, strict=True))).verdict for now, before in pairs]


def test_equal_stretches_are_within_noise() -> None:
    """Of 4,000 pairs of stretches that differ by chance alone, under one in twenty is called a real change."""
    assert verdicts(4000, 0).count(Verdict.REAL) < 0.05 * 4000


def test_more_is_called_more() -> None:
    """A tenth more over four weeks is called real mostly, a fifth more nearly always."""
    assert verdicts(400, 0.1).count(Verdict.REAL) > 0.6 * 400
    assert verdicts(400, 0.2).count(Verdict.REAL) > 0.97 * 400


@given(st.lists(st.tuples(st.none() | st.integers(0, 10**6), st.none() | st.integers(0, 10**6)), max_size=40))
def test_hidden_pairs_say_nothing(pairs: list[tuple[int | None, int | None]]) -> None:
    """Whatever the numbers: the sums are those of whole pairs, and where a third of them is hidden nothing is said."""
    found = change_of_pairs(pairs)
    whole = [(now, before) for now, before in pairs if now is not None and before is not None]
    assert (found.now, found.before) == (sum(now for now, _ in whole), sum(before for _, before in whole))
    if len(whole) < 4 or len(pairs) - len(whole) > len(pairs) / 3:
        assert found.verdict is Verdict.OPEN


def test_what_rounding_can_make_is_no_change() -> None:
    """Numbers in tens that all differ by ten or less are within noise, however steady the difference is."""
    assert change_of_pairs([(100, 90)] * 28, 10).verdict is Verdict.NOISE
    assert change_of_pairs([(120, 90)] * 28, 10).verdict is Verdict.REAL
