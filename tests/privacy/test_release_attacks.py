"""Whole releases of made-up devices with ids, attacked by subtraction; a naive engine stands beside.

The attacker has every sealed number and knows which devices each speaks of only as sets. An attack
succeeds when a difference of two shown numbers speaks of at least one and fewer than k devices.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pytest
from headcount_aggregator.periods import Period, PeriodKind, period_of
from headcount_aggregator.release.block import Block
from headcount_aggregator.release.counts import blocks_of_day
from headcount_aggregator.release.period_numbers import Statistics
from headcount_aggregator.release.threshold import Threshold
from headcount_aggregator.released import Number, State, Statistic

from tests.aggregator.world import CROSS, FIRST_DAY, OS, VERSION, Use, World, catalog, draw_world

K = 6
SPAN = 40
SEEDS = range(4)


@dataclass
class Released:
    """All releases of a world, and the blocks its counts are made of."""

    world: World
    by_period: dict[Period, list[Number]]
    blocks: list[Block]
    spans: dict[Period, list[Block]]


@pytest.fixture(scope="module", params=SEEDS)
def released(request: pytest.FixtureRequest) -> Released:
    world = draw_world(request.param, devices=160, span=SPAN, late=0.1)
    statistics = Statistics(catalog(), FIRST_DAY, world, Threshold(K))
    found = Released(world, {}, [], {})
    for day in range(FIRST_DAY, FIRST_DAY + SPAN):
        numbers = list(statistics.of_day(day))
        found.by_period[period_of(PeriodKind.DAY, day)] = numbers
        found.blocks += blocks_of_day(numbers)
    for kind in (PeriodKind.WEEK, PeriodKind.MONTH):
        for period in sorted({period_of(kind, day) for day in range(FIRST_DAY, FIRST_DAY + SPAN)}):
            known = list(found.blocks)
            found.by_period[period], added = statistics.of_span(period, known)
            found.blocks += added
            found.spans[period] = [*known, *added]
    return found


def small(ids: Iterable[int]) -> bool:
    return 0 < len(set(ids)) < K


def on_time(world: World, period: Period) -> list[Use]:
    return [use for use in world.between(period.first, period.last) if not use.late]


def sets_of_day(released: Released, period: Period) -> Iterator[tuple[int, str, frozenset[int]]]:
    """The devices behind every exact number of people of a day: (breakdown, where it stands, ids)."""
    world, numbers = released.world, released.by_period[period]
    uses = on_time(world, period)
    for number in numbers:
        if number.value is None or number.rounding > 1 or number.period is not PeriodKind.DAY:
            continue
        if number.statistic in (Statistic.COUNT, Statistic.QUANTILE):
            continue
        mine = [use for use in uses if _in(world, number, use, period)]
        if number.breakdown:
            alone = {
                (n.value1, n.value2)
                for n in numbers
                if (n.statistic, n.period, n.measure, n.breakdown, n.slot)
                == (number.statistic, number.period, number.measure, number.breakdown, number.slot)
            }
            mine = [use for use in mine if _key(alone, use.value(number.breakdown)) == (number.value1, number.value2)]
        assert len(mine) == number.value
        yield number.breakdown, f"{number.statistic} {number.measure}", frozenset(use.device for use in mine)


def _key(alone: set[tuple[str, str]], key: tuple[str, str]) -> tuple[str, str]:
    """Under which of the shown keys a use stands."""
    rows = {row for row, _ in alone}
    columns = {column for _, column in alone}
    return (key[0] if key[0] in rows else "other", key[1] if key[1] in columns or not key[1] else "other")


def _in(world: World, number: Number, use: Use, period: Period) -> bool:
    age = use.day - world.by_device[use.device][0].day
    match number.statistic:
        case Statistic.NEW_PEOPLE:
            return age == 0
        case Statistic.RETURNING_PEOPLE:
            return age > 0
        case Statistic.RETENTION_DAY:
            return age == period.first - number.first
        case _:
            return {1: True, 2: bool(use.joined), 3: use.shared, 4: bool(use.waits)}[number.measure]


def comparable(one: int, other: int) -> bool:
    """Whether two cuts stand in one family: the same, one of them a total, or one inside the other."""
    return one == other or 0 in (one, other) or CROSS in (one, other)


def test_no_difference_of_two_sets_of_a_day_is_small(released: Released) -> None:
    """Whatever exact sets of a day contain each other, what lies between them is nothing or at least k."""
    compared = 0
    for period in released.by_period:
        if period.kind is PeriodKind.DAY:
            sets = list(sets_of_day(released, period))
            for code, name, ids in sets:
                assert not small(ids), name
                for other_code, other_name, inner in sets:
                    if inner < ids and comparable(code, other_code) and "1" in name:
                        assert not small(ids - inner), (period, name, code, other_name, other_code)
                        compared += 1
    assert compared > 300


def test_what_a_day_hides_of_its_ages_is_not_small(released: Released) -> None:
    """Active people minus all shown cells of the retention diagonal: nothing, or at least k."""
    for period, numbers in released.by_period.items():
        if period.kind is PeriodKind.DAY:
            total = next(n for n in numbers if n.statistic is Statistic.PEOPLE and n.measure == 1).value
            ages = [
                n.value
                for n in numbers
                if n.statistic is Statistic.RETENTION_DAY and not n.breakdown and n.value is not None
            ]
            if total is not None and ages:
                rest = total - sum(ages)
                assert rest == 0 or rest >= K


def test_a_cohort_says_no_more_than_new_people(released: Released) -> None:
    """Slot 0 of retention is shown exactly where new people are: a door beside the door opens nothing."""
    for numbers in released.by_period.values():
        new = [(n.breakdown, n.value1, n.state, n.value) for n in numbers if n.statistic is Statistic.NEW_PEOPLE]
        for statistic in (Statistic.RETENTION_DAY, Statistic.RETENTION_WEEK):
            cohort = [
                (n.breakdown, n.value1, n.state, n.value) for n in numbers if n.statistic is statistic and not n.slot
            ]
            assert cohort in ([], new)


def test_people_over_more_than_a_day_are_whole_tens(released: Released) -> None:
    """DAU plus DAU minus a window would tell who came twice; no window is exact, and labels neither."""
    seen = 0
    for numbers in released.by_period.values():
        for n in numbers:
            people = n.statistic not in (Statistic.COUNT, Statistic.QUANTILE)
            if people and n.value is not None and (n.period is not PeriodKind.DAY or n.label):
                assert n.rounding == 10
                assert n.value % 10 == 0
                seen += 1
    assert seen > 300


def uses_of(released: Released, block: Block, code: int, key: tuple[str, str]) -> list[Use]:
    """What one cell of a block speaks of."""
    days = set(block.days)
    uses = [use for use in released.world.uses if use.day in days and use.late is block.late]
    uses = [use for use in uses if (use.joined if block.measure == 2 else use.waits)]
    if code:
        alone = set(block.cuts[code])
        uses = [use for use in uses if _key(alone, use.value(code)) == key]
    return uses


def times(block: Block, use: Use) -> int:
    return sum(use.joined.values()) if block.measure == 2 else len(use.waits)


def test_counts_are_sums_of_disjoint_blocks_of_k_devices(released: Released) -> None:
    """Blocks share no day, each of their cells is nobody or at least k devices, and each wide count is a
    sum of whole blocks: so every sum and difference of shown counts is a union of such cells."""
    cells = 0
    for measure in (2, 4):
        for late in (False, True):
            taken: set[int] = set()
            for block in released.blocks:
                if block.measure == measure and block.late is late:
                    assert taken.isdisjoint(block.days)
                    taken |= set(block.days)
                    everything = uses_of(released, block, 0, ("", ""))
                    assert sum(times(block, use) for use in everything) == block.total
                    assert not small(use.device for use in everything)
                    for code, cut in block.cuts.items():
                        assert sum(cut.values()) == block.total
                        for key, n in cut.items():
                            here = uses_of(released, block, code, key)
                            assert sum(times(block, use) for use in here) == n, (code, key)
                            assert not small(use.device for use in here)
                            cells += 1
        for period, blocks in released.spans.items():
            mine = [block for block in blocks if block.measure == measure]
            inside = [b for b in mine if b.days[0] >= period.first and b.days[-1] <= period.last]
            (total,) = [
                n
                for n in released.by_period[period]
                if (n.statistic, n.measure, n.label, n.breakdown) == (Statistic.COUNT, measure, 0, 0)
            ]
            assert total.value == (sum(block.total for block in inside) if any(not b.late for b in inside) else None)
    assert cells > 100


def test_cuts_of_counts_add_up_in_every_period(released: Released) -> None:
    """Labels and every cut of a shown count add up to it: days, weeks and months alike."""
    for numbers in released.by_period.values():
        counts = [n for n in numbers if n.statistic is Statistic.COUNT and n.state is State.SHOWN]
        totals = {n.measure: n.value for n in counts if not n.label and not n.breakdown}
        sums: dict[tuple[int, int], int] = defaultdict(int)
        for n in counts:
            if n.label or n.breakdown:
                sums[n.measure, n.breakdown] += n.value or 0
        for (measure, _), total in sums.items():
            assert total == totals[measure]


@pytest.mark.parametrize("code", [OS, VERSION])
def test_week_against_days_succeeds_on_naive_and_fails_here(released: Released, code: int) -> None:
    """A week's count by value minus the days on which the value is shown: few devices on the naive engine."""
    isolated = 0
    for period in released.spans:
        if period.kind is not PeriodKind.WEEK:
            continue
        uses = [use for use in on_time(released.world, period) if use.joined]
        for key in {use.value(code) for use in uses}:
            mine = [use for use in uses if use.value(code) == key]
            if len({use.device for use in mine}) < K:
                continue
            hidden = []
            for day in range(period.first, period.last + 1):
                today = [use for use in mine if use.day == day]
                hidden += today if small(use.device for use in today) else []
            isolated += small(use.device for use in hidden)
    assert isolated > 0
    # Here the same subtraction leaves whole blocks only, whose cells the test above has looked at.


def test_late_data_against_the_week_succeeds_on_naive_and_fails_here(released: Released) -> None:
    """A live week minus its sealed days is what came late: few devices. Here late is k devices, or not there."""
    live = 0
    for period, numbers in released.by_period.items():
        late = [use for use in released.world.between(period.first, period.last) if use.late]
        live += small(use.device for use in late)
        for n in numbers:
            if n.value1 == "late" and n.statistic is Statistic.COUNT:
                assert n.value
            if n.value1 == "late" and n.statistic is Statistic.PEOPLE and n.measure == 1:
                assert len({use.device for use in late}) >= K or n.period is not period.kind
    assert live > 0


def test_the_last_age_of_a_young_app_is_not_left_over() -> None:
    """All people of a day minus all ages but one is that one: three devices on the naive engine."""
    cohorts = {0: (60, 30), 1: (60, 28), 2: (40, 3)}  # born on, size, how many are back on day 3
    uses = []
    for born, (size, back) in cohorts.items():
        for number in range(size):
            days = [born, *([3] if number < back else [])]
            uses += [Use(100 * born + number, FIRST_DAY + day, "ios", "1.0", {}, False, ()) for day in days]
    statistics = Statistics(catalog(), FIRST_DAY, World(uses), Threshold(20))
    numbers = [n for n in statistics.of_day(FIRST_DAY + 3) if n.period is PeriodKind.DAY and not n.breakdown]
    everyone = next(n.value for n in numbers if n.statistic is Statistic.PEOPLE and n.measure == 1)
    ages = {n.slot: n for n in numbers if n.statistic is Statistic.RETENTION_DAY}
    assert everyone == 61
    assert ages[1].state is State.FEWER_THAN_K
    assert ages[2].state is State.COMPLEMENT  # 28 devices, given up to cover the three
    assert ages[3].value == 30
    assert everyone - 30 - 28 == 3  # what the naive engine leaves over
