"""The retention curve: never drawn from a selection that the rule itself made."""

from __future__ import annotations

import random
from dataclasses import replace

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
    assert share is None or abs((share.value or 0) - truth) <= DOUBT + 0.5


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
    share = pooled(pairs, K)
    assert share is not None
    assert share.value in range(50, 58)
    assert share.high is None
    assert pooled([], K) is None


@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(100, 3000), st.floats(0.05, 0.6))
def test_a_noisy_curve_has_its_interval(seed: int, cohorts: int, size: int, back: float) -> None:
    """Under noise a share's interval holds it, is as wide as independent noises are, and wider for what is hidden."""
    draw = random.Random(seed)

    def noisy(n: int, slot: int, sigma: float) -> Number:
        half = round(1.96 * sigma)
        value = max(0, n + round(draw.gauss(0, sigma)))
        place = (Statistic.RETENTION_WEEK, PeriodKind.WEEK, 0, 6, 1, 0, 0, "", "", slot)
        return Number(*place, State.SHOWN, value, low=max(0, value - half), high=value + half)

    sigma = 8.0
    pairs = [(noisy(size, 0, sigma), noisy(round(size * back), 1, sigma)) for _ in range(cohorts)]
    share = pooled(pairs, K)
    assert share is not None
    assert share.low is not None
    assert share.high is not None
    assert share.value is not None
    assert share.low <= share.value <= share.high
    truth = 100 * round(size * back) / size
    spread = 100 * sigma * (1 + back**2) ** 0.5 / (size * cohorts**0.5)
    assert abs(share.value - truth) <= 6 * spread + 1
    drawn = sum(cohort.value or 0 for cohort, _ in pairs)  # with one small cohort, far from what it was drawn of
    told = 100 * sigma * cohorts**0.5 * (1 + (share.value / 100) ** 2) ** 0.5 / drawn
    assert share.high - share.low >= min(2 * 1.96 * told * 0.98, share.high)
    hidden = replace(pairs[0][1], state=State.UNDER_NOISE, value=None, low=None, high=None)
    more = pooled([(pairs[0][0], hidden), *pairs[1:]], K)
    assert more is None or (more.high or 0) - (more.low or 0) >= share.high - share.low
