"""The threshold rule against attacks; each attack also against a naive engine, where it must succeed."""

from __future__ import annotations

import random
from collections import Counter

from headcount_aggregator.periods import PeriodKind, period_of
from headcount_aggregator.release.candidates import Candidate, Family
from headcount_aggregator.release.threshold import Threshold
from headcount_aggregator.released import Number, State, Statistic
from hypothesis import given, settings
from hypothesis import strategies as st

K = 20
DAY = period_of(PeriodKind.DAY, 20_000)


def family(sizes: dict[str, int], base: dict[str, int] | None = None, total_base: int | None = None) -> Family:
    siblings = {name: Candidate(n, n, None if base is None else base[name]) for name, n in sizes.items()}
    total = Candidate(sum(sizes.values()), sum(sizes.values()), total_base)
    return Family(Statistic.PEOPLE, DAY, 1, 0, 8, 0, total, siblings)


def decided(found: Family, k: int = K) -> tuple[Number, dict[str, Number]]:
    total, *parts = Threshold(k).decide(found)
    return total, {part.value1: part for part in parts}


def hidden_mass(found: Family) -> int:
    """What an attacker gets by taking every shown part from the shown total."""
    total, parts = decided(found)
    if total.value is None:
        return 0
    return total.value - sum(part.value for part in parts.values() if part.value is not None)


SIZES = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 60), min_size=1, max_size=8)


@settings(max_examples=500)
@given(SIZES)
def test_no_shown_part_and_no_difference_is_under_the_threshold(sizes: dict[str, int]) -> None:
    """Whatever the sizes: each shown part has k devices, and total minus parts is none or at least k."""
    total, parts = decided(family(sizes))
    for name, part in parts.items():
        if part.state is State.SHOWN:
            assert part.value is not None
            assert part.value >= K, name
    rest = hidden_mass(family(sizes))
    shown = [part for part in parts.values() if part.state is State.SHOWN]
    if shown:
        assert rest == 0
    else:
        assert rest in (0, total.value)


@settings(max_examples=300)
@given(SIZES)
def test_shown_parts_add_up_through_other(sizes: dict[str, int]) -> None:
    """Where any part is shown, the shown parts and other add up to the total, exactly."""
    total, parts = decided(family(sizes))
    if any(part.state is State.SHOWN for part in parts.values()):
        assert total.value == sum(part.value or 0 for part in parts.values())


@settings(max_examples=300)
@given(SIZES)
def test_other_is_two_members_and_k_devices(sizes: dict[str, int]) -> None:
    """Merging never hides exactly one sibling behind other."""
    _, parts = decided(family(sizes))
    other = parts.get("other")
    if other is not None and other.state is State.SHOWN:
        assert other.members >= 2
        assert (other.value or 0) >= K


def naive(sizes: dict[str, int]) -> dict[str, int]:
    """What most products do: drop parts under k, and show the total."""
    return {name: n for name, n in sizes.items() if n >= K} | {"total": sum(sizes.values())}


def test_nested_differencing_succeeds_on_naive_and_fails_here() -> None:
    """One device in a rare group is isolated by subtraction on the naive engine, never here."""
    isolated_naive = isolated_here = 0
    for seed in range(300):
        draw = random.Random(seed)
        sizes = {name: draw.choice([1, 5, 40, 60, 90]) for name in "abcd"}
        shown = naive(sizes)
        rest = shown["total"] - sum(n for name, n in shown.items() if name != "total")
        isolated_naive += 0 < rest < K
        isolated_here += 0 < hidden_mass(family(sizes)) < K
    assert isolated_naive > 100
    assert isolated_here == 0


@settings(max_examples=500)
@given(st.integers(0, 200), st.data())
def test_a_subset_is_shown_only_with_its_complement(base: int, data: st.DataObject) -> None:
    """A subset of a released set is shown only if it and the rest are none or at least k."""
    subset = data.draw(st.integers(0, base))
    state = Threshold(K).state_of(Candidate(subset, subset, base))
    if state is State.SHOWN:
        assert subset == 0 or subset >= K
        assert base - subset == 0 or base - subset >= K
        assert base >= K


@settings(max_examples=300)
@given(SIZES, st.data())
def test_subsets_by_value_hide_small_complements(bases: dict[str, int], data: st.DataObject) -> None:
    """A flag cut by value: for every shown value, those with and those without it are none or at least k."""
    sizes = {name: data.draw(st.integers(0, n)) for name, n in bases.items()}
    sizes = {name: n for name, n in sizes.items() if n}
    if not sizes:
        return
    _, parts = decided(family(sizes, {name: bases[name] for name in sizes}))
    for name, part in parts.items():
        if part.value is not None and name != "other":
            assert part.value >= K
            rest = bases[name] - part.value
            assert rest == 0 or rest >= K


def test_distinct_counts_of_windows_are_rounded() -> None:
    """DAU plus DAU minus a two-day count would tell who came on both days: windows are whole tens."""
    window = period_of(PeriodKind.ROLLING_7, 20_000)
    exact = Counter[int]()
    for people in range(20, 400):
        found = Family(Statistic.PEOPLE, window, 1, 0, 0, 0, Candidate(people, people), step=10)
        (number,) = Threshold(K).decide(found)
        assert number.value is not None
        assert number.value % 10 == 0
        exact[abs(number.value - people)] += 1
    assert max(exact) == 5


def test_labels_overlap_and_so_their_union_is_counted_at_most_as_the_largest() -> None:
    """Two labels of twelve devices each may be the same twelve: together they are not shown."""
    siblings = {"2": Candidate(40, 12), "3": Candidate(40, 12), "4": Candidate(900, 300)}
    found = Family(Statistic.COUNT, DAY, 2, 0, 0, 0, Candidate(980, 310), siblings, by_label=True)
    _, *parts = Threshold(K).decide(found)
    assert all(part.state is not State.SHOWN for part in parts)
    enough = {**siblings, "3": Candidate(40, 25), "5": Candidate(30, 22)}
    found = Family(Statistic.COUNT, DAY, 2, 0, 0, 0, Candidate(1010, 320), enough, by_label=True)
    shown = {part.label: part.value for part in Threshold(K).decide(found) if part.label}
    assert sum(value or 0 for value in shown.values()) == 1010
