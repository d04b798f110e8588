"""Moving a warehouse and backing up a house: everything arrives, verified, also after a cut in the middle."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from headcount.command import app
from headcount_aggregator import rollup
from headcount_aggregator.backup import MANIFEST, UNFINISHED, BackupError, read_manifest, restore, write_backup
from headcount_aggregator.load.disk import Disk
from headcount_aggregator.load.unit import Units
from headcount_aggregator.settings import StoreSettings
from headcount_aggregator.store import Store
from headcount_aggregator.warehouse import Table, Warehouse
from headcount_aggregator.warehouse.copying import COPIED, copy, held, is_empty
from headcount_aggregator.warehouse.opening import open_warehouse
from typer.testing import CliRunner

from tests.aggregator.conftest import TODAY
from tests.homes.clickhouse import PASSWORD
from tests.homes.filled import House, every_cell, fill, make_house, totals
from tests.homes.fresh import HOMES, fresh_address, fresh_warehouse, half_of


class Cut(BaseException):
    """The copying process ends here."""


class CutShort:
    """A warehouse into which only so many blocks go."""

    def __init__(self, warehouse: Warehouse, blocks: int) -> None:
        self.dialect = warehouse.dialect
        self.shards = warehouse.shards
        self.replicas = warehouse.replicas
        self.execute = warehouse.execute
        self.query = warehouse.query
        self.close = warehouse.close
        self._insert = warehouse.insert
        self._left = blocks

    def insert(self, table: Table, block: bytes) -> None:
        """Insert, as long as it goes."""
        self._insert(table, block)
        self._left -= 1
        if self._left == 0:
            raise Cut


def quiet(*_: object) -> None:
    """Nobody watches."""


@pytest.mark.parametrize(
    ("source", "target"),
    [("embedded", "server"), ("server", "cluster"), ("cluster", "embedded"), ("cluster", "server")],
)
def test_a_move_brings_every_cell(tmp_path: Path, request: pytest.FixtureRequest, source: str, target: str) -> None:
    """Between any two homes, cut in the middle and with a half-done roll-up: the same cells, and loading goes on."""
    house = make_house(tmp_path)
    with (
        fresh_warehouse(source, tmp_path / "one", request) as old,
        fresh_address(target, request) as address,
    ):
        fill(house, old)
        _half_roll_up(old, TODAY + 2)
        cells = every_cell(old)
        new = open_warehouse(address, tmp_path / "two")
        for blocks in (1, 3):
            with pytest.raises(Cut):
                copy(old, CutShort(new, blocks), quiet)
        copied = copy(old, new, quiet)
        mark = rollup.watermark(old)
        assert copied[Table.LANDING].rows > 0
        assert copied[Table.FINAL].rows > 0
        assert rollup.watermark(new) == mark == TODAY + 1
        assert {table: held(new, table, mark) for table in COPIED} == {
            table: held(old, table, mark) for table in COPIED
        }
        assert every_cell(new) == cells
        loader = house.loader(new)
        assert loader.reconcile() == 0
        house.clock.advance(86_400.0)
        house.arrive()
        loader.load_once()
        loader.compact()
        loader.close()
        assert totals(new) == house.count.totals
        new.close()


def _half_roll_up(warehouse: Warehouse, load_day: int) -> None:
    """Roll up the half of a day's cells, on the first shard alone, as a crash would leave it."""
    shard = warehouse.shards[0]
    for span in rollup._spans(shard, load_day):
        half = _Half(shard)
        rollup._add(half, load_day, span)


class _Half:
    """A shard whose inserts do half of what they should."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.dialect = warehouse.dialect
        self.shards = self.replicas = [warehouse]
        self.query = warehouse.query
        self.insert = warehouse.insert
        self.close = warehouse.close
        self._execute = warehouse.execute

    def execute(self, statement: str) -> None:
        """Half of it."""
        self._execute(half_of(statement))


def settings_of(house: House, address: str) -> Path:
    """A settings file that points a house at a warehouse."""
    file = house.data.parent / "headcount.toml"
    file.write_text(f'organisation = "organisation.toml"\ndata = "data"\nwarehouse = "{address}"\n')
    return file


def test_the_move_command(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """``headcount warehouse move`` moves chDB to a server, says equal sums, and refuses one that holds rows."""
    house = make_house(tmp_path)
    old = open_warehouse("embedded", house.data / "warehouse")
    fill(house, old)
    cells = every_cell(old)
    old.close()
    run = CliRunner()
    config = str(settings_of(house, "embedded"))
    with fresh_address("server", request) as address:
        arguments = ["warehouse", "move", "--to", "env:MOVE_TO", "--config", config]
        done = run.invoke(app, arguments, env={"MOVE_TO": address})
        assert done.exit_code == 0, done.output
        assert done.output.count(": equal") == len(COPIED)
        assert PASSWORD not in done.output
        new = open_warehouse(address, tmp_path)
        assert every_cell(new) == cells
        new.close()
        again = run.invoke(app, arguments, env={"MOVE_TO": address})
        assert again.exit_code == 1
        assert "holds rows" in again.output
        (house.data / "moving.json").write_text(json.dumps({"to": _shown(address)}))
        assert run.invoke(app, arguments, env={"MOVE_TO": address}).exit_code == 0


def _shown(address: str) -> str:
    from headcount_aggregator.warehouse.address import parse_address

    found = parse_address(address)
    assert found is not None
    return found.shown


@pytest.mark.parametrize("kind", HOMES)
def test_a_backup_is_put_back(tmp_path: Path, request: pytest.FixtureRequest, kind: str) -> None:
    """Warehouse, units, spool and releases, of each home into another; what was in the spool is loaded once."""
    house = make_house(tmp_path / "a")
    settings = StoreSettings(organisation=house.organisation, data=house.data)
    with fresh_warehouse(kind, house.data / "warehouse", request) as old:
        fill(house, old)
        (house.data / "releases/11-3").mkdir(parents=True)
        (house.data / "releases/11-3/one.json").write_text("{}")
        cells = every_cell(old)
        house.arrive()
        manifest = write_backup(settings, old, tmp_path / "backup", house.clock.now(), quiet)
        with pytest.raises(BackupError, match="is there already"):
            write_backup(settings, old, tmp_path / "backup", house.clock.now(), quiet)
        write_backup(settings, old, tmp_path / "other", house.clock.now() + 1.0, quiet)
    other = HOMES[(HOMES.index(kind) + 1) % 3]
    again = make_house(tmp_path / "b")
    back = StoreSettings(organisation=again.organisation, data=again.data)
    with fresh_warehouse(other, again.data / "warehouse", request) as new:
        with pytest.raises(Cut):
            restore(back, CutShort(new, 2), tmp_path / "backup", quiet)
        with pytest.raises(BackupError, match="a part of another backup"):
            restore(back, new, tmp_path / "other", quiet)
        assert restore(back, new, tmp_path / "backup", quiet) == manifest
        assert every_cell(new) == cells
        assert (again.data / "releases/11-3/one.json").read_text() == "{}"
        again.clock.set_now(house.clock.now())
        loader = again.loader(new)
        assert loader.reconcile() == 0
        assert loader.load_once().records == 60
        assert totals(new) == house.count.totals
        loader.close()
        with pytest.raises(BackupError, match="empty house"):
            restore(back, new, tmp_path / "backup", quiet)


def test_a_backup_that_is_not_whole_is_not_put_back(tmp_path: Path) -> None:
    """Without its manifest, or with one byte of one file changed, nothing of it is put back."""
    house = make_house(tmp_path / "a")
    settings = StoreSettings(organisation=house.organisation, data=house.data)
    home = open_warehouse("embedded", house.data / "warehouse")
    fill(house, home, 1)

    def cut(*_: object) -> None:
        raise Cut

    with pytest.raises(Cut):
        write_backup(settings, home, tmp_path / "backup", 0.0, cut)
    assert not (tmp_path / "backup").exists()
    with pytest.raises(BackupError, match="no whole backup"):
        read_manifest(tmp_path / f"backup{UNFINISHED}")
    write_backup(settings, home, tmp_path / "backup", 0.0, quiet)
    home.close()
    manifest = read_manifest(tmp_path / "backup")
    for name in manifest["files"]:
        path = tmp_path / "backup" / name
        data = path.read_bytes()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        with pytest.raises(BackupError, match="is not what was written"):
            read_manifest(tmp_path / "backup")
        path.write_bytes(data)
    whole = (tmp_path / "backup" / MANIFEST).read_bytes()
    damages: tuple[object, ...] = ([], {"v": 2}, {**manifest, "watermark": 1}, {**manifest, "files": {}})
    for damaged in damages:
        (tmp_path / "backup" / MANIFEST).write_text(json.dumps(damaged))
        with pytest.raises(BackupError, match=r"is not what was written|by another version"):
            read_manifest(tmp_path / "backup")
    (tmp_path / "backup" / MANIFEST).write_bytes(whole)
    assert read_manifest(tmp_path / "backup") == manifest
    (tmp_path / "backup" / MANIFEST).unlink()
    with pytest.raises(BackupError, match="no whole backup"):
        read_manifest(tmp_path / "backup")


def test_a_running_store_writes_its_own_backup(tmp_path: Path) -> None:
    """Asked by a file, the store writes a whole backup at the end of a tick, and says what keeps it from one."""
    from headcount_aggregator.backup_request import answer, ask

    house = make_house(tmp_path / "a")
    settings = StoreSettings(organisation=house.organisation, data=house.data)
    store = Store(settings, house.clock)
    house.arrive()
    name = ask(house.data, tmp_path / "backup")
    assert name is not None
    assert answer(house.data, name) is None
    store.tick()
    assert answer(house.data, name) == ""
    again = ask(house.data, tmp_path / "backup")
    assert again is not None
    store.tick()
    assert "is there already" in str(answer(house.data, again))
    store.close()
    assert read_manifest(tmp_path / "backup")["tables"]["landing"][0] > 0
    run = CliRunner()
    fresh = make_house(tmp_path / "b")
    config = ["--config", str(settings_of(fresh, "embedded"))]
    put_back = run.invoke(app, ["warehouse", "restore", str(tmp_path / "backup"), *config])
    assert put_back.exit_code == 0, put_back.output
    home = open_warehouse("embedded", fresh.data / "warehouse")
    assert totals(home) == house.count.totals
    assert not is_empty(home)
    home.close()
    made = run.invoke(app, ["warehouse", "backup", str(tmp_path / "second"), *config])
    assert made.exit_code == 0, made.output
    assert read_manifest(tmp_path / "second")["tables"] == read_manifest(tmp_path / "backup")["tables"]
    assert len(Units(fresh.data / "units", Disk()).numbers()) == 1
    shutil.rmtree(tmp_path / "second")
