"""Whether a change is one: two stretches of numbers side by side, and how far chance would move them.

A number of people or times moves from day to day by itself. A change is called real when the mean of the
differences, pair by pair (a Monday with a Monday), is three times what the differences' own scatter leaves
of it, and more than rounding can make. Everything else is within noise. ``docs/dashboard.md`` has the formula.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import log, sqrt
from statistics import fmean, stdev

SURE_TIMES = 3.0
"""How many standard errors a real change has at least."""

PAIRS_LEAST = 4
"""Fewer pairs say nothing about their own scatter."""

LIKENESS_MOST = 0.9
"""Days that are more alike than this are one day."""

BUCKET_ERROR = 0.02
"""By how much a percentile may be off, as a share of itself."""


class Verdict(StrEnum):
    """What may be said of a change."""

    REAL = "real"
    NOISE = "noise"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Change:
    """Two sums side by side: over the pairs of which both are shown. ``share`` is the change as a share of before."""

    now: float
    before: float
    verdict: Verdict

    @property
    def share(self) -> float:
        """The change as a share of what was before; 0 where nothing was."""
        return self.now / self.before - 1 if self.before else 0.0


def change_of_pairs(pairs: Sequence[tuple[int | None, int | None]], step: int = 1) -> Change:
    """The change over ``(now, before)`` pairs; a pair of which one is hidden says nothing and is left out."""
    whole = [(now, before) for now, before in pairs if now is not None and before is not None]
    now, before = float(sum(n for n, _ in whole)), float(sum(b for _, b in whole))
    if len(whole) < PAIRS_LEAST or len(whole) * 3 < len(pairs) * 2:
        return Change(now, before, Verdict.OPEN)
    differences = [n - b for n, b in whole]
    mean, error = fmean(differences), _error_of_mean(differences)
    rounding = step if step > 1 else 0.0
    real = abs(mean) > max(SURE_TIMES * error, rounding) and mean != 0
    return Change(now, before, Verdict.REAL if real else Verdict.NOISE)


def _error_of_mean(values: Sequence[float]) -> float:
    """The standard error of a mean of days in their order: wider where each day takes after the one before."""
    mean = fmean(values)
    spread = sum((value - mean) ** 2 for value in values)
    if not spread:
        return 0.0
    likeness = sum((a - mean) * (b - mean) for a, b in pairwise(values)) / spread
    likeness = min(LIKENESS_MOST, max(0.0, likeness))
    return stdev(values) / sqrt(len(values)) * sqrt((1 + likeness) / (1 - likeness))


def change_of_medians(now: Percentiles, before: Percentiles) -> Change:
    """The change of a median, from how widely the values around it lie and from how many there are.

    Around the median the logarithm of a duration is close to normal: its deviation is read off the 50th and
    75th percentile, and a median of ``n`` values is off by 1.2533 deviations over the root of ``n``.
    """
    change = Change(now.half, before.half, Verdict.OPEN)
    if not now.half or not before.half or min(now.count, before.count) < 1:
        return change
    error = sqrt(now.variance + before.variance)
    distance = abs(log(now.half / before.half))
    real = distance > 2 * BUCKET_ERROR + SURE_TIMES * error
    return Change(now.half, before.half, Verdict.REAL if real else Verdict.NOISE)


@dataclass(frozen=True, slots=True)
class Percentiles:
    """A distribution as it is released: what half and three quarters lie under, and how many values there are."""

    half: int
    most: int
    count: int

    @property
    def variance(self) -> float:
        """The variance of the median's logarithm."""
        deviation = log(max(self.most, self.half + 1) / self.half) / 0.6745
        return (1.2533 * deviation) ** 2 / self.count
