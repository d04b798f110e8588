"""What a count tells of the people behind it: sealed, over a week, by value, by label, and before the freeze.

An attack succeeds when it learns more of people who are hidden than that they are hidden. Beside each
stands what it learns on a naive engine, which shows every count with k devices behind it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

import pytest
from headcount_aggregator.periods import PeriodKind, period_of
from headcount_aggregator.release.block import Block
from headcount_aggregator.release.counts import blocks_of_day
from headcount_aggregator.release.period_numbers import Statistics
from headcount_aggregator.release.provisional import Provisional
from headcount_aggregator.release.threshold import Threshold
from headcount_aggregator.released import Number, State, Statistic
from headcount_wire.catalog import Catalog
from headcount_wire.catalog_file import parse_catalog

from tests.aggregator.world import CATALOG, FIRST_DAY, OS, Use, World, catalog, draw_world

K = 20
MONDAY = FIRST_DAY + 5
RULE = Threshold(K)


def capped(cap: int) -> Catalog:
    """The catalog of the made-up app with another cap on everything that is counted."""
    return parse_catalog(CATALOG.replace("cap = 9", f"cap = {cap}"))


def total(numbers: Iterable[Number], statistic: Statistic, measure: int, kind: PeriodKind = PeriodKind.DAY) -> Number:
    (found,) = [
        n
        for n in numbers
        if (n.statistic, n.measure, n.period, n.label, n.breakdown, n.slot) == (statistic, measure, kind, 0, 0, 0)
    ]
    return found


def parts(numbers: Iterable[Number], statistic: Statistic, measure: int, code: int) -> dict[str, int]:
    return {
        n.value1: n.value
        for n in numbers
        if (n.statistic, n.measure, n.period, n.breakdown) == (statistic, measure, PeriodKind.DAY, code)
        and n.value is not None
    }


def join(device: int, day: int, times: int, os: str = "ios") -> Use:
    return Use(device, day, os, "1.0", {2: times} if times else {}, False, ())


def possible(count: int | None, people: int, cap: int) -> set[int]:
    """How many may be without a measure, of whom it is said that they are some but fewer than k."""
    hidden = set(range(1, K))
    return hidden if count is None else {m for m in hidden if people - m <= count <= cap * (people - m)}


@pytest.mark.parametrize("cap", [1, 2, 3, 50])
@pytest.mark.parametrize("draw", [lambda _: 1, lambda cap: cap, lambda cap: (cap + 1) // 2], ids=["one", "cap", "half"])
def test_a_count_leaves_open_how_many_are_without(cap: int, draw: Callable[[int], int]) -> None:
    """Three of a hundred have no timing and no join: whatever the others did, one to nineteen stay possible."""
    times = draw(cap)
    uses = [
        Use(d, FIRST_DAY, "ios", "1.0", {2: times} if d >= 3 else {}, False, (100,) * times if d >= 3 else ())
        for d in range(100)
    ]
    numbers = list(Statistics(capped(cap), FIRST_DAY, World(uses), RULE).of_day(FIRST_DAY))
    for measure in (2, 4):
        assert total(numbers, Statistic.PEOPLE, measure).state is State.COMPLEMENT
        count = total(numbers, Statistic.COUNT, measure).value
        assert possible(count, 100, cap) == set(range(1, K))
        if cap == 50 and times == 25:
            assert count == 97 * 25  # what cannot tell is shown
    if cap == 1:
        assert possible(97, 100, 1) == {3}  # the naive engine shows 97


def test_a_count_that_follows_hidden_people_comes_back_in_no_week() -> None:
    """A Wednesday on which all but three joined: the week minus its shown days was that Wednesday."""
    uses = [
        join(device, MONDAY + day, 1 if (device >= 3 if day == 2 else device % 2 == 0) else 0)
        for day in range(7)
        for device in range(100)
    ]
    world, cat = World(uses), capped(1)
    statistics = Statistics(cat, MONDAY, world, RULE)
    blocks: list[Block] = []
    shown = 0
    for day in range(MONDAY, MONDAY + 7):
        numbers = list(statistics.of_day(day))
        blocks += blocks_of_day(numbers)
        shown += total(numbers, Statistic.COUNT, 2).value or 0
    numbers, added = statistics.of_span(period_of(PeriodKind.WEEK, MONDAY), blocks)
    week = total(numbers, Statistic.COUNT, 2, PeriodKind.WEEK)
    assert (week.value, week.left_out) == (shown, 1)
    assert [block for block in added if block.measure == 2] == []
    assert sum(1 for use in uses if use.joined) - shown == 97  # the naive week
    wednesday = Provisional(cat, MONDAY, [MONDAY + 2], world, RULE, Statistics(cat, MONDAY, world, RULE))
    open_day = list(wednesday.of_period(period_of(PeriodKind.DAY, MONDAY + 2), []))
    assert total(open_day, Statistic.COUNT, 2).state is State.COMPLEMENT


def test_hidden_days_that_hide_each_other_are_a_block() -> None:
    """A day all but three joined and a day only three joined are none of them told by their sum."""
    uses = [
        join(device, MONDAY + day, int(device >= 3 if day == 2 else device < 3 if day == 4 else device % 2))
        for day in range(7)
        for device in range(100)
    ]
    statistics = Statistics(capped(1), MONDAY, World(uses), RULE)
    blocks = [b for day in range(7) for b in blocks_of_day(list(statistics.of_day(MONDAY + day)))]
    numbers, added = statistics.of_span(period_of(PeriodKind.WEEK, MONDAY), blocks)
    assert [(block.days, block.total) for block in added if block.measure == 2] == [((MONDAY + 2, MONDAY + 4), 100)]
    assert total(numbers, Statistic.COUNT, 2, PeriodKind.WEEK).value == 350
    # Of the hundred, one to nineteen are of the small day: so one to nineteen are not of the large one.
    assert {100 - (100 - small) for small in range(1, K)} == set(range(1, K))


@pytest.mark.parametrize("times", [1, 4, 9])
def test_a_count_by_value_says_no_more_than_its_people(times: int) -> None:
    """By system, people are held back (all but two of android joined): what the count shows leaves all open."""
    uses = [join(device, FIRST_DAY, times * (device >= 60), "ios") for device in range(90)]
    uses += [join(100 + device, FIRST_DAY, times * (device >= 2), "android") for device in range(60)]
    numbers = list(Statistics(catalog(), FIRST_DAY, World(uses), RULE).of_day(FIRST_DAY))
    people = total(numbers, Statistic.PEOPLE, 2).value
    assert people == 88
    assert parts(numbers, Statistic.PEOPLE, 2, OS) == {}
    counts = parts(numbers, Statistic.COUNT, 2, OS)
    assert counts == {}  # thirty of ninety is too few to leave open that all of them did
    naive = {"ios": 30 * times, "android": 58 * times}
    if times == 1:
        assert 60 - (people - naive["ios"]) == 2


def test_a_count_by_value_is_shown_where_it_tells_nothing_of_people() -> None:
    """Nearly all have sessions, several each: people by system are hidden, how often is not."""
    uses = [join(device, FIRST_DAY, 3 * (device >= 3), "ios" if device % 2 else "android") for device in range(200)]
    cat = parse_catalog(CATALOG.replace("cap = 9", "cap = 50"))
    numbers = list(Statistics(cat, FIRST_DAY, World(uses), RULE).of_day(FIRST_DAY))
    assert total(numbers, Statistic.PEOPLE, 2).state is State.COMPLEMENT
    assert parts(numbers, Statistic.PEOPLE, 2, OS) == {}
    assert parts(numbers, Statistic.COUNT, 2, OS) == {"ios": 99 * 3, "android": 98 * 3}


def test_a_label_that_nearly_all_have_is_not_told_by_its_count() -> None:
    """All joined, all but three by link, once each: the count by link was the people by link."""
    uses = [
        Use(d, FIRST_DAY, "ios", "1.0", {2: 1, 3: 1} if d >= 60 else {2: 1} if d >= 3 else {3: 1}, False, ())
        for d in range(100)
    ]
    numbers = list(Statistics(catalog(), FIRST_DAY, World(uses), RULE).of_day(FIRST_DAY))
    assert total(numbers, Statistic.PEOPLE, 2).value == 100
    by_label = {n.label: n for n in numbers if n.label and n.statistic is Statistic.PEOPLE}
    assert by_label[2].state is State.COMPLEMENT
    counts = {n.label: n.value for n in numbers if n.label and n.statistic is Statistic.COUNT}
    assert counts.get(2) is None
    assert sum(use.joined.get(2, 0) for use in uses) == 97  # the naive engine


KINDS = {
    kind: parse_catalog(
        CATALOG.replace('kind = "counter"', f'kind = "{kind}"')
        .replace("reach = true\n", "")
        .replace('label = { key = "entry", values = ["link", "room"] }\n', label)
    )
    for kind, label in (
        ("crash_free", ""),
        ("problem", 'label = { key = "category", values = ["slow", "wrong"] }\n'),
        ("screen", 'label = { key = "screen", values = ["home", "room"] }\n'),
    )
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("few", "shown"), [(0, {2: 200}), (3, {}), (25, {2: 200, 3: 25})])
def test_two_labels_of_any_kind_are_told_together_or_not(kind: str, few: int, shown: dict[int, int]) -> None:
    """Sessions that crashed are all less those that did not: with three devices behind them neither is said."""
    uses = [Use(d, FIRST_DAY, "ios", "1.0", {2: 2, 3: 1} if d < few else {2: 2}, False, ()) for d in range(100)]
    numbers = list(Statistics(KINDS[kind], FIRST_DAY, World(uses), RULE).of_day(FIRST_DAY))
    assert total(numbers, Statistic.COUNT, 2).value == 200 + few
    counts = [n for n in numbers if n.label and n.statistic is Statistic.COUNT]
    assert {n.label: n.value for n in counts if n.value is not None} == shown
    if few == 3:
        assert [n.state for n in counts] == [State.COMPLEMENT]


@pytest.mark.parametrize("seed", range(3))
def test_shown_counts_of_drawn_worlds_leave_hidden_people_open(seed: int) -> None:
    """Wherever a day hides people because of the few others, its count could come from any of them."""
    cat, hidden = capped(9), 0
    statistics = Statistics(cat, FIRST_DAY, draw_world(seed, devices=160, span=30), Threshold(6))
    for day in range(FIRST_DAY, FIRST_DAY + 30):
        numbers = list(statistics.of_day(day))
        everyone = total(numbers, Statistic.PEOPLE, 1).value
        for measure in (2, 4):
            if total(numbers, Statistic.PEOPLE, measure).state is State.COMPLEMENT:
                hidden += 1
                count = total(numbers, Statistic.COUNT, measure).value
                assert everyone
                assert count is None or everyone <= count <= 9 * (everyone - 5)
    assert hidden > 0


def test_provisional_totals_of_a_month_tell_nothing_of_a_hidden_day() -> None:
    """Nightly snapshots of an open month against its sealed days pinned a Sunday of three devices."""
    draw, first = random.Random(1), FIRST_DAY + 18  # the first of February
    quiet = first + 14
    uses = [join(device, quiet, n) for device, n in ((3, 9), (8, 9), (11, 7))]
    for day in range(first, first + 28):
        if day != quiet:
            uses += [join(device, day, draw.randint(1, 9)) for device in range(60) if draw.random() < 0.5]
    world, cat, month = World(uses), catalog(), period_of(PeriodKind.MONTH, first)
    statistics = Statistics(cat, first, world, RULE)
    sealed = {day: list(statistics.of_day(day)) for day in range(first, first + 28)}
    days = {day: total(numbers, Statistic.COUNT, 2).value for day, numbers in sealed.items()}
    assert days[quiet] is None

    def candidates(snapshots: dict[int, int]) -> set[int]:
        known = {today: sum(days[d] or 0 for d in range(first, min(today, first + 28))) for today in snapshots}
        return {
            n for n in range(1, 100) if all(0 <= known[today] + n - value <= 9 for today, value in snapshots.items())
        }

    naive, here = {}, {}
    for today in range(quiet + 1, first + 35):
        until = World([use for use in uses if use.day < today])
        naive[today] = sum(sum(use.joined.values()) for use in until.uses) // 10 * 10
        open_days = range(today - 3, today)
        provisional = Provisional(cat, first, open_days, until, RULE, Statistics(cat, first, until, RULE))
        blocks = [b for day in range(first, min(today - 3, first + 28)) for b in blocks_of_day(sealed[day])]
        number = total(provisional.of_period(month, blocks), Statistic.COUNT, 2, PeriodKind.MONTH)
        said = sum((provisional_day(provisional, day) or 0) for day in open_days)
        assert number.value == (sum(b.total for b in blocks if b.measure == 2) + said) // 10 * 10
        here[today] = number.value
        assert number.left_out == (1 if quiet < today - 3 else 0)
    assert candidates(naive) == {25}
    assert candidates(here) == set()  # the hidden day is in none of them


def provisional_day(provisional: Provisional, day: int) -> int | None:
    return total(provisional.of_period(period_of(PeriodKind.DAY, day), []), Statistic.COUNT, 2).value
