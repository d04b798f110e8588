"""Reading cells from a warehouse. Given to the release layer and to tests, to nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from headcount_wire.segment import Stream

from headcount_aggregator.cells import Cell, CellQuery, CellRow, Span
from headcount_aggregator.warehouse import Row, Warehouse
from headcount_aggregator.warehouse.embedded import open_embedded
from headcount_aggregator.warehouse.tables import Table


class WarehouseCells:
    """The cells of a warehouse."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def sums(self, query: CellQuery) -> Sequence[CellRow]:
        """The sums a query asks for, ordered by its ``by`` columns."""
        chosen = [f"toUInt16({name})" if name == "day" else name for name in query.by]
        conditions = [
            f"stream = {int(query.stream)}",
            f"toUInt16(day) BETWEEN {int(query.first)} AND {int(query.last)}",
            *_narrowed("customer", query.customers),
            *_narrowed("app", query.apps),
            *_narrowed("partner", query.partners),
            *_narrowed("measure", query.measures),
            *_narrowed("label", query.labels),
            *_narrowed("fact", query.facts),
            *_narrowed("slot", query.slots),
            *_narrowed("breakdown", query.breakdowns),
            *_narrowed("late", None if query.late is None else (query.late,)),
        ]
        columns = ", ".join([*chosen, "toString(sum(n))"])
        group = f" GROUP BY {', '.join(query.by)} ORDER BY {', '.join(query.by)}" if query.by else ""
        where = " AND ".join(conditions)
        rows = self._warehouse.query(f"SELECT {columns} FROM {Table.LANDING.sql} FINAL WHERE {where}{group}")
        return [_cell(query, row) for row in rows]

    def spans(self, stream: Stream = Stream.LIVE) -> Sequence[Span]:
        """Every Customer's app that has cells."""
        rows = self._warehouse.query(
            "SELECT partner, customer, app, toUInt16(min(day)), toUInt16(max(day)) "
            f"FROM {Table.LANDING.sql} WHERE stream = {int(stream)} "
            "GROUP BY partner, customer, app ORDER BY partner, customer, app"
        )
        return [Span(*row) for row in rows]


def read_cells(directory: Path) -> WarehouseCells:
    """The cells in a warehouse directory that no process has open: for tests and replays."""
    return WarehouseCells(open_embedded(directory))


def _narrowed(column: str, values: Iterable[int] | None) -> list[str]:
    if values is None:
        return []
    listed = ", ".join(str(int(value)) for value in values)
    return [f"{column} IN ({listed})" if listed else "0"]


def _cell(query: CellQuery, row: Row) -> Cell:
    empty: dict[str, Any] = {name: "" if name.startswith("value") else 0 for name in Cell._fields}
    found = {**empty, "stream": int(query.stream), **dict(zip(query.by, row, strict=False)), "n": int(row[-1])}
    return Cell(**found)
