"""The budget is fixed in advance, split over what a catalog declares, and never overspent."""

from __future__ import annotations

from fractions import Fraction

import pytest
from headcount_aggregator.periods import PeriodKind, period_of
from headcount_aggregator.release.dp import PRESETS, Ledger, Spending, budget_of, declared_views
from headcount_aggregator.release.dp.budget import epsilon, recognised
from headcount_aggregator.release.dp.ledger import spendings
from headcount_wire import days
from headcount_wire.catalog_file import parse_catalog

from tests.aggregator import kinds_world, world
from tests.aggregator.test_release_instances import CATALOG as INSTANCES

CATALOGS = {"world": world.CATALOG, "walks": kinds_world.CATALOG}
JANUARY = days.parse("2026-01-01")


@pytest.mark.parametrize("name", CATALOGS)
@pytest.mark.parametrize("preset", PRESETS)
def test_no_month_costs_more_than_the_budget(name: str, preset: str) -> None:
    """A device that is there on every day of a year costs each calendar month at most rho, and most of it is used."""
    budget = budget_of(parse_catalog(CATALOGS[name]), preset)
    ledger = Ledger()
    for day in range(JANUARY, JANUARY + 365):
        for planned in budget.planned:
            period = period_of(planned.view.kind, day)
            ends = day == period.last
            window = planned.view.kind is PeriodKind.ROLLING_28 and days.week_start(day) + 6 != day
            if ends and not window:
                ledger.record(spending(planned.view, planned.scale, period.first, period.last))
    for month in (1, 3, 7, 11):
        spent = sum(ledger.spent(days.parse(f"2026-{month:02}-01")).values())
        assert 0.75 * budget.rho < spent <= budget.rho


def spending(view: object, scale: int, first: int, last: int) -> Spending:
    purpose, name, squared, once = (getattr(view, field) for field in ("purpose", "name", "squared", "once"))
    return Spending(purpose, name, first, last, squared, scale, once)


def test_more_views_mean_more_noise_and_no_more_budget() -> None:
    """A catalog with a measure more has larger scales everywhere it shares, and the same rho."""
    few = budget_of(parse_catalog(world.CATALOG[: world.CATALOG.index('[measures."wait"]')]), "standard")
    many = budget_of(parse_catalog(world.CATALOG), "standard")
    before = {planned.view.name: planned.scale for planned in few.planned}
    after = {planned.view.name: planned.scale for planned in many.planned}
    assert all(after[name] >= scale for name, scale in before.items())
    assert after["people/day/1/0/values"] > before["people/day/1/0/values"]
    assert few.rho == many.rho == Fraction(3, 4)


def test_the_scale_grows_with_what_a_device_can_change() -> None:
    """A count with a cap of nine has nine times the noise of people, within rounding up."""
    scales = {p.view.name: p.scale for p in budget_of(parse_catalog(world.CATALOG), "standard").planned}
    people, count = scales["people/day/2/0/values"], scales["count/day/2/0/values"]
    assert 9 * (people - 1) < count <= 9 * people


def test_instances_have_no_views_of_people() -> None:
    """Numbers of server-side instances are no devices' and cost no budget."""
    assert declared_views(parse_catalog(INSTANCES)) == ()


def test_what_would_overspend_is_refused() -> None:
    """Once a month is spent, one view more is refused in every period that touches the month, and allowed after it."""
    rho = Fraction(1, 2)
    ledger = Ledger([Spending("usage", "a", JANUARY, JANUARY, 1, 1, once=False)])
    assert ledger.spent(JANUARY) == {"usage": rho}
    one = Spending("usage", "b", JANUARY + 30, JANUARY + 36, 1, 1000, once=False)
    assert not ledger.allows(one, rho)
    assert not ledger.allows(Spending("diagnostics", "b", JANUARY + 3, JANUARY + 3, 1, 1000, once=False), rho)
    assert ledger.allows(Spending("usage", "b", JANUARY + 31, JANUARY + 31, 1, 1000, once=False), rho)


def test_days_of_a_cohort_cost_as_much_as_one() -> None:
    """A device is new once: thirty days of new people cost what the dearest of them does."""
    month = [Spending("usage", "new", JANUARY + d, JANUARY + d, 1, 10 if d == 4 else 20, once=True) for d in range(30)]
    ledger = Ledger(spendings(one.plain for one in month))
    assert ledger.spent(JANUARY) == {"usage": Fraction(1, 200)}
    assert ledger.allows(Spending("usage", "new", JANUARY + 30, JANUARY + 30, 1, 10, once=True), Fraction(1, 200))
    assert not ledger.allows(Spending("usage", "new", JANUARY + 30, JANUARY + 30, 1, 9, once=True), Fraction(1, 200))


def test_rho_is_said_in_words_that_can_be_checked() -> None:
    """The presets as epsilons, and as how many devices an attacker who knows all others recognises."""
    assert [round(epsilon(rho), 1) for rho in PRESETS.values()] == [4.4, 8.1, 14.2]
    assert recognised(0) == pytest.approx(1.0)
    assert recognised(Fraction(3, 4)) == pytest.approx(13.5, abs=0.1)
    words = budget_of(parse_catalog(world.CATALOG), "standard").words
    assert "recognises from all numbers of one day at most 1.7 in 100" in words
    assert "epsilon 1.13 a device-day and 8.1 a device-month" in words
