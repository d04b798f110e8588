"""Servers are killed, frozen and cut off while a loader retries: nothing is lost, nothing doubled, on any copy."""

from __future__ import annotations

import os
import random
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from headcount_aggregator.load.loader import Loader
from headcount_aggregator.rollup import loaded_days, watermark
from headcount_aggregator.warehouse import Reason, Table, Warehouse, WarehouseError
from headcount_aggregator.warehouse.opening import open_warehouse
from headcount_wire import days

from tests.aggregator.conftest import TODAY
from tests.homes.clickhouse import ClickHouse
from tests.homes.cluster import ClusterProcesses
from tests.homes.filled import DAY, House, every_cell, make_house, totals
from tests.homes.fresh import fresh_address
from tests.homes.processes import await_that, started

KILLS = int(os.environ.get("HEADCOUNT_SERVER_KILLS", "10"))
"""How often the server is killed; set it higher for a long run."""


class Watched:
    """A warehouse that says when an insert has begun."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self.inserting = threading.Event()
        self.shards = warehouse.shards
        self.replicas = warehouse.replicas
        self.execute = warehouse.execute
        self.query = warehouse.query
        self.close = warehouse.close

    @property
    def dialect(self) -> object:
        """That of the warehouse, once it answers."""
        return self._warehouse.dialect

    def insert(self, table: Table, block: bytes) -> None:
        """Insert, and say so before."""
        self.inserting.set()
        self._warehouse.insert(table, block)


@contextmanager
def retrying(loader: Loader) -> Iterator[list[str]]:
    """A loader that loads, reconciles and rolls up again and again in a thread; yields why it could not."""
    stop, refusals, faults = threading.Event(), list[str](), list[BaseException]()

    def load() -> None:
        try:
            while not stop.is_set():
                try:
                    if (refused := loader.load_once().refused) != "":
                        refusals.append(refused)
                    loader.reconcile()
                    loader.compact()
                except WarehouseError as error:
                    if not error.reason.passes:
                        raise
                    refusals.append(error.reason.sentence)
                stop.wait(0.01)
        except BaseException as error:  # seen by the thread that waits
            faults.append(error)

    thread = threading.Thread(target=load)
    thread.start()
    try:
        yield refusals
    finally:
        stop.set()
        thread.join(120)
        assert not thread.is_alive()
        if faults:
            raise faults[0]


def arrive_until_written(house: House, draw: random.Random, watched: Watched) -> None:
    """Reports arrive, a few at a time, until the server is being written to: small groups wait in the loader."""
    for _ in range(60):
        house.arrive(draw.randint(10, 40))
        if watched.inserting.wait(1):
            return
    pytest.fail("the kill meets no server that is being written to")


def ends_exact(house: House, loader: Loader, warehouse: Warehouse) -> None:
    """What is left is loaded, then every copy holds every unit, and every sum is the model's, before and after."""
    await_that(lambda: loader.load_once().waiting == 0, "the units that waited")
    await_that(lambda: _reconciled(loader), "the repairs")
    loader.flush_all()
    assert totals(warehouse) == house.count.totals
    house.clock.advance(DAY)
    await_that(lambda: _compacted(loader, warehouse), "the roll-up")
    assert totals(warehouse) == house.count.totals


def _reconciled(loader: Loader) -> bool:
    try:
        return loader.reconcile() == 0 and loader.unmatched == 0
    except WarehouseError as error:
        if not error.reason.passes:
            raise
        return False


def _compacted(loader: Loader, warehouse: Warehouse) -> bool:
    """Whether no load day that is over is left above the watermark; on a day without units nothing is loaded."""
    try:
        loader.compact()
        return not loaded_days(warehouse)
    except WarehouseError as error:
        if not error.reason.passes:
            raise
        return False


def test_a_server_is_killed_again_and_again(tmp_path: Path) -> None:
    """SIGKILL of the process that answers, in the middle of inserts and roll-ups, days on end: 0 lost, 0 doubled."""
    house, draw = make_house(tmp_path / "house"), random.Random(1)
    with started(lambda: ClickHouse(Path(tempfile.mkdtemp(dir=tmp_path)) / "server")) as server:
        _kill_again_and_again(tmp_path, server, house, draw)


def _kill_again_and_again(tmp_path: Path, server: ClickHouse, house: House, draw: random.Random) -> None:
    home = open_warehouse(server.address(), tmp_path)
    watched = Watched(home)
    try:
        with closing(house.loader(watched)) as loader:  # type: ignore[arg-type]  # its dialect may not answer
            with retrying(loader) as refusals:
                for kill in range(KILLS):
                    await_that(server.listens_alone, "the process that is killed is the one that answers", 10)
                    watched.inserting.clear()
                    arrive_until_written(house, draw, watched)
                    threading.Event().wait(draw.choice((0.0, 0.001, 0.005, 0.02)))
                    server.kill()
                    server.start()
                    if kill % 5 == 4:
                        house.clock.advance(DAY)
            ends_exact(house, loader, home)
            assert watermark(home) >= TODAY
            assert refusals, "no kill was met"
    finally:
        home.close()


def rows_of_copies(warehouse: Warehouse) -> list[set[tuple[object, ...]]]:
    """What each copy of each shard holds in final."""
    return [
        {
            tuple(copy.query(f"SELECT count(), toString(sum(n)) FROM {Table.FINAL.sql} FINAL")[0])
            for copy in shard.replicas
        }
        for shard in warehouse.shards
    ]


def test_a_cluster_loses_a_replica_its_zookeeper_and_a_network(
    tmp_path: Path, request: pytest.FixtureRequest, cluster: ClusterProcesses
) -> None:
    """A replica dies and rejoins, ZooKeeper restarts, one is cut off: units wait, reads go on, sums stay exact."""
    house = make_house(tmp_path)
    with fresh_address("cluster", request) as address, closing(open_warehouse(address, tmp_path)) as home:
        with closing(house.loader(home)) as loader:
            house.arrive()
            loader.load_once()
            assert totals(home) == house.count.totals

            dead = cluster.shards[0][1]
            dead.kill()
            waits_and_reads(house, loader, home)
            dead.start()
            await_that(lambda: loader.load_once().waiting == 0, "the replica that rejoined")
            assert totals(home) == house.count.totals

            cluster.keeper.kill()
            house.arrive()
            await_that(lambda: loader.load_once().refused == Reason.QUORUM.sentence, "that nothing is agreed")
            cluster.keeper.start()
            await_that(lambda: loader.load_once().waiting == 0, "ZooKeeper that is back")
            assert totals(home) == house.count.totals

            house.clock.advance(DAY)
            frozen = cluster.shards[1][0]
            frozen.freeze()
            try:
                waits_and_reads(house, loader, home)
            finally:
                frozen.thaw()
            ends_exact(house, loader, home)
        await_that(lambda: all(len(copies) == 1 for copies in rows_of_copies(home)), "the copies' agreement")


def waits_and_reads(house: House, loader: Loader, home: Warehouse) -> None:
    """Without a quorum units wait, folding goes on, and every cell that was there is read."""
    before = every_cell(home)
    spooled = len(house.count.ids)
    for _ in range(8):  # a unit's shard is drawn: some of them go to the one that lost a replica
        house.arrive(20)
        loader.load_once()
        if loader.load_once().waiting:
            break
    else:
        pytest.fail("no unit waits, though a shard has lost its quorum")
    assert len(house.count.ids) > spooled
    assert not list((house.data / "spool").glob("*/*.seg")), "what arrives is folded all the same"
    now = every_cell(home)
    assert before.keys() <= now.keys()
    assert all(now[cell] >= n for cell, n in before.items())


def test_rows_that_one_replica_lost_are_pushed_again(
    tmp_path: Path, request: pytest.FixtureRequest, cluster: ClusterProcesses
) -> None:
    """Reconciliation looks at every copy: a row that differs on one of them alone is found, told, and mended."""
    house = make_house(tmp_path)
    with (
        fresh_address("cluster", request) as address,
        closing(open_warehouse(address, tmp_path)) as home,
        closing(house.loader(home)) as loader,
    ):
        for _ in range(4):
            house.arrive()
            loader.load_once()
        assert loader.reconcile() == 0
        cells = every_cell(home)
        for shard in home.shards:
            copy = shard.replicas[1]
            copy.execute(f"ALTER TABLE {Table.LANDING.sql} DETACH PARTITION '{days.text(TODAY)}'")
        assert loader.reconcile() == 4
        assert loader.unmatched == 0
        assert every_cell(home) == cells
