"""What one dimension implies about another, as when only one system has a version. Pure.

Where a cut by two dimensions is declared, its cells tell which values of one lie wholly in a group of
the other. Anybody who knows that can take them from the group: what is left is a set like any other,
none or at least k. ``tests/attacks`` found it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations

from headcount_aggregator.release.day_sums import Key
from headcount_aggregator.release.family import Groups, Part

Safe = Callable[[Sequence[Part]], bool]
"""Whether parts, taken together, may be told."""


def turned(parts: Mapping[Key, Part]) -> dict[Key, Part]:
    """A cut with its dimensions exchanged."""
    return {(second, first): part for (first, second), part in parts.items()}


def telling(parts: Mapping[Key, Part], outer: Groups, alone: Iterable[str], safe: Safe) -> str | None:
    """The smallest of some values of the second dimension that, taken from groups of the first, leave too few.

    ``None`` when no values do. ``alone`` are those that are shown by themselves.
    """
    held: dict[str, dict[str, list[Part]]] = {}
    for (first, second), part in parts.items():
        if not part.empty:
            held.setdefault(second, {}).setdefault(outer.of(first), []).append(part)
    shown = {value: frozenset(held[value]) for value in alone if value in held}
    for span in sorted(_spans(set(shown.values())), key=lambda span: (len(span), sorted(span))):
        inside = [value for value, groups in shown.items() if groups <= span]
        rest = [
            part
            for value, by_group in held.items()
            if value not in inside
            for group, found in by_group.items()
            if group in span
            for part in found
        ]
        if rest and not safe(rest):
            return min(inside, key=lambda value: (_devices(held[value]), value))
    return None


def _spans(supports: set[frozenset[str]]) -> set[frozenset[str]]:
    """Groups of the first dimension that hold some values wholly: of one value, and of two that meet."""
    return supports | {one | two for one, two in combinations(supports, 2) if one & two}


def _devices(by_group: Mapping[str, Sequence[Part]]) -> int:
    return sum(part.contributors for parts in by_group.values() for part in parts)
