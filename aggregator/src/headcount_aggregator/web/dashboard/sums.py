"""Adding up released numbers, and dividing them: what noise leaves of a sum or a share goes with it.

Noise of one number is independent of another's, so variances add. Of a share ``a / b`` the variance is, to first
order, ``(va + r^2 vb) / b^2``. Where no number has an interval, neither has what is made of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

from headcount_aggregator.released import Number, State
from headcount_aggregator.web.dashboard.figure import Cell

SURE = 1.96
"""How many deviations an interval reaches to either side: it holds the true value in 95 of 100 cases."""


@dataclass
class Sum:
    """A sum of shown numbers; what is hidden is not in it."""

    value: int = 0
    variance: float = 0.0
    count: int = 0
    noisy: bool = False
    complete: int | None = None

    def add(self, number: Number | Cell) -> None:
        """Add a number, if it is shown."""
        if number.value is None:
            return
        self.value += number.value
        self.count += 1
        self._least(number.complete)
        if number.high is not None:
            self.noisy = True
            self.variance += ((number.high - number.value) / SURE) ** 2

    def merge(self, other: Sum) -> None:
        """Add another sum."""
        self.value += other.value
        self.variance += other.variance
        self.count += other.count
        self.noisy = self.noisy or other.noisy
        self._least(other.complete)

    def _least(self, complete: int | None) -> None:
        """A sum is as complete as the least complete of its parts."""
        if complete is not None:
            self.complete = complete if self.complete is None else min(self.complete, complete)

    def cell(self, rounding: int = 1) -> Cell:
        """The sum as a cell, with its interval where its parts have one."""
        if not self.noisy:
            return Cell(self.value, State.SHOWN, rounding, complete=self.complete)
        half = round(SURE * sqrt(self.variance))
        return Cell(self.value, State.SHOWN, low=max(0, self.value - half), high=self.value + half)


def sum_of(numbers: Iterable[Number | Cell]) -> Sum:
    """The sum of the shown ones."""
    found = Sum()
    for number in numbers:
        found.add(number)
    return found


def share(part: Sum, whole: Sum, of: int) -> Cell | None:
    """``part`` of ``whole``, of so many (100, 1,000), the nearest; all only where it is all; ``None`` of nothing."""
    if whole.value <= 0:
        return None
    ratio = min(1.0, max(0.0, part.value / whole.value))
    value = min((2 * of * part.value + whole.value) // (2 * whole.value), of - (part.value < whole.value))
    if not (part.noisy or whole.noisy):
        return Cell(value, State.SHOWN, complete=part.complete)
    half = of * SURE * sqrt(part.variance + ratio**2 * whole.variance) / whole.value
    return Cell(value, State.SHOWN, low=max(0, round(value - half)), high=min(of, round(value + half)))
