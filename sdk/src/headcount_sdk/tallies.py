"""What was recorded on each local day and is not yet acknowledged. Pure: no clock, no disk.

Counts are kept as deltas; facts that go once a day are made when first due and remembered for
as long as the day can still be added to. A day's tallies are kept apart by the context they were
made under.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from headcount_wire.catalog import Measure
from headcount_wire.facts import OTHER, WHOLE, Fact, Kind

from headcount_sdk.markers import Context

Key = tuple[int, int, int, int]
"""``(measure, label, fact, slot)``."""


@dataclass(slots=True)
class Part:
    """One context's share of a day: sums, and the measures whose gap facts are due with it."""

    context: Context
    sums: dict[Key, int] = field(default_factory=dict)
    touched: list[int] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to send."""
        return not self.sums and not self.touched

    def add(self, key: Key, n: int) -> None:
        """Add to one sum."""
        self.sums[key] = self.sums.get(key, 0) + n

    def without(self, gone: Callable[[int], bool]) -> None:
        """Erase every measure for which ``gone`` says so."""
        self.sums = {key: n for key, n in self.sums.items() if not gone(key[0])}
        self.touched = [measure for measure in self.touched if not gone(measure)]


@dataclass(slots=True)
class Day:
    """One local day: parts not yet sealed, facts made once, and what is used of the daily caps."""

    parts: list[Part] = field(default_factory=list)
    once: set[tuple[int, int, int]] = field(default_factory=set)
    used: dict[int, int] = field(default_factory=dict)

    def part(self, context: Context) -> Part:
        """The part for a context: the last one, or a new one when the context has changed."""
        if not self.parts or self.parts[-1].context != context:
            self.parts.append(Part(context))
        return self.parts[-1]

    def first_time(self, measure: int, label: int, fact: int) -> bool:
        """Whether a once-a-day fact is due; it never is again."""
        key = (measure, label, fact)
        if key in self.once:
            return False
        self.once.add(key)
        return True

    def without(self, gone: Callable[[int], bool]) -> None:
        """Erase every measure for which ``gone`` says so."""
        for part in self.parts:
            part.without(gone)
        self.parts = [part for part in self.parts if not part.empty]
        self.once = {key for key in self.once if not gone(key[0])}
        self.used = {measure: n for measure, n in self.used.items() if not gone(measure)}


def record(day: Day, context: Context, measure: Measure, label: int, slot: int, amount: int) -> int:
    """Add one observation to a day; returns how much of ``amount`` the daily cap let in."""
    part = day.part(context)
    code = measure.code
    if measure.kind is Kind.ACTIVE:
        if day.first_time(code, WHOLE, Fact.GAP):
            part.touched.append(code)
        return amount
    counted = amount
    if measure.kind is not Kind.FLAG:
        used = day.used.get(code, 0)
        counted = min(amount, measure.cap - used)
        if counted < amount and day.first_time(code, WHOLE, Fact.CLIPPED):
            part.add((code, WHOLE, Fact.CLIPPED, 0), 1)
        if counted <= 0:
            return 0
        day.used[code] = used + counted
        fact = Fact.COUNT if measure.kind is Kind.COUNTER else Fact.BUCKET
        part.add((code, label, fact, slot), counted)
    if day.first_time(code, WHOLE, Fact.DEVICES):
        part.add((code, WHOLE, Fact.DEVICES, 0), 1)
    if label != WHOLE and day.first_time(code, label, Fact.DEVICES):
        part.add((code, label, Fact.DEVICES, 0), 1)
    if measure.reach and day.first_time(code, WHOLE, Fact.GAP):
        part.touched.append(code)
    return counted


def label_code(measure: Measure, labels: dict[str, str]) -> tuple[int, bool]:
    """The label code of what the app passed, and whether it was as declared.

    A missing or unknown value counts as ``other``; a label on a measure that has none is ignored.
    """
    if measure.label is None:
        return WHOLE, not labels
    value = labels.get(measure.label.key)
    code = OTHER if value is None else measure.label.code_of(value)
    return code, len(labels) == 1 and (code != OTHER or value == "other")


def measures_in(parts: Iterable[Part]) -> set[int]:
    """Every measure of which the parts hold something."""
    return {measure for part in parts for measure in [*part.touched, *(key[0] for key in part.sums)]}
