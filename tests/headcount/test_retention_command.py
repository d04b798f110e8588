"""``headcount erase`` and ``headcount retention``, as they are run."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from headcount.command import app
from headcount_aggregator.cell_reader import read_cells
from headcount_aggregator.load.loader import Loader
from headcount_aggregator.retention.requests import Requests
from headcount_aggregator.warehouse.embedded import open_embedded
from headcount_wire.clock import SystemClock
from headcount_wire.days import utc_day
from headcount_wire.organisation import load_organisation
from typer.testing import CliRunner

from tests.aggregator.conftest import CUT_CATALOG, ORGANISATION, Spooled, record_of, spool
from tests.aggregator.test_keeping import RIVAL, cells_of


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "catalog.toml").write_text(CUT_CATALOG)
    (tmp_path / "organisation.toml").write_text(ORGANISATION + RIVAL)
    (tmp_path / "headcount.toml").write_text('organisation = "organisation.toml"\ndata = "data"\n')
    (tmp_path / "data/spool").mkdir(parents=True)
    return tmp_path / "headcount.toml"


def fill(folder: Path) -> None:
    """Thirty reports of today of each of two Customers, loaded."""
    data, draw, count = folder / "data", random.Random(1), Spooled()
    today = utc_day(SystemClock().now())
    for customer in (11, 12):
        records = [(draw.randbytes(16), record_of(draw, day=today, customer=customer)) for _ in range(30)]
        spool(data / "spool", records, count=count)
    warehouse = open_embedded(data / "warehouse")
    organisation = load_organisation(folder / "organisation.toml")
    loader = Loader(data / "spool", data / "units", organisation, warehouse, SystemClock())
    loader.load_once()
    loader.close()
    warehouse.close()


def test_a_customer_is_erased_after_a_yes(config: Path, tmp_path: Path) -> None:
    """With the house stopped it happens at once, after a question; a no changes nothing; the record is shown."""
    fill(tmp_path)
    run = CliRunner()
    assert run.invoke(app, ["erase", "acme", "--config", str(config)], input="n\n").exit_code == 1
    assert not (tmp_path / "data/erase").exists()
    done = run.invoke(app, ["erase", "acme", "--config", str(config)], input="y\n")
    assert (done.exit_code, "Nothing is held of acme (code 11)" in done.output) == (0, True)
    cells = read_cells(tmp_path / "data/warehouse")
    assert set(cells_of(cells._warehouse)) == {12}
    cells._warehouse.close()
    shown = run.invoke(app, ["retention", "--config", str(config)]).output
    assert "What is kept" in shown
    assert "erased" in shown.replace("\n", " ")


def test_a_running_store_is_asked(config: Path, tmp_path: Path) -> None:
    """While a store has the house, the request stays for it, and the command says so; a name nobody has is refused."""
    warehouse = open_embedded(tmp_path / "data/warehouse")
    organisation = load_organisation(tmp_path / "organisation.toml")
    loader = Loader(tmp_path / "data/spool", tmp_path / "data/units", organisation, warehouse, SystemClock())
    run = CliRunner()
    done = run.invoke(app, ["erase", "acme", "--yes", "--config", str(config)])
    assert (done.exit_code, "takes the request up" in done.output) == (0, True)
    assert [code for code, _ in Requests(tmp_path / "data/erase").waiting()] == [11]
    assert run.invoke(app, ["erase", "nobody", "--yes", "--config", str(config)]).exit_code == 2
    loader.close()
    warehouse.close()
