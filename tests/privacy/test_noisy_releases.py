"""Releases under noise: what noise is added to is the truth, it is drawn once, and what is told says how sure it is."""

from __future__ import annotations

import math
import random
import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson
import pytest
from headcount_aggregator.cell_reader import WarehouseCells
from headcount_aggregator.cells import Cell
from headcount_aggregator.load.disk import Disk
from headcount_aggregator.periods import Period, PeriodKind, period_of
from headcount_aggregator.release.day_sums import Cells
from headcount_aggregator.release.dp import DiscreteGaussian, Ledger, Noise, budget_of
from headcount_aggregator.release.dp.noisy import WHOLE_PLACE, Domain, Noisy, Place
from headcount_aggregator.release.dp.releases import NoisyReleases, Release, parts_of
from headcount_aggregator.release.dp.told import numbers_of
from headcount_aggregator.release.run import Releaser
from headcount_aggregator.release_report import report
from headcount_aggregator.released import Number, State, Statistic
from headcount_aggregator.sealed_reader import parse_release, verify
from headcount_aggregator.warehouse.embedded import Embedded, open_embedded
from headcount_aggregator.warehouse.tables import Table, encode_rows
from headcount_wire.catalog import Catalog
from headcount_wire.errors import OrganisationError
from headcount_wire.organisation import Organisation, parse_organisation

from tests.aggregator import kinds_world
from tests.aggregator.kinds_world import draw_walks
from tests.aggregator.world import CATALOG, CROSS, FIRST_DAY, OS, VERSION, Use, World, catalog, draw_world

SPAN = 45
MONDAY = FIRST_DAY + 5
ORGANISATION = """\
[operator]
name = "Made up"
[customers.acme]
code = 1
rule = "dp"
noise = "light"
policy = { version = 1, purposes = ["usage"] }
[apps.app]
code = 1
catalogs = ["catalog.toml"]
"""


class Silent:
    """Noise that adds nothing, so that what it is added to can be seen."""

    def draw(self, scale: int, n: int) -> Sequence[int]:
        return [0] * n


def drawn(seed: int) -> DiscreteGaussian:
    """The real noise, from random bytes that a seed makes."""
    return DiscreteGaussian(random.Random(seed).randbytes)


def released(cells: Cells, declared: Catalog, first: int, span: int, noise: Noise) -> dict[Period, Release]:
    """All releases of a world in the order of a chain, each paid for from one ledger."""
    releases = NoisyReleases(declared, budget_of(declared, "standard"), first, cells, noise)
    ledger, found = Ledger(), dict[Period, Release]()

    def add(period: Period) -> None:
        parts = parts_of(period, lambda part: found[part].noisy if part in found else ())
        found[period] = releases.of_period(period, ledger, parts)
        for spending in found[period].spent:
            ledger.record(spending)

    for day in range(first, first + span):
        for kind in (PeriodKind.DAY, PeriodKind.WEEK, PeriodKind.MONTH, PeriodKind.QUARTER):
            period = period_of(kind, day)
            if period.last == day:
                add(period)
    return found


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Embedded]:
    opened = open_embedded(tmp_path / "warehouse")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def world() -> World:
    return draw_world(seed=7, devices=60, span=SPAN)


@pytest.fixture(scope="module")
def truth(world: World) -> dict[Period, Release]:
    return released(world, catalog(), FIRST_DAY, SPAN, Silent())


def view(release: Release, statistic: Statistic, measure: int, code: int = 0, *, labels: bool = False) -> Noisy:
    (found,) = [
        one
        for one in release.noisy
        if (one.statistic, one.measure, one.breakdown, len(one.domain.labels) > 1) == (statistic, measure, code, labels)
        and one.kind is not PeriodKind.ROLLING_28
    ]
    return found


def some(noisy: Noisy) -> dict[tuple[str, str], int]:
    return {(place.value1, place.value2): n for place, n in noisy.at().items() if n}


def test_noise_is_added_to_people_as_they_are(world: World, truth: dict[Period, Release]) -> None:
    """Days, weeks and months, whole and by every closed cut: the devices that ids tell, zeros included."""
    for period, release in truth.items():
        for measure in (1, 2):
            if period.kind is PeriodKind.QUARTER or (measure == 2 and period.kind is PeriodKind.DAY):
                continue
            for code in (0, OS):
                expected = {key: len(ids) for key, ids in world.people(period, code, measure).items() if ids}
                assert some(view(release, Statistic.PEOPLE, measure, code)) == expected
        if period.kind is not PeriodKind.QUARTER:
            assert len(view(release, Statistic.PEOPLE, 1, OS).values) == 10  # eight systems, other and unknown


def test_noise_is_added_to_windows_and_cohorts_as_they_are(world: World, truth: dict[Period, Release]) -> None:
    """Twenty-eight days that end on a Sunday, new people of each day, and the ages of a week."""
    windows = 0
    for period, release in truth.items():
        for one in release.noisy:
            mine = {use.device for use in world.between(one.first, one.last)}
            if one.kind is PeriodKind.ROLLING_28:
                assert (one.last - 3) % 7 == 0
                assert one.values == [len(mine)]
                windows += 1
            if one.statistic is Statistic.RETENTION_WEEK:
                ages = Counter((one.first - (world.by_device[d][0].day - 4) // 7 * 7 - 4) // 7 for d in mine)
                assert {place.slot: n for place, n in one.at().items() if n} == dict(ages)
        if period.kind is PeriodKind.DAY:
            new = [uses[0] for uses in world.by_device.values() if uses[0].day == period.first]
            assert some(view(release, Statistic.NEW_PEOPLE, 1, OS)) == dict(Counter((use.os, "") for use in new))
    assert windows == 6


def test_wide_counts_are_the_sums_of_their_days(world: World, truth: dict[Period, Release]) -> None:
    """Counts of weeks and months, whole, by label and by value, add up from days, in noise as in number."""
    for period, release in truth.items():
        uses = world.between(period.first, period.last)
        joined = Counter({label: sum(use.joined.get(label, 0) for use in uses) for label in (1, 2, 3)})
        assert some(view(release, Statistic.COUNT, 2)) == ({("", ""): joined.total()} if joined.total() else {})
        labels = view(release, Statistic.COUNT, 2, labels=True)
        assert {place.label: n for place, n in labels.at().items()} == dict(joined)
        by_os = Counter[tuple[str, str]]()
        for use in uses:
            by_os[use.os, ""] += sum(use.joined.values())
        assert some(view(release, Statistic.COUNT, 2, OS)) == {key: n for key, n in by_os.items() if n}
        one = view(release, Statistic.COUNT, 2)
        days = [
            view(truth[period_of(PeriodKind.DAY, d)], Statistic.COUNT, 2)
            for d in range(one.first, one.last + 1)
            if period_of(PeriodKind.DAY, d) in truth
        ]
        assert one.variance == sum(day.variance for day in days)
        assert one.days == len(days)


def test_funnels_moves_and_problems_are_as_they_are() -> None:
    """The furthest steps of a funnel's day, where each screen was come from, how bad problems were."""
    walks = draw_walks(4, 60, 7)
    found = released(walks, kinds_world.catalog(), kinds_world.DAY, 10, Silent())
    for day in range(kinds_world.DAY, kinds_world.DAY + 7):
        mine = [visit for visit in walks.visits if visit.day == day]
        later = found[period_of(PeriodKind.DAY, day + 2)]
        steps = view(later, Statistic.FUNNEL, kinds_world.FUNNEL)
        assert steps.first == day
        assert {p.slot: n for p, n in steps.at().items() if n} == Counter(v.step for v in mine if v.step)
        release = found[period_of(PeriodKind.DAY, day)]
        moves = view(release, Statistic.MOVES, kinds_world.SCREENS, labels=True)
        pairs = Counter(pair for v in mine for pair in zip((0, *v.path), v.path, strict=False))
        assert {(p.slot, p.label): n for p, n in moves.at().items() if n} == dict(pairs)
        bad = view(release, Statistic.SEVERITY, kinds_world.PROBLEM)
        said = Counter(problem[1] for v in mine for problem in v.problems if problem[1])
        assert {p.slot: n for p, n in bad.at().items() if n} == dict(said)


def test_an_open_name_is_not_kept_for_one_device() -> None:
    """A version that few devices report is in no file: its name alone would tell that somebody has it."""
    uses = [Use(d, FIRST_DAY, "ios", "1.0" if d < 900 else "9.9", {1: 1}, False, ()) for d in range(905)]
    for seed in range(5):
        found = released(World(uses), catalog(), FIRST_DAY, 1, drawn(seed))[period_of(PeriodKind.DAY, FIRST_DAY)]
        assert b"9.9" not in orjson.dumps(found.plain)
        assert view(found, Statistic.PEOPLE, 1, VERSION).domain.firsts == ("1.0",)
        assert not [n for n in found.numbers if "9.9" in (n.value1, n.value2)]
        assert view(found, Statistic.PEOPLE, 1, CROSS).domain.seconds == ("1.0",)


@pytest.mark.parametrize("quiet", [0, 3])
def test_small_numbers_are_hidden_in_their_noise(quiet: int) -> None:
    """Nobody and three people look the same: under twenty, or under four deviations of the noise."""
    uses = [Use(d, FIRST_DAY, "ios", "1.0", {}, False, ()) for d in range(quiet)]
    cells = World([*uses, Use(999, FIRST_DAY + 1, "web", "1.0", {}, False, ())])
    numbers = released(cells, catalog(), FIRST_DAY, 1, Silent())[period_of(PeriodKind.DAY, FIRST_DAY)].numbers
    assert {n.state for n in numbers} == {State.UNDER_NOISE}
    assert all(n.value is None and n.low is None for n in numbers)


def test_every_interval_holds_the_truth_as_often_as_it_says() -> None:
    """Of people, counts, sums of days, new people and cohorts: 95 of 100 intervals hold what a release without noise
    would say; hardly more do, so none is wider than it need be."""
    crowd_of_week = World(
        [
            Use(d, MONDAY + day, ("ios", "web", "android")[d % 3], "1.0", {2: 2, 3: 1}, True, (50 + d % 400,))
            for day in range(7)
            for d in range(4_000)
            if (d + day) % 5
        ]
    )
    true = told(released(crowd_of_week, catalog(), MONDAY, 7, Silent()))
    held: dict[Statistic, list[bool]] = {}
    for seed in range(60):
        for place, n in told(released(crowd_of_week, catalog(), MONDAY, 7, drawn(seed))).items():
            if place in true and n.low is not None and n.high is not None:
                truth = true[place].value or 0
                held.setdefault(n.statistic, []).append(n.low <= truth <= n.high)
    for statistic in (Statistic.PEOPLE, Statistic.COUNT, Statistic.NEW_PEOPLE, Statistic.RETENTION_WEEK):
        tries = len(held[statistic])
        covered, chance = sum(held[statistic]) / tries, 4 * math.sqrt(0.95 * 0.05 / tries)
        assert 0.945 - chance <= covered <= 0.975 + chance, (statistic, covered, tries)
    assert len(held[Statistic.COUNT]) > 5_000


@pytest.mark.parametrize("scale", [300, 900])
def test_the_interval_of_a_percentile_holds_it(scale: int) -> None:
    """Of forty thousand timings in noisy buckets: its interval holds the percentile in 95 of 100 draws."""
    slots = tuple(range(64))
    exact = [0] * 10 + [2_000 + 100 * (slot % 5) for slot in range(20)] + [0] * 34
    held: dict[int, list[bool]] = {}
    true: dict[int, int] = {}
    noises: list[Noise] = [Silent(), *(drawn(scale + seed) for seed in range(300))]
    for noise in noises:
        values = [n + more for n, more in zip(exact, noise.draw(scale, len(exact)), strict=True)]
        noisy = Noisy(
            Statistic.QUANTILE, PeriodKind.WEEK, MONDAY, MONDAY + 6, 4, 0, Domain(slots=slots), values, scale**2, 63, 7
        )
        for n in numbers_of(noisy):
            if isinstance(noise, Silent):
                held[n.slot], true[n.slot] = [], n.value or 0
            elif n.value is not None and n.low is not None and n.high is not None:
                held[n.slot].append(n.low <= true[n.slot] <= n.high)
    for slot in (50, 75, 95):
        assert len(held[slot]) > 280
        assert sum(held[slot]) / len(held[slot]) >= 0.94


def told(releases: dict[Period, Release]) -> dict[tuple[object, ...], Number]:
    """The shown numbers, by what they are of."""
    return {
        (n.statistic, n.period, n.first, n.measure, n.label, n.breakdown, n.value1, n.value2, n.slot): n
        for release in releases.values()
        for n in release.numbers
        if n.value is not None
    }


def app(tmp_path: Path, text: str = ORGANISATION) -> Organisation:
    (tmp_path / "catalog.toml").write_text(CATALOG)
    return parse_organisation(text, tmp_path)


def store(warehouse: Embedded, cells: list[Cell]) -> WarehouseCells:
    unit = secrets.token_bytes(16)
    rows = [(unit, row, FIRST_DAY, *cell) for row, cell in enumerate(cells)]
    warehouse.insert(Table.LANDING, encode_rows(Table.LANDING, rows))
    return WarehouseCells(warehouse)


def crowd(span: int = 16) -> World:
    uses = [
        Use(d, FIRST_DAY + day, "ios" if d % 3 else "web", "1.0", {2: 2}, d % 2 == 0, (200,))
        for day in range(span)
        for d in range(300)
        if (d + day) % 4
    ]
    return World(uses)


class Power(Exception):
    """The machine went away."""


class Failing(Disk):
    """A disk whose machine goes away before or after one of its operations."""

    def __init__(self, at: int, *, after: bool) -> None:
        self._left = at
        self._after = after

    def write(self, path: Path, data: bytes) -> None:
        self._step(lambda: super(Failing, self).write(path, data))

    def rename(self, source: Path, target: Path) -> None:
        self._step(lambda: super(Failing, self).rename(source, target))

    def remove(self, path: Path) -> None:
        self._step(lambda: super(Failing, self).remove(path))

    def _step(self, operation: object) -> None:
        self._left -= 1
        if self._left == 0 and not self._after:
            raise Power
        operation()  # type: ignore[operator]  # a lambda of the three above
        if self._left == 0:
            raise Power


def test_noise_that_was_drawn_is_never_drawn_again(tmp_path: Path, warehouse: Embedded) -> None:
    """Wherever the machine goes away after the draft is on the disk, and whatever comes late before the retry:
    what is sealed is what the draft says; and where it goes away before, nobody has seen anything."""
    reader, organisation = store(warehouse, crowd(2).cells), app(tmp_path)
    drafts = 0
    for at in range(1, 11):
        for after in (False, True):
            folder = tmp_path / f"{at}-{after}"
            with pytest.raises(Power):
                Releaser(folder, reader, Failing(at, after=after)).release_due(organisation, FIRST_DAY + 5)
            before = {path.name: path.read_bytes() for path in (folder / "1-1").glob("*.json")}
            draft = [orjson.loads(path.read_bytes()) for path in (folder / "1-1").glob("*.draft")]
            Releaser(folder, reader).release_due(organisation, FIRST_DAY + 5)
            sealed = {path.name: path.read_bytes() for path in sorted((folder / "1-1").glob("*.json"))}
            assert {name: sealed[name] for name in before} == before
            assert verify(folder / "1-1") == 2
            assert not list((folder / "1-1").glob("*.draft"))
            noisy = [orjson.loads(data)["noisy"] for data in sealed.values()]
            assert all(one["header"]["noisy"] in noisy for one in draft)
            drafts += len(draft)
    assert drafts >= 10


def test_late_reports_change_nothing_that_was_drafted(tmp_path: Path, warehouse: Embedded) -> None:
    """A draft that waits while more is loaded is sealed as it is."""
    reader, organisation = store(warehouse, crowd(1).cells), app(tmp_path)
    with pytest.raises(Power):
        Releaser(tmp_path / "sealed", reader, Failing(3, after=False)).release_due(organisation, FIRST_DAY + 4)
    (draft,) = (tmp_path / "sealed/1-1").glob("*.draft")
    drafted = orjson.loads(draft.read_bytes())
    more = [Use(5000 + d, FIRST_DAY, "ios", "1.0", {2: 2}, True, (200,)) for d in range(200)]
    store(warehouse, World(more).cells)
    Releaser(tmp_path / "sealed", reader).release_due(organisation, FIRST_DAY + 4)
    (sealed,) = (tmp_path / "sealed/1-1").glob("*.json")
    plain = orjson.loads(sealed.read_bytes())
    assert (plain["noisy"], plain["numbers"]) == (drafted["header"]["noisy"], drafted["numbers"])


def test_a_sealed_release_says_its_rule_and_its_promise(tmp_path: Path, warehouse: Embedded) -> None:
    """The header names dp, the preset and what it means; every shown number has an interval around it; the rest
    of the chain holds, and releasing again draws nothing."""
    reader, organisation = store(warehouse, crowd().cells), app(tmp_path)
    Releaser(tmp_path / "sealed", reader, noise=drawn(1)).release_due(organisation, FIRST_DAY + 40)
    shown: list[Number] = []
    for path in (tmp_path / "sealed/1-1").glob("*.json"):
        header, numbers = parse_release(path.read_bytes())
        assert (header.rule, header.noise, header.late_dropped) == ("dp", "light", 0)
        assert header.promise == budget_of(catalog(), "light").words
        shown += [n for n in numbers if n.value is not None]
    assert len(shown) > 100
    for n in shown:
        assert n.value is not None
        assert n.low is not None
        assert n.high is not None
        assert n.low <= n.value <= n.high
    assert {n.statistic for n in shown} >= {Statistic.PEOPLE, Statistic.COUNT}
    length = verify(tmp_path / "sealed/1-1")
    assert Releaser(tmp_path / "sealed", reader).release_due(organisation, FIRST_DAY + 40) == 0
    assert verify(tmp_path / "sealed/1-1") == length


def test_the_report_of_a_release_shows_what_was_spent(tmp_path: Path, warehouse: Embedded) -> None:
    """``headcount release show`` says what a release cost, what its month has cost up to it, and of how much."""
    reader, organisation = store(warehouse, crowd(6).cells), app(tmp_path)
    Releaser(tmp_path / "sealed", reader).release_due(organisation, FIRST_DAY + 10)
    budget, days = budget_of(catalog(), "light"), 0
    for path in sorted((tmp_path / "sealed/1-1").glob("*.json")):
        found = report(path)
        spent, of_day = found.ledger, path.stem[7:].startswith("day")
        days += of_day
        assert spent is not None
        assert spent.rho == 2.0
        if of_day:
            least = float(budget.rho_of_day) * days
            assert least <= spent.month_so_far <= least + 0.4
            assert spent.release["usage"] >= float(budget.rho_of_day)
    assert days == 7


def test_a_preset_that_changes_within_a_month_cannot_overspend_it(tmp_path: Path, warehouse: Embedded) -> None:
    """Under light noise nearly a month's strict budget is gone within days: from then on nothing more is told of it."""
    reader = store(warehouse, crowd().cells)
    Releaser(tmp_path / "sealed", reader).release_due(app(tmp_path), FIRST_DAY + 9)
    strict = app(tmp_path, ORGANISATION.replace("light", "strict"))
    Releaser(tmp_path / "sealed", reader).release_due(strict, FIRST_DAY + 16)
    states = []
    for path in sorted((tmp_path / "sealed/1-1").glob("*.json")):
        _, numbers = parse_release(path.read_bytes())
        states.append({n.state for n in numbers})
    assert State.OVER_BUDGET not in states[0]
    assert states[-1] == {State.OVER_BUDGET}


def test_nothing_is_told_before_sealing(tmp_path: Path, warehouse: Embedded) -> None:
    """Provisional totals are exact, so under noise there are none; those of before are gone."""
    reader = store(warehouse, crowd().cells)
    exact = app(tmp_path, ORGANISATION.replace('rule = "dp"', 'rule = "threshold"'))
    Releaser(tmp_path / "sealed", reader).publish_provisional(exact, FIRST_DAY + 10)
    file = tmp_path / "sealed/1-1/provisional"
    assert orjson.loads(file.read_bytes())["numbers"]
    Releaser(tmp_path / "sealed", reader).publish_provisional(app(tmp_path), FIRST_DAY + 10)
    assert orjson.loads(file.read_bytes())["numbers"] == []


def test_noisy_days_are_no_blocks_of_an_exact_week(tmp_path: Path, warehouse: Embedded) -> None:
    """After the rule is changed to the threshold, a week is counted, and does not add noise up as if it were counts."""
    reader = store(warehouse, crowd().cells)
    Releaser(tmp_path / "sealed", reader).release_due(app(tmp_path), MONDAY + 7)
    exact = app(tmp_path, ORGANISATION.replace('rule = "dp"', 'rule = "threshold"'))
    Releaser(tmp_path / "sealed", reader).release_due(exact, MONDAY + 11)
    (week,) = (tmp_path / "sealed/1-1").glob(f"*-week-{MONDAY}-*.json")
    header, numbers = parse_release(week.read_bytes())
    (total,) = [n for n in numbers if (n.statistic, n.measure, n.label, n.breakdown) == (Statistic.COUNT, 2, 0, 0)]
    assert header.rule == "threshold"
    assert total.value == 7 * 225 * 2


def test_rule_and_preset_are_from_closed_lists(tmp_path: Path) -> None:
    """A misspelt rule is a fault of the file, and not silently the threshold."""
    for wrong in (ORGANISATION.replace('"dp"', '"noise"'), ORGANISATION.replace('"light"', '"none"')):
        with pytest.raises(OrganisationError, match="must be one of"):
            app(tmp_path, wrong)


def test_places_are_what_they_are_called() -> None:
    """The whole of a view stands at label, slot and values of nothing."""
    assert Place(0, 0, "", "") == WHOLE_PLACE
