"""A figure as a file: the very rows of its chart, with their rule, their intervals, and what is hidden.

CSV and Parquet hold one line a cell, and the rule and the threshold in each, so that a line that was copied
elsewhere still says by which rule it was released. JSON holds the same once. A hidden value is empty or null.
"""

from __future__ import annotations

import csv
import io
from functools import cache
from importlib.util import find_spec

import msgspec
import orjson

from headcount_aggregator.released import State
from headcount_aggregator.web.dashboard.figure import Figure
from headcount_aggregator.web.dashboard.svg_file import as_svg, is_drawn
from headcount_aggregator.web.dashboard.wording import Wording, mark


class CellShape(msgspec.Struct, frozen=True):
    """One value: null unless ``state`` is ``shown``, and ``why`` says why.

    ``low`` and ``high`` are the ends of its interval, where noise was added. ``left_out``: days of its period that
    are not in it. ``complete``: the percentage of the reports behind it that is in it, where that is told.
    ``rounding``: the step it was rounded to.
    """

    row: str
    name: str
    series: str
    value: int | None
    low: int | None
    high: int | None
    state: str
    why: str
    rounding: int
    left_out: int
    complete: int | None
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
    complete: int | None
    notes: list[str]
    remark: str
    markers: list[tuple[str, str]]
    cells: list[CellShape]


FORMS = {
    "csv": "text/csv",
    "json": "application/json",
    "svg": "image/svg+xml",
    "parquet": "application/vnd.apache.parquet",
}
"""The forms of files, as an address ends, with their content types."""


WHY = {
    State.FEWER_THAN_K: mark("Fewer than {k} people: hidden, so that nobody can be singled out."),
    State.FEWER_THAN_20: mark("Fewer than 20 of them: so few people or requests are not told."),
    State.UNDER_NOISE: mark(
        "Too small to stand out of the noise that protects everybody: hidden, since it would mislead."
    ),
    State.FEW_CUSTOMERS: mark(
        "Too few Customers, or one that has most of it: hidden, so that no Customer is recognised."
    ),
    State.OVER_BUDGET: mark("What may be told of a month is told: hidden until the next month, to keep the promise."),
    State.FEW_ON_A_SIDE: mark(
        "Fewer than {k} people, or fewer than {k} others of another number: hidden, so that neither is told."
    ),
    State.COMPLEMENT: mark(
        "It would leave fewer than {k} others of another number: hidden, so that these stay hidden."
    ),
}
"""Why a value is hidden: the API's sentences, here for translators to find."""


def forms_of(figure: Figure) -> tuple[str, ...]:
    """The forms a figure is offered in: SVG where it is a chart, Parquet where the library for it is installed."""
    there = {"csv": True, "json": True, "svg": is_drawn(figure), "parquet": has_parquet()}
    return tuple(form for form, offered in there.items() if offered)


def as_file(figure: Figure, form: str, wording: Wording, about: str) -> bytes:
    """A figure in one of its forms; ``about`` says whose numbers these are and of which days."""
    match form:
        case "csv":
            return as_csv(figure, wording)
        case "json":
            return as_json(figure, wording)
        case "svg":
            return as_svg(figure, wording, about)
        case _:
            return as_parquet(figure, wording)


def as_csv(figure: Figure, wording: Wording) -> bytes:
    """One line a cell, with the rule in each; a hidden value is empty and its state says why."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = _columns(figure, wording)
    writer.writerow(columns)
    for line in zip(*columns.values(), strict=True):
        writer.writerow("" if v is None else str(v).lower() if isinstance(v, bool) else v for v in line)
    return text.getvalue().encode()


def as_json(figure: Figure, wording: Wording) -> bytes:
    """The same as JSON, with the title, the notes, and how much is hidden."""
    shape = FigureShape(
        figure.key,
        figure.title,
        figure.sentence,
        figure.unit,
        figure.rule,
        figure.k,
        figure.hidden,
        figure.complete,
        list(figure.notes),
        figure.remark.sentence if figure.remark else "",
        [(marker.row, marker.text) for marker in figure.markers],
        _cells(figure, wording),
    )
    return orjson.dumps(msgspec.to_builtins(shape))


def as_parquet(figure: Figure, wording: Wording) -> bytes:
    """The lines of the CSV with their types; the rule and the notes are the file's own metadata, too."""
    # Loaded with the first such file: it takes a tenth of a second and 40 MB, which other answers need not wait for.
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([pa.field(name, getattr(pa, kind)()) for name, kind in _TYPES.items()])
    told = {"title": figure.title, "sentence": figure.sentence, "rule": figure.rule, "notes": " ".join(figure.notes)}
    told |= {"k": str(figure.k), "hidden": str(figure.hidden), "unit": figure.unit}
    told |= {} if figure.complete is None else {"complete": str(figure.complete)}
    table = pa.table(_columns(figure, wording), schema=schema).replace_schema_metadata(told)
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


@cache
def has_parquet() -> bool:
    """Whether the library that writes Parquet is installed (the extra ``parquet``); looked for once."""
    return find_spec("pyarrow") is not None


_TYPES = {
    "row": "string",
    "name": "string",
    "series": "string",
    "value": "int64",
    "low": "int64",
    "high": "int64",
    "state": "string",
    "why": "string",
    "rounding": "int64",
    "left_out": "int64",
    "complete": "int64",
    "provisional": "bool_",
    "unit": "string",
    "rule": "string",
    "k": "int64",
}
"""The columns of CSV and Parquet, with their types."""


def _columns(figure: Figure, wording: Wording) -> dict[str, list[object]]:
    cells = _cells(figure, wording)
    units = {series.key: series.unit or figure.unit for series in figure.series}
    same: dict[str, list[object]] = {
        "unit": [units[cell.series] for cell in cells],
        "rule": [figure.rule] * len(cells),
        "k": [figure.k] * len(cells),
    }
    own = [name for name in _TYPES if name not in same]
    return {name: [getattr(cell, name) for cell in cells] for name in own} | same


def _cells(figure: Figure, wording: Wording) -> list[CellShape]:
    return [
        CellShape(
            row.key,
            row.name,
            series.key,
            cell.value,
            cell.low,
            cell.high,
            (state := cell.state or State.SHOWN).value,
            "" if state is State.SHOWN else wording.say(WHY[state], k=figure.k),
            cell.rounding,
            cell.left_out,
            cell.complete,
            cell.provisional,
        )
        for row in figure.rows
        for series, cell in zip(figure.series, row.cells, strict=True)
        if cell.state is not None
    ]
