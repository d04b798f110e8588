"""An empty warehouse for each test, of each kind of home, on servers that all tests share."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from clickhouse_driver import Client
from clickhouse_driver.errors import ServerException
from headcount_aggregator.warehouse import Warehouse
from headcount_aggregator.warehouse.opening import open_warehouse
from headcount_aggregator.warehouse.tables import Table
from headcount_wire import days

from tests.homes.clickhouse import PASSWORD, USER, ClickHouse
from tests.homes.cluster import ClusterProcesses

HOMES = ("embedded", "server", "cluster")
_number = itertools.count(1)


def servers_of(kind: str, request: pytest.FixtureRequest) -> list[ClickHouse]:
    """The servers of a home; none for the embedded one."""
    if kind == "embedded":
        return []
    if kind == "server":
        server: ClickHouse = request.getfixturevalue("clickhouse")
        return [server]
    cluster: ClusterProcesses = request.getfixturevalue("cluster")
    return cluster.replicas


@contextmanager
def fresh_address(kind: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a database that is not there yet; gone afterwards."""
    if kind == "embedded":
        yield kind
        return
    database = f"fresh{next(_number)}"
    servers = servers_of(kind, request)
    whole = request.getfixturevalue("clickhouse" if kind == "server" else "cluster")
    try:
        yield str(whole.address(database))
    finally:
        for server in servers:
            client = Client("127.0.0.1", port=server.port, user=USER, password=PASSWORD)
            for name in (f"{database}_across", database):
                with contextlib.suppress(ServerException):  # it keeps the folders of what was detached
                    client.execute(f"DROP DATABASE IF EXISTS {name}")
            client.disconnect()


@contextmanager
def fresh_warehouse(kind: str, folder: Path, request: pytest.FixtureRequest) -> Iterator[Warehouse]:
    """An empty warehouse of a home; gone afterwards."""
    with fresh_address(kind, request) as address:
        home = open_warehouse(address, folder)
        try:
            yield home
        finally:
            home.close()


def lose(warehouse: Warehouse, table: Table = Table.LANDING) -> None:
    """Lose every row of a table: drop its partitions, shard by shard."""
    for shard in warehouse.shards:
        for (day,) in shard.query(f"SELECT DISTINCT toUInt16(load_day) FROM {table.sql}"):
            shard.execute(f"ALTER TABLE {table.sql} DROP PARTITION '{days.text(int(day))}'")


def half_of(insert: str) -> str:
    """A roll-up's insert that adds the half of what was loaded, as one that was cut short does."""
    of_day = "WHERE load_day = "
    assert of_day in insert
    return insert.replace(of_day, "WHERE slot % 2 = 0 AND load_day = ")
