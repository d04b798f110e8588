"""One Customer, one vote: where Customers stand with a rate, so that each can see itself beside the median. Pure.

Sums say little where a few Customers have most of everything, and are hidden where they would tell of one. Here
each Customer of the panel counts once, in one of twenty bins of its own rate over a quarter, whatever its size.
The bins get noise that hides whether any one Customer is in them: it changes one bin by one.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from headcount_wire import buckets
from headcount_wire.catalog import TOTAL, Catalog, Measure
from headcount_wire.facts import WHOLE, Fact, Kind

from headcount_aggregator.periods import Period
from headcount_aggregator.release.day_sums import DaySums, whole
from headcount_aggregator.release.dp import Noise
from headcount_aggregator.released import Number, State, Statistic

LEAST = 50
"""Customers that have a rate; of fewer the noise would leave nothing."""

BINS = 20
SCALE = 3
"""Of the noise in a bin: a Customer costs 1/18 of rho for each measure and quarter."""

FEWEST_DEVICES = 20
"""Device-days behind a rate; with fewer a Customer has none."""

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


def rate_of(measure: Measure, catalog: Catalog, days: Iterable[DaySums]) -> float | None:
    """A Customer's rate over a quarter; ``None`` where too little stands behind it."""
    seen: Counter[int] = Counter()
    devices = active = 0
    for sums in days:
        devices += whole(sums.devices(measure.code))
        active += whole(sums.reaching(catalog.active.code, 0)) if catalog.active else 0
        for label in measure.label_codes or (WHOLE,):
            for bucket, by_value in sums.slots(measure.code, Fact.BUCKET, TOTAL, label).items():
                seen[bucket] += whole(by_value)
    if measure.kind is Kind.FLAG:
        return 100.0 * devices / active if active >= FEWEST_DEVICES else None
    return float(buckets.quantile(seen, 0.5)) if devices >= FEWEST_DEVICES else None


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


def rates_of(measure: Measure, catalog: Catalog, by_customer: Mapping[int, Sequence[DaySums]]) -> list[float]:
    """The rates of the Customers that have one."""
    rates = (rate_of(measure, catalog, days) for days in by_customer.values())
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
