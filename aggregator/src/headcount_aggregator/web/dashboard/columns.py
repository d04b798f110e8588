"""Columns of a chart over time: where the parts of each begin and end, and the paths that draw them.

Columns stand apart where there is room for it, and side by side where there is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from headcount_aggregator.web.dashboard.figure import Figure, Row, Series, Weight

WIDTH, HEIGHT = 1000.0, 220.0
"""The box that the marks of a chart lie in."""


class Part(NamedTuple):
    """Where a part of a column begins and ends, from the top."""

    head: float
    foot: float


def stacked(figure: Figure, row: Row, top: float) -> Sequence[Part | None]:
    """The part of each series in a row's column; earlier days have none."""
    foot = HEIGHT
    found: list[Part | None] = []
    for series, cell in zip(figure.series, row.cells, strict=True):
        if cell.value is None or series.weight is Weight.BEFORE:
            found.append(None)
            continue
        found.append(Part(max(0.0, foot - HEIGHT * cell.value / top), foot))
        foot -= HEIGHT * cell.value / top
    return found


def divided(row: Row) -> Sequence[Part | None]:
    """The part of each series in a row's column, of which all of them fill the whole."""
    whole, foot = sum(cell.value or 0 for cell in row.cells), HEIGHT
    found: list[Part | None] = []
    for cell in row.cells:
        height = HEIGHT * cell.value / whole if whole and cell.value else 0.0
        found.append(Part(max(0.0, foot - height), foot) if height else None)
        foot -= height
    return found


def columns_by_weight(
    series: Sequence[Series], rows: Sequence[Sequence[Part | None]], width: float
) -> Mapping[str, str]:
    """The path of all columns of each weight, each ``width`` wide in its row's place."""
    slot = WIDTH / max(1, len(rows))
    found: dict[str, str] = {}
    for index, one in enumerate(series):
        parts = [row[index] for row in rows]
        drawn = "".join(_standing(parts, slot, width) if width < slot else _stairs(parts, slot))
        if drawn:
            found[one.weight] = found.get(one.weight, "") + drawn
    return found


def _standing(parts: Sequence[Part | None], slot: float, width: float) -> Iterable[str]:
    """Columns that stand apart."""
    for row, part in enumerate(parts):
        if part:
            left, height = (row + 0.5) * slot - width / 2, part.foot - part.head
            yield f"M{left:.1f} {part.head:.1f}h{width:.1f}v{height:.1f}h-{width:.1f}z"


def _stairs(parts: Sequence[Part | None], slot: float) -> Iterable[str]:
    """Columns that stand side by side, each stretch of them as one outline.

    Hundreds of columns have two sides each in every line of the picture, and the browser draws them all before it
    shows anything; an outline has two, and no seams.
    """
    begin = 0
    for shown, stretch in groupby(parts, key=bool):
        found = list(stretch)
        if shown:
            yield _outline(begin, [part for part in found if part], slot)
        begin += len(found)


def _outline(begin: int, parts: Sequence[Part], slot: float) -> str:
    """Along the heads of columns from the row ``begin`` on, and back along their feet."""
    heads, feet = [f"{part.head:.1f}" for part in parts], [f"{part.foot:.1f}" for part in parts]
    at = [f"{(begin + row) * slot:.1f}" for row in range(len(parts) + 1)]
    inner = range(1, len(parts))
    there = "".join(f"H{at[row]}V{heads[row]}" for row in inner if heads[row] != heads[row - 1])
    back = "".join(f"H{at[row]}V{feet[row - 1]}" for row in reversed(inner) if feet[row] != feet[row - 1])
    return f"M{at[0]} {heads[0]}{there}H{at[-1]}V{feet[-1]}{back}H{at[0]}z"
