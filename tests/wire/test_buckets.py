"""Log-spaced buckets: the same for every implementation, and never off by 2 %."""

from __future__ import annotations

import pytest
from headcount_wire import buckets, limits
from hypothesis import given
from hypothesis import strategies as st


@given(st.integers(min_value=1, max_value=buckets.UPPER[-1]))
def test_a_value_is_known_to_better_than_two_percent(value: int) -> None:
    """The value that stands for a bucket is within 2 % of every value in it."""
    assert abs(buckets.value_of(buckets.bucket_of(value)) - value) < 0.02 * value


def test_bounds_rise_without_a_hole() -> None:
    """Each bound is its bucket's largest value, and the next value opens the next bucket."""
    for bucket, bound in enumerate(buckets.UPPER):
        assert buckets.bucket_of(bound) == bucket
        assert buckets.bucket_of(bound + 1) == min(bucket + 1, limits.BUCKET_MAX)


def test_frozen_bounds() -> None:
    """These bounds are part of the protocol: a change would shift every percentile."""
    assert buckets.UPPER[:56] == (*range(51), 52, 54, 56, 58, 60)
    assert buckets.UPPER[100] == 287
    assert buckets.UPPER[-1] == 2_747_661_267


@given(st.lists(st.integers(min_value=1, max_value=10**7), min_size=1, max_size=200), st.floats(0, 1))
def test_a_quantile_is_within_two_percent_of_the_sorted_one(values: list[int], share: float) -> None:
    """A quantile read from added buckets is the sorted list's, to better than 2 %."""
    counts: dict[int, int] = {}
    for value in values:
        counts[buckets.bucket_of(value)] = counts.get(buckets.bucket_of(value), 0) + 1
    truth = sorted(values)[int(share * (len(values) - 1))]
    assert abs(buckets.quantile(counts, share) - truth) < 0.02 * truth


def test_nothing_has_no_quantile() -> None:
    """No observation has no quantile, and says so."""
    with pytest.raises(ValueError):
        buckets.quantile({}, 0.5)


def test_below_zero_is_zero() -> None:
    """A clock that ran backwards makes no negative duration."""
    assert buckets.bucket_of(-5) == 0
    assert buckets.value_of(0) == 0.0
