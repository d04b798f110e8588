"""Every statistic, from the cells of devices with ids, against the truth that only ids can tell."""

from __future__ import annotations

from collections import Counter

import pytest
from headcount_aggregator.periods import ROLLING, Period, PeriodKind, period_of
from headcount_aggregator.release.block import Block
from headcount_aggregator.release.counts import blocks_of_day
from headcount_aggregator.release.period_numbers import Statistics
from headcount_aggregator.release.threshold import Threshold
from headcount_aggregator.released import Number, State, Statistic
from headcount_wire import buckets, days

from tests.aggregator.world import CROSS, FIRST_DAY, OS, VERSION, World, catalog, draw_world

SPAN = 45
EVERYTHING = Threshold(1)
Key = tuple[int, int, str, str]


@pytest.fixture(scope="module")
def world() -> World:
    return draw_world(seed=7, devices=60, span=SPAN)


@pytest.fixture(scope="module")
def released(world: World) -> dict[Period, list[Number]]:
    """With a threshold of one nothing is hidden: what is released is what the sums say."""
    statistics = Statistics(catalog(), FIRST_DAY, world, EVERYTHING)
    found: dict[Period, list[Number]] = {}
    blocks: list[Block] = []
    for day in range(FIRST_DAY, FIRST_DAY + SPAN):
        numbers = list(statistics.of_day(day))
        found[period_of(PeriodKind.DAY, day)] = numbers
        blocks += blocks_of_day(numbers)
    for kind in (PeriodKind.WEEK, PeriodKind.MONTH):
        for period in sorted({period_of(kind, day) for day in range(FIRST_DAY, FIRST_DAY + SPAN)}):
            found[period], added = statistics.of_span(period, blocks)
            blocks += added
    return found


def told(numbers: list[Number], statistic: Statistic, kind: PeriodKind, measure: int, slot: int = 0) -> dict[Key, int]:
    return {
        (n.label, n.breakdown, n.value1, n.value2): n.value
        for n in numbers
        if (n.statistic, n.period, n.measure, n.slot) == (statistic, kind, measure, slot) and n.value
    }


def ten(n: int) -> int:
    return (n + 5) // 10 * 10


def tens(sizes: dict[Key, int]) -> dict[Key, int]:
    rounded = {key: ten(n) for key, n in sizes.items()}
    return {key: n for key, n in rounded.items() if n}


def sizes(world: World, period: Period, measure: int, codes: tuple[int, ...]) -> dict[Key, int]:
    return {
        (0, code, *key): len(ids) for code in codes for key, ids in world.people(period, code, measure).items() if ids
    }


def test_people_of_every_day_and_window(world: World, released: dict[Period, list[Number]]) -> None:
    """Days, rolling 7, 28 and 30, by every cut: distinct devices, each under its first day's values."""
    cuts = {1: (0, OS, VERSION, CROSS), 2: (0, OS, VERSION, CROSS)}
    compared = 0
    for day in range(FIRST_DAY, FIRST_DAY + SPAN):
        period = period_of(PeriodKind.DAY, day)
        for measure, codes in {**cuts, 3: (0, OS), 4: (0, OS)}.items():
            found = told(released[period], Statistic.PEOPLE, PeriodKind.DAY, measure)
            whole = {key: n for key, n in found.items() if key[0] == 0}
            assert whole == sizes(world, period, measure, codes)
            compared += len(whole)
        for kind in ROLLING:
            for measure, codes in cuts.items():
                found = told(released[period], Statistic.PEOPLE, kind, measure)
                assert found == tens(sizes(world, period_of(kind, day), measure, codes))
                compared += len(found)
    assert compared > 3_000


def test_people_of_every_week_and_month(world: World, released: dict[Period, list[Number]]) -> None:
    """First-in-period flags and gaps tell the same people that ids do."""
    for period, numbers in released.items():
        if period.kind is not PeriodKind.DAY:
            for measure in (1, 2):
                found = told(numbers, Statistic.PEOPLE, period.kind, measure)
                assert found == tens(sizes(world, period, measure, (0, OS, VERSION, CROSS)))


def test_new_and_returning_people(world: World, released: dict[Period, list[Number]]) -> None:
    """New people are those with no earlier day, by the context of that first day; the others return."""
    for period, numbers in released.items():
        first = [mine[0] for mine in world.by_device.values() if period.first <= mine[0].day <= period.last]
        new = Counter((0, code, *use.value(code)) for use in first for code in (0, OS, VERSION))
        everyone = sum(len(ids) for ids in world.people(period, 0).values())
        exact = period.kind is PeriodKind.DAY
        rounded = tens(dict(new))
        if exact and first:
            rounded[0, 0, "", ""] = len(first)  # the whole of a day is exact, by value it is not
        assert told(numbers, Statistic.NEW_PEOPLE, period.kind, 1) == rounded
        back = everyone - len(first) if exact else ten(everyone) - ten(len(first))
        returning = told(numbers, Statistic.RETURNING_PEOPLE, period.kind, 1)
        assert returning == ({(0, 0, "", ""): back} if back else {})


def test_retention(world: World, released: dict[Period, list[Number]]) -> None:
    """Every cell of both grids: of a cohort, those active again n days or weeks later."""
    compared = 0
    for period, numbers in released.items():
        statistic, kind, most = {
            PeriodKind.DAY: (Statistic.RETENTION_DAY, PeriodKind.DAY, 31),
            PeriodKind.WEEK: (Statistic.RETENTION_WEEK, PeriodKind.WEEK, 53),
        }.get(period.kind, (None, None, 0))
        if statistic is None or kind is None:
            continue
        active = {use.device for use in world.between(period.first, period.last)}
        for age in range(most):
            born = period_of(kind, period.first - age * (period.last - period.first + 1))
            cohort = {device for device, mine in world.by_device.items() if born.first <= mine[0].day <= born.last}
            n = len(active & cohort)
            found = [
                number.value
                for number in numbers
                if number.statistic is statistic
                and (number.first, number.slot, number.breakdown) == (born.first, age, 0)
            ]
            expected = n if kind is PeriodKind.DAY else (n + 5) // 10 * 10
            if born.last >= FIRST_DAY and cohort:
                assert found == [expected]
                compared += 1
    assert compared > 500


def test_counts_add_up_over_days_weeks_and_months(world: World, released: dict[Period, list[Number]]) -> None:
    """How often, by label and by every cut, on each day and over each week and month."""
    for period, numbers in released.items():
        uses = world.between(period.first, period.last)
        expected: Counter[Key] = Counter()
        for use in uses:
            for label, n in use.joined.items():
                expected[label, 0, "", ""] += n
                for code in (0, OS, VERSION, CROSS):
                    expected[(0, code, *use.value(code))] += n
        assert told(numbers, Statistic.COUNT, period.kind, 2) == dict(expected)
        observed = Counter((0, code, *use.value(code)) for use in uses for code in (0, OS) for _ in use.waits)
        assert told(numbers, Statistic.COUNT, period.kind, 4) == dict(observed)


def test_percentiles_are_those_of_the_observations(world: World, released: dict[Period, list[Number]]) -> None:
    """Percentiles from buckets lie within 2 percent of the observation at that rank."""
    for period, numbers in released.items():
        for slot in (50, 75, 95):
            for (_, code, *values), found in told(numbers, Statistic.QUANTILE, period.kind, 4, slot).items():
                waits = sorted(
                    wait
                    for use in world.between(period.first, period.last)
                    if code == 0 or use.os == values[0]
                    for wait in use.waits
                )
                exact = waits[int(slot / 100 * (len(waits) - 1))]
                assert abs(found - exact) <= max(1.0, 0.021 * exact)
    assert buckets.value_of(1) == 1.0


def test_nothing_is_hidden_under_a_threshold_of_one(released: dict[Period, list[Number]]) -> None:
    """The comparison above saw every number: with k = 1 only what holds nobody is hidden."""
    for period, numbers in released.items():
        for number in numbers:
            assert number.state is State.SHOWN or number.value is None
            assert number.value1 != "other", (period, number)


def test_weeks_begin_on_mondays() -> None:
    """The world's weeks are ISO weeks, and its first one is not whole."""
    assert days.week_start(FIRST_DAY) == FIRST_DAY - 2
