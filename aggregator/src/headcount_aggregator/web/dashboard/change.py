"""Whether a change is one: two stretches of numbers side by side, and how far chance would move them.

A number of people or times moves from day to day by itself. A change is called real when the mean of the
differences, pair by pair (a Monday with a Monday), is three times what the differences' own scatter leaves
of it, and more than rounding can make. Everything else is within noise. ``docs/dashboard.md`` has the formula. Of two
single numbers, which have no days to scatter, ``certainty`` says it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import sqrt
from statistics import fmean, stdev

SURE_TIMES = 3.0
"""How many standard errors a real change has at least."""

PAIRS_LEAST = 4
"""Fewer pairs say nothing about their own scatter."""

LIKENESS_MOST = 0.9
"""Days that are more alike than this are one day."""


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
