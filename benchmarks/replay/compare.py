"""The house's numbers, by the same names as the truth's: from cells, and from sealed releases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pandas as pd
from headcount_aggregator.cells import CellQuery, CellReader
from headcount_aggregator.released import Number, State, Statistic
from headcount_wire.facts import Fact, First

Name = tuple[Any, ...]
K = 20
TENS = 10


Sums = Counter[tuple[int, int, int]]
"""Sums of cells, by day, fact and slot."""


def sums_of(reader: CellReader, first: int, last: int) -> Sums:
    """The cells of active people that numbers of some days are made of."""
    query = CellQuery(first - 31, last + 31, ("day", "fact", "slot"), measures=(1,), labels=(0,))
    sums: Sums = Counter()
    for row in reader.sums(query):
        sums[row.day, row.fact, row.slot] += row.n
    return sums


def with_what_is_over(sums: Sums, before: Sums, is_over: Callable[[int], bool]) -> tuple[Sums, int]:
    """Sums with those of days that retention has dropped meanwhile put back; and how many cells it left of them."""
    left = sum(1 for (day, _, _), n in sums.items() if n and is_over(day))
    kept = {cell: n for cell, n in sums.items() if not is_over(cell[0])}
    return Counter(kept | {cell: n for cell, n in before.items() if is_over(cell[0])}), left


def from_cells(sums: Sums, first: int, last: int) -> dict[Name, int]:
    """Every number of ``Truth.numbers``, as sums of cells."""
    found: dict[Name, int] = {}
    week, month = Counter[int](), Counter[int]()
    for day in range(first, last + 1):
        date = pd.Timestamp(day, unit="D")
        iso = date.isocalendar()
        week[iso.year * 100 + iso.week] += sums[day, Fact.FIRST, First.WEEK]
        month[date.year * 100 + date.month] += sums[day, Fact.FIRST, First.MONTH]
        found["day", day] = sum(sums[day, Fact.GAP, gap] for gap in range(1, 32))
        found["new", day] = sums[day, Fact.AGE, 0]
        found["returning", day] = sum(sums[day, Fact.AGE, age] for age in range(1, 32))
        for width in range(1, 32):
            start = day - width + 1
            found["window", day, width] = sum(
                sums[d, Fact.GAP, gap] for d in range(max(start, first), day + 1) for gap in range(d - start + 1, 32)
            )
        for age in range(31):
            found["retention", day - age, age] = sums[day, Fact.AGE, age]
    found |= {("week", key): n for key, n in week.items()}
    found |= {("month", key): n for key, n in month.items()}
    return {name: n for name, n in found.items() if n}


def expected_release(value: int, base: int | None) -> int | None:
    """The rule of the threshold for a day, written again: shown or hidden (``None``)."""
    if base is None:
        shown = value >= K
    else:
        shown = base >= K and (value == 0 or value >= K) and (base == value or base - value >= K)
    if not shown:
        return None
    return value


def expected_window(value: int, days: Sequence[int]) -> int | None:
    """The rule of windows, written again: the shown days, less in steps what these do not tell, in tens."""
    if value < K:
        return None
    shown = [n for n in days if n >= K]
    rest, step = sum(shown) - value, TENS if len(shown) == len(days) else K
    told = abs(rest) // step * step + step // 2
    if abs(rest) < K:
        told = K // 2 if rest and len(shown) == len(days) else 0
    near = max(K, sum(shown) - (told if rest > 0 else -told), *shown, 0)
    return (near + TENS // 2) // TENS * TENS


def released_totals(numbers: list[Number]) -> Iterator[tuple[Name, int | None]]:
    """The released totals of active and new people, by the truth's names."""
    for number in numbers:
        if number.measure != 1 or number.breakdown or number.label:
            continue
        value = number.value if number.state is State.SHOWN else None
        width = number.last - number.first + 1
        if number.statistic is Statistic.PEOPLE and number.period.value in (
            "day",
            "rolling_7",
            "rolling_28",
            "rolling_30",
        ):
            yield ("window", number.last, width), value
        elif number.statistic is Statistic.NEW_PEOPLE and number.period.value == "day":
            yield ("new", number.last), value
