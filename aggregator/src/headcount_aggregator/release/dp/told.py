"""What is told of noisy numbers: those that stand out of their noise, each with its interval. Pure.

A number under the larger of 20 and four deviations of its noise is hidden; where values are no closed list
(app versions), it must reach what one device can change and seven deviations more, since there its name alone would
tell of a device. An interval is 1.96 deviations to both sides: it holds the truth in 95 of 100 cases.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from headcount_wire import buckets, limits
from headcount_wire.catalog import TOTAL
from headcount_wire.facts import WHOLE

from headcount_aggregator.periods import Period, PeriodKind, period_of
from headcount_aggregator.release.dp.noisy import WHOLE_PLACE, Noisy, Place, open_dimensions
from headcount_aggregator.release.dp.vectors import BUCKETS_TOGETHER
from headcount_aggregator.release.quantiles import SLOTS
from headcount_aggregator.released import Number, State, Statistic

LEAST = 20
"""The least number that is shown, however small its noise."""

HIDDEN_UNDER = 4
OPEN_UNDER = 7
SURE = 1.96


def numbers_of(noisy: Noisy) -> Iterator[Number]:
    """What may be shown of one view, and of each whole that it is hidden."""
    if noisy.statistic is Statistic.QUANTILE:
        yield from _percentiles(noisy)
    elif noisy.statistic is Statistic.FUNNEL:
        yield from _steps(noisy)
    else:
        variance = float(noisy.variance)
        least = hidden_under(variance, open_by=noisy.change if open_dimensions(noisy.breakdown) else 0)
        said = len(noisy.domain) == 1 or noisy.statistic is Statistic.RETENTION_WEEK
        for place, value in zip(noisy.domain.places(), noisy.values, strict=True):
            if value >= least or said:
                yield _number(noisy, place, value, variance)


def returning_people(everyone: Noisy, new: Noisy) -> Number:
    """People less new people of the same period: both are told, so their difference costs nothing."""
    rest = everyone.at()[WHOLE_PLACE] - new.at()[WHOLE_PLACE]
    of = replace(everyone, statistic=Statistic.RETURNING_PEOPLE, days=new.days)
    return _number(of, WHOLE_PLACE, rest, float(everyone.variance + new.variance))


def refused(statistic: Statistic, period: Period, measure: int, breakdown: int) -> Number:
    """A view that was not released, because a month's budget is spent."""
    place = place_of(breakdown)
    return Number(
        statistic, period.kind, period.first, period.last, measure, WHOLE, breakdown, *place, 0, State.OVER_BUDGET, None
    )


def place_of(breakdown: int) -> tuple[str, str]:
    """The values under which a cut as a whole is said to be hidden."""
    return ("", "") if breakdown == TOTAL else ("other", "other" if breakdown % 8 else "")


def interval(value: float, variance: float) -> tuple[int, int]:
    """The whole numbers that hold the truth in 95 of 100 cases; nothing is fewer than nobody."""
    half = SURE * math.sqrt(variance)
    return max(0, math.floor(value - half)), max(0, math.ceil(value + half))


def hidden_under(variance: float, *, open_by: int = 0) -> float:
    """The least number that is shown. ``open_by``: what one device can change, where a name alone would tell."""
    deviation = math.sqrt(variance)
    return max(LEAST, open_by + OPEN_UNDER * deviation if open_by else HIDDEN_UNDER * deviation)


def kept(noisy: Noisy) -> Noisy:
    """A view without the names of an open list that did not stand out: what is kept must not tell them either."""
    if not open_dimensions(noisy.breakdown):
        return noisy
    least = hidden_under(noisy.variance, open_by=noisy.change)
    found = noisy.at()
    first, second = divmod(noisy.breakdown, 8)
    firsts, seconds = noisy.domain.firsts, noisy.domain.seconds
    if open_dimensions(first * 8):
        told = {place.value1 for place, value in found.items() if value >= least}
        firsts = tuple(name for name in firsts if name in told)
    if second and open_dimensions(second * 8):
        told = {place.value2 for place, value in found.items() if value >= least}
        seconds = tuple(name for name in seconds if name in told)
    domain = replace(noisy.domain, firsts=firsts, seconds=seconds)
    return replace(noisy, domain=domain, values=[found[place] for place in domain.places()])


def _number(noisy: Noisy, place: Place, value: int, variance: float, slot: int | None = None) -> Number:
    open_by = noisy.change if open_dimensions(noisy.breakdown) else 0
    shown = value >= hidden_under(variance, open_by=open_by)
    low, high = interval(value, variance)
    period = _period(noisy, place)
    return Number(
        noisy.statistic,
        period.kind,
        period.first,
        period.last,
        noisy.measure,
        place.label,
        noisy.breakdown,
        place.value1,
        place.value2,
        place.slot if slot is None else slot,
        State.SHOWN if shown else State.UNDER_NOISE,
        value if shown else None,
        left_out=noisy.last - noisy.first + 1 - noisy.days,
        low=low if shown else None,
        high=high if shown else None,
    )


def _period(noisy: Noisy, place: Place) -> Period:
    """The days a number speaks of: of retention, the cohort's."""
    if noisy.statistic is Statistic.RETENTION_WEEK:
        return period_of(PeriodKind.WEEK, noisy.first - 7 * place.slot)
    return Period(noisy.kind, noisy.first, noisy.last)


def _steps(noisy: Noisy) -> Iterator[Number]:
    """Who came to a step or further: the sum of those whose furthest step it was, and of all later ones."""
    by_value: dict[tuple[str, str], dict[int, int]] = {}
    for place, value in noisy.at().items():
        by_value.setdefault((place.value1, place.value2), {})[place.slot] = value
    for values, furthest in sorted(by_value.items()):
        for step in noisy.domain.slots:
            later = [n for slot, n in furthest.items() if slot >= step]
            number = _number(
                noisy, Place(WHOLE, step, *values), sum(later), float(noisy.variance * len(later)), slot=step
            )
            if number.value is not None or noisy.breakdown == TOTAL:
                yield number


def _percentiles(noisy: Noisy) -> Iterator[Number]:
    """Percentiles of noisy buckets; their interval is where the noise could have put the rank."""
    found = {place.slot: value for place, value in noisy.at().items()}
    slots = sorted(found)
    total = sum(found.values())
    empty = Number(
        noisy.statistic, noisy.kind, noisy.first, noisy.last, noisy.measure, WHOLE, TOTAL, "", "", 0,
        State.UNDER_NOISE, None,
    )  # fmt: skip
    for percent in SLOTS:
        if total < hidden_under(noisy.variance * len(slots)):
            yield replace(empty, slot=percent)
            continue
        low, middle, high = _range(found, slots, percent / 100, math.sqrt(noisy.variance))
        yield replace(
            empty,
            slot=percent,
            state=State.SHOWN,
            value=round(math.sqrt(max(1, _lower(middle)) * _upper(middle))),
            low=_lower(low),
            high=_upper(high),
        )


def _range(found: Mapping[int, int], slots: Sequence[int], share: float, deviation: float) -> tuple[int, int, int]:
    """The first slot in which the percentile can lie, the one in which it seems to, and the last.

    What lies up to a slot, less its share of all, has the noise of the slots up to it and of those after it.
    """
    total, below, last = sum(found.values()), 0, len(slots)
    first, middle, surely = None, None, 0
    for place, slot in enumerate(slots, 1):
        below += found[slot]
        over = below - share * total
        half = SURE * deviation * math.sqrt((1 - share) ** 2 * place + share**2 * (last - place))
        if first is None and over >= -half:
            first = place
        if middle is None and over >= 0:
            middle = place
        if over < half:
            surely = place
    return slots[(first or last) - 1], slots[(middle or last) - 1], slots[min(surely, last - 1)]


def _lower(slot: int) -> int:
    first = slot * BUCKETS_TOGETHER
    return buckets.UPPER[first - 1] + 1 if first else 0


def _upper(slot: int) -> int:
    return buckets.UPPER[min(limits.BUCKET_MAX, (slot + 1) * BUCKETS_TOGETHER - 1)]


def all_numbers(found: Iterable[Noisy]) -> list[Number]:
    """What may be shown of several views."""
    return [number for noisy in found for number in numbers_of(noisy)]
