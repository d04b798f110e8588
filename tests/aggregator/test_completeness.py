"""Completeness: what share of the reports behind a number is in it, from what edge, device and store missed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from headcount_aggregator.cells import Cell
from headcount_aggregator.periods import PeriodKind, period_of
from headcount_aggregator.release.completeness import MissedFiles, Missing, marked, missing_of
from headcount_aggregator.release.run import Releaser
from headcount_aggregator.released import Number, State, Statistic
from headcount_aggregator.sealed_file import parse_release
from headcount_wire.facts import Fact

from tests.aggregator.world import FIRST_DAY, Use, World, catalog
from tests.attacks.memory_cells import MemoryCells
from tests.attacks.refreshing import organisation

K = 20
DAY = period_of(PeriodKind.DAY, FIRST_DAY)


def world(devices: int = 100, late: int = 0) -> World:
    uses = [Use(device, FIRST_DAY, "ios", "1.0", {2: 2}, False, ()) for device in range(devices)]
    return World([*uses, *(replace(uses[0], device=1000 + device, late=True) for device in range(late))])


def test_nothing_missing_is_complete() -> None:
    """Where nobody missed anything, nothing is said of any measure."""
    assert missing_of(catalog(), DAY, FIRST_DAY, world(), {}, K) == {}


@pytest.mark.parametrize(("gone", "share"), [(0, 0), (19, 0), (20, 15), (25, 20), (100, 50), (900, 90)])
def test_shares_are_in_steps_of_five_and_of_at_least_k(gone: int, share: int) -> None:
    """Reports that were refused for good, beside 100 that were not; fewer than k of them are not told."""
    missing = missing_of(catalog(), DAY, FIRST_DAY, world(), {"reports": gone, "2": gone}, K)
    assert missing.get(1, Missing()) == Missing(lost=share)
    assert missing.get(2, Missing()) == Missing(lost=share, refused=share)


def test_clipped_devices_make_counts_incomplete_and_people_not() -> None:
    """Of 100 devices 30 reached the cap: the count lacks some of theirs, the people are all there."""
    found = world()
    found.cells.append(Cell(0, 0, 1, 1, FIRST_DAY, 0, 2, 0, Fact.CLIPPED, 0, 0, "", "", 30))
    missing = missing_of(catalog(), DAY, FIRST_DAY, found, {}, K)
    assert missing == {2: Missing(clipped=30)}
    assert missing[2].complete(Statistic.COUNT) == 70
    assert missing[2].complete(Statistic.PEOPLE) == 100


def test_few_that_did_not_reach_the_cap_are_not_told() -> None:
    """Where 95 of 100 reached it, the other 5 would be told of: nothing is said. Where 80 did, 20 did not."""
    for reached, said in ((95, {}), (80, {2: Missing(clipped=80)})):
        found = world()
        found.cells.append(Cell(0, 0, 1, 1, FIRST_DAY, 0, 2, 0, Fact.CLIPPED, 0, 0, "", "", reached))
        assert missing_of(catalog(), DAY, FIRST_DAY, found, {}, K) == said


def test_late_devices_are_a_share_too() -> None:
    """What came after the freeze is said in percent of what should have come."""
    missing = missing_of(catalog(), DAY, FIRST_DAY, world(late=25), {}, K)
    assert {found.late for found in missing.values()} == {20}


def test_each_number_says_how_complete_it_is() -> None:
    """Numbers of a measure with something missing carry the share that is in them; others carry all."""
    number = Number(Statistic.PEOPLE, DAY.kind, DAY.first, DAY.last, 2, 0, 0, "", "", 0, State.SHOWN, 100)
    other = replace(number, measure=3)
    assert [n.complete for n in marked([number, other], {2: Missing(lost=15, refused=5)})] == [80, 100]


def test_the_edges_files_reach_the_release(tmp_path: Path) -> None:
    """What two workers' files say of the day after, for this Customer and app, stands in the sealed release."""
    for worker, rows in (("w0", [[1, 1, "reports", 15], [2, 1, "reports", 500]]), ("w1", [[1, 1, "reports", 10]])):
        folder = tmp_path / "spool" / worker / "missed"
        folder.mkdir(parents=True)
        (folder / f"{FIRST_DAY + 1}.json").write_text(json.dumps(rows))
        (folder / f"{FIRST_DAY + 2}.json").write_text(json.dumps([[1, 1, "reports", 900]]))
        (folder / f"{FIRST_DAY}.json").write_text("torn")
    app = organisation(tmp_path)
    missed = MissedFiles(tmp_path / "spool")
    Releaser(tmp_path / "sealed", MemoryCells(world().cells), missed=missed).release_due(app, FIRST_DAY + 4)
    (path,) = (tmp_path / "sealed/1-1").glob("*-day-*.json")
    header, numbers = parse_release(path.read_bytes())
    assert header.missing["1"] == {"lost": 20, "refused": 0, "clipped": 0, "late": 0}
    assert {n.complete for n in numbers if n.value} == {80}
