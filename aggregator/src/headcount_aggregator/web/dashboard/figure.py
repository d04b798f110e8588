"""A figure: the rows that its chart, its table, its CSV and its JSON all show.

A figure is built once from released numbers. Nothing that draws or writes it adds up, rounds or
hides anything: every form of it says the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from headcount_aggregator.released import Number, State


class Shape(StrEnum):
    """How a figure is drawn."""

    LINES = "lines"
    COLUMNS = "columns"
    BARS = "bars"
    SPREAD = "spread"
    STACK = "stack"
    RANK = "rank"
    GRID = "grid"
    TABLE = "table"


class Weight(StrEnum):
    """How strongly a series stands out: one accent, the others quieter; or one of five hues; or earlier days."""

    STRONG = "strong"
    PLAIN = "plain"
    FAINT = "faint"
    BEFORE = "before"
    HUE_1 = "hue-1"
    HUE_2 = "hue-2"
    HUE_3 = "hue-3"
    HUE_4 = "hue-4"
    HUE_5 = "hue-5"
    REST = "rest"


HUES = (Weight.HUE_1, Weight.HUE_2, Weight.HUE_3, Weight.HUE_4, Weight.HUE_5)
"""The weights of series that are alike: told apart by hue and by dashes."""


class Cell(NamedTuple):
    """One value of a figure. ``state`` is ``None`` where no number was released at all.

    ``low`` and ``high`` are the ends of its interval, where it has one.
    ``left_out``: days of its period that are not in it, since too few people stand behind them.
    ``complete``: the percentage of the reports behind it that is in it, where that is told.
    """

    value: int | None = None
    state: State | None = None
    rounding: int = 1
    provisional: bool = False
    members: int = 0
    low: int | None = None
    high: int | None = None
    left_out: int = 0
    complete: int | None = None

    @property
    def plain(self) -> bool:
        """Whether there is nothing to say of it but its number."""
        return self.value is not None and not self.provisional and not self.left_out

    @property
    def hidden(self) -> bool:
        """Whether a number exists and is not shown."""
        return self.value is None and self.state is not None

    @property
    def margin(self) -> int:
        """How far the true value may lie to a side; 0 where it is known."""
        if self.value is None or self.low is None or self.high is None:
            return 0
        return max(self.value - self.low, self.high - self.value)

    @property
    def value_or_zero(self) -> int:
        """The value for drawing: nothing is drawn of what is not shown."""
        return self.value or 0


MISSING = Cell()
"""The cell of a period for which no number was released."""


@dataclass(frozen=True, slots=True)
class Series:
    """One column of a figure."""

    key: str
    name: str
    weight: Weight = Weight.PLAIN
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: a period or a group. ``key`` stands in exports, ``name`` on the page."""

    key: str
    name: str
    cells: tuple[Cell, ...]
    tick: str = ""
    note: str = ""
    href: str = ""

    @property
    def provisional(self) -> bool:
        """Whether the row is of an open day."""
        return any(cell.provisional for cell in self.cells)


class Place(NamedTuple):
    """Where in a figure a cell stands: the keys of its row and its series."""

    row: str
    series: str


@dataclass(frozen=True, slots=True)
class Link:
    """An address with its words."""

    href: str
    text: str


@dataclass(frozen=True, slots=True)
class Remark:
    """What may be said of a change: a badge, its sentence, and which of real, noise, open it is."""

    badge: str
    sentence: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Marker:
    """Something that happened on the day of a row: a version that came, a note."""

    row: str
    text: str


@dataclass(frozen=True)
class Figure:
    """What one chart shows.

    ``head`` names the rows, ``unit`` what is counted. ``rule`` says by which rule the numbers were
    released. ``wider`` leads from hidden cells to where their numbers are shown; ``searched``: it was looked for.
    ``empty`` says what to do when there is nothing. ``ceiling`` is the axis' end, or a whole bar, when it is known (100
    for percent), ``floor`` its beginning where that is not 0.
    ``remark`` compares it with earlier days. ``markers`` are what happened on the day of a row.
    """

    key: str
    title: str
    sentence: str
    shape: Shape
    head: str
    series: tuple[Series, ...]
    rows: tuple[Row, ...]
    rule: str
    k: int
    unit: str = ""
    notes: Sequence[str] = ()
    wider: Mapping[Place, Link] = field(default_factory=dict)
    searched: bool = False
    empty: str = ""
    ceiling: int | None = None
    floor: int = 0
    more: Link | None = None
    remark: Remark | None = None
    markers: tuple[Marker, ...] = ()
    wide: bool = False

    @cached_property
    def _cells(self) -> Sequence[Cell]:
        return tuple(cell for row in self.rows for cell in row.cells)

    @cached_property
    def _states(self) -> frozenset[State | None]:
        return frozenset(cell.state for cell in self._cells)

    @cached_property
    def hidden(self) -> int:
        """How many cells exist and are not shown."""
        return sum(cell.value is None and cell.state is not None for cell in self._cells)

    def link_at(self, row: Row, series: Series) -> Link | None:
        """Where the number of a hidden cell is shown, if anywhere."""
        return self.wider.get(Place(row.key, series.key))

    @cached_property
    def onward(self) -> Link | None:
        """Where most of what is hidden is shown."""
        found = Counter(self.wider.values())
        return found.most_common(1)[0][0] if found else None

    @cached_property
    def complement(self) -> bool:
        """Whether some cell is hidden because of the few who are not in it, or may be."""
        return not self._states.isdisjoint((State.COMPLEMENT, State.FEW_ON_A_SIDE))

    @cached_property
    def noisy(self) -> bool:
        """Whether noise is in some cell, or hides it."""
        hidden = (State.UNDER_NOISE, State.OVER_BUDGET, State.FEW_CUSTOMERS)
        return not self._states.isdisjoint(hidden) or any(cell.high is not None for cell in self._cells)

    @cached_property
    def of_few_customers(self) -> bool:
        """Whether some cell is hidden for the sake of a Customer."""
        return State.FEW_CUSTOMERS in self._states

    @cached_property
    def provisional(self) -> bool:
        """Whether some cell is still updating."""
        return any(cell.provisional for cell in self._cells)

    @cached_property
    def complete(self) -> int | None:
        """The least percentage of reports that is in some shown number; ``None`` where it is not told."""
        told = {cell.complete for cell in self._cells if cell.value is not None}
        return min((percent for percent in told if percent is not None), default=None)

    @cached_property
    def has_numbers(self) -> bool:
        """Whether there is anything to draw."""
        return not self._states <= {None}

    @cached_property
    def has_values(self) -> bool:
        """Whether some number is shown: where all are hidden there is nothing to draw."""
        return any(cell.value is not None for cell in self._cells)

    @cached_property
    def tells(self) -> bool:
        """Whether some number is shown that is not 0: a grid of nothing else is better said in a sentence."""
        return any(cell.value for cell in self._cells)

    @cached_property
    def drawn_rows(self) -> Sequence[Row]:
        """The rows of a grid from the first whose size is shown: before it, all of each is hidden."""
        shown = (at for at, row in enumerate(self.rows) if row.cells[0].value is not None)
        return self.rows[next(shown, 0) :]

    @cached_property
    def largest_first(self) -> int:
        """What a whole bar of the first series stands for: all of a share, else its largest shown value."""
        return self.ceiling or max((row.cells[0].value_or_zero for row in self.rows), default=0)

    @cached_property
    def scale(self) -> int:
        """What one step of the axis is a round number of: minutes, for seconds that are many."""
        return 60 if self.unit == "s" and self.largest >= 120 else 1

    @cached_property
    def largest(self) -> int:
        """The largest shown value; 0 when none is."""
        return max((cell.value or 0 for cell in self._cells), default=0)


def cell_of(number: Number | None) -> Cell:
    """The cell that shows a number."""
    if number is None:
        return MISSING
    # A number that holds no day of its period says nothing: it is no zero.
    if number.left_out > number.last - number.first:
        noisy = number.high is not None or number.state is State.UNDER_NOISE
        return Cell(state=State.UNDER_NOISE if noisy else State.FEWER_THAN_K, left_out=number.left_out)
    return Cell(
        number.value,
        number.state,
        number.rounding,
        number.provisional,
        number.members,
        number.low,
        number.high,
        number.left_out,
        number.complete,
    )
