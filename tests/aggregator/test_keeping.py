"""Retention and erasure: what is over goes, with its files, for good; everything else stays as it was."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import pytest
from headcount_aggregator.cell_reader import WarehouseCells
from headcount_aggregator.cells import CellQuery
from headcount_aggregator.load.disk import Disk
from headcount_aggregator.load.loader import Loader
from headcount_aggregator.load.unit import Units
from headcount_aggregator.periods import PeriodKind, period_of
from headcount_aggregator.release.seal import Chain
from headcount_aggregator.retention import cells, releases
from headcount_aggregator.retention.keeper import Keeper
from headcount_aggregator.retention.plan import Rule, cells_kept_until, cells_may_go, months_back, oldest_kept
from headcount_aggregator.retention.record import GONE, Record
from headcount_aggregator.retention.requests import Requests
from headcount_aggregator.sealed_chain import verify
from headcount_aggregator.sealed_reader import SealedReader
from headcount_aggregator.warehouse import Warehouse
from headcount_aggregator.warehouse.embedded import Embedded
from headcount_aggregator.warehouse.tables import Table, encode_rows
from headcount_wire import days
from headcount_wire.clock import ManualClock
from headcount_wire.organisation import Organisation, parse_organisation
from headcount_wire.segment import Stream

from tests.aggregator.conftest import CUT_CATALOG, ORGANISATION, TODAY, Spooled, record_of, spool
from tests.aggregator.test_loader import Died as DiskDied
from tests.aggregator.test_loader import DyingDisk
from tests.aggregator.test_rollup import Died as WarehouseDied
from tests.aggregator.test_rollup import DyingWarehouse
from tests.homes.fresh import HOMES
from tests.homes.processes import await_that

__all__ = ["HOMES"]  # the claims below hold in each of them

RIVAL = '[customers.rival]\ncode = 12\npolicy = { version = 1, purposes = ["usage", "context"] }\n'
BY_CUSTOMER = CellQuery(
    0, 65_000, ("customer", "day", "measure", "label", "fact", "slot", "breakdown", "value1"), breakdowns=None
)
MOST_STEPS = 120
SERVER_STEPS = 7
"""On a server and a cluster one step of so many is died at: what dies is the same in each home."""


def organisation_with(folder: Path, acme: str = "", rival: str = "") -> Organisation:
    (folder / "catalog.toml").write_text(CUT_CATALOG)
    text = ORGANISATION.replace("code = 11\n", f"code = 11\n{acme}") + RIVAL + rival
    return parse_organisation(text, folder)


def cells_of(warehouse: Warehouse) -> dict[int, Counter[tuple[object, ...]]]:
    """Every cell by Customer."""
    found: dict[int, Counter[tuple[object, ...]]] = {}
    for row in WarehouseCells(warehouse).sums(BY_CUSTOMER):
        found.setdefault(row.customer, Counter())[tuple(row[4:-1])] += row.n
    return found


def held(warehouse: Warehouse) -> dict[str, set[int]]:
    return {month.text: customers for month, customers in cells.months_held(warehouse).items()}


def keep_months(warehouse: Warehouse, months: dict[str, tuple[int, ...]]) -> None:
    """Final cells of some Customers in some months."""
    for text, customers in months.items():
        day = days.parse(f"{text}-05")
        rows = [(5, code, 3, day, 0, 1, 0, 4, slot, 0, "", "", slot, 0, 0) for code in customers for slot in (1, 2)]
        warehouse.insert(Table.FINAL, encode_rows(Table.FINAL, rows))


@pytest.fixture
def keeper(tmp_path: Path, warehouse: Warehouse, loader: Loader) -> Keeper:
    return Keeper(tmp_path, warehouse, loader)


def test_what_is_said_of_a_month_is_what_happens(tmp_path: Path) -> None:
    """The day the command names is the last one on which the rule keeps a month; months agreed are whole ones."""
    for months, terms in ((25, ""), (3, "cells_months = 3\n"), (25, "agreement_ends = 2027-02-14\n")):
        acme = organisation_with(tmp_path, terms).customers["acme"]
        for month in months_back(6, days.parse("2026-11-25")):
            last = cells_kept_until(acme, month)
            assert cells_may_go(acme, month, last) is None
            assert cells_may_go(acme, month, last + 1) is not None
        assert days.text(oldest_kept(months, days.parse("2026-11-25"))) == (
            "2026-08-01" if months == 3 else "2024-10-01"
        )


def test_months_go_for_each_customer_as_agreed(tmp_path: Path, warehouse: Warehouse, keeper: Keeper) -> None:
    """A month nobody keeps is dropped whole, one that another keeps loses one Customer's rows, and no file is left."""
    today = days.parse("2026-11-25")
    keep_months(warehouse, {"2026-05": (11, 12), "2026-09": (11, 12), "2024-01": (11, 12), "2024-02": (11,)})
    before = cells_of(warehouse)[12]
    organisation = organisation_with(tmp_path, "cells_months = 3\n", "retention_months = 120\ncells_months = 120\n")
    assert keeper.daily(organisation, today) == 4
    await_that(lambda: held(warehouse) == {"2026-05": {12}, "2026-09": {11, 12}}, "what is dropped is gone")
    assert {cell: n for cell, n in before.items() if days.parse("2026-01-01") <= int(str(cell[0]))} == cells_of(
        warehouse
    )[12]
    assert keeper.daily(organisation, today) == 0
    await_that(lambda: not cells.files_left(warehouse), "no file is left of it")
    assert not [path for path in (tmp_path / "warehouse").rglob("2024*_*") if list(path.glob("*.bin"))]
    told = {(entry.customer, entry.what): Rule(entry.rule) for entry in Record(tmp_path / "retention.jsonl").entries()}
    assert told == {
        (11, "2026-05"): Rule.AGREED_MONTHS,
        (11, "2024-01"): Rule.AGREED_MONTHS,
        (11, "2024-02"): Rule.AGREED_MONTHS,
        (12, "2024-01"): Rule.NEEDED_NO_MORE,
    }


def test_what_a_crash_brings_back_goes_again(
    tmp_path: Path, organisation: Organisation, warehouse: Warehouse, loader: Loader, keeper: Keeper
) -> None:
    """A dropped month that is there again after a start is dropped again; only then it is noted as gone for good."""
    today = days.parse("2026-11-25")
    keep_months(warehouse, {"2024-01": (11,)})
    keeper.daily(organisation, today)
    record = Record(tmp_path / "retention.jsonl")
    assert [entry.event for entry in record.entries()] == ["dropped", "gone"]
    assert record.unconfirmed(), "the process that dropped it does not vouch for a start"

    keep_months(warehouse, {"2024-01": (11,)})
    again = Keeper(tmp_path, warehouse, loader)
    again.confirm(today)
    assert record.unconfirmed(), "it is there"
    assert again.daily(organisation, today) == 1
    assert held(warehouse) == {}
    last = Keeper(tmp_path, warehouse, loader)
    last.confirm(today)
    assert not record.unconfirmed()
    assert [entry.event for entry in record.entries()].count(GONE) == 3


def test_cells_stay_while_a_chain_waits(tmp_path: Path, warehouse: Warehouse, keeper: Keeper) -> None:
    """Cells of a Customer whose releases are not all sealed are not taken for needed no more; agreed months count."""
    keep_months(warehouse, {"2025-01": (11,), "2024-01": (11,)})
    organisation = organisation_with(tmp_path)
    assert keeper.daily(organisation, days.parse("2026-11-25"), unsealed={11}) == 1
    assert held(warehouse) == {"2025-01": {11}}


def test_a_record_with_a_line_cut_off_goes_on(tmp_path: Path, warehouse: Warehouse, keeper: Keeper) -> None:
    """A line that a crash cut spoils neither those before nor those after it."""
    keep_months(warehouse, {"2024-01": (11,)})
    with (tmp_path / "retention.jsonl").open("a") as file:
        file.write('{"day":"2026-11-24","event":"dro')
    keeper.daily(organisation_with(tmp_path), days.parse("2026-11-25"))
    assert [entry.what for entry in Record(tmp_path / "retention.jsonl").entries()] == ["2024-01", "2024-01"]


def chain_of(folder: Path, first: int, count: int, disk: Disk | None = None) -> Chain:
    chain = Chain(folder, disk or Disk())
    header = {"customer": 11, "app": 3, "sealed_on": first, "rule": "threshold", "k": 20, "late_dropped": 0}
    for day in range(first, first + count):
        chain.seal(header, period_of(PeriodKind.DAY, day), [])
    return chain


async def test_the_oldest_releases_go_and_the_chain_holds(tmp_path: Path, clock: ManualClock) -> None:
    """Pruned releases are served no more, at once, the rest is a whole chain, and sealing goes on from it."""
    folder = tmp_path / "releases/11-3"
    chain_of(folder, TODAY, 10)
    reader = SealedReader(tmp_path / "releases", clock)
    assert len(await reader.releases(11, 3, 0, 65_000)) == 10
    through = releases.over(folder, TODAY + 4)
    assert through is not None
    releases.prune(folder, through, Disk())
    assert verify(folder) == 6
    assert [header.first for header in await reader.releases(11, 3, 0, 65_000)] == list(range(TODAY + 4, TODAY + 10))
    chain_of(folder, TODAY + 10, 2)
    assert verify(folder) == 8
    assert releases.over(folder, TODAY + 4) is None
    first = min(folder.glob("*.json"))
    first.unlink()
    with pytest.raises(ValueError, match="does not follow"):
        verify(folder)


def test_dying_while_releases_go_leaves_a_whole_chain(tmp_path: Path) -> None:
    """Wherever pruning dies the chain is whole at once, and the next day finishes it."""
    for step in range(1, MOST_STEPS):
        folder = tmp_path / f"{step}/11-3"
        chain_of(folder, TODAY, 5)
        through = releases.over(folder, TODAY + 3)
        assert through is not None
        try:
            releases.prune(folder, through, DyingDisk(step))
        except DiskDied:
            assert verify(folder) in (2, 5)
            again = releases.over(folder, TODAY + 3) or through
            releases.prune(folder, again, Disk())
            assert verify(folder) == len(list(folder.glob("*.json"))) == 2
        else:
            assert step > 8
            return
    pytest.fail("there are more steps than this test tries")


def fill(folder: Path, draw: random.Random) -> None:
    """Two Customers: groups that are loaded, groups that wait, a developer's report; two load days; releases."""
    count = Spooled()
    for customer in (11, 12):
        many = [(draw.randbytes(16), record_of(draw, customer=customer)) for _ in range(25)]
        few = [(draw.randbytes(16), record_of(draw, day=TODAY - 1, customer=customer)) for _ in range(5)]
        debug = [(draw.randbytes(16), record_of(draw, customer=customer, stream=Stream.DEBUG))]
        spool(folder / "spool", [*many, *few, *debug], f"w{customer}", count=count)
        chain_of(folder / f"releases/{customer}-3", TODAY - 9, 2)
        (folder / f"releases/{customer}-3/provisional").write_text("{}")


def is_erased(keeper: Keeper, today: int) -> bool:
    """Erase; whether nothing is left to be erased: an old server takes its time."""
    keeper.erase(today)
    return not keeper.waiting


def traces(folder: Path, warehouse: Warehouse, customer: int) -> list[str]:
    """Where anything of a Customer is left."""
    found = [f"table: {rows} rows" for rows in [cells.rows_left(warehouse, customer)] if rows]
    found += [path.name for path in (folder / "releases").glob(f"**/{customer}-*")]
    found += [path.name for path in (folder / "erase").glob("*")]
    units = Units(folder / "units", Disk())
    for number in units.numbers():
        unit = units.read(number)
        found += [f"carry of {number}" for key in unit.carry if key.customer == customer]
        found += [f"versions of {number}" for whose in unit.versions if whose[1] == customer]
        found += [f"rows of {number}" for block, _ in units.rows(unit.header) if block.load_day <= TODAY]
    return found


def erase_dying(folder: Path, warehouse: Warehouse, step: int, disk_dies: bool) -> bool:
    """Erase Customer 11, dying at a step, and again; whether it died."""
    organisation = organisation_with(folder)
    clock = ManualClock(TODAY * 86_400.0 + 43_200.0)
    for table in (Table.LANDING, Table.FINAL, Table.DEBUG, Table.WATERMARK):
        for shard in warehouse.shards:
            shard.execute(f"TRUNCATE TABLE {table.sql}")
    fill(folder, random.Random(step))
    arguments = (folder / "spool", folder / "units", organisation)
    first = Loader(*arguments, warehouse, clock)
    first.load_once()
    first.close()
    before, kept = cells_of(warehouse)[12], sorted((folder / "releases/12-3").iterdir())
    Requests(folder / "erase").ask(11)
    disk = DyingDisk(step) if disk_dies else Disk()
    tables: Warehouse = warehouse if disk_dies else DyingWarehouse(warehouse, step)
    dying = Loader(*arguments, tables, clock, disk)
    died = False
    try:
        Keeper(folder, tables, dying, disk).erase(TODAY)
    except (DiskDied, WarehouseDied):
        died = True
    dying.close()
    assert cells_of(warehouse)[12] == before, f"died at step {step}: another Customer's cells"
    again = Loader(*arguments, warehouse, clock)
    keeper = Keeper(folder, warehouse, again)
    await_that(lambda: is_erased(keeper, TODAY), f"what died at step {step} is finished")
    assert traces(folder, warehouse, 11) == [], f"died at step {step}"
    assert cells_of(warehouse) == {12: before}, f"died at step {step}"
    assert sorted((folder / "releases/12-3").iterdir()) == kept
    assert verify(folder / "releases/12-3") == 2
    more = [(bytes((n,)) * 16, record_of(random.Random(n), day=TODAY - 1, customer=12)) for n in range(1, 16)]
    spool(folder / "spool", more, "w12", count=Spooled())
    again.load_once()
    carried = sum(n for cell, n in cells_of(warehouse)[12].items() if cell[0] == TODAY - 1 and cell[2:5] == (1, 0, 5))
    assert carried == 40, "what waited of another Customer is still there, once: 20 reports, in total and by os"
    again.close()
    return died


@pytest.mark.parametrize("disk_dies", [True, False])
def test_erasing_a_customer_leaves_nothing_of_it_and_all_of_others(
    tmp_path: Path, warehouse: Warehouse, disk_dies: bool
) -> None:
    """Wherever it dies, the next start finishes: no row, file, release or waiting sum is left, and no other moved."""
    for step in range(1, MOST_STEPS, 1 if isinstance(warehouse, Embedded) else SERVER_STEPS):
        (tmp_path / str(step)).mkdir()
        if not erase_dying(tmp_path / str(step), warehouse, step, disk_dies):
            assert step > 10
            return
    pytest.fail("there are more steps than this test tries")


def test_an_agreement_that_ended_erases_its_customer(tmp_path: Path, warehouse: Warehouse, clock: ManualClock) -> None:
    """On the day after an agreement's last, everything of the Customer goes, and the record says by which rule."""
    organisation = organisation_with(tmp_path, f"agreement_ends = {days.text(TODAY)}\n")
    fill(tmp_path, random.Random(1))
    loader = Loader(tmp_path / "spool", tmp_path / "units", organisation, warehouse, clock)
    loader.load_once()
    keeper = Keeper(tmp_path, warehouse, loader)
    keeper.daily(organisation, TODAY)
    assert 11 in cells_of(warehouse)
    clock.advance(86_400.0)
    keeper.daily(organisation, TODAY + 1)
    await_that(lambda: is_erased(keeper, TODAY + 1), "the Customer is erased")
    assert set(cells_of(warehouse)) == {12}
    assert not (tmp_path / "releases/11-3").exists()
    line = (tmp_path / "retention.jsonl").read_text().splitlines()[0]
    assert json.loads(line) == {
        "day": days.text(TODAY + 1), "event": "dropped", "customer": 11, "kind": "all", "what": "",
        "rule": "agreement_ended", "starts": 1,
    }  # fmt: skip
    loader.close()
