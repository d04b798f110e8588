"""The threshold rule on single families, against attacks; each also against a naive engine, where it succeeds."""

from __future__ import annotations

import random

from headcount_aggregator.periods import PeriodKind, period_of
from headcount_aggregator.release.family import Family, Part
from headcount_aggregator.release.people import completed, family
from headcount_aggregator.release.threshold import Threshold
from headcount_aggregator.released import Number, State, Statistic
from headcount_wire.catalog_file import parse_catalog
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.aggregator.world import CATALOG, CROSS, OS, VERSION

K = 20
RULE = Threshold(K)
DAY = period_of(PeriodKind.DAY, 20_000)
ACTIVE = parse_catalog(CATALOG).measures["active"]
SIZES = st.dictionaries(st.sampled_from([*"abcdefgh", "other", "unknown"]), st.integers(1, 60), min_size=1, max_size=8)
GRID = st.dictionaries(
    st.tuples(st.sampled_from("abc"), st.sampled_from("uvwxyz")), st.integers(1, 70), min_size=1, max_size=18
)


def one_cut(sizes: dict[str, int], total: int | None = None) -> Family:
    whole = sum(sizes.values()) if total is None else total
    cut = completed({(value, ""): n for value, n in sizes.items()}, whole, OS)
    return family(Statistic.PEOPLE, DAY, ACTIVE, {0: {("", ""): whole}, OS: cut})


def shown(numbers: list[Number] | tuple[Number, ...], code: int) -> dict[tuple[str, str], int]:
    return {(n.value1, n.value2): n.value for n in numbers if n.breakdown == code and n.value is not None}


def decided(found: Family) -> tuple[Number, dict[tuple[str, str], int]]:
    numbers = list(RULE.decide(found).numbers)
    return numbers[0], shown(numbers, OS)


def enough(n: int) -> bool:
    return n == 0 or n >= K


@settings(max_examples=400, deadline=None)
@given(SIZES)
def test_no_part_and_no_difference_is_under_the_threshold(sizes: dict[str, int]) -> None:
    """Each shown part has k devices, and total minus any of the parts is none or at least k."""
    total, parts = decided(one_cut(sizes))
    assert all(n >= K for n in parts.values())
    if parts:
        assert total.value == sum(parts.values())
        smallest = min(parts.values())
        assert enough(total.value - smallest)


@settings(max_examples=200, deadline=None)
@given(SIZES)
def test_other_is_never_one_hidden_sibling(sizes: dict[str, int]) -> None:
    """What stands in ``other`` is two siblings or more, or the catch-all by itself."""
    _, parts = decided(one_cut(sizes))
    if ("other", "") in parts:
        members = [value for value in sizes if (value, "") not in parts or value == "other"]
        assert len(members) >= 2 or members == ["other"]


@settings(max_examples=200, deadline=None)
@given(SIZES, st.integers(0, 30))
def test_what_came_without_dimensions_is_a_sibling_too(sizes: dict[str, int], uncut: int) -> None:
    """Devices that are in the total and in no cut never stand out as the difference."""
    total, parts = decided(one_cut(sizes, sum(sizes.values()) + uncut))
    if parts and total.value is not None:
        assert total.value == sum(parts.values())


def test_members_are_not_counted_aloud() -> None:
    """One device with a rare value does not change how many values ``other`` is said to hold."""
    sizes = {"a": 90, "b": 15, "c": 12}
    members = [
        [number.members for number in RULE.decide(one_cut(found)).numbers if number.value1 == "other"]
        for found in (sizes, {**sizes, "rare": 1})
    ]
    assert members == [[2], [2]]


@settings(max_examples=400, deadline=None)
@given(GRID)
def test_no_margin_of_two_dimensions_can_be_taken_apart(grid: dict[tuple[str, str], int]) -> None:
    """Rows, columns and cells together: every cell of the groups is none or k, and margins agree with them."""
    total = sum(grid.values())
    rows, columns = {}, {}  # type: ignore[var-annotated]  # filled below
    for (a, b), n in grid.items():
        rows[a, ""] = rows.get((a, ""), 0) + n
        columns[b, ""] = columns.get((b, ""), 0) + n
    exact = {0: {("", ""): total}, OS: rows, VERSION: columns, CROSS: grid}
    numbers = RULE.decide(family(Statistic.PEOPLE, DAY, ACTIVE, exact)).numbers
    first, second, cells = (shown(list(numbers), code) for code in (OS, VERSION, CROSS))
    assert all(n >= K for n in (*first.values(), *second.values(), *cells.values()))
    if not cells:
        return
    for value in {key[0] for key in cells}:
        row = sum(n for key, n in cells.items() if key[0] == value)
        assert first[value, ""] == row
    named = {key[1] for key in cells} - {"other"}
    for value in named:
        assert second[value, ""] == sum(n for key, n in cells.items() if key[1] == value)
    for key in second:
        inside = [n for cell, n in grid.items() if cell[1] == key[0]]
        assert key[0] == "other" or key[0] in named or sum(inside) >= K


@settings(max_examples=400, deadline=None)
@given(SIZES, st.data())
def test_a_subset_and_its_complement_stand_in_the_sets_groups(sizes: dict[str, int], data: st.DataObject) -> None:
    """Those with a flag and those without, by value and in all: none or at least k, also against ``other``."""
    inside = {value: data.draw(st.integers(0, n)) for value, n in sizes.items()}
    whole, part = sum(sizes.values()), sum(inside.values())
    above = {0: {("", ""): whole}, OS: {(value, ""): n for value, n in sizes.items()}}
    below = {0: {("", ""): part}, OS: {(value, ""): n for value, n in inside.items() if n}}
    set_of = RULE.decide(family(Statistic.PEOPLE, DAY, ACTIVE, above))
    subset = RULE.decide(family(Statistic.PEOPLE, DAY, ACTIVE, below, above), set_of)
    if subset.state is State.SHOWN:
        assert enough(part)
        assert enough(whole - part)
    all_of_them, flagged = shown(list(set_of.numbers), OS), shown(list(subset.numbers), OS)
    alone = {key[0] for key in flagged} - {"other"}
    for value in alone:
        assert (value, "") in all_of_them
        assert enough(flagged[value, ""])
        assert enough(all_of_them[value, ""] - flagged[value, ""])
    if flagged:
        rest = sum(n for (value, _), n in all_of_them.items() if value not in alone)
        assert enough(rest - flagged.get(("other", ""), 0))


def test_a_subset_does_not_undo_the_merge_of_its_set() -> None:
    """b was merged to cover a; a flag that all of b carry must not show b, or ``other`` minus b is a."""
    above = {0: {("", ""): 135}, OS: {("a", ""): 5, ("b", ""): 30, ("c", ""): 100}}
    below = {0: {("", ""): 80}, OS: {("b", ""): 30, ("c", ""): 50}}
    set_of = RULE.decide(family(Statistic.PEOPLE, DAY, ACTIVE, above))
    assert shown(list(set_of.numbers), OS) == {("other", ""): 35, ("c", ""): 100}
    subset = RULE.decide(family(Statistic.PEOPLE, DAY, ACTIVE, below, above), set_of)
    assert ("b", "") not in shown(list(subset.numbers), OS)
    by_itself = RULE.decide(family(Statistic.PEOPLE, DAY, ACTIVE, below))
    assert shown(list(by_itself.numbers), OS)["b", ""] == 30  # the naive way: each family alone


def test_labels_overlap_and_so_their_union_is_counted_at_most_as_the_largest() -> None:
    """Two labels of twelve devices each may be the same twelve: together they are not enough."""
    twelve = {2: Part(40, 12), 3: Part(40, 12), 4: Part(900, 300)}
    found = Family(Statistic.COUNT, DAY, 2, Part(980, 310), labels=twelve)
    _, *parts = RULE.decide(found).numbers
    assert all(part.state is not State.SHOWN for part in parts)
    more = {**twelve, 5: Part(30, 22)}
    found = Family(Statistic.COUNT, DAY, 2, Part(1010, 310), labels=more)
    told = {part.label: part.value for part in RULE.decide(found).numbers if part.label}
    assert told == {1: 110, 4: 900}


def naive(sizes: dict[str, int]) -> dict[str, int]:
    """What most products do: drop parts under k, and show the total."""
    return {name: n for name, n in sizes.items() if n >= K} | {"total": sum(sizes.values())}


def test_differencing_succeeds_on_naive_and_fails_here() -> None:
    """One device in a rare group is isolated by subtraction on the naive engine, never here."""
    isolated_naive = isolated_here = 0
    for seed in range(300):
        draw = random.Random(seed)
        sizes = {name: draw.choice([1, 5, 40, 60, 90]) for name in "abcd"}
        told = naive(sizes)
        isolated_naive += 0 < told["total"] - sum(n for name, n in told.items() if name != "total") < K
        total, parts = decided(one_cut(sizes))
        isolated_here += bool(parts) and 0 < (total.value or 0) - sum(parts.values()) < K
    assert isolated_naive > 100
    assert isolated_here == 0


def test_over_days_the_same_devices_may_stand_behind_two_values() -> None:
    """Twelve devices on one day and twelve on another may be the same twelve after an update: not enough."""
    parts = {("a", ""): Part(30, 12), ("b", ""): Part(30, 12), ("c", ""): Part(900, 300)}
    found = Family(Statistic.COUNT, DAY, 2, Part(960, 300), {OS: parts}, overlap=True)
    assert shown(list(RULE.decide(found).numbers), OS) == {}
    disjoint = Family(Statistic.COUNT, DAY, 2, Part(960, 324), {OS: parts})
    assert shown(list(RULE.decide(disjoint).numbers), OS) == {("c", ""): 900, ("other", ""): 60}
