"""Blocks: the days that a count is published by. Pure.

A block is some days' count of one measure as it is published, with every cut it could bear. Blocks are
disjoint, and every wide count is a sum of whole ones (``counts.py``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from headcount_wire.catalog import TOTAL, Measure
from headcount_wire.facts import WHOLE

from headcount_aggregator.release.day_sums import DaySums, Key, Sums, add
from headcount_aggregator.released import Number


@dataclass(frozen=True)
class Block:
    """Some days' count of one measure, as it is published: whole, by label, and by every cut it could bear.

    A ``late`` block holds what came for these days after they were frozen, whole only.
    """

    measure: int
    days: tuple[int, ...]
    late: bool
    total: int
    labels: Mapping[int, int] = field(default_factory=dict)
    cuts: Mapping[int, Sums] = field(default_factory=dict)


def span_is_apart(block: Block, span: range) -> bool:
    """Whether a block has no day in a span."""
    return not any(day in span for day in block.days)


def block_of(numbers: Sequence[Number], days: Sequence[int]) -> Block:
    """The block that a shown count and its cuts make."""
    total, *parts = numbers
    cuts: dict[int, dict[Key, int]] = {}
    for number in parts:
        if number.breakdown != TOTAL and number.value is not None:
            cuts.setdefault(number.breakdown, {})[number.value1, number.value2] = number.value
    labels = {n.label: n.value for n in parts if n.breakdown == TOTAL and n.value is not None}
    assert total.value is not None
    return Block(total.measure, tuple(days), False, total.value, labels, cuts)


def devices(measure: Measure, days: Sequence[int], held: Mapping[int, DaySums], code: int, label: int = WHOLE) -> Sums:
    """Devices behind some days together: distinct ones where gaps tell (``reach``), else the largest day's."""
    if len(days) == 1:
        return held[days[0]].devices(measure.code, code, label)
    found: dict[Key, int] = {}
    for day in days:
        if measure.reach and label == WHOLE:
            add(found, held[day].reaching(measure.code, day - days[0], code))
        else:
            for key, n in held[day].devices(measure.code, code, label).items():
                found[key] = max(n, found.get(key, 0))
    return found
