"""The budget: what one device may cost in a calendar month, and how it is split over the declared views. Pure.

It is fixed before anything is counted (zero-concentrated differential privacy, Bun and Steinke 2016): more views
mean more noise, never more of the budget. 80 percent go to days, 10 to weeks, 10 to months; in each, every view
has the same part, whatever one device can change in it: a view with a larger cap has the noise that goes with it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from statistics import NormalDist

from headcount_wire.catalog import Catalog
from headcount_wire.organisation import PRESETS

from headcount_aggregator.release.dp.noise import SCALE_MOST
from headcount_aggregator.release.dp.views import Share, View, declared_views

__all__ = ["PRESETS", "Budget", "Planned", "budget_of", "epsilon", "recognised"]

DELTA = 1e-9
"""The chance, in (epsilon, delta), with which epsilon may not hold."""

EPSILONS_KEPT = 64
"""Each release says its promise, and what one means takes a tenth of a second to find."""

SHARES = {Share.DAY: Fraction(8, 10), Share.WEEK: Fraction(1, 10), Share.MONTH: Fraction(1, 10)}


@dataclass(frozen=True, slots=True)
class Planned:
    """A view with the scale of its noise, a whole number."""

    view: View
    scale: int

    @property
    def rho(self) -> Fraction:
        """What one release of it costs."""
        return Fraction(self.view.squared, 2 * self.scale * self.scale)


@dataclass(frozen=True)
class Budget:
    """What a device may cost in a month (``rho``), and the views it is split over."""

    rho: Fraction
    planned: Sequence[Planned]

    @property
    def rho_of_day(self) -> Fraction:
        """What the numbers of a single day cost."""
        return sum((p.rho for p in self.planned if p.view.share is Share.DAY), Fraction())

    @cached_property
    def words(self) -> str:
        """The promise, for a privacy officer."""
        month, day = recognised(self.rho), recognised(self.rho_of_day)
        return (
            f"Somebody who knows everything about all other devices, and may be wrong about 1 device in 100, "
            f"recognises from all numbers of one day at most {day:.1f} in 100 of the devices that took part (1 in 100 "
            f"would be chance), and from all numbers of a month {month:.1f} in 100. In the terms of the literature: "
            f"epsilon {epsilon(self.rho_of_day):.2f} a device-day and {epsilon(self.rho):.1f} a device-month, "
            f"delta {DELTA:g}."
        )


def budget_of(catalog: Catalog, preset: str) -> Budget:
    """The budget of a catalog under a preset: ``strict``, ``standard`` or ``light``."""
    rho = PRESETS[preset]
    return Budget(rho, tuple(planned for share in Share for planned in _split(declared_views(catalog), share, rho)))


def _split(views: Sequence[View], share: Share, rho: Fraction) -> list[Planned]:
    mine = [view for view in views if view.share is share]
    found = []
    for view in mine:
        each = SHARES[share] * rho / len(mine) / view.touched
        scale = _root_up(Fraction(view.squared) / (2 * each))
        if scale <= SCALE_MOST:
            found.append(Planned(view, scale))
    return found


def _root_up(square: Fraction) -> int:
    """The least whole number whose square is at least ``square``."""
    up = -(-square.numerator // square.denominator)
    return math.isqrt(up - 1) + 1


@lru_cache(EPSILONS_KEPT)
def epsilon(rho: Fraction | float, delta: float = DELTA) -> float:
    """The epsilon that a cost in rho means at a delta (Canonne, Kamath and Steinke 2020, Corollary 13)."""
    cost = float(rho)
    if cost == 0:
        return 0.0
    low, high = 0.0, cost + 2 * math.sqrt(cost * math.log(1 / delta))
    for _ in range(100):
        middle = (low + high) / 2
        if _delta(cost, middle) <= delta:
            high = middle
        else:
            low = middle
    return high


def _delta(rho: float, at: float) -> float:
    low, high = 1.0 + 1e-6, (at + 1) / (2 * rho) + 2
    alpha = low
    for _ in range(200):
        alpha = (low + high) / 2
        if (2 * alpha - 1) * rho - at + math.log1p(-1 / alpha) < 0:
            low = alpha
        else:
            high = alpha
    return min(1.0, math.exp((alpha - 1) * (alpha * rho - at) + alpha * math.log1p(-1 / alpha)) / (alpha - 1))


def recognised(rho: Fraction | float, wrong: float = 0.01) -> float:
    """Of 100 devices that took part, how many the best test finds that is wrong about ``wrong`` of the others.

    Gaussian noise of a cost rho moves what the test sees by ``sqrt(2 rho)`` standard deviations
    (Dong, Roth and Su 2019, Theorem 1).
    """
    normal = NormalDist()
    return 100 * normal.cdf(normal.inv_cdf(wrong) + math.sqrt(2 * float(rho)))
