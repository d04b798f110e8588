"""Percentiles of timings and distributions: buckets add up, so a group's percentile is read off its sum. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from headcount_wire import buckets
from headcount_wire.catalog import TOTAL, Measure
from headcount_wire.facts import FACTS_OF_KIND, OTHER, WHOLE, Fact

from headcount_aggregator.periods import Period
from headcount_aggregator.release.counts import EveryoneOn, family_of
from headcount_aggregator.release.day_sums import WHOLE_KEY, Cells, DaySums, Key
from headcount_aggregator.release.family import OTHER_VALUE, Decision, Family, Groups, Part, Rule, sides_told_from
from headcount_aggregator.release.people import codes_of, completed
from headcount_aggregator.release.threshold import members_of, number_of
from headcount_aggregator.released import Number, State, Statistic

SLOTS = (50, 75, 95)
"""The percentiles that are released."""

MEASURED = frozenset(kind for kind, facts in FACTS_OF_KIND.items() if Fact.BUCKET in facts)
"""The kinds that have percentiles."""


def of_period(
    measure: Measure,
    period: Period,
    first: int,
    cells: Cells,
    rule: Rule,
    everyone_on: EveryoneOn | None = None,
) -> Iterator[Number]:
    """The percentiles of a period, by label and by one dimension, in groups of at least k devices.

    Late observations stay out: a percentile is no sum, and gains nothing from a few more. ``everyone_on``: all active
    people of a day; where it is not told on which side of them the few are, a percentile does not tell it either.
    """
    days = range(max(first, period.first), period.last + 1)
    held = {day: cells.day(day) for day in days}
    counted = family_of(measure, period, days, held)
    decision = rule.decide(counted, _silent(counted, measure, held, everyone_on, rule.k) if everyone_on else None)
    family = Family(Statistic.QUANTILE, period, measure.code, Part(0, 0))
    everything = _observations(measure, held.values(), TOTAL, _labels(measure)).get(("", ""), Counter())
    if decision.state is not State.SHOWN:
        yield from _percentiles(family, None)
        return
    yield from _percentiles(family, everything)
    if measure.label:
        yield from _by_label(measure, family, held.values(), decision.labels)
    for code in codes_of(measure, one_dimension=True):
        if code != TOTAL:
            cut = _observations(measure, held.values(), code, _labels(measure))
            yield from _by_value(family, code, _with_uncut(cut, everything, code), decision.groups[code])


def _silent(family: Family, measure: Measure, held: Mapping[int, DaySums], everyone_on: EveryoneOn, k: int) -> Decision:
    """What percentiles are held to: no group stands on days alone on which it is not told if few are in it or not.

    Devices of several days are at least those of the largest, so such a day must not be the largest.
    """
    of_days = len(held) == 1 or family.overlap
    around = {day: everyone_on(day) for day in held}

    def silent(code: int, key: Key, behind: int) -> bool:
        sure = 0
        for day, sums in held.items():
            mine, near = sums.devices(measure.code, code).get(key, 0), around[day]
            size = near.exact.get(code, {}).get(key, 0) if near else 0
            if not k <= mine < size < sides_told_from(k):
                sure = max(sure, mine)
        return of_days and behind >= k > sure

    state = State.FEW_ON_A_SIDE if silent(TOTAL, WHOLE_KEY, family.total.contributors) else State.SHOWN
    groups = {
        code: Groups(merged=frozenset(key[0] for key, part in cut.items() if silent(code, key, part.contributors)))
        for code, cut in family.cuts.items()
        if code % 8 == 0
    }
    size, labels = family.total.contributors, frozenset[str]()
    if len(held) == 1 and size < sides_told_from(k):
        some = (label for label, part in family.labels.items() if 0 < part.contributors < size)
        labels = frozenset(OTHER_VALUE if label == OTHER else str(label) for label in some)
    return Decision(state, [], groups=groups, labels=Groups(merged=labels))


def _by_label(measure: Measure, family: Family, held: Iterable[DaySums], groups: Groups) -> Iterator[Number]:
    merged: Counter[int] = Counter()
    for label in _labels(measure):
        seen = _observations(measure, held, TOTAL, (label,)).get(("", ""), Counter())
        name = OTHER_VALUE if label == OTHER else str(label)
        if name in groups.merged:
            merged.update(seen)
        elif seen and not groups.hidden:
            yield from _percentiles(family, seen, label=label)
    if merged and not groups.hidden:
        yield from _percentiles(family, merged, label=int(OTHER), members=members_of(groups))


def _by_value(family: Family, code: int, cut: dict[Key, Counter[int]], groups: Groups) -> Iterator[Number]:
    if groups.hidden:
        yield from _percentiles(family, None, breakdown=code, key=(OTHER_VALUE, ""))
        return
    merged: Counter[int] = Counter()
    for key, seen in sorted(cut.items()):
        if key[0] in groups.merged:
            merged.update(seen)
        elif seen:
            yield from _percentiles(family, seen, breakdown=code, key=key)
    if merged:
        yield from _percentiles(family, merged, breakdown=code, key=(OTHER_VALUE, ""), members=members_of(groups))


def _percentiles(
    family: Family,
    seen: Counter[int] | None,
    *,
    label: int = WHOLE,
    breakdown: int = TOTAL,
    key: Key = ("", ""),
    members: int = 0,
) -> Iterator[Number]:
    for slot in SLOTS:
        at = Family(family.statistic, family.period, family.measure, family.total, slot=slot)
        value = 0 if not seen else round(buckets.quantile(seen, slot / 100))
        state = State.SHOWN if seen else State.COMPLEMENT if breakdown else State.FEWER_THAN_K
        yield number_of(at, state, Part(value, 0), label=label, breakdown=breakdown, key=key, members=members)


def _labels(measure: Measure) -> Iterable[int]:
    return measure.label_codes if measure.label else (WHOLE,)


def _observations(
    measure: Measure, held: Iterable[DaySums], code: int, labels: Iterable[int]
) -> dict[Key, Counter[int]]:
    found: dict[Key, Counter[int]] = {}
    for sums in held:
        for label in labels:
            for bucket, values in sums.slots(measure.code, Fact.BUCKET, code, label).items():
                for key, n in values.items():
                    seen = found.get(key)
                    if seen is None:
                        seen = found[key] = Counter()
                    seen[bucket] = seen.get(bucket, 0) + n
    return found


def _with_uncut(cut: dict[Key, Counter[int]], everything: Counter[int], code: int) -> dict[Key, Counter[int]]:
    """The cut with ``other`` grown by what came without dimensions."""
    for bucket, total in everything.items():
        here = {key: seen[bucket] for key, seen in cut.items() if seen[bucket]}
        uncut = completed(here, total, code).get((OTHER_VALUE, ""), 0) - here.get((OTHER_VALUE, ""), 0)
        if uncut:
            cut.setdefault((OTHER_VALUE, ""), Counter())[bucket] += uncut
    return cut
