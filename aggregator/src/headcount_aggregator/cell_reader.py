"""Reading cells from a warehouse. Given to the release layer and to tests, to nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import Any

from headcount_wire.segment import Stream

from headcount_aggregator.cells import PLACE, Cell, CellQuery, CellRow, Span, ValueSums
from headcount_aggregator.rollup import watermark
from headcount_aggregator.warehouse import Reason, Row, Warehouse, WarehouseError
from headcount_aggregator.warehouse.opening import open_warehouse
from headcount_aggregator.warehouse.tables import Table

_ATTEMPTS = 5


class WarehouseCells:
    """The cells of a warehouse: what was loaded since the watermark, and what is rolled up below it."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._mark: int | None = None

    def sums(self, query: CellQuery) -> Sequence[CellRow]:
        """The sums a query asks for, ordered by its ``by`` columns."""
        chosen = ", ".join([*(f"toUInt16({name})" if name == "day" else name for name in query.by), "toString(sum(m))"])
        group = f" GROUP BY {', '.join(query.by)} ORDER BY {', '.join(query.by)}" if query.by else ""
        return _cells(query, self._asked(query, query.by, lambda source: f"SELECT {chosen} FROM ({source}){group}"))

    def by_value(self, query: CellQuery) -> Sequence[ValueSums]:
        """The sums of a query by their values. The values of a cut come as lists: a row for each takes several times
        as long to be written and read."""
        place = ", ".join(PLACE)

        def statement(source: str) -> str:
            sums = f"SELECT {place}, value1, value2, sum(m) AS s FROM ({source}) GROUP BY {place}, value1, value2"
            lists = "groupArray(CAST(value1 AS String)), groupArray(CAST(value2 AS String)), groupArray(toString(s))"
            return f"SELECT {place}, {lists} FROM ({sums}) GROUP BY {place} ORDER BY {place}"

        return [
            ValueSums._make((*where, dict(zip(zip(first, second, strict=True), map(int, sums), strict=True))))
            for *where, first, second, sums in self._asked(query, (*PLACE, "value1", "value2"), statement)
        ]

    def spans(self, stream: Stream = Stream.LIVE) -> Sequence[Span]:
        """Every Customer's app that has cells."""
        tables = (Table.DEBUG,) if stream is Stream.DEBUG else (Table.LANDING, Table.FINAL)
        source = " UNION ALL ".join(
            f"SELECT partner, customer, app, min(day) AS first, max(day) AS last FROM {table.sql} "
            "GROUP BY partner, customer, app"
            for table in tables
        )
        rows = self._warehouse.query(
            f"SELECT partner, customer, app, toUInt16(min(first)), toUInt16(max(last)) FROM ({source}) "
            "GROUP BY partner, customer, app ORDER BY partner, customer, app"
        )
        return [Span(*row) for row in rows]

    def _asked(self, query: CellQuery, kept: Iterable[str], statement: Callable[[str], str]) -> Sequence[Row]:
        """What a statement answers of the cells that a query is of: their kept columns, and what they add as ``m``."""
        columns = "".join(f"{name}, " for name in kept)
        where = " AND ".join(_conditions(query))
        if query.stream is Stream.DEBUG:
            return self._warehouse.query(
                statement(f"SELECT {columns}n AS m FROM {Table.DEBUG.sql} FINAL WHERE {where}")
            )
        landing = f"SELECT {columns}n AS m FROM {Table.LANDING.sql} FINAL WHERE load_day > toDate({{mark}}) AND {where}"
        final = (
            f"SELECT {columns}if(version > {{mark}}, held, n) AS m FROM {Table.FINAL.sql} FINAL "
            f"WHERE {where} AND if(version > {{mark}}, held, n) > 0"
        )
        return self._consistent(statement(f"{landing} UNION ALL {final}"))

    def _consistent(self, statement: str) -> Sequence[Row]:
        """The answer at one watermark: asked again when a roll-up moved it meanwhile.

        It only ever rises; so what the last answer was checked by is what this one can begin with.
        """
        mark = watermark(self._warehouse) if self._mark is None else self._mark
        for _ in range(_ATTEMPTS):
            rows = self._warehouse.query(statement.format(mark=mark))
            self._mark = watermark(self._warehouse)
            if self._mark == mark:
                return rows
            mark = self._mark
        raise WarehouseError(Reason.MISMATCH)


def _conditions(query: CellQuery) -> list[str]:
    first, last = max(0, int(query.first)), min(65_535, int(query.last))
    return [
        f"day BETWEEN toDate({first}) AND toDate({last})" if first <= last else "0",
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


def read_cells(directory: Path, where: str = "embedded") -> WarehouseCells:
    """The cells in a warehouse, of a directory that no process has open or at an address: for tests and replays."""
    return WarehouseCells(open_warehouse(where, directory))


def _narrowed(column: str, values: Iterable[int] | None) -> list[str]:
    if values is None:
        return []
    listed = ", ".join(str(int(value)) for value in values)
    return [f"{column} IN ({listed})" if listed else "0"]


def _cells(query: CellQuery, rows: Sequence[Row]) -> list[Cell]:
    """The rows of an answer as cells: what was grouped by stands in its place, the rest is empty."""
    if not rows:
        return []
    *kept, sums = zip(*rows, strict=True)
    grouped: dict[str, Iterable[Any]] = dict(zip(query.by, kept, strict=True))
    empty = {"stream": int(query.stream), "value1": "", "value2": ""}
    columns = (grouped.get(name, repeat(empty.get(name, 0), len(rows))) for name in Cell._fields[:-1])
    return list(map(_as_cell, zip(*columns, map(int, sums), strict=True)))


_as_cell = partial(tuple.__new__, Cell)
