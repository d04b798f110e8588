"""One day's cells of one app, held so that every statistic is a sum over a few of them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Protocol

from headcount_wire import limits
from headcount_wire.catalog import TOTAL
from headcount_wire.facts import WHOLE, Fact

from headcount_aggregator.cells import Cell, ValueSums

Key = tuple[str, str]
"""The values of a cut: ``("", "")`` for a total, the second empty for one dimension."""

Sums = Mapping[Key, int]

NOTHING: Sums = {}
WHOLE_KEY: Key = ("", "")


class DaySums:
    """The sums of one day, or of a whole span of days where they may be added."""

    def __init__(self, cells: Iterable[Cell] = ()) -> None:
        self._sums: dict[tuple[int, int, int, int], dict[int, dict[Key, int]]] = {}
        place: tuple[int, ...] = ()
        sums: dict[Key, int] = {}
        for *_, measure, label, fact, slot, breakdown, value1, value2, n in cells:
            if (here := (measure, label, fact, breakdown, slot)) != place:  # they come in order: many are alike
                place = here
                sums = self._sums.setdefault(here[:4], {}).setdefault(slot, {})
            sums[value1, value2] = n
        self._gaps: dict[tuple[int, int], list[Counter[Key]]] = {}

    @classmethod
    def of_values(cls, found: Iterable[ValueSums], keys: dict[Key, Key] | None = None) -> DaySums:
        """The same, of sums that are by value already. ``keys``: days that are kept together have these in common."""
        made = cls()
        for measure, label, fact, slot, breakdown, sums in found:
            kept = sums if keys is None else {keys.setdefault(key, key): n for key, n in sums.items()}
            made._sums.setdefault((measure, label, fact, breakdown), {})[slot] = kept
        return made

    @property
    def size(self) -> int:
        """How many sums it holds."""
        return sum(len(sums) for slots in self._sums.values() for sums in slots.values())

    def with_more(self, fact: Fact, cells: Iterable[Cell]) -> DaySums:
        """The sums of one fact, with more cells added to them."""
        found = DaySums()
        for place, slots in self._sums.items():
            if place[2] == fact:
                found._sums[place] = {slot: dict(sums) for slot, sums in slots.items()}
        for cell in cells:
            slots = found._sums.setdefault((cell.measure, cell.label, cell.fact, cell.breakdown), {})
            add(slots.setdefault(cell.slot, {}), {(cell.value1, cell.value2): cell.n})
        return found

    def of(self, measure: int, fact: Fact, slot: int = 0, breakdown: int = TOTAL, label: int = WHOLE) -> Sums:
        """The sums of one fact and slot, by value."""
        return self._sums.get((measure, label, fact, breakdown), {}).get(slot, NOTHING)

    def slots(self, measure: int, fact: Fact, breakdown: int = TOTAL, label: int = WHOLE) -> Mapping[int, Sums]:
        """The sums of one fact, by slot and value."""
        return self._sums.get((measure, label, fact, breakdown), {})

    def reaching(self, measure: int, days: int, breakdown: int = TOTAL) -> Sums:
        """Devices that were here on this day and on none of the ``days`` days before it, by value."""
        found = self._gaps.get((measure, breakdown))
        if found is None:
            slots = self.slots(measure, Fact.GAP, breakdown)
            if not slots:
                return NOTHING
            so_far: Counter[Key] = Counter()
            found = self._gaps[measure, breakdown] = []
            for gap in range(limits.GAP_MAX_DAYS, 0, -1):
                if gap in slots:
                    so_far = so_far.copy()
                    so_far.update(slots[gap])
                found.append(so_far)
            found.reverse()
        return found[days] if days < len(found) else NOTHING

    def devices(self, measure: int, breakdown: int = TOTAL, label: int = WHOLE, *, active: bool = False) -> Sums:
        """Devices that contributed on this day, by value; a measure of kind active says so by its gaps."""
        if active:
            return self.reaching(measure, 0, breakdown)
        return self.of(measure, Fact.DEVICES, 0, breakdown, label)


class Cells(Protocol):
    """What the statistics are given of one app: sums by day, on time and late."""

    def day(self, day: int) -> DaySums:
        """The on-time sums of a day."""
        ...

    def span(self, first: int, last: int) -> DaySums:
        """The on-time sums of all days of a span together, of the facts that may be added over days."""
        ...

    def late(self, first: int, last: int) -> Mapping[int, DaySums]:
        """What came after its day was frozen, by day."""
        ...

    def steps(self, day: int) -> DaySums:
        """How far funnels came that were entered on a day: all that came until now, on time and late."""
        ...


def add(found: dict[Key, int], sums: Sums) -> None:
    """Add sums to others, in place. ``Counter.update`` does the same in several times the time."""
    if not found:
        found.update(sums)
        return
    for key, n in sums.items():
        found[key] = found.get(key, 0) + n


def whole(sums: Sums) -> int:
    """The one number of a total."""
    return sums.get(WHOLE_KEY, 0)
