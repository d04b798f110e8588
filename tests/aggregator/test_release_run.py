"""Sealed releases from a real chDB: the same bytes again, blocks read back, late data, provisional totals."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
from headcount_aggregator.cell_reader import WarehouseCells
from headcount_aggregator.cells import Cell
from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.release.run import Releaser
from headcount_aggregator.released import Number, Question, State, Statistic
from headcount_aggregator.sealed_reader import SealedReader, parse_release, verify
from headcount_aggregator.warehouse.embedded import Embedded
from headcount_aggregator.warehouse.tables import Table, encode_rows
from headcount_wire.clock import ManualClock
from headcount_wire.organisation import Organisation, parse_organisation

from tests.aggregator import kinds_world
from tests.aggregator.kinds_world import Visit
from tests.aggregator.world import CATALOG, FIRST_DAY, Use, World, draw_world

ORGANISATION = """\
[operator]
name = "Made up"
[customers.acme]
code = 1
policy = { version = 1, purposes = ["usage"] }
[apps.app]
code = 1
catalogs = ["catalog.toml"]
"""
MONDAY = FIRST_DAY + 5


@pytest.fixture
def app(tmp_path: Path) -> Organisation:
    (tmp_path / "catalog.toml").write_text(CATALOG)
    return parse_organisation(ORGANISATION, tmp_path)


def store(warehouse: Embedded, cells: list[Cell]) -> WarehouseCells:
    unit = secrets.token_bytes(16)
    warehouse.insert(
        Table.LANDING, encode_rows(Table.LANDING, [(unit, row, FIRST_DAY, *cell) for row, cell in enumerate(cells)])
    )
    return WarehouseCells(warehouse)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "1-1").glob("*.json")}


def use(device: int, day: int, *, late: bool = False, times: int = 2) -> Use:
    return Use(device, day, "ios", "1.0", {2: times}, False, (), late)


def of_week(folder: Path, statistic: Statistic, measure: int) -> list[Number]:
    (path,) = (folder / "1-1").glob(f"*-week-{MONDAY}-*.json")
    _, numbers = parse_release(path.read_bytes())
    return [n for n in numbers if (n.statistic, n.measure, n.label) == (statistic, measure, 0)]


def test_releasing_again_gives_the_same_bytes(tmp_path: Path, warehouse: Embedded, app: Organisation) -> None:
    """A release that was lost before its rename is made again, byte for byte, wherever the last one stopped."""
    reader = store(warehouse, draw_world(3, devices=120, span=20).cells)
    today = FIRST_DAY + 40
    Releaser(tmp_path / "once", reader).release_due(app, today)
    for name in sorted(files(tmp_path / "once"))[:9]:
        (tmp_path / "again/1-1").mkdir(parents=True, exist_ok=True)
        (tmp_path / "again/1-1" / name).write_bytes(files(tmp_path / "once")[name])
    (tmp_path / "again/1-1/000009-day-1.new").write_bytes(b"half")
    Releaser(tmp_path / "again", reader).release_due(app, today)
    assert files(tmp_path / "again") == files(tmp_path / "once")
    assert verify(tmp_path / "again/1-1") > 20
    assert Releaser(tmp_path / "again", reader).release_due(app, today) == 0


def test_a_week_leaves_out_a_small_weekend_and_says_so(tmp_path: Path, warehouse: Embedded, app: Organisation) -> None:
    """Five days of thirty devices and a weekend of three: the week is the five days, two are left out."""
    uses = [use(device, MONDAY + day) for day in range(7) for device in range(30 if day < 5 else 3)]
    Releaser(tmp_path / "sealed", store(warehouse, World(uses).cells)).release_due(app, MONDAY + 20)
    (total, *cuts) = of_week(tmp_path / "sealed", Statistic.COUNT, 2)
    assert (total.value, total.left_out) == (300, 2)
    assert {(n.value1, n.value) for n in cuts if n.breakdown == 8} == {("ios", 300)}


def test_days_too_small_to_show_make_a_week_together(tmp_path: Path, warehouse: Embedded, app: Organisation) -> None:
    """Seven days of five other devices each: every day is hidden, the week of thirty-five is a block."""
    uses = [use(10 * day + device, MONDAY + day) for day in range(7) for device in range(5)]
    Releaser(tmp_path / "sealed", store(warehouse, World(uses).cells)).release_due(app, MONDAY + 20)
    total = of_week(tmp_path / "sealed", Statistic.COUNT, 2)[0]
    assert (total.value, total.left_out) == (70, 0)


def test_a_funnel_holds_what_came_until_its_window_and_freeze_were_over(
    tmp_path: Path, warehouse: Embedded, app: Organisation
) -> None:
    """Attempts told after the day was frozen count too, under their values; the number stands with a later day."""
    (tmp_path / "catalog.toml").write_text(kinds_world.CATALOG)
    app = parse_organisation(ORGANISATION, tmp_path)
    day = kinds_world.DAY
    visits = [Visit(d, day, "ios", step=3 if d % 2 else 1, late=d >= 30) for d in range(80)]
    Releaser(tmp_path / "sealed", store(warehouse, kinds_world.Walks(visits).cells)).release_due(app, day + 30)
    found = {}
    for path in (tmp_path / "sealed/1-1").glob("*.json"):
        header, numbers = parse_release(path.read_bytes())
        for n in numbers:
            if n.statistic is Statistic.FUNNEL and n.first == day:
                assert (header.period, header.first) == (PeriodKind.DAY, day + 2)
                found[n.slot, n.value1] = n.value
    assert found == {(1, ""): 80, (1, "ios"): 80, (2, ""): 40, (2, "ios"): 40, (3, ""): 40, (3, "ios"): 40}


@pytest.mark.parametrize(("late", "joined"), [(19, False), (25, True)])
def test_late_devices_join_the_week_together_or_not_at_all(
    tmp_path: Path, warehouse: Embedded, app: Organisation, late: int, joined: bool
) -> None:
    """What came after its day was frozen is one sibling of k in every cut of the week, or is dropped, and not told."""
    uses = [use(device, MONDAY + day) for day in range(7) for device in range(40)]
    uses += [use(1000 + device, MONDAY + 1, late=True, times=3) for device in range(late)]
    Releaser(tmp_path / "sealed", store(warehouse, World(uses).cells)).release_due(app, MONDAY + 20)
    total, *cuts = of_week(tmp_path / "sealed", Statistic.COUNT, 2)
    assert total.value == 7 * 80 + (3 * late if joined else 0)
    for code in (8, 40, 13):
        parts = {n.value1: n.value for n in cuts if n.breakdown == code}
        assert parts.get("late") == (3 * late if joined else None)
        assert sum(n or 0 for n in parts.values()) == total.value
    people = of_week(tmp_path / "sealed", Statistic.PEOPLE, 1)
    assert people[0].value == (70 if joined else 40)
    header = next(
        parse_release(data)[0] for name, data in files(tmp_path / "sealed").items() if f"week-{MONDAY}" in name
    )
    assert header.late_dropped == 0


async def test_provisional_totals_are_whole_tens_and_never_below_k(
    tmp_path: Path, warehouse: Embedded, app: Organisation
) -> None:
    """Open periods say whole measures only, rounded down; fewer than k devices say so and no more."""
    uses = [use(device, MONDAY) for device in range(57)] + [use(device, MONDAY + 1) for device in range(19)]
    releaser = Releaser(tmp_path / "sealed", store(warehouse, World(uses).cells))
    (tmp_path / "sealed/1-1").mkdir(parents=True)
    releaser.publish_provisional(app, MONDAY + 1)
    reader = SealedReader(tmp_path / "sealed", ManualClock((MONDAY + 1) * 86_400.0))
    numbers = await reader.provisional(1, 1)
    assert all(n.provisional and not n.label and not n.breakdown for n in numbers)
    assert all(n.value is None or (n.value % 10 == 0 and n.value >= 20) for n in numbers)
    days = {(n.first, n.measure, n.statistic): n for n in numbers if n.period is PeriodKind.DAY}
    assert days[MONDAY, 1, Statistic.PEOPLE].value == 50
    assert days[MONDAY, 2, Statistic.COUNT].value == 110
    assert days[MONDAY + 1, 1, Statistic.PEOPLE].state is State.FEWER_THAN_K
    asked = Question(1, 1, tuple(Statistic), tuple(PeriodKind), 0, 65_000)
    assert await reader.numbers(asked) == []
