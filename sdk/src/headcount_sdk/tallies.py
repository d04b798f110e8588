"""What was recorded on each local day and is not yet acknowledged. Pure: no clock, no disk.

Counts are kept as deltas; facts that go once a day are made when first due and remembered for
as long as the day can still be added to. A day's tallies are kept apart by the context they were
made under.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from headcount_wire.catalog import Measure
from headcount_wire.facts import FACT_RULES, OTHER, WHOLE, Fact
from headcount_wire.record import Record, made

from headcount_sdk.markers import Context

DEVICES, CLIPPED, GAP, STEP, VALUE = map(int, (Fact.DEVICES, Fact.CLIPPED, Fact.GAP, Fact.STEP, Fact.VALUE))
"""As plain integers: a recording compares them a dozen times, and the app waits."""

CAPPED = frozenset(int(fact) for fact, rule in FACT_RULES.items() if not rule.once)

Key = tuple[int, int, int, int]
"""``(measure, label, fact, slot)``."""


class Part(Record):
    """One context's share of a day: sums, and the measures whose gap facts are due with it."""

    context: Context
    sums: dict[Key, int] = made(factory=dict)
    touched: list[int] = made(factory=list)

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


class Day(Record):
    """One local day: parts not yet sealed, facts made once, what is used of the daily caps.

    ``values``: the last value of each quantity and label, which becomes a tally when the day is over.
    """

    parts: list[Part] = made(factory=list)
    once: set[tuple[int, int, int]] = made(factory=set)
    used: dict[tuple[int, int], int] = made(factory=dict)
    values: dict[tuple[int, int], tuple[int, Context]] = made(factory=dict)

    def part(self, context: Context) -> Part:
        """The part for a context: there is one for each that something was counted in."""
        for part in reversed(self.parts):
            if part.context == context:
                return part
        self.parts.append(Part(context))
        return self.parts[-1]

    def first_time(self, measure: int, label: int, fact: int) -> bool:
        """Whether a once-a-day fact is due; it never is again."""
        key = (measure, label, fact)
        if key in self.once:
            return False
        self.once.add(key)
        return True

    def close(self) -> None:
        """The day is over: the last values of its quantities become tallies."""
        for (measure, label), (value, context) in self.values.items():
            if value:
                self.part(context).add((measure, label, VALUE, 0), value)
        self.values = {}

    def without(self, gone: Callable[[int], bool]) -> None:
        """Erase every measure for which ``gone`` says so."""
        for part in self.parts:
            part.without(gone)
        self.parts = [part for part in self.parts if not part.empty]
        self.once = {key for key in self.once if not gone(key[0])}
        self.used = {key: n for key, n in self.used.items() if not gone(key[0])}
        self.values = {key: value for key, value in self.values.items() if not gone(key[0])}


def record(day: Day, context: Context, measure: Measure, label: int, fact: int, slot: int, amount: int) -> int:
    """Add one observation to a day; returns how much of ``amount`` the daily cap let in.

    ``fact`` is what is observed: an activity or a flag is ``DEVICES``. What follows once a day, that this device
    contributed and the gap since it last did, is added here.
    """
    code = measure.code
    counted = amount
    used = day.used.get((code, fact), 0)
    if used >= measure.cap and fact in CAPPED and (code, WHOLE, CLIPPED) in day.once:
        return 0
    part = day.parts[-1] if day.parts and day.parts[-1].context == context else day.part(context)
    if fact == VALUE:
        counted = min(amount, measure.cap)
        day.values[code, label] = (counted, context)
    elif fact == STEP:
        part.add((code, label, fact, slot), 1)
    elif fact != DEVICES:
        room = measure.cap - used
        if amount > room:
            counted = max(0, room)
            if day.first_time(code, WHOLE, CLIPPED):
                part.add((code, WHOLE, CLIPPED, 0), 1)
            if counted == 0:
                return 0
        day.used[code, fact] = used + counted
        sums, key = part.sums, (code, label, fact, slot)
        if key in sums:  # what follows once a day came with the first
            sums[key] += counted
            return counted
        sums[key] = counted
    facts, once = measure.facts, day.once
    if (code, label, DEVICES) not in once and DEVICES in facts:
        for one in {WHOLE, label}:
            if day.first_time(code, one, DEVICES):
                part.add((code, one, DEVICES, 0), 1)
    if (code, WHOLE, GAP) not in once and GAP in facts:
        once.add((code, WHOLE, GAP))
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
