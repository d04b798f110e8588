"""Migrations: numbered files, applied once, on every home, also where one was cut short or is of the first version."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from headcount_aggregator.warehouse import Reason, Row, Table, Warehouse, WarehouseError
from headcount_aggregator.warehouse import migrate as migrating
from headcount_aggregator.warehouse.address import parse_address
from headcount_aggregator.warehouse.cluster import Cluster
from headcount_aggregator.warehouse.opening import open_warehouse
from headcount_aggregator.warehouse.server import Server

from tests.homes.filled import fill, make_house, totals
from tests.homes.fresh import HOMES, fresh_address


def numbers(warehouse: Warehouse) -> set[tuple[int, ...]]:
    """The recorded migrations of every copy of every shard."""
    return {
        tuple(int(n) for (n,) in copy.query("SELECT DISTINCT number FROM migrations WHERE number > 0 ORDER BY number"))
        for shard in warehouse.shards
        for copy in shard.replicas
    }


@pytest.mark.parametrize("kind", HOMES)
def test_the_first_schema_is_upgraded_with_its_data(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A warehouse that has only 0001, with units in it, is upgraded when it is opened, and every sum stays."""
    house = make_house(tmp_path)
    known = migrating.migrations()
    with fresh_address(kind, request) as address:
        with monkeypatch.context() as patch:
            patch.setattr(migrating, "migrations", lambda: known[:1])
            old = open_warehouse(address, tmp_path / "warehouse")
            house.arrive()
            loader = house.loader(_LandingAlone(old))
            loader.load_once()
            loader.close()
            assert numbers(old) == {(1,)}
            old.close()
        new = open_warehouse(address, tmp_path / "warehouse")
        assert totals(new) == house.count.totals
        assert numbers(new) == {tuple(number for number, _ in known)}
        fill(house, new)
        assert totals(new) == house.count.totals
        new.close()


class _LandingAlone:
    """A warehouse of the first version: nothing was ever rolled up, and there is no table for debug data."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.dialect = warehouse.dialect
        self.shards = warehouse.shards
        self.replicas = warehouse.replicas
        self.execute = warehouse.execute
        self.close = warehouse.close
        self._warehouse = warehouse

    def query(self, statement: str) -> Sequence[Row]:
        """Ask landing; the watermark is before everything."""
        return [(0,)] if Table.WATERMARK.sql in statement else self._warehouse.query(statement)

    def insert(self, table: Table, block: bytes) -> None:
        """Insert into the only table there is."""
        if table is Table.LANDING:
            self._warehouse.insert(table, block)
        assert table is Table.LANDING or not block


@pytest.mark.parametrize("kind", HOMES)
def test_a_migration_that_is_cut_short_is_finished(tmp_path: Path, request: pytest.FixtureRequest, kind: str) -> None:
    """Whatever statement it stops at, on whatever server of a cluster, opening the warehouse again ends it."""
    with fresh_address(kind, request) as address:
        for attempt in range(1, 60):
            stopping = _Stopping(attempt)
            with pytest.MonkeyPatch.context() as patch:
                for engine in ("embedded.Embedded", "native.Node"):
                    patch.setattr(f"headcount_aggregator.warehouse.{engine}.execute", stopping.around(engine))
                with ExitStack() as opened:
                    try:
                        first = open_warehouse(address, tmp_path / "warehouse")
                        opened.callback(first.close)
                        _ready(first)
                    except _Stopped:
                        continue
                    opened.pop_all()
                break
        else:
            pytest.fail("no migration came to its end")
        assert numbers(first) == {tuple(number for number, _ in migrating.migrations())}
        house = make_house(tmp_path)
        fill(house, first)
        assert totals(first) == house.count.totals
        first.close()


def _ready(warehouse: Warehouse) -> None:
    for shard in warehouse.shards:
        for copy in shard.replicas:
            assert copy.dialect.version


class _Stopped(BaseException):
    """The migrating process ends here."""


class _Stopping:
    """Lets some statements through, and dies after the next."""

    def __init__(self, allowed: int) -> None:
        self._left = allowed

    def around(self, engine: str) -> object:
        """A home's ``execute`` that stops."""
        from headcount_aggregator.warehouse.embedded import Embedded
        from headcount_aggregator.warehouse.native import Node

        real = Embedded.execute if engine.startswith("embedded") else Node.execute

        def execute(home: object, *arguments: object) -> None:
            real(home, *arguments)  # type: ignore[arg-type]  # passed on as they came
            self._left -= 1
            if not self._left:
                raise _Stopped

        return execute


def test_a_changed_migration_is_refused(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """An applied file whose text is another is a mismatch, not a silent skip."""
    with fresh_address("server", request) as address:
        with closing(open_warehouse(address, tmp_path)) as home:
            home.query("SELECT 1")
        found = parse_address(address)
        assert found is not None
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(migrating, "migrations", lambda: [(1, "-- another")])
            with closing(Server(found, found.hosts[0])) as other, pytest.raises(WarehouseError) as caught:
                other.query("SELECT 1")
        assert caught.value.reason is Reason.MISMATCH


def test_another_layout_of_shards_is_refused(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """A warehouse of a cluster is not opened as one server's, nor one server's as a cluster's."""
    with fresh_address("cluster", request) as address:
        found = parse_address(address)
        assert found is not None
        with closing(Cluster(found)) as whole:
            whole.query("SELECT 1")
            assert all(copy.dialect.version for copy in whole.shards[0].replicas)
        with closing(Server(found, found.hosts[0])) as alone, pytest.raises(WarehouseError) as caught:
            alone.query("SELECT 1")
        assert caught.value.reason is Reason.LAYOUT
    with fresh_address("cluster", request) as address:
        found = parse_address(address)
        assert found is not None
        with closing(Server(found, found.hosts[0])) as alone:
            alone.query("SELECT 1")
        with closing(Cluster(found)) as whole, pytest.raises(WarehouseError) as caught:
            assert whole.shards[0].replicas[0].dialect.version
        assert caught.value.reason is Reason.LAYOUT
