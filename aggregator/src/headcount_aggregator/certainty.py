"""How sure a released number is, and whether two of them differ by more than chance and noise. Pure.

Two things blur a number. *Noise* is what the rule did to it: noise that was added, or rounding. *Chance* is that
the people behind it would have done a little differently on another day. The interval in a released number is of
noise alone: it holds what was counted. A comparison asks about both, since a change that chance explains is none.

Chance is that of independent people: counts vary as Poisson's do, shares as binomial ones. Where one person can add
several (sessions, views), ``behind`` says how many people there were, and each counts as one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from headcount_aggregator.released import Number

SURE = 1.96
"""Standard deviations to both sides that hold 95 of 100 cases."""

HIDE_HALF = 0.5
"""A number whose interval reaches further than half of itself to a side is better not read closely."""

BUCKET_ERROR = 0.02
"""What a percentile can be off by because values are counted in buckets."""


class Verdict(StrEnum):
    """What a comparison comes to."""

    REAL_CHANGE = "real change"
    WITHIN_NOISE = "within noise"
    NOT_KNOWN = "not known"

    @property
    def sentence(self) -> str:
        """What it means, for people."""
        return _SENTENCES[self]


_SENTENCES = {
    Verdict.REAL_CHANGE: "A real change: chance and noise alone would differ so much in fewer than 5 of 100 cases.",
    Verdict.WITHIN_NOISE: "Within noise: chance and noise alone can differ so much.",
    Verdict.NOT_KNOWN: "Not known: one of the two is hidden.",
}


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with the variances of what blurs it, in the square of its unit. ``low`` and ``high`` hold both."""

    value: float
    noise: float
    chance: float
    low: float
    high: float

    @property
    def vague(self) -> bool:
        """Whether it is too unsure to be read closely."""
        return self.high - self.low > 2 * HIDE_HALF * abs(self.value)


def noise_of(number: Number) -> float:
    """The variance of what the rule did to a shown number: noise that was added, else rounding to a step."""
    if number.value is not None and number.high is not None:
        return ((number.high - number.value) / SURE) ** 2
    return (number.rounding**2 - 1) / 12


def amount(number: Number, behind: Number | None = None) -> Estimate | None:
    """How many people, or how often. ``behind``: of a count, the people who made it; ``None`` where it is hidden."""
    if number.value is None:
        return None
    value = float(number.value)
    each = 1.0
    if behind is not None and behind.value:
        each = max(1.0, value / behind.value)
    return _symmetric(value, noise_of(number), max(value, 0.0) * each)


def share(part: Number, whole: Number, behind: Number | None = None) -> Estimate | None:
    """What share one number is of another that it is part of: retention, adoption, crash-free, a funnel's step.

    The interval is Wilson's (1927) for chance, widened by noise: by the delta method the variance of noise in
    ``r = a / b`` is ``(va + r^2 vb) / b^2``. ``behind``: the people of the whole, where one counts several times.
    """
    if part.value is None or whole.value is None or whole.value <= 0:
        return None
    people = float(whole.value) if behind is None or not behind.value else min(float(whole.value), behind.value)
    value = min(1.0, max(0.0, part.value / whole.value))
    noise = (noise_of(part) + value**2 * noise_of(whole)) / whole.value**2
    chance = value * (1 - value) / people
    low, high = _wilson(value, people)
    return Estimate(
        value,
        noise,
        max(chance, 1 / (4 * (people + SURE**2)) / people),
        max(0.0, value - math.hypot(value - low, SURE * math.sqrt(noise))),
        min(1.0, value + math.hypot(high - value, SURE * math.sqrt(noise))),
    )


def ratio(one: Number, other: Number) -> Estimate | None:
    """One amount for each of another that it is no part of: views for each person, sessions a day."""
    if one.value is None or other.value is None or other.value <= 0:
        return None
    value = one.value / other.value
    noise = (noise_of(one) + value**2 * noise_of(other)) / other.value**2
    # Each of the other brings about ``value``, spread as widely as if it came all at once.
    chance = value * max(1.0, value) / other.value
    return _symmetric(value, noise, chance)


def percentile(at: Mapping[int, Number], percent: int, observations: float) -> Estimate | None:
    """A percentile of timings. ``at``: the released percentiles of the same group; ``observations``: how many.

    Chance moves its rank by ``sqrt(p (1 - p) / n)`` (Woodruff 1952); how far that is in values is read off the
    released percentiles beside it.
    """
    number = at.get(percent)
    if number is None or number.value is None:
        return None
    value = float(number.value)
    slope = _slope({p: n.value for p, n in at.items() if n.value is not None}, percent)
    rank = percent / 100
    chance = slope**2 * rank * (1 - rank) / max(1.0, observations)
    if number.low is not None and number.high is not None:
        noise = ((number.high - number.low) / (2 * SURE)) ** 2
        wider = SURE * math.sqrt(chance)
        low, high = math.hypot(value - number.low, wider), math.hypot(number.high - value, wider)
        return Estimate(value, noise, chance, max(0.0, value - low), value + high)
    return _symmetric(value, (BUCKET_ERROR * value / SURE) ** 2, chance)


def compare(before: Estimate | None, after: Estimate | None) -> Verdict:
    """Whether two numbers of two periods, versions or groups differ by more than chance and noise."""
    if before is None or after is None:
        return Verdict.NOT_KNOWN
    spread = before.noise + before.chance + after.noise + after.chance
    return Verdict.REAL_CHANGE if abs(after.value - before.value) > SURE * math.sqrt(spread) else Verdict.WITHIN_NOISE


def _symmetric(value: float, noise: float, chance: float) -> Estimate:
    half = SURE * math.sqrt(noise + chance)
    return Estimate(value, noise, chance, max(0.0, value - half), value + half)


def _wilson(value: float, n: float) -> tuple[float, float]:
    squared = SURE**2
    middle = (value + squared / (2 * n)) / (1 + squared / n)
    half = SURE / (1 + squared / n) * math.sqrt(value * (1 - value) / n + squared / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def _slope(values: Mapping[int, int], percent: int) -> float:
    """How far values lie apart for each share of the people, around a percentile: the steeper of both sides."""
    below = max((p for p in values if p < percent), default=None)
    above = min((p for p in values if p > percent), default=None)
    sides = [beside for beside in (below, above) if beside is not None]
    return max((abs(values[p] - values[percent]) / (abs(p - percent) / 100) for p in sides), default=0.0)
