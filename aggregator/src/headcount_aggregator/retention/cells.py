"""Dropping cells: a month as its partition where nobody keeps it, else one Customer's rows out of it.

Neither is relied on. What should be gone is looked for again each day and at each start, rows and files, and is
dropped again as long as anything of it is there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from headcount_aggregator.retention.plan import Month, month_of
from headcount_aggregator.warehouse import Warehouse
from headcount_aggregator.warehouse.tables import Table


def months_held(warehouse: Warehouse) -> Mapping[Month, set[int]]:
    """The Customers (codes) that have rolled-up cells, by month."""
    found: dict[Month, set[int]] = {}
    rows = warehouse.query(
        f"SELECT DISTINCT toYYYYMM(day) AS month, customer FROM {Table.FINAL.sql} ORDER BY month, customer"
    )
    for month, customer in rows:
        found.setdefault(month_of(int(month)), set()).add(int(customer))
    return found


def drop(warehouse: Warehouse, month: Month, customers: Collection[int], held: Collection[int]) -> None:
    """Drop the cells of some Customers of a month; ``held``: all that have cells of it."""
    if set(held) <= set(customers):
        for shard in warehouse.shards:
            shard.execute(f"ALTER TABLE {Table.FINAL.sql} DROP PARTITION {month.code}")
    else:
        _delete(warehouse, Table.FINAL, f"toYYYYMM(day) = {month.code} AND {_among(customers)}")


def drop_customer(warehouse: Warehouse, customer: int) -> None:
    """Drop everything that any table holds of a Customer."""
    for table in (Table.FINAL, Table.LANDING, Table.DEBUG):
        if _rows(warehouse, table, _among((customer,))):
            _delete(warehouse, table, _among((customer,)))


def rows_left(warehouse: Warehouse, customer: int, month: Month | None = None) -> int:
    """Rows that are still there of a Customer: of one month of final cells, or in any table."""
    if month is not None:
        return _rows(warehouse, Table.FINAL, f"toYYYYMM(day) = {month.code} AND {_among((customer,))}")
    return sum(_rows(warehouse, table, _among((customer,))) for table in (Table.FINAL, Table.LANDING, Table.DEBUG))


def files_left(warehouse: Warehouse) -> int:
    """Files of cells that hold rows nobody reads any more: parts that were replaced or dropped, and not removed yet."""
    names = ", ".join(f"'{table.name.lower()}'" for table in (Table.FINAL, Table.LANDING, Table.DEBUG))
    ((left,),) = warehouse.query(
        f"SELECT count() FROM system.parts WHERE database = 'headcount' AND table IN ({names}) AND active = 0"
    )
    return int(left)


def _delete(warehouse: Warehouse, table: Table, where: str) -> None:
    for shard in warehouse.shards:
        shard.execute(f"ALTER TABLE {table.sql} DELETE WHERE {where}{warehouse.dialect.wait_for_mutation}")


def _among(customers: Collection[int]) -> str:
    return f"customer IN ({', '.join(str(int(code)) for code in sorted(customers))})"


def _rows(warehouse: Warehouse, table: Table, where: str) -> int:
    ((rows,),) = warehouse.query(f"SELECT count() FROM {table.sql} WHERE {where}")
    return int(rows)
