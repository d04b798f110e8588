"""A figure as CSV or JSON: the very rows of its chart, with their rule, and what is hidden."""

from __future__ import annotations

import csv
import io

import msgspec
import orjson

from headcount_aggregator.released import State
from headcount_aggregator.web.dashboard.figure import Figure

COLUMNS = ("row", "series", "value", "state", "rounding", "provisional", "rule", "k")


class CellShape(msgspec.Struct, frozen=True):
    """One value: null unless ``state`` is ``shown``."""

    row: str
    series: str
    value: int | None
    state: str
    rounding: int
    provisional: bool


class FigureShape(msgspec.Struct, frozen=True):
    """A figure with its rule and notes; ``hidden`` of its cells show no value."""

    figure: str
    title: str
    sentence: str
    unit: str
    rule: str
    k: int
    hidden: int
    notes: list[str]
    cells: list[CellShape]


def as_csv(figure: Figure) -> bytes:
    """One line a cell; a hidden value is empty and its state says why."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for cell in _cells(figure):
        value = "" if cell.value is None else cell.value
        provisional = "true" if cell.provisional else "false"
        writer.writerow((cell.row, cell.series, value, cell.state, cell.rounding, provisional, figure.rule, figure.k))
    return text.getvalue().encode()


def as_json(figure: Figure) -> bytes:
    """The same as JSON, with the title, the notes, and how much is hidden."""
    shape = FigureShape(
        figure.key,
        figure.title,
        figure.sentence,
        figure.unit,
        figure.rule,
        figure.k,
        figure.hidden,
        list(figure.notes),
        _cells(figure),
    )
    return orjson.dumps(msgspec.to_builtins(shape))


def _cells(figure: Figure) -> list[CellShape]:
    return [
        CellShape(row.key, series.key, cell.value, (cell.state or State.SHOWN).value, cell.rounding, cell.provisional)
        for row in figure.rows
        for series, cell in zip(figure.series, row.cells, strict=True)
        if cell.state is not None
    ]
