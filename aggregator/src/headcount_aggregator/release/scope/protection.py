"""The rule that keeps a Customer from being recognised in numbers of several. Pure.

A sum over Customers is *safe* when at least five are in it, none has more than half of it, and what is left when
the two largest are taken away is at least 15 percent of the largest: then the second largest, who knows itself, is
that much in the dark about the largest. What is hidden must not come back by subtraction: siblings that are
hidden are, all together, safe; never exactly one that is not. And where a sum is of a part of people who are told too
(new ones, those who did something), what it leaves of them is safe. ``tests/attacks`` subtracts.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from headcount_aggregator.release.scope.sums import NOTHING, Sum, standing_out

LEAST = 5
"""Customers in a sum."""

LEAST_CHANGING = 3
"""Customers that come into a panel together, or leave it."""

BEHIND = Fraction(15, 100)
"""What is behind the two largest, as a part of the largest."""

MOST = Fraction(1, 2)
"""The most that one Customer may have of a sum."""

DAYS = 90
"""Of a quarter, over which a panel stands: so often may noise be drawn around the same number."""

Contributions = Mapping[int, int]
"""What each Customer (its code) has of a sum; nothing is negative."""

Rests = Mapping[str, Mapping[int, Sum]]
"""By value, what each Customer has of what a view leaves of one around it."""

NO_RESTS: Rests = {}

SURE = 1.96
"""Deviations to both sides of what noise leaves open."""


def is_safe(of: Contributions, least: int = LEAST, at_least: int = 0) -> bool:
    """Whether a sum over Customers tells about none of them; ``at_least``: what it must come to as well."""
    sizes = sorted((n for n in of.values() if n > 0), reverse=True)
    whole = sum(sizes)
    enough = len(sizes) >= least and whole >= at_least
    return enough and sizes[0] <= MOST * whole and whole - sizes[0] - sizes[1] >= BEHIND * sizes[0]


def together(parts: Iterable[Contributions]) -> dict[int, int]:
    """Several sums as one."""
    found: dict[int, int] = {}
    for part in parts:
        for customer, n in part.items():
            found[customer] = found.get(customer, 0) + n
    return found


def hidden(
    siblings: Mapping[str, Contributions],
    always: Collection[str] = (),
    at_least: int = 0,
    rests: Rests = NO_RESTS,
) -> frozenset[str]:
    """Which parts of a shown whole must be hidden. ``always``: those that are shown to nobody anyway.

    Unsafe ones are, and then the smallest shown one, until what is hidden is nothing or together safe. A part that is
    only ever hidden and safe by itself needs no company: who works it out has what might have been shown. ``rests``:
    what each part leaves of a set around it that is told too; it is held to the same.
    """
    found = {
        name
        for name, part in siblings.items()
        if name in always or not is_safe(part, at_least=at_least) or not _may_be_left(rests, [name])
    }
    found = {name for name in found if any(siblings[name].values()) or not _may_be_left(rests, [name])}
    size = {name: (sum(part.values()), name) for name, part in siblings.items()}
    shown = sorted(siblings.keys() - found, key=lambda name: size[name], reverse=True)
    while shown and not (
        _may_be_told(together(siblings[name] for name in found), at_least) and _may_be_left(rests, found)
    ):
        found.add(shown.pop())
    return frozenset({*found, *(name for name in siblings if not any(siblings[name].values()))})


@dataclass(frozen=True, slots=True)
class Shown:
    """What may be shown of one view across Customers: by value over all of them, and by Partner.

    ``whole``: the sum over everything. ``values``: those that stand alone; the others are merged. ``open``: the
    Partners of which the same values are shown.
    """

    whole: bool
    values: frozenset[str] = frozenset()
    open: frozenset[int] = frozenset()


def protect(
    by_value: Mapping[str, Contributions],
    partner_of: Mapping[int, int],
    closed: Collection[int] = (),
    at_least: int = 0,
    never: Collection[str] = (),
    rests: Rests = NO_RESTS,
) -> Shown:
    """What may be shown of one view. ``closed``: Partners whose whole is hidden already; 0 is no Partner.

    ``at_least``: no sum below it is told, nor left over by those that are. ``never``: values that are not told anyway.
    ``rests``: by value, what the view leaves of a view around it that is told too, as people who are not new.

    The same values are shown of all Customers and of every open Partner, so that the table of values and
    Partners can be taken apart into shown sums only: each value of each open Partner, and of the closed ones together.
    """
    if not is_safe(together(by_value.values()), at_least=at_least) or not _may_be_left(rests, rests):
        return Shown(whole=False)
    merged = hidden(by_value, never, at_least, rests)
    alone = frozenset(by_value) - merged
    columns = {value: by_value[value] for value in alone}
    if rest := together(by_value[value] for value in merged):
        columns[""] = rest

    def may_be(customers: Collection[int]) -> bool:
        groups = [*([value] for value in alone), merged]
        told = all(_may_be_told(part, at_least) for part in _of(columns, customers).values())
        return told and all(_may_be_left(rests, group, customers) for group in groups)

    partners = sorted({partner for partner in partner_of.values() if partner} - set(closed))
    mine = {partner: {c for c, p in partner_of.items() if p == partner} for partner in partners}
    size = {
        partner: (sum(sum(part.values()) for part in _of(columns, mine[partner]).values()), partner)
        for partner in partners
    }
    shown = [partner for partner in partners if may_be(mine[partner])]
    shown.sort(key=lambda partner: size[partner], reverse=True)
    while shown and not may_be({customer for customer, partner in partner_of.items() if partner not in shown}):
        shown.pop()
    return Shown(True, alone, frozenset(shown))


def _may_be_left(rests: Rests, names: Iterable[str], customers: Collection[int] | None = None) -> bool:
    """Whether what is left of some values together is nothing, or safe, or hidden by the noise in it.

    Noise hides it where the mean of a quarter's days tells the largest Customer to no better than 15 percent.
    """
    sums: dict[int, Sum] = {}
    for name in names:
        for customer, one in rests.get(name, {}).items():
            if customers is None or customer in customers:
                sums[customer] = sums.get(customer, NOTHING) + one
    out = standing_out(sums)
    blur = SURE * math.sqrt(sum(one.variance for one in sums.values()) / DAYS)
    return not out or is_safe(out) or max(out.values()) * float(BEHIND) <= blur


def _may_be_told(part: Contributions, at_least: int) -> bool:
    return not any(part.values()) or is_safe(part, at_least=at_least)


def _of(columns: Mapping[str, Contributions], customers: Collection[int]) -> dict[str, Contributions]:
    return {value: {c: n for c, n in part.items() if c in customers} for value, part in columns.items()}
