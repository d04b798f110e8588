"""What one dimension implies about another, as when only one system has a version. Pure.

Where a cut by two dimensions is declared, its cells tell which groups of one dimension lie wholly in groups of
the other. Anybody who knows that can take them away: what is left is a set like any other, none or at least k.
``tests/attacks`` found it; ``tests/privacy/test_nesting.py`` tries every set that can be made.

A *span* is some groups of the outer dimension. What it leaves is what is in it and in no inner group that lies
wholly in it. Spans of one inner group and of two are looked at one by one, with everything the rule asks. Of longer
chains there may be too many; there the smallest rest around each place is found as a flow: what is in inner groups
that lie wholly in the span may be moved between their places for nothing, and how much of the rest can be
reached from a place is the least that any span around it leaves. Where more is asked than adds up (a count that leaves
open how many people it is of), all chains are looked at one by one, and values merged until there are not too many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

from headcount_aggregator.release.day_sums import Key
from headcount_aggregator.release.family import OTHER_VALUE, Groups, Part

SPANS_MOST = 256
"""So many spans are looked at one by one where a flow cannot tell; where there are more, values are merged."""

Safe = Callable[[Sequence[Part]], bool]
"""Whether parts, taken together, may be told."""

Held = Mapping[str, Mapping[str, Sequence[Part]]]
"""Parts by their group of the inner dimension, and then of the outer one."""

Weights = Mapping[str, Mapping[str, int]]
"""The same, with how many of the sort that is looked at stand there."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a rule asks of what is left: its k, whether parts may share devices, and all of it of any parts.

    ``every``: something is asked that does not add up over parts, so that no flow can tell.
    """

    k: int
    overlap: bool
    safe: Safe
    every: bool = False


def turned(parts: Mapping[Key, Part]) -> dict[Key, Part]:
    """A cut with its dimensions exchanged."""
    return {(second, first): part for (first, second), part in parts.items()}


def telling(parts: Mapping[Key, Part], outer: Groups, inner: Groups, asked: Asked) -> str | None:
    """A value of the second dimension to merge, since its groups, taken from those of the first, leave too few.

    The smallest of those that do so, or, where only ``other`` does, the smallest of all. ``None`` when none does.
    """
    held: dict[str, dict[str, list[Part]]] = {}
    for (first, second), part in parts.items():
        if not part.empty:
            held.setdefault(inner.of(second), {}).setdefault(outer.of(first), []).append(part)
    supports = {group: frozenset(by_outer) for group, by_outer in held.items()}
    named = [group for group in held if group != OTHER_VALUE]
    spans = _every_span(set(supports.values())) if asked.every else _spans(set(supports.values()))
    if spans is None:
        return min(named, key=lambda group: (_devices(held[group]), group), default=None)
    few = sorted(spans, key=lambda span: (len(span), sorted(span)))
    for span in (*few, *_chains(held, supports, asked)):
        rest = [
            part
            for group, by_outer in held.items()
            if not supports[group] <= span
            for name, found in by_outer.items()
            if name in span
            for part in found
        ]
        if rest and not asked.safe(rest):
            inside = [group for group in named if supports[group] <= span]
            if named:
                return min(inside or named, key=lambda group: (_devices(held[group]), group))
    return None


def _spans(supports: set[frozenset[str]]) -> set[frozenset[str]]:
    """Groups of the outer dimension that hold some inner ones wholly: one, and two that meet."""
    return supports | {one | two for one, two in combinations(supports, 2) if one & two}


def _every_span(supports: set[frozenset[str]]) -> set[frozenset[str]] | None:
    """All that inner groups can be strung together to; ``None`` where these are too many."""
    found, new = set(supports), set(supports)
    while new and len(found) <= SPANS_MOST:
        new = {one | two for one in new for two in supports if one & two} - found
        found |= new
    return found if len(found) <= SPANS_MOST else None


def _chains(held: Held, supports: Mapping[str, frozenset[str]], asked: Asked) -> Iterator[frozenset[str]]:
    """Spans of any number of inner groups that leave some, but fewer than k, of one sort of people."""
    for weights in _sorts(held, asked):
        # Something at the start is left over only if its inner group reaches out of the span: to ``beyond``.
        enough: dict[str, set[str]] = {}
        reaching: dict[str, dict[str, int]] = {}
        for group, names in supports.items():
            for start, n in weights[group].items():
                if n >= asked.k:
                    enough.setdefault(start, set()).update(names)
                    continue
                far = reaching.setdefault(start, {})
                for beyond in names:
                    far[beyond] = far.get(beyond, 0) + n
        for start, far in sorted(reaching.items()):
            left = far.keys() - enough.get(start, ()) - {start}
            for beyond in sorted(name for name in left if far[name] < asked.k):
                kept = [group for group, names in supports.items() if beyond not in names]
                span = _least(start, weights, kept, asked.k)
                if span:
                    yield span


def _sorts(held: Held, asked: Asked) -> Iterator[Weights]:
    """Devices behind the parts, and those outside them in each set around. Shared ones are not added up."""
    sample = max((part.outside for by in held.values() for parts in by.values() for part in parts), key=len, default=())

    def weighed(of: Callable[[Part], int]) -> Weights:
        return {group: {name: sum(map(of, found)) for name, found in by.items()} for group, by in held.items()}

    if asked.overlap:
        yield weighed(lambda part: asked.k if part.contributors >= asked.k else 0)
    else:
        yield weighed(lambda part: part.contributors)
    for at in range(len(sample)):
        yield weighed(partial(_outside, at))


def _outside(at: int, part: Part) -> int:
    return abs(part.outside[at]) if at < len(part.outside) else 0


def _least(start: str, weights: Weights, kept: Iterable[str], k: int) -> frozenset[str] | None:
    """The span around a place that leaves the fewest, none of its rest in the groups ``kept``; ``None`` from k up."""
    moved = {group: dict(weights[group]) for group in kept if group in weights}
    free: dict[str, int] = {}
    for group, by_outer in weights.items():
        if group not in moved:
            for name, n in by_outer.items():
                free[name] = free.get(name, 0) + n
    left = 0
    while True:
        came: dict[str, tuple[str, str]] = {}
        seen, edge = {start}, [start]
        end = start if free.get(start, 0) else None
        while edge and end is None:
            name = edge.pop()
            for group, by_outer in moved.items():
                if by_outer.get(name, 0):
                    for other in by_outer.keys() - seen:
                        seen.add(other)
                        edge.append(other)
                        came[other] = (name, group)
                        if end is None and free.get(other, 0):
                            end = other
        if end is None:
            return frozenset(seen)
        path, at = list[tuple[str, str, str]](), end
        while at != start:
            before, group = came[at]
            path.append((before, group, at))
            at = before
        n = min(free[end], *(moved[group][before] for before, group, _ in path), k)
        for before, group, after in path:
            moved[group][before] -= n
            moved[group][after] += n
        free[end] -= n
        left += n
        if left >= k:
            return None


def _devices(by_group: Mapping[str, Sequence[Part]]) -> int:
    return sum(part.contributors for parts in by_group.values() for part in parts)
