"""A house whose setting names another warehouse than the one it loaded into does not go on as if that were its own."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest
from headcount.preflight import ObstacleError, ready_to_start
from headcount.settings import load_settings
from headcount_aggregator.load.belonging import StrangeWarehouse, must_belong
from headcount_aggregator.settings import StoreSettings
from headcount_aggregator.store import Store
from headcount_aggregator.warehouse.opening import open_warehouse
from headcount_wire.segment import Stream

from tests.homes.filled import House, every_cell, fill, make_house
from tests.homes.fresh import fresh_address, fresh_warehouse, lose
from tests.homes.test_moves import settings_of

PAIRS = [("embedded", "embedded"), ("embedded", "server"), ("server", "cluster"), ("cluster", "embedded")]


def store_of(house: House, address: str) -> Store:
    return Store(StoreSettings(organisation=house.organisation, data=house.data, home=address), house.clock)


@pytest.mark.parametrize(("own", "other"), PAIRS)
def test_an_empty_warehouse_is_not_a_house_s_own(
    tmp_path: Path, request: pytest.FixtureRequest, own: str, other: str
) -> None:
    """What was loaded is somewhere else then: neither store nor house begins, each says what to do, nothing is lost."""
    house = make_house(tmp_path)
    with fresh_address(own, request) as address, fresh_address(other, request) as wrong:
        with closing(open_warehouse(address, house.data / "warehouse")) as home:
            fill(house, home)
            cells = every_cell(home)
        if own == "embedded":
            (house.data / "warehouse").rename(tmp_path / "elsewhere")
        house.arrive()
        for _ in range(2):
            with pytest.raises(StrangeWarehouse, match="warehouse move"):
                store_of(house, wrong)
        if other != "embedded":
            settings = load_settings(settings_of(house, wrong))
            with pytest.raises(ObstacleError, match="is empty, and this house"), ready_to_start(settings):
                pass
        shutil.rmtree(house.data / "warehouse", ignore_errors=True)
        if own == "embedded":
            (tmp_path / "elsewhere").rename(house.data / "warehouse")
        with closing(store_of(house, address)) as store:
            store.tick()
            assert every_cell(store._warehouse).keys() >= cells.keys()


def test_what_may_be_empty_is_taken(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """A house that never loaded, one whose server lost what it was just given, and one that only had debug data."""
    house = make_house(tmp_path)
    with fresh_warehouse("embedded", house.data / "warehouse", request) as home:
        must_belong(house.data / "nothing", home)
        with closing(house.loader(home)) as loader:
            house.arrive(2, Stream.DEBUG)
            loader.load_once()
            must_belong(house.data / "units", home)
            house.arrive()
            loader.load_once()
            lose(home)
        must_belong(house.data / "units", home)
        with closing(house.loader(home)) as loader:
            assert loader.reconcile() == 1
        assert every_cell(home)
