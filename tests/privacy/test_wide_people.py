"""People of windows and longer: near the truth, and the same whatever a hidden day holds."""

from __future__ import annotations

import pytest
from headcount_aggregator.periods import ROLLING, PeriodKind, period_of
from headcount_aggregator.release.period_numbers import Statistics
from headcount_aggregator.release.provisional import Provisional
from headcount_aggregator.release.threshold import Threshold
from headcount_aggregator.release.wide_people import beyond
from headcount_aggregator.released import Statistic
from hypothesis import given
from hypothesis import strategies as st

from tests.aggregator.world import FIRST_DAY, Use, World, catalog, draw_world

K = 20
RULE = Threshold(K)
TENS = 10


@given(st.integers(-500, 500), st.integers(1, 60), st.booleans())
def test_a_rest_is_told_by_its_step(rest: int, k: int, hidden: bool) -> None:
    """What is told is within k of the rest, grows with it, and of fewer than k says at most: some, or none."""
    told = beyond(rest, k, hidden=hidden)
    assert abs(told - rest) < k
    assert beyond(rest + 1, k, hidden=hidden) >= told
    few = {beyond(one, k, hidden=hidden) for one in range(1 - k, k)}
    assert few == ({0} if hidden else {0, *((-(k // 2), k // 2) if k > 1 else ())})


@pytest.mark.parametrize(("seed", "devices"), [(1, 150), (2, 400), (3, 900)])
def test_windows_are_near_the_truth(seed: int, devices: int) -> None:
    """Each shown window is within 15 of what ids tell, within k and 5 where one of its days is hidden."""
    span = 40
    world = draw_world(seed, devices, span)
    statistics = Statistics(catalog(), FIRST_DAY, world, RULE)
    released = {day: list(statistics.of_day(day)) for day in range(FIRST_DAY, FIRST_DAY + span)}
    shown_days = {
        (n.measure, n.first)
        for numbers in released.values()
        for n in numbers
        if (n.statistic, n.period, n.breakdown, n.label) == (Statistic.PEOPLE, PeriodKind.DAY, 0, 0) and n.value
    }
    seen = 0
    for day, numbers in released.items():
        for number in numbers:
            wide = number.statistic is Statistic.PEOPLE and number.period in ROLLING and not number.breakdown
            if wide and number.value is not None:
                period = period_of(number.period, day)
                truth = sum(len(ids) for ids in world.people(period, 0, number.measure).values())
                days = range(max(period.first, FIRST_DAY), day + 1)
                most = 15 if all((number.measure, one) in shown_days for one in days) else K + 5
                assert abs(number.value - truth) <= most
                assert number.value % TENS == 0
                seen += 1
    assert seen > 50


@pytest.mark.parametrize(("back", "kinds"), [(0, (PeriodKind.WEEK, PeriodKind.MONTH)), (47, (PeriodKind.MONTH,))])
def test_an_open_month_says_nothing_of_a_hidden_day(back: int, kinds: tuple[PeriodKind, ...]) -> None:
    """Provisional people of an open week and month are the same, whatever a sealed day of it hides.

    Also where some of the app's first day come back on all others, so that what is open is not all new; that is
    for periods that begin with the app.
    """

    def provisional(hidden: int) -> list[int | None]:
        days = range(FIRST_DAY, FIRST_DAY + 12)
        sizes = {day: hidden if day == FIRST_DAY + 6 else 50 + 7 * day % 23 for day in days}
        world = World(
            [
                Use(100 * day + at, day, "ios", "1.0", {1: 1}, False, ())
                for day, size in sizes.items()
                for at in range(size)
            ]
            + [
                Use(100 * FIRST_DAY + at, day, "ios", "1.0", {1: 1}, False, ())
                for day in days
                if day not in (FIRST_DAY, FIRST_DAY + 6)
                for at in range(back)
            ]
        )
        found: list[int | None] = []
        for last in days[8:]:
            until = World([use for use in world.uses if use.day <= last])
            sealed = Statistics(catalog(), FIRST_DAY, until, RULE)
            open_days = [last - 1, last]
            said = Provisional(catalog(), FIRST_DAY, open_days, until, RULE, sealed)
            for kind in kinds:
                numbers = said.of_period(period_of(kind, last), ())
                found += [n.value for n in numbers if n.statistic is Statistic.PEOPLE]
        return found

    said = [provisional(hidden) for hidden in range(1, K)]
    assert any(said[0])
    assert said.count(said[0]) == len(said)
