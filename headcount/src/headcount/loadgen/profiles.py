"""How a load runs over time: the closed list of profiles, and the moments at which reports are meant to leave."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise


class Profile(StrEnum):
    """How a load runs."""

    SOAK = "soak"
    RAMP = "ramp"
    SPIKE = "spike"
    OUTAGE = "outage"
    HOSTILE = "hostile"

    @property
    def sentence(self) -> str:
        """What happens, for people."""
        return _SENTENCES[self]


_SENTENCES = {
    Profile.SOAK: "The rate from beginning to end.",
    Profile.RAMP: "From nothing to the rate, evenly rising: where it bends is what the tier can take.",
    Profile.SPIKE: "A fifth of the rate; in the middle, for a tenth of the time, the whole of it at once.",
    Profile.OUTAGE: "The rate; in the second quarter no device has a network, then all come back by their own pauses.",
    Profile.HOSTILE: "The rate, and a quarter as much again of what nobody should send.",
}

Knots = Sequence[tuple[float, float]]
"""``(share of the time, share of the rate)`` from 0 to 1, straight lines between."""

_KNOTS: dict[Profile, Knots] = {
    Profile.SOAK: ((0.0, 1.0), (1.0, 1.0)),
    Profile.RAMP: ((0.0, 0.0), (1.0, 1.0)),
    Profile.SPIKE: ((0.0, 0.2), (0.45, 0.2), (0.45, 1.0), (0.55, 1.0), (0.55, 0.2), (1.0, 0.2)),
    Profile.OUTAGE: ((0.0, 1.0), (1.0, 1.0)),
    Profile.HOSTILE: ((0.0, 1.0), (1.0, 1.0)),
}
OUTAGE = 0.25, 0.5
"""When no device has a network, as shares of the time."""
HOSTILE_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Plan:
    """One load: the profile, reports a second at its height, and for how many seconds."""

    profile: Profile
    rate: float
    seconds: float

    def rate_at(self, moment: float) -> float:
        """Reports a second that are meant to leave at a moment."""
        share = min(1.0, max(0.0, moment / self.seconds))
        for (left, low), (right, high) in pairwise(_KNOTS[self.profile]):
            if share < right or (share == 1.0 and right == 1.0):
                return self.rate * (low + (high - low) * (share - left) / (right - left)) if right > left else 0.0
        return self.rate * _KNOTS[self.profile][-1][1]

    @property
    def mean(self) -> float:
        """The mean rate."""
        area = sum((b - a) * (low + high) / 2 for (a, low), (b, high) in pairwise(_KNOTS[self.profile]))
        return self.rate * area

    @property
    def expected(self) -> float:
        """How many reports leave, on average over the draw."""
        return self.mean * self.seconds

    @property
    def dark(self) -> tuple[float, float]:
        """From which moment to which no device has a network; nothing, but in an outage."""
        if self.profile is not Profile.OUTAGE:
            return (0.0, 0.0)
        return OUTAGE[0] * self.seconds, OUTAGE[1] * self.seconds

    @property
    def hostile_rate(self) -> float:
        """What nobody should send, a second."""
        return HOSTILE_SHARE * self.rate if self.profile is Profile.HOSTILE else 0.0


def arrivals(plan: Plan, draw: random.Random) -> Iterator[float]:
    """When reports leave, in seconds from the start: a Poisson process of the plan's rate, whatever becomes of them.

    Thinning (Lewis and Shedler, 1979): moments of the highest rate, each kept with the share its own rate is of it.
    """
    at = 0.0
    while True:
        at += draw.expovariate(plan.rate)
        if at >= plan.seconds:
            return
        if draw.random() * plan.rate < plan.rate_at(at):
            yield at


def even_arrivals(rate: float, seconds: float, draw: random.Random) -> Iterator[float]:
    """The same for one rate; none at all for a rate of 0."""
    at = draw.expovariate(rate) if rate > 0 else seconds
    while at < seconds:
        yield at
        at += draw.expovariate(rate)
