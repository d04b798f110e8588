"""The web process cannot read a cell: while it answers no module for it is loaded, and without a right none is told."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from clickhouse_driver import Client
from clickhouse_driver.errors import ServerException
from headcount_aggregator.warehouse.address import parse_address
from headcount_aggregator.warehouse.opening import open_warehouse
from headcount_wire.app_key import fingerprint, new_key

from tests.homes.clickhouse import PASSWORD
from tests.homes.filled import make_house, totals
from tests.homes.fresh import fresh_address
from tests.repo.test_imports import CELL_SIDE

SERVE = """\
import asyncio, json, sys
from pathlib import Path
from aiohttp.test_utils import TestClient, TestServer
from headcount_aggregator.disclosure.log import DisclosureLog
from headcount_aggregator.sealed_reader import SealedReader
from headcount_aggregator.web.app import Tenancy, create_app
from headcount_aggregator.web.dashboard.pages import PAGES
from headcount_wire.clock import SystemClock

folder, token = Path(sys.argv[1]), sys.argv[2]

async def ask():
    reader = SealedReader(folder / "data/releases", SystemClock())
    log = DisclosureLog(folder / "data/disclosures", SystemClock())
    app = create_app(Tenancy(folder / "organisation.toml"), reader, disclosures=log)
    async with TestClient(TestServer(app)) as client:
        headers = {"Authorization": f"Bearer {token}"}
        paths = ["/api/v1/numbers", "/api/v1/releases", *(f"/c/acme/meet/{page}" for page in PAGES)]
        statuses = [(await client.get(path, headers=headers)).status for path in paths]
    print(json.dumps([statuses, sorted(sys.modules)]))

asyncio.run(ask())
"""


@pytest.mark.parametrize("home", ["server", "cluster"])
def test_a_user_without_rights_sees_no_cell_of_it(home: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Signed in to the very server, a user of another database is refused every table, and is shown no name of one."""
    with fresh_address(home, request) as address, closing(open_warehouse(address, tmp_path / "w")) as warehouse:
        house = make_house(tmp_path)
        with closing(house.loader(warehouse)) as loader:
            house.arrive()
            loader.load_once()
        assert totals(warehouse) == house.count.totals
        found = parse_address(address)
        assert found is not None
        for host, port in found.hosts:
            client = Client(host, port=port, user="narrow", password=PASSWORD)
            _refuse(client, found.database)
            client.disconnect()


def _refuse(client: Client, database: str) -> None:
    assert client.execute("SELECT 1") == [(1,)]
    for name in (database, f"{database}_across"):
        for table in ("landing", "final", "frontier"):
            with pytest.raises(ServerException):
                client.execute(f"SELECT count() FROM {name}.{table}")
        for listed in ("tables", "columns", "parts"):
            assert client.execute(f"SELECT count() FROM system.{listed} WHERE database = '{name}'") == [(0,)]


def test_no_module_that_reaches_a_cell_is_loaded_while_pages_are_answered(tmp_path: Path) -> None:
    """A process that answers every page and the API has loaded no warehouse, no loader, no release layer, no driver."""
    house = make_house(tmp_path)
    token = new_key("read")
    declared = house.organisation.read_text("utf-8")
    reader = f'[[readers]]\nname = "pm"\nfingerprint = "{fingerprint(token)}"\nscope = "own"\ncustomer = "acme"\n'
    house.organisation.write_text(declared + reader)
    assert house.organisation.parent == tmp_path
    asked = subprocess.run(
        [sys.executable, "-c", SERVE, str(tmp_path), token], capture_output=True, check=True, text=True, timeout=120
    )
    statuses, modules = json.loads(asked.stdout.splitlines()[-1])
    assert set(statuses) == {200}
    reaching = {
        name for name in modules if name.startswith("headcount_aggregator.") and name.split(".")[1] in CELL_SIDE
    }
    assert reaching == set()
    assert not {"chdb", "clickhouse_driver"} & {name.split(".")[0] for name in modules}
