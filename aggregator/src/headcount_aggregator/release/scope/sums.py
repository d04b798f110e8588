"""What each Customer has of something, with the noise in it, and whether it counts as having any. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from headcount_aggregator.release.dp.noisy import Noisy, Place

STANDS_OUT = 2
"""By so many deviations of its noise a Customer's number counts as one."""


@dataclass(frozen=True, slots=True)
class Sum:
    """What a Customer has, and the variance of the noise in it."""

    value: int = 0
    variance: int = 0

    def __add__(self, more: Sum) -> Sum:
        return Sum(self.value + more.value, self.variance + more.variance)

    def __sub__(self, part: Sum) -> Sum:
        return Sum(self.value - part.value, self.variance + part.variance)


NOTHING = Sum()

ByPlace = Mapping[Place, Sum]
"""What a Customer has of each place of a view."""


def by_place(noisy: Noisy) -> ByPlace:
    """A Customer's numbers of one view."""
    return {place: Sum(value, noisy.variance) for place, value in noisy.at().items()}


def standing_out(sums: Mapping[int, Sum]) -> dict[int, int]:
    """What each Customer has, where it stands out of its noise: else noise would pass for Customers."""
    return {c: s.value for c, s in sums.items() if s.value > 0 and s.value >= STANDS_OUT * math.sqrt(s.variance)}
