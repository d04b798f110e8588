"""Cells: the sums the loader makes, and the only way to read them.

A cell holds one sum. It is reachable from the loader, the roll-up and the release layer, and from
nowhere else: what people see are released numbers (``released.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from headcount_wire.segment import Stream


class Cell(NamedTuple):
    """One sum, and what it is of.

    ``day`` is the users' local day (a day number). ``late`` is 1 for what was folded on or after
    ``periods.day_frozen_from(day)``. ``breakdown`` is 0 for a total, whose values are empty, else
    the code of a declared breakdown; ``value2`` is empty for one dimension. ``n`` is a whole number.
    """

    stream: int
    partner: int
    customer: int
    app: int
    day: int
    late: int
    measure: int
    label: int
    fact: int
    slot: int
    breakdown: int
    value1: str
    value2: str
    n: int


class ValueSums(NamedTuple):
    """What the cells of one slot and breakdown hold, by their values: ``(value1, value2)``."""

    measure: int
    label: int
    fact: int
    slot: int
    breakdown: int
    sums: dict[tuple[str, str], int]


CellRow = Cell
"""A row of an answer: a cell whose columns that were summed over are 0 (``value1``, ``value2``: empty)."""

Column = Literal[
    "partner", "customer", "app", "day", "late", "measure", "label", "fact", "slot", "breakdown", "value1", "value2"
]
"""What an answer can be grouped by."""

PLACE: tuple[Column, ...] = ("measure", "label", "fact", "slot", "breakdown")
"""What cells of one cut have in common."""


class MeaninglessSumError(ValueError):
    """A query would add up what must not be added: a measure with another, a total with its parts."""


@dataclass(frozen=True, slots=True)
class CellQuery:
    """Which cells to add up, and what to keep apart.

    ``first``/``last``: local days, both included. ``by``: the columns to group by. ``None`` in a
    narrowing means all. Measure, label, fact and breakdown must each be grouped by or narrowed
    to one value, and so must values where a breakdown is not the total: otherwise the sum would
    mix what does not belong together, and ``MeaninglessSumError`` is raised. ``late``: 0 or 1 for one side.
    """

    first: int
    last: int
    by: tuple[Column, ...]
    customers: tuple[int, ...] | None = None
    apps: tuple[int, ...] | None = None
    partners: tuple[int, ...] | None = None
    measures: tuple[int, ...] | None = None
    labels: tuple[int, ...] | None = None
    facts: tuple[int, ...] | None = None
    slots: tuple[int, ...] | None = None
    breakdowns: tuple[int, ...] | None = (0,)
    late: int | None = None
    stream: Stream = Stream.LIVE

    def __post_init__(self) -> None:
        for column, narrowed in (
            ("measure", self.measures),
            ("label", self.labels),
            ("fact", self.facts),
            ("breakdown", self.breakdowns),
        ):
            if column not in self.by and (narrowed is None or len(narrowed) != 1):
                raise MeaninglessSumError(f"group by {column}, or narrow it to one value")


class Span(NamedTuple):
    """One Customer's app that has cells, and the first and last local day it has them for."""

    partner: int
    customer: int
    app: int
    first: int
    last: int


class CellReader(Protocol):
    """The only way to read cells; given to the release layer and to tests, to nothing else."""

    def sums(self, query: CellQuery) -> Sequence[CellRow]:
        """The sums a query asks for, ordered by its ``by`` columns; groups without a cell are absent.

        Raises ``WarehouseError`` when the warehouse does not answer.
        """
        ...

    def by_value(self, query: CellQuery) -> Sequence[ValueSums]:
        """The sums of a query that is grouped by ``PLACE``, each by its values; what has no cell is absent."""
        ...

    def spans(self, stream: Stream = Stream.LIVE) -> Sequence[Span]:
        """Every Customer's app that has cells, in the order of their codes."""
        ...
