"""The rule that keeps a Customer from being recognised in numbers of several. Pure.

A sum over Customers is *safe* when at least five are in it, none has more than half of it, and what is left when
the two largest are taken away is at least 15 percent of the largest: then the second largest, who knows itself, is
that much in the dark about the largest. What is hidden must not come back by subtraction: siblings that are
hidden are, all together, safe; never exactly one that is not. And where a sum is of a part of people who are told too
(new ones, those who did something), what it leaves of them is safe. ``tests/attacks`` subtracts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

LEAST = 5
"""Customers in a sum."""

LEAST_CHANGING = 3
"""Customers that come into a panel together, or leave it."""

BEHIND = Fraction(15, 100)
"""What is behind the two largest, as a part of the largest."""

MOST = Fraction(1, 2)
"""The most that one Customer may have of a sum."""

Contributions = Mapping[int, int]
"""What each Customer (its code) has of a sum; nothing is negative."""

NOTHING: Mapping[str, Contributions] = {}

Column = tuple[bool, str]
"""Whether it is of what a view leaves, and a value; the empty one is all that do not stand alone."""


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
    rests: Mapping[str, Contributions] = NOTHING,
) -> frozenset[str]:
    """Which parts of a shown whole must be hidden. ``always``: those that are shown to nobody anyway.

    Unsafe ones are, and then the smallest shown one, until what is hidden is nothing or together safe. A part that is
    only ever hidden and safe by itself needs no company: who works it out has what might have been shown. ``rests``:
    what each part leaves of a set around it that is told too; it is held to the same.
    """

    def left(names: Iterable[str]) -> Contributions:
        return together(rests.get(name, {}) for name in names)

    found = {
        name
        for name, part in siblings.items()
        if name in always or not is_safe(part, at_least=at_least) or not _may_be_told(left([name]), at_least)
    }
    found = {name for name in found if any(siblings[name].values()) or any(left([name]).values())}
    size = {name: (sum(part.values()), name) for name, part in siblings.items()}
    shown = sorted(siblings.keys() - found, key=lambda name: size[name], reverse=True)
    while shown and not (
        _may_be_told(together(siblings[name] for name in found), at_least) and _may_be_told(left(found), at_least)
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
    rests: Mapping[str, Contributions] = NOTHING,
) -> Shown:
    """What may be shown of one view. ``closed``: Partners whose whole is hidden already; 0 is no Partner.

    ``at_least``: no sum below it is told, nor left over by those that are. ``never``: values that are not told anyway.
    ``rests``: by value, what the view leaves of a view around it that is told too, as people who are not new.

    The same values are shown of all Customers and of every open Partner, so that the table of values and
    Partners can be taken apart into shown sums only: each value of each open Partner, and of the closed ones together.
    """
    whole, left = together(by_value.values()), together(rests.values())
    if not is_safe(whole, at_least=at_least) or not _may_be_told(left, at_least):
        return Shown(whole=False)
    merged = hidden(by_value, never, at_least, rests)
    alone = frozenset(by_value) - merged
    columns = {(table is rests, value): table.get(value, {}) for table in (by_value, rests) for value in alone}
    for table in (by_value, rests):
        columns[table is rests, ""] = together(part for value, part in table.items() if value not in alone)
    partners = sorted({partner for partner in partner_of.values() if partner} - set(closed))
    tables = {partner: _of(columns, {c for c, p in partner_of.items() if p == partner}) for partner in partners}
    size = {
        partner: (sum(sum(part.values()) for (rest, _), part in table.items() if not rest), partner)
        for partner, table in tables.items()
    }
    shown = [partner for partner in partners if all(_may_be_told(part, at_least) for part in tables[partner].values())]
    shown.sort(key=lambda partner: size[partner], reverse=True)
    while shown:
        others = {customer for customer, partner in partner_of.items() if partner not in shown}
        if all(_may_be_told(part, at_least) for part in _of(columns, others).values()):
            break
        shown.pop()
    return Shown(True, alone, frozenset(shown))


def _may_be_told(part: Contributions, at_least: int) -> bool:
    return not any(part.values()) or is_safe(part, at_least=at_least)


def _of(columns: Mapping[Column, Contributions], customers: Collection[int]) -> dict[Column, Contributions]:
    return {value: {c: n for c, n in part.items() if c in customers} for value, part in columns.items()}
