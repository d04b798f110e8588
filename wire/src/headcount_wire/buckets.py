"""Log-spaced buckets for timings and distributions, in whole numbers only.

Bucket ``i`` holds the values ``v`` with ``UPPER[i - 1] < v <= UPPER[i]``. Up to 50 each whole
value has its own bucket; above, each bound is the one before times 1.04, rounded down. Any value
is therefore known to better than 2 %, which is DDSketch's guarantee (Masson, Rim and Lee, VLDB
2019), but no logarithm is taken, so that every language finds the same bucket for every value.
"""

from __future__ import annotations

from bisect import bisect_left

from headcount_wire.limits import BUCKET_MAX


def _bounds() -> tuple[int, ...]:
    bounds = [0]
    while len(bounds) <= BUCKET_MAX:
        last = bounds[-1]
        bounds.append(max(last + 1, last * 104 // 100))
    return tuple(bounds)


UPPER: tuple[int, ...] = _bounds()
"""``UPPER[i]`` is the largest value of bucket ``i``; the last bucket also takes all above it."""


def bucket_of(value: int) -> int:
    """The bucket of a whole, non-negative value, in the measure's unit."""
    if value <= 0:
        return 0
    return min(bisect_left(UPPER, value), BUCKET_MAX)


def value_of(bucket: int) -> float:
    """The value that stands for a bucket: off by less than 2 % from any value in it."""
    if bucket <= 0:
        return 0.0
    low, high = UPPER[bucket - 1] + 1, UPPER[bucket]
    return 2.0 * low * high / (low + high)


def quantile(counts: dict[int, int], share: float) -> float:
    """The value below which ``share`` (0 to 1) of the counted observations lie.

    ``counts`` maps bucket to observations; raises ``ValueError`` when it holds none.
    """
    total = sum(counts.values())
    if total <= 0:
        raise ValueError("no observation, so no quantile")
    rank = share * (total - 1)
    seen = 0
    for bucket in sorted(counts):
        seen += counts[bucket]
        if seen > rank:
            return value_of(bucket)
    return value_of(max(counts))
