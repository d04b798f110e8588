"""One Customer, one vote: where Customers stand with a rate, so that each can see itself beside the median. Pure.

Sums say little where a few Customers have most of everything, and are hidden where they would tell of one. Here
each Customer of the panel counts once, in one of twenty bins of its own rate over a quarter, whatever its size.
The bins get noise that hides whether any one Customer is in them: it changes one bin by one. The rates are made of
Customers' shares, which have the noise that hides their devices already, so votes cost devices nothing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from headcount_wire.catalog import TOTAL, Catalog, Measure
from headcount_wire.facts import WHOLE, Kind

from headcount_aggregator.periods import Period, PeriodKind
from headcount_aggregator.release.dp import Noise
from headcount_aggregator.release.dp.noisy import WHOLE_PLACE, Noisy, added
from headcount_aggregator.release.dp.told import hidden_under
from headcount_aggregator.release.dp.told import numbers_of as told_of
from headcount_aggregator.released import Number, State, Statistic

LEAST = 50
"""Customers that have a rate; of fewer the noise would leave nothing."""

BINS = 20
SCALE = 3
"""Of the noise in a bin: a Customer costs 1/18 of rho for each measure and quarter."""

SLOTS = (25, 50, 75)
FIRST_MS, LAST_MS = 10.0, 100_000.0
SURE = 1.96


@dataclass(frozen=True, slots=True)
class Scale:
    """The bins of a kind of rate: their edges, in the unit that is told."""

    edges: tuple[float, ...]

    def bin_of(self, rate: float) -> int:
        """The bin a rate lies in; what lies outside is in the first or the last."""
        return min(BINS - 1, max(0, sum(edge <= rate for edge in self.edges) - 1))


MILLISECONDS = Scale(tuple(FIRST_MS * (LAST_MS / FIRST_MS) ** (at / BINS) for at in range(BINS + 1)))
PERCENT = Scale(tuple(100.0 * at / BINS for at in range(BINS + 1)))


def measures_of(catalog: Catalog) -> list[Measure]:
    """What has a rate: timings their median, flags the share of active device-days with them."""
    kinds = (Kind.TIMING, Kind.FLAG) if catalog.active else (Kind.TIMING,)
    return [measure for measure in catalog.measures.values() if measure.kind in kinds]


def rate_of(measure: Measure, catalog: Catalog, told: Iterable[Noisy]) -> float | None:
    """A Customer's rate over a quarter, from its numbers with their noise; ``None`` where it does not stand out."""
    if measure.kind is Kind.FLAG:
        return _share_of(measure, catalog, told)
    weeks = [one for one in told if one.statistic is Statistic.QUANTILE and one.measure == measure.code]
    for noisy in added(PeriodKind.QUARTER, 0, 0, weeks):
        for number in told_of(noisy):
            if number.slot == 50 and number.value is not None:
                return float(number.value)
    return None


def _share_of(flag: Measure, catalog: Catalog, told: Iterable[Noisy]) -> float | None:
    """The share of active device-days with a flag, of the days on which both are known."""
    assert catalog.active is not None
    codes = flag.code, catalog.active.code
    by_day: dict[int, dict[int, Noisy]] = {}
    for one in told:
        if one.statistic is Statistic.PEOPLE and one.kind is PeriodKind.DAY and one.breakdown == TOTAL:
            by_day.setdefault(one.first, {})[one.measure] = one
    days = [[of[code] for code in codes] for of in by_day.values() if of.keys() >= set(codes)]
    with_flag, active = (sum(day[at].at()[WHOLE_PLACE] for day in days) for at in (0, 1))
    if active < hidden_under(float(sum(all_.variance for _, all_ in days))):
        return None
    return 100.0 * min(1.0, max(0.0, with_flag / active))


def counted(measure: Measure, rates: Iterable[float], noise: Noise) -> list[int]:
    """The votes by bin, with noise."""
    votes = Counter(scale_of(measure).bin_of(rate) for rate in rates)
    return [votes[at] + more for at, more in zip(range(BINS), noise.draw(SCALE, BINS), strict=True)]


def numbers_of(measure: Measure, quarter: Period, votes: Sequence[int]) -> list[Number]:
    """The quartiles of Customers, each with the interval in which it may lie by noise and by the width of bins."""
    edges, found = scale_of(measure).edges, []
    total = sum(votes)
    for percent in SLOTS:
        rank = percent / 100
        half = SURE * SCALE * math.sqrt(BINS * rank * (1 - rank))
        low, middle, high = (_bin_at(votes, rank * total + shift) for shift in (-half, 0.0, half))
        shown = total >= LEAST
        found.append(
            Number(
                Statistic.BENCHMARK,
                quarter.kind,
                quarter.first,
                quarter.last,
                measure.code,
                WHOLE,
                TOTAL,
                "",
                "",
                percent,
                State.SHOWN if shown else State.FEW_CUSTOMERS,
                round((edges[middle] + edges[middle + 1]) / 2) if shown else None,
                low=math.floor(edges[low]) if shown else None,
                high=math.ceil(edges[high + 1]) if shown else None,
            )
        )
    return found


def scale_of(measure: Measure) -> Scale:
    """The bins of a measure's rate."""
    return MILLISECONDS if measure.kind is Kind.TIMING else PERCENT


def rates_of(measure: Measure, catalog: Catalog, by_customer: Mapping[int, Sequence[Noisy]]) -> list[float]:
    """The rates of the Customers that have one."""
    rates = (rate_of(measure, catalog, told) for told in by_customer.values())
    return [rate for rate in rates if rate is not None]


def _bin_at(votes: Sequence[int], rank: float) -> int:
    """The bin in which a rank falls, of votes that noise may make fall and rise."""
    so_far = most = 0
    for at, n in enumerate(votes):
        so_far += n
        most = max(most, so_far)
        if most >= rank:
            return at
    return BINS - 1
