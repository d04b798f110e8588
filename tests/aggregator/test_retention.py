"""The retention curve: never drawn from a selection that the rule itself made."""

from __future__ import annotations

import random

from headcount_aggregator.periods import PeriodKind, period_of
from headcount_aggregator.release.family import Family, Part
from headcount_aggregator.release.threshold import Threshold
from headcount_aggregator.released import Number, State, Statistic
from headcount_aggregator.web.dashboard.retention import DOUBT, pooled
from hypothesis import given
from hypothesis import strategies as st

K = 20


def released(size: int, back: int) -> tuple[Number, Number]:
    """A cohort and how many were back, as the threshold rule releases them."""
    born = period_of(PeriodKind.DAY, 20_000)
    families = [
        Family(Statistic.RETENTION_DAY, born, 1, Part(size, size)),
        Family(Statistic.RETENTION_DAY, born, 1, Part(back, back, (size - back,)), slot=1, subset=True),
    ]
    cohort, came = (number for family in families for number in Threshold(K).decide(family).numbers)
    return cohort, came


@given(st.lists(st.tuples(st.integers(K, 300), st.floats(0, 1)), min_size=1, max_size=20))
def test_a_share_is_near_the_truth_or_not_given(cohorts: list[tuple[int, float]]) -> None:
    """Whatever was hidden, a share that is given lies within the stated points of the true one."""
    pairs = [(size, round(size * share)) for size, share in cohorts]
    share = pooled([released(size, back) for size, back in pairs], K)
    truth = 100 * sum(back for _, back in pairs) / sum(size for size, _ in pairs)
    assert share is None or abs(share - truth) <= DOUBT + 0.5


def test_small_cohorts_are_not_said_to_have_gone() -> None:
    """Of small cohorts only 'nobody back' is ever shown: that must not become a share of nought."""
    draw = random.Random(1)
    pairs = [released(25, sum(draw.random() < 0.1 for _ in range(25))) for _ in range(30)]
    shown = [back.value for _, back in pairs if back.state is State.SHOWN]
    assert shown
    assert set(shown) == {0}
    assert pooled(pairs, K) is None


def test_large_cohorts_make_a_curve() -> None:
    """With enough people one hidden cohort does not silence the others."""
    pairs = [released(300, 150) for _ in range(5)]
    pairs.append(released(60, 50))
    assert pairs[-1][1].value is None
    assert pooled(pairs, K) in range(50, 58)
    assert pooled([], K) is None
