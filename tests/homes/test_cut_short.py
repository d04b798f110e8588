"""What an operator meets when a move or a backup does not run through: the next try succeeds, and nothing is left."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path

import pytest
from headcount.command import app
from headcount.preflight import ObstacleError, ready_to_start
from headcount.settings import load_settings
from headcount_aggregator import rollup
from headcount_aggregator.backup import read_manifest
from headcount_aggregator.backup_request import REQUEST, answer, ask, serve
from headcount_aggregator.retention.cells import drop_customer, rows_on_copies
from headcount_aggregator.settings import StoreSettings
from headcount_aggregator.store import Store
from headcount_aggregator.warehouse import Reason, Table, Warehouse, WarehouseError
from headcount_aggregator.warehouse.copying import COPIED, blocks, copy, held
from headcount_aggregator.warehouse.opening import open_warehouse
from headcount_aggregator.warehouse.tables import encode_rows
from headcount_wire.segment import Stream
from typer.testing import CliRunner

from tests.aggregator.conftest import TODAY
from tests.homes.filled import House, every_cell, fill, make_house, totals
from tests.homes.fresh import HOMES, fresh_address, fresh_warehouse
from tests.homes.processes import await_that
from tests.homes.test_moves import Cut, CutShort, quiet, settings_of


@contextmanager
def _mounted(folder: Path, size: str) -> Iterator[Path]:
    """An empty file system of some size."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "headcount-test", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def _store_of(house: House) -> Iterator[None]:
    """A store of this house that ticks until the block ends."""
    stop = threading.Event()
    with closing(Store(StoreSettings(organisation=house.organisation, data=house.data), house.clock)) as store:

        def tick() -> None:
            while not stop.wait(0.05):
                store.tick()

        ticking = threading.Thread(target=tick)
        ticking.start()
        try:
            yield
        finally:
            stop.set()
            ticking.join()


@pytest.mark.parametrize(("source", "target"), [*zip(HOMES, (*HOMES[1:], HOMES[0]), strict=True)])
def test_a_move_goes_on_though_the_house_did(
    tmp_path: Path, request: pytest.FixtureRequest, source: str, target: str
) -> None:
    """A move that was cut short, and the old warehouse used for days on: what has gone from it since is not moved.

    Debug data has gone after a day, a Customer was erased, and what was loaded has become final: all that comes out.
    """
    house = make_house(tmp_path)
    with fresh_warehouse(source, tmp_path / "one", request) as old, fresh_address(target, request) as address:
        fill(house, old)
        for other in range(40):
            row = (5, 12, 3, TODAY, 0, 1, 0, 4, other % 31, 0, "", "", 7, 0, TODAY)
            old.insert(Table.FINAL, encode_rows(Table.FINAL, [row]))
        with closing(open_warehouse(address, tmp_path / "two")) as new:
            with pytest.raises(Cut):
                copy(old, CutShort(new, sum(_blocks_of(old, table) for table in COPIED)), quiet)
            await_that(lambda: _is_dropped(old, 12), "the Customer is erased")
            with closing(house.loader(old)) as loader:
                for _ in range(2):
                    house.clock.advance(86_400.0)
                    house.arrive()
                    house.arrive(2, Stream.DEBUG)
                    loader.load_once()
                    loader.compact()
                    loader.forget()
            copy(old, new, quiet)
            mark = rollup.watermark(old)
            for table in COPIED:
                assert held(new, table, mark) == held(old, table, mark)
            assert every_cell(new) == every_cell(old)
            assert totals(new) == house.count.totals


def _is_dropped(warehouse: Warehouse, customer: int) -> bool:
    """Drop a Customer's rows, as the store does daily; whether no copy has any: an old server takes its time."""
    drop_customer(warehouse, customer)
    return rows_on_copies(warehouse, customer) == 0


def _blocks_of(warehouse: Warehouse, table: Table) -> int:
    """How many blocks a copy makes of a table."""
    mark = rollup.watermark(warehouse)
    return sum(len(list(blocks(warehouse, table, mark, day))) for day in held(warehouse, table, mark))


def test_a_move_that_is_cut_short_can_be_gone_on_with(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until a move has ended no house starts on its target; whatever its record is, the command can be repeated."""
    house = make_house(tmp_path)
    with closing(open_warehouse("embedded", house.data / "warehouse")) as old:
        fill(house, old, 1)
    run = CliRunner()
    with fresh_address("server", request) as address:
        arguments = ["warehouse", "move", "--to", address, "--config", str(settings_of(house, "embedded"))]
        full = OSError(28, "No space left on device")
        with monkeypatch.context() as patched:
            patched.setattr(Path, "rename", _raises(full))
            cut = run.invoke(app, arguments)
        assert cut.exit_code == 1
        assert "No space left on device" in cut.output
        (house.data / "moving.json").write_text("")
        with monkeypatch.context() as patched:
            patched.setattr(
                "headcount_aggregator.warehouse.copying.set_watermark", _raises(WarehouseError(Reason.FAILED))
            )
            cut = run.invoke(app, arguments)
        assert cut.exit_code == 1
        assert "Run the same command again" in cut.output
        with (
            pytest.raises(ObstacleError, match="cut short"),
            ready_to_start(load_settings(settings_of(house, address))),
        ):
            pass
        settings_of(house, "embedded")
        done = run.invoke(app, arguments)
        assert done.exit_code == 0, done.output
        with ready_to_start(load_settings(settings_of(house, address))) as warning:
            assert warning == ""


def _raises(error: Exception) -> Callable[..., None]:
    def raising(*_: object) -> None:
        raise error

    return raising


@pytest.mark.skipif(os.geteuid() != 0 and "CI" not in os.environ, reason="mounting a file system needs root")
@pytest.mark.parametrize("runs", [False, True], ids=["house is stopped", "house runs"])
def test_a_backup_onto_a_full_disk_is_refused_and_leaves_room(tmp_path: Path, runs: bool) -> None:
    """A sentence, no traceback, nothing of it left on the disk that was full; with room the same command succeeds."""
    house = make_house(tmp_path / "a")
    with closing(open_warehouse("embedded", house.data / "warehouse")) as home:
        fill(house, home, 1)
    config = ["--config", str(settings_of(house, "embedded"))]
    with _mounted(tmp_path / "small", "200k") as small:
        (small / "ballast").write_bytes(bytes(190 * 1024))
        arguments = ["warehouse", "backup", str(small / "backup"), *config]
        with _store_of(house) if runs else nullcontext():
            made = CliRunner().invoke(app, arguments)
            assert made.exit_code == 1
            assert "No space left on device" in made.output
            assert "Traceback" not in made.output
            assert [path.name for path in small.iterdir()] == ["ballast"]
            (small / "ballast").unlink()
            assert CliRunner().invoke(app, arguments).exit_code == 0
        assert read_manifest(small / "backup")["tables"]["landing"][0] > 0


def test_one_backup_is_asked_for_at_a_time(tmp_path: Path) -> None:
    """Who asks while another request stands is told so; the first is answered, and then the next one can ask."""
    name = ask(tmp_path, tmp_path / "one")
    assert name is not None
    assert ask(tmp_path, tmp_path / "two") is None
    assert [path.name for path in tmp_path.iterdir()] == [REQUEST]
    made: list[Path] = []

    def write(folder: Path) -> str:
        assert ask(tmp_path, tmp_path / "three") is None, "the one that is being written still stands"
        made.append(folder)
        return ""

    serve(tmp_path, write)
    assert made == [tmp_path / "one"]
    assert answer(tmp_path, name) == ""
    assert ask(tmp_path, tmp_path / "two") is not None
