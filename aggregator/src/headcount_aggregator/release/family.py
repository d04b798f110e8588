"""What a rule decides on: a total with its cuts, and what became of them. Pure.

A family is exact and says nothing yet. A rule (``threshold.py``; dp stands beside it) turns it
into a ``Decision``: numbers that may be published, and which siblings were merged, so that what
is a subset of the family can be held to the same groups.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from headcount_wire.facts import WHOLE

from headcount_aggregator.periods import Period
from headcount_aggregator.release.day_sums import Key
from headcount_aggregator.released import Number, State, Statistic

OTHER_VALUE = "other"
LATE_VALUE = "late"
OTHER_KEY: Key = (OTHER_VALUE, "")


def sides_told_from(k: int) -> int:
    """Around a hidden part, from how many people on it may be told on which side the few are: ten are left then."""
    return k + k // 2


@dataclass(frozen=True, slots=True)
class Part:
    """One value with its contributing devices (never overstated).

    ``outside``: for each set that contains these devices and is released too, how many of its
    devices are *not* among them. ``without``: the same of one set on each of several days; they
    may be the same devices every day. ``around``: of a count, the size of the released set.
    """

    value: int
    contributors: int
    outside: tuple[int, ...] = ()
    without: tuple[int, ...] = ()
    around: int = 0

    @property
    def empty(self) -> bool:
        """Whether there is nothing in it or around it."""
        return not (self.value or self.contributors or any(self.outside) or self.around)

    def within(self, around: int) -> Part:
        """The same, in a released set of so many."""
        return Part(self.value, self.contributors, self.outside, self.without, around)


NO_PART = Part(0, 0)


@dataclass(frozen=True)
class Family:
    """A total, its cuts (breakdown code -> values -> part), and for counts its labels.

    ``step``: what values are rounded to; ``cut_step``: those by value, if it is another.
    ``subset``: a part of a released set, of which nothing may be said aloud too. ``overlap``:
    siblings may share devices, so that a union has at least the devices of its largest. ``room``:
    of a count, how much it may say beside hidden people.
    """

    statistic: Statistic
    period: Period
    measure: int
    total: Part
    cuts: Mapping[int, Mapping[Key, Part]] = field(default_factory=dict)
    labels: Mapping[int, Part] = field(default_factory=dict)
    label: int = WHOLE
    slot: int = 0
    step: int = 1
    cut_step: int | None = None
    subset: bool = False
    overlap: bool = False
    room: Room | None = None


@dataclass(frozen=True, slots=True)
class Groups:
    """How siblings stand: by themselves, or merged into ``other``; ``hidden`` when not even that is enough."""

    alone: Sequence[str] = ()
    merged: frozenset[str] = frozenset()
    hidden: bool = False

    def of(self, value: str) -> str:
        """The group a value stands in."""
        return OTHER_VALUE if value in self.merged else value


@dataclass(frozen=True)
class Decision:
    """What became of a family. ``groups`` by breakdown code (two dimensions: those of the second).

    ``exact`` is the total as it was before the rule: for the release layer's own use, never published.
    """

    state: State
    numbers: Sequence[Number]
    exact: int = 0
    groups: Mapping[int, Groups] = field(default_factory=dict)
    labels: Groups = field(default_factory=Groups)


@dataclass(frozen=True)
class Room:
    """How much a count may say beside hidden people: nothing about how many they are.

    ``cap`` is the most that a device can add, ``missing`` the most people of the set around that may
    be without it, ``within`` what was decided on that set. Of a set smaller than ``least`` it is not told at all.
    """

    cap: int
    missing: int
    least: int
    within: Decision | None = None

    def leaves_open(self, part: Part) -> bool:
        """Whether a count may come from all people around it, and also from all but ``missing`` of them."""
        return self.least <= part.around <= part.value <= self.cap * (part.around - self.missing)


class Rule(Protocol):
    """What may be published of a family. Pure and deterministic, or given its randomness."""

    @property
    def name(self) -> str:
        """The word in a release's header."""
        ...

    @property
    def k(self) -> int:
        """The least number of devices behind a number."""
        ...

    def state_of(self, part: Part, *, subset: bool = False) -> State:
        """Whether a value may be shown, or why not."""
        ...

    def decide(self, family: Family, within: Decision | None = None) -> Decision:
        """What of a family may be published; ``within`` is the decision on the set it is a subset of."""
        ...
