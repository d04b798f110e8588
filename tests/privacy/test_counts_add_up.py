"""Under the threshold, whatever is counted adds up in every view: labels, values, slots, days and weeks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from headcount_aggregator.periods import PeriodKind, period_of
from headcount_aggregator.release.block import Block
from headcount_aggregator.release.counts import blocks_of_day
from headcount_aggregator.release.period_numbers import Statistics
from headcount_aggregator.release.splits import OF_STATISTIC
from headcount_aggregator.release.threshold import Threshold
from headcount_aggregator.released import Number, Statistic
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.aggregator import kinds_world, world
from tests.aggregator.kinds_world import draw_walks
from tests.aggregator.world import draw_world

COUNTS = {Statistic.COUNT, *OF_STATISTIC}


def wholes(numbers: Iterable[Number]) -> dict[tuple[int, int], int]:
    """The shown counts of measures and labels."""
    return {
        (n.measure, n.label): n.value
        for n in numbers
        if n.statistic is Statistic.COUNT and not n.breakdown and n.value is not None
    }


def parts(numbers: Iterable[Number]) -> dict[tuple[Statistic, int, int, int], int]:
    """The sums of what each view shows: of labels, of a breakdown's values, of slots."""
    sums: Counter[tuple[Statistic, int, int, int]] = Counter()
    for n in numbers:
        if n.value is None or n.statistic not in COUNTS:
            continue
        if n.statistic is not Statistic.COUNT:
            sums[n.statistic, n.measure, n.label, 0] += n.value
        elif n.breakdown:
            sums[n.statistic, n.measure, 0, n.breakdown] += n.value
        elif n.label:
            sums[n.statistic, n.measure, 0, 0] += n.value
    return sums


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(10, 70), st.sampled_from([1, 4, 9]), st.booleans())
def test_counts_add_up_in_every_view(seed: int, devices: int, k: int, walking: bool) -> None:
    """Of any app: each view of a shown count adds up to it, on days and in the week, and the week is its days."""
    if walking:
        cells, catalog, first = draw_walks(seed, devices, 7), kinds_world.catalog(), kinds_world.DAY
        monday = first
    else:
        cells, catalog, first = draw_world(seed, devices, 14), world.catalog(), world.FIRST_DAY  # type: ignore[assignment]  # a world of its own
        monday = first + 5
    statistics = Statistics(catalog, first, cells, Threshold(k))
    days = {day: list(statistics.of_day(day)) for day in range(first, monday + 7)}
    blocks: list[Block] = [block for day in range(monday, monday + 7) for block in blocks_of_day(days[day])]
    week, added = statistics.of_span(period_of(PeriodKind.WEEK, monday), blocks)
    for numbers in (*days.values(), week):
        shown = wholes(numbers)
        for (_, measure, label, _), total in parts(numbers).items():
            assert total == shown[measure, label]
    made = Counter[int]()
    for block in (*blocks, *added):
        made[block.measure] += block.total
    for (measure, label), total in wholes(week).items():
        if not label:
            assert total == made[measure]
