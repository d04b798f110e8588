"""Cells in memory, behind the contract of the release layer: so that whole chains are sealed in milliseconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from headcount_aggregator.cells import PLACE, Cell, CellQuery, Column, Span, ValueSums
from headcount_wire.segment import Stream

_TEXT: tuple[Column, ...] = ("value1", "value2")
_EMPTY: dict[str, Any] = {name: "" if name in _TEXT else 0 for name in Cell._fields}
_NARROWED = ("customer", "app", "partner", "measure", "label", "fact", "slot", "breakdown")


class MemoryCells:
    """What has arrived so far; ``arrive`` adds to it."""

    def __init__(self, cells: Sequence[Cell] = ()) -> None:
        self._cells: dict[tuple[int, int, int], dict[int, list[Cell]]] = {}
        self.arrive(cells)

    def arrive(self, cells: Sequence[Cell]) -> None:
        """More cells have been loaded."""
        for cell in cells:
            days = self._cells.setdefault((cell.partner, cell.customer, cell.app), {})
            days.setdefault(cell.day, []).append(cell)

    def sums(self, query: CellQuery) -> Sequence[Cell]:
        """The sums a query asks for."""
        kept = [(name, allowed) for name in _NARROWED if (allowed := getattr(query, name + "s")) is not None]
        found: Counter[tuple[Any, ...]] = Counter()
        for (partner, customer, app), days in self._cells.items():
            whose = {"partner": partner, "customer": customer, "app": app}
            if any(whose[name] not in allowed for name, allowed in kept if name in whose):
                continue
            for day in days.keys() & set(range(query.first, query.last + 1)):
                for cell in days[day]:
                    asked = query.late in (None, cell.late)
                    if asked and all(getattr(cell, name) in allowed for name, allowed in kept):
                        found[tuple(getattr(cell, column) for column in query.by)] += cell.n
        return [_row(query.by, key, n) for key, n in sorted(found.items())]

    def by_value(self, query: CellQuery) -> Sequence[ValueSums]:
        """The sums of a query by their values."""
        found: dict[tuple[int, ...], dict[tuple[str, str], int]] = {}
        for cell in self.sums(replace(query, by=(*PLACE, *_TEXT))):
            place = (cell.measure, cell.label, cell.fact, cell.slot, cell.breakdown)
            found.setdefault(place, {})[cell.value1, cell.value2] = cell.n
        return [ValueSums._make((*place, sums)) for place, sums in found.items()]

    def spans(self, stream: Stream = Stream.LIVE) -> Sequence[Span]:
        """Every Customer's app that has cells."""
        return [Span(*key, min(days), max(days)) for key, days in sorted(self._cells.items())]


def _row(by: Sequence[str], key: Sequence[Any], n: int) -> Cell:
    """An answer's row: a cell whose columns that were summed over are empty."""
    return Cell._make({**_EMPTY, **dict(zip(by, key, strict=True)), "n": n}.values())
