"""Sums over Customers, from cells to a reader's token: who is in them, what is told, and what never is."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from headcount_aggregator.cells import Cell
from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.release.dp import DiscreteGaussian
from headcount_aggregator.release.run import Releaser
from headcount_aggregator.release.scope.run import ScopeReleaser
from headcount_aggregator.released import Number, State, Statistic
from headcount_aggregator.scopes import PARTNERS_FROM, PRODUCT, scope_of
from headcount_aggregator.sealed_chain import verify
from headcount_aggregator.sealed_file import parse_release
from headcount_aggregator.sealed_reader import SealedReader
from headcount_aggregator.web.app import Tenancy, create_app
from headcount_wire import days
from headcount_wire.app_key import fingerprint, new_key
from headcount_wire.clock import ManualClock
from headcount_wire.organisation import Organisation, load_organisation

from tests.aggregator.world import CATALOG, FIRST_DAY, Use, World
from tests.attacks.memory_cells import MemoryCells

TODAY = FIRST_DAY + 16
NORTH, SOUTH = PARTNERS_FROM + 5, PARTNERS_FROM + 6
TOKENS = {scope: new_key("read") for scope in ("own", "partner", "product")}


class Quiet:
    """Noise that is none: what is told can be held against the truth."""

    def draw(self, scale: int, n: int) -> list[int]:
        return [0] * n


def declare(
    folder: Path, sizes: dict[int, tuple[int, str]], out: Iterable[int] = (), *, dp: Iterable[int] = ()
) -> Path:
    """An organisation of Customers with a Partner each; ``out``: who keeps its numbers to itself."""
    lines = ['[operator]\nname = "Made up"\n[partners.north]\ncode = 5\n[partners.south]\ncode = 6']
    for code, (_, partner) in sizes.items():
        lines += [f"[customers.c{code}]\ncode = {code}", 'policy = { version = 1, purposes = ["usage"] }']
        lines += [f'partner = "{partner}"'] if partner else []
        lines += ["cross_customer = false"] if code in out else []
        lines += ['rule = "dp"'] if code in dp else []
    lines += ['[apps.app]\ncode = 1\ncatalogs = ["catalog.toml"]']
    for scope, token in TOKENS.items():
        more = {"own": 'customer = "c1"', "partner": 'partner = "north"', "product": ""}[scope]
        lines.append(f'[[readers]]\nname = "{scope}"\nscope = "{scope}"\nfingerprint = "{fingerprint(token)}"\n{more}')
    (folder / "catalog.toml").write_text(CATALOG)
    (folder / "organisation.toml").write_text("\n".join(lines))
    return folder / "organisation.toml"


def cells_of(sizes: dict[int, tuple[int, str]], span: int = 13, since: int = 0) -> list[Cell]:
    """Every device of a Customer is there every day and joins twice; two in three on iOS."""
    found = []
    for code, (size, _) in sizes.items():
        uses = [
            Use(device, FIRST_DAY + day, "ios" if device % 3 else "android", "1.0", {2: 2}, False, ())
            for device in range(size)
            for day in range(since, span)
        ]
        found += [cell._replace(customer=code) for cell in World(uses).cells]
    return found


EVEN = {code: (100 + code, "north" if code < 7 else "south") for code in range(1, 13)}


def release(folder: Path, organisation: Organisation, cells: list[Cell], today: int = TODAY, **how: object) -> int:
    reader = MemoryCells(cells)
    Releaser(folder / "releases", reader, noise=Quiet()).release_due(organisation, today)
    noise = DiscreteGaussian(random.Random(1).randbytes) if how.get("noisy") else Quiet()
    return ScopeReleaser(folder / "shares", folder / "releases", reader, noise=noise).release_due(organisation, today)


def told(folder: Path, scope: int, day: int = FIRST_DAY, kind: PeriodKind = PeriodKind.DAY) -> list[Number]:
    (path,) = (folder / "releases" / f"{scope}-1").glob(f"*-{kind}-{day}-*.json")
    return parse_release(path.read_bytes())[1]


def people(numbers: list[Number], value: str = "", breakdown: int = 0) -> Number:
    (found,) = [
        n
        for n in numbers
        if (n.statistic, n.measure, n.breakdown, n.value1) == (Statistic.PEOPLE, 1, breakdown, value)
        and n.period in (PeriodKind.DAY, PeriodKind.WEEK)
    ]
    return found


def test_sums_are_of_all_customers_and_of_each_partners(tmp_path: Path) -> None:
    """People of a day, whole and by system, are those of every Customer in the panel; Partners add up to all."""
    organisation = load_organisation(declare(tmp_path, EVEN))
    assert release(tmp_path, organisation, cells_of(EVEN)) > 10
    whole = sum(size for size, _ in EVEN.values())
    everyone, north, south = (people(told(tmp_path, scope)) for scope in (PRODUCT, NORTH, SOUTH))
    assert everyone.value == whole
    assert (north.value or 0) + (south.value or 0) == whole
    for scope in (PRODUCT, NORTH, SOUTH):
        by_os = {n.value1: n.value for n in told(tmp_path, scope) if n.breakdown == 8 and n.measure == 1 and n.value}
        assert set(by_os) == {"ios", "android"}
        assert sum(n or 0 for n in by_os.values()) == people(told(tmp_path, scope)).value
        assert verify(tmp_path / "releases" / f"{scope}-1") > 10
    monday = days.week_start(FIRST_DAY) + 7
    week = told(tmp_path, PRODUCT, monday, PeriodKind.WEEK)
    assert people(week).value == whole
    (joined,) = [
        n for n in week if n.statistic is Statistic.COUNT and n.measure == 2 and not n.label and not n.breakdown
    ]
    assert joined.value == 7 * 2 * whole


def test_a_sum_has_the_noise_of_every_customer_in_it(tmp_path: Path) -> None:
    """The interval of a sum is as wide as the noise of all shares together, and holds the truth."""
    organisation = load_organisation(declare(tmp_path, EVEN))
    release(tmp_path, organisation, cells_of(EVEN), noisy=True)
    number = people(told(tmp_path, PRODUCT))
    whole = sum(size for size, _ in EVEN.values())
    assert number.low is not None
    assert number.high is not None
    assert number.high - number.low > 4 * 12**0.5 * 10
    assert number.low - 200 < whole < number.high + 200
    assert number.value != whole or people(told(tmp_path, NORTH)).value is not None


@pytest.mark.parametrize("fault", ["few", "dominant", "two"])
def test_what_would_tell_of_a_customer_is_hidden(tmp_path: Path, fault: str) -> None:
    """Four Customers, or one that has most, or two that have nearly all: no sum of them, and no other that gives it."""
    sizes = {
        "few": {code: (200, "north" if code < 5 else "south") for code in range(1, 13)},
        "dominant": {**EVEN, 1: (3000, "north")},
        "two": {**EVEN, 1: (900, "north"), 2: (900, "north"), **dict.fromkeys((3, 4, 5, 6), (25, "north"))},
    }[fault]
    organisation = load_organisation(declare(tmp_path, sizes))
    release(tmp_path, organisation, cells_of(sizes, span=4), FIRST_DAY + 8)
    north = people(told(tmp_path, NORTH))
    assert (north.state, north.value) == (State.FEW_CUSTOMERS, None)
    everyone, south = people(told(tmp_path, PRODUCT)), people(told(tmp_path, SOUTH))
    # Two siblings: if the one is hidden, the other or the whole must be too.
    assert None in (everyone.value, south.value)


def test_a_customer_that_keeps_out_is_in_no_sum(tmp_path: Path) -> None:
    """Who does not let its numbers be added up has no share on the disk, and adds nothing."""
    organisation = load_organisation(declare(tmp_path, EVEN, out=[7]))
    release(tmp_path, organisation, cells_of(EVEN))
    assert not (tmp_path / "shares/7-1").exists()
    assert people(told(tmp_path, PRODUCT)).value == sum(size for code, (size, _) in EVEN.items() if code != 7)


def test_too_few_customers_have_no_sums(tmp_path: Path) -> None:
    """Of four Customers nothing is drawn, nothing is kept and nothing is sealed."""
    four = dict.fromkeys(range(1, 5), (100, "north"))
    assert release(tmp_path, load_organisation(declare(tmp_path, four)), cells_of(four)) == 0
    assert not (tmp_path / "shares").exists()


def test_who_leaves_ends_the_quarter_and_who_comes_waits(tmp_path: Path) -> None:
    """A newcomer is in no sum of the running quarter; when a Customer withdraws, there is no sum for the rest of it."""
    first = {code: found for code, found in EVEN.items() if code < 12}
    release(tmp_path, load_organisation(declare(tmp_path, first)), cells_of(first, 10), FIRST_DAY + 8)
    release(tmp_path, load_organisation(declare(tmp_path, EVEN)), cells_of(EVEN), FIRST_DAY + 10)
    assert people(told(tmp_path, PRODUCT, FIRST_DAY + 6)).value == sum(size for size, _ in first.values())
    release(tmp_path, load_organisation(declare(tmp_path, EVEN, out=[3])), cells_of(EVEN), FIRST_DAY + 13)
    assert told(tmp_path, PRODUCT, FIRST_DAY + 9) == []
    assert not (tmp_path / "shares/3-1").exists()
    release(tmp_path, load_organisation(declare(tmp_path, EVEN)), cells_of(EVEN), FIRST_DAY + 16)
    assert told(tmp_path, PRODUCT, FIRST_DAY + 12) == []


def test_who_was_away_while_there_were_too_few_has_left(tmp_path: Path) -> None:
    """A Customer that kept out on a day on which too few took part has left all the same: the quarter is over."""
    few = {code: found for code, found in EVEN.items() if code < 6}
    release(tmp_path, load_organisation(declare(tmp_path, few)), cells_of(few, 6), FIRST_DAY + 6)
    assert told(tmp_path, PRODUCT) != []
    release(tmp_path, load_organisation(declare(tmp_path, few, out=[3])), cells_of(few, 6), FIRST_DAY + 7)
    release(tmp_path, load_organisation(declare(tmp_path, few)), cells_of(few, 8), FIRST_DAY + 9)
    assert told(tmp_path, PRODUCT, FIRST_DAY + 5) == []


def test_sealing_again_draws_nothing_anew(tmp_path: Path) -> None:
    """A sum that was lost before its rename is made again from the same shares: the same bytes, whatever the noise."""
    organisation = load_organisation(declare(tmp_path, EVEN))
    release(tmp_path, organisation, cells_of(EVEN), noisy=True)
    folder = tmp_path / "releases/0-1"
    before = {path.name: path.read_bytes() for path in folder.glob("*.json")}
    for path in sorted(folder.glob("*.json"))[5:]:
        path.unlink()
    release(tmp_path, organisation, cells_of(EVEN), noisy=True)
    assert {path.name: path.read_bytes() for path in folder.glob("*.json")} == before


def test_a_customer_under_noise_spends_nothing_twice(tmp_path: Path) -> None:
    """Where a Customer's own numbers have noise, its share is these: no second draw, and the same in the sum."""
    organisation = load_organisation(declare(tmp_path, EVEN, dp=[4]))
    release(tmp_path, organisation, cells_of(EVEN))
    assert not (tmp_path / "shares/4-1").exists()
    assert people(told(tmp_path, PRODUCT)).value == sum(size for size, _ in EVEN.values())


@pytest.mark.parametrize(
    ("scope", "customers"),
    [("own", ["c1"]), ("partner", ["partner-north"]), ("product", ["all-customers", "partner-north", "partner-south"])],
)
async def test_each_token_sees_its_scope_and_no_other(tmp_path: Path, scope: str, customers: list[str]) -> None:
    """The API and the dashboard show a reader the releases of its scope, and know of no others."""
    file = declare(tmp_path, EVEN)
    release(tmp_path, load_organisation(file), cells_of(EVEN))
    reader = SealedReader(tmp_path / "releases", ManualClock(TODAY * 86_400.0))
    headers = {"Authorization": f"Bearer {TOKENS[scope]}"}
    async with TestClient[web.Request, web.Application](TestServer(create_app(Tenancy(file), reader))) as client:
        body = await (await client.get("/api/v1/customers", headers=headers)).json()
        assert [customer["name"] for customer in body["customers"]] == customers
        everybody = ("c1", "c2", "partner-north", "partner-south", "all-customers")
        for name in everybody:
            asked = {"customer": name, "app": "app", "measure": "active", "from": days.text(FIRST_DAY)}
            answer = await client.get("/api/v1/numbers", params=asked, headers=headers)
            assert answer.status == (200 if name in customers else 404), name
            page = await client.get(f"/c/{name}/app/overview", headers=headers)
            assert page.status == (200 if name in customers else 404), name
        asked = {"customer": customers[0], "app": "app", "measure": "active"}
        numbers = (await (await client.get("/api/v1/numbers", params=asked, headers=headers)).json())["numbers"]
        assert any(number["value"] for number in numbers)


def test_noise_differs_from_share_to_share(tmp_path: Path) -> None:
    """Shares are drawn one by one: no two Customers of one size have the same numbers."""
    same = dict.fromkeys(range(1, 9), (300, "north"))
    release(tmp_path, load_organisation(declare(tmp_path, same)), cells_of(same, span=3), FIRST_DAY + 8, noisy=True)
    shares = {tuple(_values(tmp_path / f"shares/{code}-1")) for code in same}
    assert len(shares) == len(same)


def _values(folder: Path) -> Iterable[int]:
    for path in sorted(folder.glob("*.json")):
        for noisy in orjson.loads(path.read_bytes())["noisy"]:
            yield from noisy["values"]


def test_what_a_customer_had_under_noise_is_its_share_for_good(tmp_path: Path) -> None:
    """A Customer that goes over to the threshold, and back, has every period drawn once; the sums hold all of it."""
    cells = cells_of(EVEN, span=24)
    for today, dp in ((FIRST_DAY + 9, [4]), (FIRST_DAY + 14, []), (FIRST_DAY + 28, [4])):
        release(tmp_path, load_organisation(declare(tmp_path, EVEN, dp=dp)), cells, today)
    own, shares = (_with_noise(tmp_path / folder / "4-1") for folder in ("releases", "shares"))
    assert own
    assert shares
    assert not own & shares
    assert {f"day-{day}-{day}" for day in range(FIRST_DAY, FIRST_DAY + 24)} <= own | shares
    whole = sum(size for size, _ in EVEN.values())
    for day in range(FIRST_DAY, FIRST_DAY + 24):
        assert people(told(tmp_path, PRODUCT, day)).value == whole
    monday = days.week_start(FIRST_DAY) + 7
    week = told(tmp_path, PRODUCT, monday, PeriodKind.WEEK)
    counts = [n.value for n in week if n.statistic is Statistic.COUNT and not (n.label or n.breakdown)]
    assert counts[0] == 7 * 2 * whole


def _with_noise(folder: Path) -> set[str]:
    return {path.stem[7:] for path in folder.glob("*.json") if orjson.loads(path.read_bytes()).get("noisy")}


def test_a_scope_says_the_lightest_noise_that_is_in_it(tmp_path: Path) -> None:
    """Where a Customer chose a lighter noise for its own numbers, which are its share, the sums it is in say so."""
    file = declare(tmp_path, EVEN, dp=[4])
    file.write_text(file.read_text().replace('rule = "dp"', 'rule = "dp"\nnoise = "light"'))
    organisation = load_organisation(file)
    release(tmp_path, organisation, cells_of(EVEN, span=3), FIRST_DAY + 8)
    said = {}
    for scope in (PRODUCT, NORTH, SOUTH):
        path = next((tmp_path / "releases" / f"{scope}-1").glob("*-day-*.json"))
        said[scope] = orjson.loads(path.read_bytes())["noise"]
    assert said == {PRODUCT: "light", NORTH: "light", SOUTH: "standard"}
    partners = {customer.partner for customer in organisation.customers.values()}
    named = {
        scope_of(organisation, partner).code: scope_of(organisation, partner).noise for partner in (None, *partners)
    }
    assert named == said
