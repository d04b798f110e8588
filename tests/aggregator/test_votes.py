"""One Customer, one vote: quartiles of Customers that hide each of them, and are right where there are many."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from statistics import NormalDist

import pytest
from headcount_aggregator.cells import Cell
from headcount_aggregator.periods import PeriodKind, period_of
from headcount_aggregator.release.dp import DiscreteGaussian
from headcount_aggregator.release.dp.noisy import Domain, Noisy
from headcount_aggregator.release.scope import votes
from headcount_aggregator.release.scope.run import ScopeReleaser
from headcount_aggregator.released import Number, State, Statistic
from headcount_aggregator.scopes import PRODUCT
from headcount_aggregator.sealed_file import parse_release
from headcount_wire import buckets, days
from headcount_wire.facts import Fact
from headcount_wire.organisation import load_organisation

from tests.aggregator.test_scopes import declare
from tests.aggregator.world import catalog
from tests.attacks.memory_cells import MemoryCells

QUARTER = period_of(PeriodKind.QUARTER, days.parse("2026-01-14"))
WAIT, SHARED = catalog().measures["wait"], catalog().measures["shared"]


def noise(seed: int = 1) -> DiscreteGaussian:
    return DiscreteGaussian(random.Random(seed).randbytes)


def cast(rates: Sequence[float], seed: int = 1) -> dict[int, Number]:
    found = votes.numbers_of(WAIT, QUARTER, votes.counted(WAIT, rates, noise(seed)))
    return {number.slot: number for number in found}


def drawn(customers: int, seed: int) -> list[float]:
    draw = random.Random(seed)
    return [draw.lognormvariate(6.5, 0.8) for _ in range(customers)]


@pytest.mark.parametrize(("customers", "off"), [(120, 1.0), (200, 0.6), (1000, 0.35)])
def test_the_median_customer_is_found(customers: int, off: float) -> None:
    """Over many draws the told median is near the true one, and its interval holds it in 95 of 100."""
    held, errors = 0, []
    for seed in range(100):
        rates = drawn(customers, seed)
        true = sorted(rates)[customers // 2]
        number = cast(rates, seed)[50]
        assert number.value is not None
        errors.append(abs(number.value - true) / true)
        held += (number.low or 0) <= true <= (number.high or 0)
    assert sorted(errors)[50] < off
    assert held >= 90


def test_few_customers_have_no_quartiles() -> None:
    """Of twenty Customers noise leaves nothing to say, and nothing is said."""
    assert {number.state for number in cast(drawn(20, 1)).values()} == {State.FEW_CUSTOMERS}


def test_no_customer_is_told_by_its_vote() -> None:
    """The best guess whether one more Customer voted is right as often as its noise allows, and no more."""
    rates = drawn(60, 3)
    here = votes.scale_of(WAIT).bin_of(90_000.0)
    tosses, right, draw = 4000, 0, random.Random(5)
    for toss in range(tosses):
        there = draw.randrange(2)
        found = votes.counted(WAIT, [*rates, *([90_000.0] * there)], noise(toss))
        right += (found[here] > 0.5) == (there == 1)
    most = NormalDist().cdf(1 / votes.SCALE / 2)
    assert right / tosses < most + 3 * 0.5 / tosses**0.5
    assert votes.counted(WAIT, [*rates, 90_000.0], _Silent())[here] == 1  # without noise it is plain


class _Silent:
    def draw(self, scale: int, n: int) -> list[int]:
        return [0] * n


def test_a_quarter_is_voted_on_once(tmp_path: Path) -> None:
    """A hundred Customers of all sizes: a quarter tells quartiles of timings and flags; a retry casts nothing anew."""
    customers = dict.fromkeys(range(1, 101), (1, "north"))
    day = QUARTER.last - 3
    cells = []
    for code in customers:
        active, shared = 40_000 * code, 10_000 * code
        told = [
            (1, Fact.GAP, 1, active), (1, Fact.AGE, 31, active), (3, Fact.DEVICES, 0, shared),
            (4, Fact.DEVICES, 0, active), (4, Fact.BUCKET, buckets.bucket_of(100 * code), active),
        ]  # fmt: skip
        cells += [Cell(0, 0, code, 1, day, 0, m, 0, int(f), slot, 0, "", "", n) for m, f, slot, n in told]
    organisation = load_organisation(declare(tmp_path, customers))

    def release(seed: int) -> bytes:
        releaser = ScopeReleaser(tmp_path / "shares", tmp_path / "releases", MemoryCells(cells), noise=noise(seed))
        releaser.release_due(organisation, QUARTER.last + 8)
        (path,) = (tmp_path / "releases" / f"{PRODUCT}-1").glob("*-quarter-*.json")
        return path.read_bytes()

    first = release(1)
    found = {(n.measure, n.slot): n for n in parse_release(first)[1] if n.statistic is Statistic.BENCHMARK}
    assert {slot for _, slot in found} == {25, 50, 75}
    assert found[WAIT.code, 50].value is not None
    assert found[WAIT.code, 50].low is not None
    assert (found[WAIT.code, 50].low or 0) <= 5000 <= (found[WAIT.code, 50].high or 0)
    assert (found[SHARED.code, 50].low or 0) <= 25 <= (found[SHARED.code, 50].high or 0)
    (path,) = (tmp_path / "releases" / f"{PRODUCT}-1").glob("*-quarter-*.json")
    path.unlink()
    assert release(2) == first


def test_votes_are_made_of_shares_that_have_their_noise(tmp_path: Path) -> None:
    """Once a quarter's shares are drawn its votes ask no cells: they are the same, whatever the cells say now."""
    customers = dict.fromkeys(range(1, 61), (1, "north"))
    day = QUARTER.last - 3

    def cells(factor: int) -> list[Cell]:
        told = ((1, Fact.GAP, 1, 1), (1, Fact.AGE, 31, 1), (3, Fact.DEVICES, 0, factor))
        return [
            Cell(0, 0, code, 1, day, 0, measure, 0, int(fact), slot, 0, "", "", n * 10_000 * code)
            for code in customers
            for measure, fact, slot, n in told
        ]

    organisation = load_organisation(declare(tmp_path, customers))

    def release(factor: int) -> bytes:
        reader = MemoryCells(cells(factor))
        ScopeReleaser(tmp_path / "shares", tmp_path / "releases", reader, noise=_Silent()).release_due(
            organisation, QUARTER.last + 8
        )
        (path,) = (tmp_path / "releases" / f"{PRODUCT}-1").glob("*-quarter-*.json")
        return path.read_bytes()

    first = release(1)
    numbers = [n for n in parse_release(first)[1] if n.statistic is Statistic.BENCHMARK and n.measure == SHARED.code]
    assert {n.state for n in numbers} == {State.SHOWN}
    for path in (tmp_path / "releases" / f"{PRODUCT}-1").glob("*-quarter-*.json"):
        path.unlink()
    for path in (tmp_path / "shares" / "votes-1").iterdir():
        path.unlink()
    assert release(0) == first


def test_a_rate_is_near_the_truth_where_it_stands_out() -> None:
    """Of 300 devices a day the share with a flag over a quarter is told to two points; of one or two there is none."""
    draw, active = random.Random(3), catalog().active
    assert active is not None

    def rate(devices: int) -> float | None:
        told = []
        for day in range(QUARTER.first, QUARTER.last + 1):
            for measure, n in ((active.code, devices), (SHARED.code, devices // 4)):
                value = [n + round(draw.gauss(0, 25))]
                told.append(Noisy(Statistic.PEOPLE, PeriodKind.DAY, day, day, measure, 0, Domain(), value, 25**2, 1, 1))
        return votes.rate_of(SHARED, catalog(), told)

    found = rate(300)
    assert found is not None
    assert abs(found - 25) < 2
    assert rate(2) is None
