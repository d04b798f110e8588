"""Two loaders, one warehouse: nothing is rolled up or released that one of them still has to bring."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from headcount_aggregator.load import frontier
from headcount_aggregator.load.frontier import Frontier, Sums
from headcount_aggregator.load.loader import Loader
from headcount_aggregator.retention.keeper import Keeper
from headcount_aggregator.retention.requests import Requests
from headcount_aggregator.rollup import watermark
from headcount_aggregator.settings import StoreSettings
from headcount_aggregator.store import NotShared, Store
from headcount_aggregator.warehouse import Reason, Warehouse, WarehouseError
from headcount_aggregator.warehouse.tables import Table
from headcount_wire.clock import ManualClock
from headcount_wire.organisation import Organisation

from tests.aggregator.conftest import CUT_CATALOG, ORGANISATION, TODAY, Spooled, record_of, spool
from tests.aggregator.test_keeping import cells_of
from tests.aggregator.test_rollup import DAY, every_cell, rows_in
from tests.crash.test_planted_bugs import totals
from tests.homes.fresh import lose
from tests.homes.processes import await_that

HOMES = ("embedded", "server")
"""Where two loaders share a warehouse: chDB stands for what it cannot be, a server is where it happens."""

A, B = "a", "b"
BOTH = (A, B)
Pair = dict[str, Loader]


@pytest.fixture
def pair(tmp_path: Path, organisation: Organisation, warehouse: Warehouse, clock: ManualClock) -> Iterator[Pair]:
    found = {
        name: Loader(tmp_path / name / "spool", tmp_path / name / "units", organisation, warehouse, clock, node=name)
        for name in BOTH
    }
    yield found
    for loader in found.values():
        loader.close()


def fill(folder: Path, name: str, day: int, count: Spooled, seed: int) -> None:
    draw = random.Random(seed)
    spool(folder / name / "spool", [(draw.randbytes(16), record_of(draw, day=day)) for _ in range(30)], count=count)


def test_a_day_is_rolled_up_once_every_node_has_brought_it(
    tmp_path: Path, pair: Pair, warehouse: Warehouse, clock: ManualClock
) -> None:
    """The one that has come least far decides, a node that was never heard of too; no cell changes, none is lost."""
    count = Spooled()
    for number, name in enumerate(BOTH):
        fill(tmp_path, name, TODAY, count, number)
        pair[name].load_once()
    clock.advance(DAY)
    assert pair[A].compact(BOTH) == 0
    assert pair[A].compact((*BOTH, "c")) == 0
    assert watermark(warehouse) == 0
    fill(tmp_path, B, TODAY, count, 2)  # came to the node before midnight, and is loaded after
    pair[B].load_once()
    pair[B].promise()
    before = every_cell(warehouse)
    assert pair[A].compact(BOTH) == 1
    assert (watermark(warehouse), every_cell(warehouse)) == (TODAY, before)
    clock.advance(DAY)
    pair[B].promise()
    assert pair[A].compact(BOTH) == 1
    assert rows_in(warehouse, Table.LANDING) == 0
    assert totals(warehouse) == dict(count.totals)


def test_what_a_node_promised_it_never_pushes_behind(
    tmp_path: Path, pair: Pair, organisation: Organisation, warehouse: Warehouse, clock: ManualClock
) -> None:
    """After a promise a unit goes to a later load day, though the clock is set back and the loader started anew."""
    count = Spooled()
    clock.advance(2 * DAY)
    pair[B].promise()
    assert frontier.frontiers(warehouse)[B].load_day == TODAY + 1
    warehouse.execute(f"TRUNCATE TABLE {Table.FRONTIER.sql}")  # told, and forgotten: the node's own file holds
    pair.pop(B).close()
    clock.set_now(TODAY * DAY)
    again = Loader(tmp_path / "b/spool", tmp_path / "b/units", organisation, warehouse, clock, node=B)
    fill(tmp_path, B, TODAY, count, 3)
    again.load_once()
    ((load_day,),) = warehouse.query(f"SELECT DISTINCT toUInt16(load_day) FROM {Table.LANDING.sql}")
    assert load_day == TODAY + 2
    pair[A].promise()
    again.promise()
    assert frontier.frontiers(warehouse)[B].load_day == TODAY + 1
    again.close()


def test_a_unit_that_waits_for_the_warehouse_holds_the_frontier_back(
    tmp_path: Path, pair: Pair, warehouse: Warehouse, clock: ManualClock
) -> None:
    """A node whose pushes fail promises nothing of that day, and the others wait for it."""
    count = Spooled()
    fill(tmp_path, B, TODAY, count, 4)

    class Away:
        dialect, query, execute = warehouse.dialect, warehouse.query, warehouse.execute
        shards, replicas = warehouse.shards, warehouse.replicas

        def insert(self, table: Table, block: bytes) -> None:
            raise WarehouseError(Reason.UNREACHABLE)

        def close(self) -> None: ...

    pair[B]._warehouse = Away()
    assert pair[B].load_once().refused == Reason.UNREACHABLE.sentence
    pair[B]._warehouse = warehouse
    clock.advance(DAY)
    assert pair[B].promise() == TODAY - 1
    assert pair[A].compact(BOTH) == 0
    pair[B].load_once()
    assert pair[B].promise() == TODAY
    assert pair[A].compact(BOTH) == 1
    assert totals(warehouse) == dict(count.totals)


def test_rows_that_another_node_misses_stop_the_roll_up(
    tmp_path: Path, pair: Pair, warehouse: Warehouse, clock: ManualClock
) -> None:
    """The store that rolls up compares the sums of all nodes; the one whose rows are gone pushes them again."""
    count = Spooled()
    for number, name in enumerate(BOTH):
        fill(tmp_path, name, TODAY, count, number)
        pair[name].load_once()
    clock.advance(DAY)
    pair[B].promise()
    lose(warehouse)
    with pytest.raises(WarehouseError) as caught:
        pair[A].compact(BOTH)
    assert (caught.value.reason, watermark(warehouse)) == (Reason.MISMATCH, 0)
    assert pair[B].reconcile() == 1
    assert pair[A].compact(BOTH) == 1
    assert totals(warehouse) == dict(count.totals)


def test_a_node_that_is_gone_is_waited_for_no_longer(
    tmp_path: Path, pair: Pair, warehouse: Warehouse, clock: ManualClock
) -> None:
    """What a lost node had pushed stays counted; the others' days go on without its word."""
    count = Spooled()
    for number, name in enumerate(BOTH):
        fill(tmp_path, name, TODAY, count, number)
        pair[name].load_once()
    pair.pop(B).close()
    clock.advance(DAY)
    assert pair[A].compact(BOTH) == 0
    assert pair[A].compact([A]) == 1
    assert totals(warehouse) == dict(count.totals)


def test_frontiers_are_read_as_they_were_told(warehouse: Warehouse) -> None:
    """The newest word of each node, the least of several, and the sums of a day over all of them, wrapped."""
    big = 2**64 - 5
    frontier.tell(warehouse, A, 7, {5: Sums(2, -3, big), 6: Sums(1, 1, 1)})
    frontier.tell(warehouse, B, 9, {5: Sums(1, 4, 7)})
    frontier.tell(warehouse, A, 8, {6: Sums(1, 1, 1)})
    found = frontier.frontiers(warehouse)
    assert found == {A: Frontier(6, 8), B: Frontier(5, 9)}
    assert frontier.least(found, BOTH) == (5, 8)
    assert frontier.least(found, (A, "c")) == (0, 0)
    assert frontier.told(warehouse, 5) == (3, 1, 2)
    assert frontier.told(warehouse, 6) == (1, 1, 1)


def test_erasing_waits_for_every_node(tmp_path: Path, pair: Pair, warehouse: Warehouse, clock: ManualClock) -> None:
    """What a node has still to push is waited for; then nothing of the Customer is left, and no other number moved."""
    draw, count = random.Random(1), Spooled()
    keepers = {name: Keeper(tmp_path / name, warehouse, loader) for name, loader in pair.items()}
    for name in BOTH:
        for customer, many in ((11, 30), (12, 30), (11, 5)):
            day = TODAY if many == 30 else TODAY - 1
            records = [(draw.randbytes(16), record_of(draw, day=day, customer=customer)) for _ in range(many)]
            spool(tmp_path / name / "spool", records, count=count)
    pair[A].load_once()
    Requests(tmp_path / A / "erase").ask(11)
    assert keepers[A].erase(TODAY, BOTH) == 0
    before = watermark(warehouse)
    pair[B].load_once()  # after the request, to the same load day
    rivals = cells_of(warehouse)[12]
    assert keepers[A].erase(TODAY, BOTH) == 0, "b has not come past the day"
    assert watermark(warehouse) == before
    Requests(tmp_path / B / "erase").ask(11)
    assert keepers[B].erase(TODAY, BOTH, rolls_up=False) == 0, "b does not roll up, and waits for a"
    await_that(lambda: keepers[A].erase(TODAY, BOTH) > 0 and not keepers[A].waiting, "a rolls up, and drops")
    assert keepers[B].erase(TODAY, BOTH, rolls_up=False) == 1
    assert cells_of(warehouse) == {12: rivals}
    assert not any(pair[name].holds(11) for name in BOTH)
    clock.advance(DAY)
    for name in BOTH:
        fill(tmp_path, name, TODAY + 1, count, 7)
        assert pair[name].load_once().records
        assert pair[name].reconcile() == 0


def settings_in(folder: Path, *, fleet: str, node: str) -> StoreSettings:
    (folder / "catalog.toml").write_text(CUT_CATALOG)
    (folder / "organisation.toml").write_text(fleet + ORGANISATION)
    settings = StoreSettings(
        organisation=folder / "organisation.toml", data=folder / "data", node=node, releases_here=True
    )
    settings.spool.mkdir(parents=True)
    return settings


def test_the_store_releases_once_all_nodes_have_settled(tmp_path: Path, clock: ManualClock) -> None:
    """Until each declared node has told that the days before are loaded, nothing is sealed, and the status says who."""
    alone = '[[fleet]]\nfrom = 2020-01-01\n[fleet.nodes]\na = { owns = "00-ff", address = "https://a.example" }\n'
    settings = settings_in(tmp_path, fleet=alone, node=A)
    store = Store(settings, clock)
    draw, count = random.Random(1), Spooled()
    spool(settings.spool, [(draw.randbytes(16), record_of(draw)) for _ in range(30)], count=count)
    assert store.tick()["released_through"] == TODAY
    settings.organisation.write_text(
        alone.replace("00-ff", "00-7f") + 'b = { owns = "80-ff", address = "https://b.example" }\n' + ORGANISATION
    )
    clock.advance(4 * DAY)
    status = store.tick()
    assert (status["released_through"], status["waits_for"]) == (TODAY, ["node b"])
    assert not list(settings.releases.glob("*/*day-*"))
    frontier.tell(store._warehouse, B, TODAY + 4, {TODAY + 3: Sums()})
    assert store.tick()["released_through"] == TODAY + 4
    assert list(settings.releases.glob("*/*day-*"))
    assert watermark(store._warehouse) == TODAY
    store._settings = replace(settings, releases_here=None)  # one of several that was not told to
    clock.advance(DAY)
    assert store.tick()["releases_here"] is False
    assert watermark(store._warehouse) == TODAY
    store.close()
    with pytest.raises(NotShared, match="one of several"):
        Store(settings, clock)
