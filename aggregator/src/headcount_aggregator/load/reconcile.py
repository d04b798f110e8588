"""Does the warehouse hold what the units say? What is missing is pushed again."""

from __future__ import annotations

from headcount_aggregator.load.unit import Unit
from headcount_aggregator.warehouse import Warehouse
from headcount_aggregator.warehouse.tables import Table


def holds(warehouse: Warehouse, unit: Unit) -> bool:
    """Whether rows and sum of a unit in the warehouse are those of its header."""
    ((rows, total),) = warehouse.query(
        f"SELECT count(), toString(sum(n)) FROM {Table.LANDING.sql} FINAL "
        f"WHERE load_day = toDate({int(unit.load_day)}) AND unit = unhex('{unit.unit.hex()}')"
    )
    return (int(rows), int(total)) == (unit.rows, unit.total)
