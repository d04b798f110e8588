"""Cuts by one dimension and by two: every set that shown numbers can be made into is nobody or at least k."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pytest
from headcount_aggregator.periods import PeriodKind, period_of
from headcount_aggregator.release.family import OTHER_VALUE, Family, Groups, Part
from headcount_aggregator.release.nesting import Asked, telling
from headcount_aggregator.release.threshold import Threshold
from headcount_aggregator.released import Number, Statistic
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

K = 5
FIRST, SECOND, BOTH = 8, 40, 13
DAY = period_of(PeriodKind.DAY, 20_000)
Table = Mapping[tuple[str, str], int]

LINKS = [("a", "v1"), ("b", "v1"), ("b", "v2"), ("c", "v2"), ("c", "v3"), ("d", "v3")]
MIRRORED = [("e", "v4"), ("e", "v5"), ("f", "v5"), ("f", "v6"), ("g", "v6"), ("g", "v7")]
FEW = [("a", "v4"), ("b", "v5"), ("c", "v6"), ("d", "v7")]
CHAIN = {**dict.fromkeys([*LINKS, *MIRRORED], 9), **dict.fromkeys(FEW, 1)}
"""Groups a to d hold v1, v2 and v3 wholly, and beside them four people; one of the three, or two, leave many more."""

OTHER_INSIDE = {("g0", "v1"): 3, ("g1", "v1"): 3, ("g2", "v0"): 4, ("g2", "v1"): 3, ("g2", "v2"): 4}
"""What is merged in one dimension (v0 and v2) lies wholly in g2, of which three people are left."""


def decided(table: Table) -> list[Number]:
    """The numbers of people cut by both dimensions, and by each."""
    found: dict[int, dict[tuple[str, str], int]] = {FIRST: {}, SECOND: {}, BOTH: dict(table)}
    for (first, second), n in table.items():
        found[FIRST][first, ""] = found[FIRST].get((first, ""), 0) + n
        found[SECOND][second, ""] = found[SECOND].get((second, ""), 0) + n
    cuts = {code: {key: Part(n, n) for key, n in sums.items()} for code, sums in found.items()}
    n = sum(table.values())
    return list(Threshold(K).decide(Family(Statistic.PEOPLE, DAY, 1, Part(n, n), cuts)).numbers)


def shown_sets(table: Table, numbers: list[Number]) -> NDArray[np.float64]:
    """A row for each shown number: which cells are in it."""
    found = []
    for number in numbers:
        if number.value is None:
            continue
        alone = [n for n in numbers if n.breakdown == number.breakdown and n.value is not None]
        rows, columns = {n.value1 for n in alone}, {n.value2 for n in alone}
        mine = [_inside(key, number, rows, columns) for key in table]
        assert sum(n for n, is_in in zip(table.values(), mine, strict=True) if is_in) == number.value
        found.append(mine)
    return np.array(found, dtype=float)


def _inside(key: tuple[str, str], of: Number, rows: set[str], columns: set[str]) -> bool:
    """Whether a cell is in a shown number, given the values that stand alone beside it."""
    first, second = {FIRST: (key[0], ""), SECOND: (key[1], ""), BOTH: key}.get(of.breakdown, ("", ""))
    group = first if first in rows else OTHER_VALUE, second if second in columns else OTHER_VALUE
    return group == (of.value1, of.value2)


def told_of(table: Table) -> tuple[tuple[str, str], ...]:
    """Cells of fewer than k people, together, that shown numbers with any weights make; none if there are none."""
    numbers = decided(table)
    if numbers[0].value is None:
        return ()
    _, sizes, directions = np.linalg.svd(shown_sets(table, numbers), full_matrices=False)
    spanned = directions[sizes > 1e-9]
    keys = list(table)
    small = [at for at, key in enumerate(keys) if table[key] < K]
    for width in range(1, K):
        for chosen in combinations(small, width):
            if sum(table[keys[at]] for at in chosen) < K:
                wanted = np.zeros(len(keys))
                wanted[list(chosen)] = 1
                if np.linalg.norm(wanted - spanned.T @ (spanned @ wanted)) < 1e-7:
                    return tuple(keys[at] for at in chosen)
    return ()


@pytest.mark.parametrize("table", [CHAIN, OTHER_INSIDE], ids=["chain", "other inside"])
def test_chains_leave_nobody_or_k(table: Table) -> None:
    """Three values that lie in each other's groups by turns, and merged ones, are looked at like one and two."""
    assert told_of(table) == ()


@settings(max_examples=400)
@given(
    st.dictionaries(
        st.tuples(st.sampled_from("abcde"), st.sampled_from("vwxyz")),
        st.sampled_from([1, 1, 2, 3, 4, 6, 9, 14]),
        min_size=2,
        max_size=14,
    )
)
def test_no_sum_of_shown_numbers_is_of_fewer_than_k(table: Table) -> None:
    """Whatever cells there are: no weights make shown numbers into a set of one to k - 1 people."""
    assert told_of(table) == ()


def test_chains_are_looked_at_only_as_far_as_they_tell() -> None:
    """What is safe stays shown: with enough people beside the chain nothing of it is merged."""
    table = {**CHAIN, ("a", "v4"): 2}
    shown = {(n.breakdown, n.value1) for n in decided(table) if n.value is not None}
    assert {(FIRST, name) for name in "abcdefg"} | {(SECOND, f"v{at}") for at in range(1, 8)} <= shown


def test_what_does_not_add_up_is_asked_of_every_chain() -> None:
    """Where a rule asks more than adds up, chains of three are held to it; of too many chains, values are merged."""
    parts = {key: Part(n, n) for key, n in CHAIN.items()}
    firsts, seconds = (Groups(tuple(sorted({key[at] for key in CHAIN}))) for at in (0, 1))

    def safe(rest: Sequence[Part]) -> bool:
        return sum(part.contributors for part in rest) != len(FEW)

    assert telling(parts, firsts, seconds, Asked(1, overlap=False, safe=safe)) is None
    assert telling(parts, firsts, seconds, Asked(1, overlap=False, safe=safe, every=True)) in {"v1", "v2", "v3"}
    many = {(first, f"v{at}"): Part(9, 9) for at in range(10) for first in ("hub", f"g{at}")}
    firsts, seconds = (Groups(tuple(sorted({key[at] for key in many}))) for at in (0, 1))
    assert telling(many, firsts, seconds, Asked(1, overlap=False, safe=lambda _: True)) is None
    assert telling(many, firsts, seconds, Asked(1, overlap=False, safe=lambda _: True, every=True)) == "v0"
