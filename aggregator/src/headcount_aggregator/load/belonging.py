"""Whether a warehouse is the one that this house loads into: an empty one is not, once a day has been loaded.

An address with another database's name, or one that nobody moved to, makes tables that are empty and sound. Releases
made from them would be too small for ever. So nothing is loaded there until somebody has looked.
"""

from __future__ import annotations

from pathlib import Path

from headcount_aggregator.load.disk import Disk
from headcount_aggregator.load.frontier import Promise
from headcount_aggregator.load.unit import Units
from headcount_aggregator.warehouse import Warehouse
from headcount_aggregator.warehouse.copying import is_empty

SENTENCE = (
    "The warehouse is empty, and this house has loaded into one: move that one (headcount warehouse move), or put a "
    "backup back; or correct the address."
)


class StrangeWarehouse(Exception):
    """The warehouse is not the one that units were loaded into."""

    def __init__(self) -> None:
        super().__init__(SENTENCE)


def must_belong(units: Path, warehouse: Warehouse) -> None:
    """Raises ``StrangeWarehouse`` where units of a day that is over are stored, and the warehouse holds no row.

    Raises ``WarehouseError`` where it does not answer. Today's units alone prove nothing: a server that cannot sync
    may have lost them, and they are pushed again.
    """
    if not units.is_dir():
        return
    disk = Disk()
    through, kept = Promise(units, disk).load_day, Units(units, disk)
    waiting = set(kept.pending())
    stored = any(one.rows and one.load_day <= through for one in kept.headers() if one.number not in waiting)
    if stored and is_empty(warehouse):
        raise StrangeWarehouse
