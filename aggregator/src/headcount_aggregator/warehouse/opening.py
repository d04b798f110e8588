"""Opening a warehouse, whatever its home: the one place where a home is chosen."""

from __future__ import annotations

from pathlib import Path

from headcount_aggregator.warehouse import Warehouse
from headcount_aggregator.warehouse.address import EMBEDDED, parse_address
from headcount_aggregator.warehouse.cluster import Cluster
from headcount_aggregator.warehouse.embedded import open_embedded
from headcount_aggregator.warehouse.server import Server


def open_warehouse(where: str, directory: Path) -> Warehouse:
    """The warehouse that a setting names; ``directory`` is where an embedded one is.

    A server or a cluster is connected to when it is first used, so one that does not answer now is no error yet.
    Raises ``ValueError`` for an address that cannot be, ``WarehouseError`` for a directory that another process has.
    """
    address = parse_address(where or EMBEDDED)
    if address is None:
        return open_embedded(directory)
    return Cluster(address) if address.cluster else Server(address, address.hosts[0])
