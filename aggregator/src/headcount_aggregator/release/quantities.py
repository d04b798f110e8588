"""Quantities: numbers of things that server-side instances tell, the last of each day. Pure.

An instance is one contributor, and not a person. A quantity of things is told exactly; one of people, or of what
people do, from 20 up, and below that it is "fewer than 20", with siblings so small merged into ``other``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from headcount_wire import limits
from headcount_wire.catalog import TOTAL, Measure
from headcount_wire.facts import OTHER, WHOLE, Fact, Kind

from headcount_aggregator.periods import PeriodKind, period_of
from headcount_aggregator.release.day_sums import DaySums, Key, whole
from headcount_aggregator.release.family import OTHER_VALUE, Family, Part
from headcount_aggregator.release.people import codes_of, completed
from headcount_aggregator.release.threshold import Threshold, members_of, number_of
from headcount_aggregator.released import Number, State, Statistic

KIND = Kind.QUANTITY

FROM = limits.K_MIN
"""From how many on a quantity of people is told."""


def of_day(measure: Measure, day: int, sums: DaySums) -> Iterator[Number]:
    """A day's quantity, whole, by label and by every cut; nothing where no instance told it."""
    if not whole(sums.of(measure.code, Fact.DEVICES)):
        return
    total = whole(_told(measure, sums, TOTAL))
    cuts = {c: completed(_told(measure, sums, c), total, c) for c in codes_of(measure) if c != TOTAL}
    labels = {label: whole(_of_label(measure, sums, TOTAL, label)) for label in measure.label_codes}
    family = _family(measure, day, total, cuts)
    for number in _things(family, labels) if measure.things else _people(family, labels):
        yield few(number)


def few(number: Number) -> Number:
    """A number that is not of devices, hidden because it is small: said so in words of its own."""
    return replace(number, state=State.FEWER_THAN_20) if number.state is State.FEWER_THAN_K else number


def _family(measure: Measure, day: int, total: int, cuts: Mapping[int, Mapping[Key, int]]) -> Family:
    """Each value stands for as many as it says: what it is of is what must not be few."""
    parts = {code: {key: Part(n, n) for key, n in cut.items()} for code, cut in cuts.items()}
    return Family(Statistic.QUANTITY, period_of(PeriodKind.DAY, day), measure.code, Part(total, total), parts)


def _things(family: Family, labels: Mapping[int, int]) -> Iterator[Number]:
    yield number_of(family, State.SHOWN, family.total)
    for label, n in labels.items():
        if n:
            yield number_of(family, State.SHOWN, Part(n, n), label=label)
    for code, cut in family.cuts.items():
        for key, part in sorted(cut.items()):
            if part.value:
                yield number_of(family, State.SHOWN, part, breakdown=code, key=key)


def _people(family: Family, labels: Mapping[int, int]) -> Iterator[Number]:
    rule = Threshold(FROM)
    decision = rule.decide(family)
    yield from decision.numbers
    if decision.state is not State.SHOWN or not labels:
        return
    named = {OTHER_VALUE if label == OTHER else str(label): n for label, n in labels.items()}
    groups = rule.group({name: (Part(n, n),) for name, n in named.items()})
    if groups.hidden:
        yield number_of(family, State.COMPLEMENT, Part(0, 0), label=OTHER)
        return
    for name in groups.alone:
        yield number_of(family, State.SHOWN, Part(named[name], 0), label=int(name))
    if groups.merged:
        rest = Part(sum(named[name] for name in groups.merged), 0)
        yield number_of(family, State.SHOWN, rest, label=OTHER, members=members_of(groups))


def _told(measure: Measure, sums: DaySums, code: int) -> Counter[Key]:
    found: Counter[Key] = Counter()
    for label in measure.label_codes or (WHOLE,):
        found.update(_of_label(measure, sums, code, label))
    return found


def _of_label(measure: Measure, sums: DaySums, code: int, label: int) -> Mapping[Key, int]:
    return sums.of(measure.code, Fact.VALUE, 0, code, label)
