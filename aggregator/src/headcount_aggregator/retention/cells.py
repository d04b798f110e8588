"""Dropping cells: a month as its partition where nobody keeps it, else one Customer's rows out of it.

Neither is relied on. What should be gone is looked for again each day and at each start, rows and files, and is
dropped again as long as anything of it is there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from headcount_aggregator.retention.plan import Month, month_of
from headcount_aggregator.warehouse import Warehouse
from headcount_aggregator.warehouse.tables import Table

_PARTITIONS = {Table.FINAL: "toYYYYMM(day)", Table.LANDING: "load_day", Table.DEBUG: "load_day"}
"""What the tables with a Customer's rows are parted by."""


def months_held(warehouse: Warehouse) -> Mapping[Month, set[int]]:
    """The Customers (codes) that have rolled-up cells, by month."""
    found: dict[Month, set[int]] = {}
    rows = warehouse.query(
        f"SELECT DISTINCT toYYYYMM(day) AS month, customer FROM {Table.FINAL.sql} ORDER BY month, customer"
    )
    for month, customer in rows:
        found.setdefault(month_of(int(month)), set()).add(int(customer))
    return found


def drop(warehouse: Warehouse, month: Month, customers: Collection[int]) -> None:
    """Drop the cells of some Customers of a month."""
    _remove(warehouse, Table.FINAL, customers, f"toYYYYMM(day) = {month.code}")


def drop_customer(warehouse: Warehouse, customer: int) -> None:
    """Drop everything that any table holds of a Customer."""
    for table in _PARTITIONS:
        _remove(warehouse, table, (customer,))


def rows_left(warehouse: Warehouse, customer: int, month: Month | None = None) -> int:
    """Rows that are still there of a Customer: of one month of final cells, or in any table."""
    if month is not None:
        return _rows(warehouse, Table.FINAL, f"toYYYYMM(day) = {month.code} AND {_among((customer,))}")
    return sum(_rows(warehouse, table, _among((customer,))) for table in _PARTITIONS)


def files_left(warehouse: Warehouse) -> int:
    """Files of cells that hold rows nobody reads any more, on any copy: parts that were replaced or dropped.

    Raises ``WarehouseError`` when a copy does not answer: what it holds, nobody knows.
    """
    names = ", ".join(f"'{table.name.lower()}'" for table in _PARTITIONS)
    ask = f"SELECT count() FROM system.parts WHERE database = currentDatabase() AND table IN ({names}) AND active = 0"
    return _on_all_copies(warehouse, ask)


def rows_on_copies(warehouse: Warehouse, customer: int, month: Month | None = None) -> int:
    """As ``rows_left``, counted on every copy: one that was away has what it has not been told to drop yet."""
    where = _among((customer,)) + (f" AND toYYYYMM(day) = {month.code}" if month else "")
    tables = (Table.FINAL,) if month else tuple(_PARTITIONS)
    return sum(_on_all_copies(warehouse, f"SELECT count() FROM {table.sql} WHERE {where}") for table in tables)


def _on_all_copies(warehouse: Warehouse, ask: str) -> int:
    found = (copy.query(ask) for shard in warehouse.shards for copy in shard.replicas)
    return sum(int(count) for ((count,),) in found)


def _remove(warehouse: Warehouse, table: Table, customers: Collection[int], where: str = "1") -> None:
    """Drop the partitions in which nobody else has rows; rewrite the others without these Customers' rows."""
    for shard in warehouse.shards:
        shared = []
        for partition, held in _held(shard, table, where).items():
            if held <= set(customers):
                shard.execute(f"ALTER TABLE {table.sql} DROP PARTITION {partition}")
            elif held & set(customers):
                shared.append(partition)
        if not shared:
            continue
        shard.execute(
            f"ALTER TABLE {table.sql} DELETE WHERE {where} AND {_among(customers)}{warehouse.dialect.wait_for_mutation}"
        )
        for partition in shared if warehouse.dialect.quorum > 1 else ():
            _follow(shard, table, f"{_PARTITIONS[table]} = {partition} AND NOT {_among(customers)}")


def _held(shard: Warehouse, table: Table, where: str) -> dict[str, set[int]]:
    """The Customers that have rows, by partition, as ``DROP PARTITION`` takes it."""
    found: dict[str, set[int]] = {}
    rows = shard.query(f"SELECT DISTINCT toString({_PARTITIONS[table]}), customer FROM {table.sql} WHERE {where}")
    for partition, customer in rows:
        found.setdefault(f"'{partition}'" if "-" in str(partition) else str(partition), set()).add(int(customer))
    return found


def _follow(shard: Warehouse, table: Table, where: str) -> None:
    """Insert a row again that is there: with a quorum, a server rewrites no part that nothing came after."""
    names = ", ".join(name for name, _ in table.columns)
    shard.execute(
        f"INSERT INTO {table.sql} ({names}) {shard.dialect.insert_settings} "
        f"SELECT {names} FROM {table.sql} WHERE {where} LIMIT 1"
    )


def _among(customers: Collection[int]) -> str:
    return f"customer IN ({', '.join(str(int(code)) for code in sorted(customers))})"


def _rows(warehouse: Warehouse, table: Table, where: str) -> int:
    ((rows,),) = warehouse.query(f"SELECT count() FROM {table.sql} WHERE {where}")
    return int(rows)
