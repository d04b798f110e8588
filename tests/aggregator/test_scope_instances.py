"""Quantities and requests of server-side instances over Customers: exact sums, where no Customer is recognised."""

from __future__ import annotations

from pathlib import Path

import pytest
from headcount_aggregator.cells import Cell
from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.release.scope.run import ScopeReleaser
from headcount_aggregator.released import Number, State, Statistic
from headcount_aggregator.scopes import PARTNERS_FROM, PRODUCT
from headcount_aggregator.sealed_file import parse_release
from headcount_wire.facts import Fact
from headcount_wire.organisation import load_organisation

from tests.aggregator.test_release_instances import CATALOG, DAY, REQUESTS, ROLES, ROOMS
from tests.aggregator.test_scopes import EVEN, declare
from tests.attacks.memory_cells import MemoryCells

NORTH = PARTNERS_FROM + 5


def cells(roles: dict[int, int], rooms: int = 3, requests: int = 40) -> list[Cell]:
    """Each Customer's instance: people with a role, all members but two in ten who are admins; rooms; requests."""
    told = [
        (customer, measure, label, fact, n)
        for customer, people in roles.items()
        for measure, label, fact, n in (
            (ROLES, 2, Fact.VALUE, people // 5),
            (ROLES, 3, Fact.VALUE, people - people // 5),
            (ROLES, 0, Fact.DEVICES, 1),
            (ROOMS, 0, Fact.VALUE, rooms),
            (ROOMS, 0, Fact.DEVICES, 1),
            (REQUESTS, 2, Fact.COUNT, requests),
            (REQUESTS, 0, Fact.DEVICES, 1),
        )
    ]
    return [Cell(0, 0, c, 1, DAY, 0, measure, label, int(fact), 0, 0, "", "", n) for c, measure, label, fact, n in told]


def told(folder: Path, scope: int, roles: dict[int, int], **more: int) -> list[Number]:
    file = declare(folder, {code: EVEN[code] for code in roles})
    (folder / "catalog.toml").write_text(CATALOG)
    file.write_text(file.read_text("utf-8").replace('purposes = ["usage"]', 'purposes = ["service"]'))
    releaser = ScopeReleaser(folder / "shares", folder / "releases", MemoryCells(cells(roles, **more)))
    releaser.release_due(load_organisation(file), DAY + 4)
    (path,) = (folder / "releases" / f"{scope}-1").glob(f"*-{PeriodKind.DAY}-{DAY}-*.json")
    header, numbers = parse_release(path.read_bytes())
    assert header.rule == "threshold"
    return numbers


def whole(numbers: list[Number], measure: int) -> Number:
    (found,) = [n for n in numbers if n.measure == measure and not n.label and not n.breakdown]
    return found


def test_a_quantity_over_customers_is_their_exact_sum(tmp_path: Path) -> None:
    """People with a role in all instances together, whole and by role, and the same of a Partner's Customers."""
    roles = {code: 50 + code for code in EVEN}
    numbers = told(tmp_path, PRODUCT, roles)
    assert whole(numbers, ROLES).value == sum(roles.values())
    by_label = {n.label: n.value for n in numbers if n.measure == ROLES and n.label}
    assert by_label == {2: sum(n // 5 for n in roles.values()), 3: sum(n - n // 5 for n in roles.values())}
    assert whole(numbers, ROOMS).value == 36
    assert (whole(numbers, REQUESTS).statistic, whole(numbers, REQUESTS).value) == (Statistic.COUNT, 480)
    (tmp_path / "again").mkdir()
    north = told(tmp_path / "again", NORTH, roles)
    assert whole(north, ROLES).value == sum(n for code, n in roles.items() if code < 7)


ONE, TWO = dict.fromkeys(EVEN, 50) | {1: 5000}, dict.fromkeys(EVEN, 1) | {1: 400, 2: 390}


@pytest.mark.parametrize("roles", [ONE, TWO], ids=["one", "two"])
def test_one_customer_with_nearly_all_hides_the_sum(tmp_path: Path, roles: dict[int, int]) -> None:
    """Where one has more than half, or two nearly all, the sum says only that it is hidden."""
    number = whole(told(tmp_path, PRODUCT, roles), ROLES)
    assert (number.state, number.value) == (State.FEW_CUSTOMERS, None)


def test_few_people_are_not_told_and_few_things_are(tmp_path: Path) -> None:
    """Twelve people in twelve instances are fewer than 20; twelve rooms are twelve rooms."""
    numbers = told(tmp_path, PRODUCT, dict.fromkeys(EVEN, 1), rooms=1, requests=1)
    assert whole(numbers, ROLES).state is State.FEWER_THAN_20
    assert whole(numbers, REQUESTS).state is State.FEWER_THAN_20
    assert whole(numbers, ROOMS).value == 12


def test_nothing_is_sealed_on_a_broken_chain_of_sums(tmp_path: Path) -> None:
    """While a scope's releases are not what was sealed, no scope of the app gets another; then all of them do."""
    roles = dict.fromkeys(EVEN, 30)
    told(tmp_path, PRODUCT, roles)
    broken = {f"{NORTH}-1"}
    releaser = ScopeReleaser(
        tmp_path / "shares", tmp_path / "releases", MemoryCells(cells(roles)), broken=lambda: broken
    )
    organisation = load_organisation(tmp_path / "organisation.toml")
    before = sorted((tmp_path / "releases").rglob("*.json"))
    assert releaser.release_due(organisation, DAY + 6) == 0
    assert sorted((tmp_path / "releases").rglob("*.json")) == before
    broken.clear()
    assert releaser.release_due(organisation, DAY + 6) == 2
