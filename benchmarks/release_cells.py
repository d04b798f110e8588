"""A day's cells of an app of many values, drawn as sums: a million of them in seconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from headcount_wire import limits
from headcount_wire.catalog import TOTAL, Measure
from headcount_wire.dimensions import Dimension, values_of
from headcount_wire.facts import WHOLE, Fact, First, Kind

DEVICES = 40_000
VALUES = {
    Dimension.OS: 6,
    Dimension.LANGUAGE: 24,
    Dimension.TIME_ZONE: 40,
    Dimension.APP_VERSION: 12,
    Dimension.DEVICE_CLASS: 4,
}
"""How many values of each dimension people have: the first many, each rarer than the one before."""

BUCKETS = range(40, 140)
_SLOTS = {
    Fact.GAP: range(1, limits.GAP_MAX_DAYS + 1),
    Fact.AGE: range(limits.AGE_MAX_DAYS + 1),
    Fact.FIRST: range(int(First.WEEK), int(First.YEAR) + 1),
    Fact.WEEK_AGE: range(30),
    Fact.BUCKET: BUCKETS,
}

Sum = tuple[int, int, int, int, int, str, str, int]


def sums_of(measure: Measure, day: int) -> Iterator[Sum]:
    """The sums of a measure on a day: measure, label, fact, slot, breakdown, values, n."""
    devices = DEVICES if measure.kind is Kind.ACTIVE else DEVICES // 2
    for fact in sorted(measure.facts):
        slots = _SLOTS.get(fact, range(1))
        for label in _labels(measure, fact):
            of_label = devices if label == WHOLE else devices // 3
            for slot, of_slot in zip(slots, _spread(of_label, len(slots), day), strict=True):
                yield measure.code, label, int(fact), slot, TOTAL, "", "", of_slot
                for breakdown in measure.breakdowns:
                    names = _names(breakdown.first)
                    for name, n in zip(names, _spread(of_slot, len(names), day + slot), strict=True):
                        if n:
                            yield measure.code, label, int(fact), slot, breakdown.code, name, "", n


def _labels(measure: Measure, fact: Fact) -> Sequence[int]:
    if not measure.label:
        return (WHOLE,)
    by_device = fact in (Fact.GAP, Fact.CLIPPED)
    return (WHOLE,) if by_device else (WHOLE, *measure.label_codes) if fact is Fact.DEVICES else measure.label_codes


def _names(dimension: Dimension) -> list[str]:
    closed = values_of(dimension)
    names = sorted(closed) if closed else [f"{major}.0" for major in range(1, 13)]
    return names[: VALUES[dimension]]


def _spread(n: int, parts: int, turn: int) -> list[int]:
    """A number in parts, each two thirds of the one before it; which is the largest changes by day."""
    found, rest = [], n
    for _ in range(parts - 1):
        found.append(rest // 3)
        rest -= rest // 3
    found.append(rest)
    at = turn % 3 if parts > 3 else 0
    return found[at:] + found[:at]
