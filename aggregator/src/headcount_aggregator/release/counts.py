"""Counts, and how they add up from days to weeks, months, quarters and years. Pure.

A wide count is a sum of *blocks*. A day whose count is shown is a block. The days of a wider period
that are in no block yet become one, once k devices stand behind them together. Blocks are disjoint,
each is cut by itself, and each is taken whole or not at all: so no difference between a day, a week and
a month speaks of less than a block. Days that are in no block are left out, and the number says so.

A count is bound to the people behind it: with a cap of one it *is* them. So it stands as they do, or
beside hidden people only where it leaves open how many they are (``Room``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from headcount_wire.catalog import TOTAL, Measure
from headcount_wire.facts import FACTS_OF_KIND, OTHER, WHOLE, Fact

from headcount_aggregator.periods import Period, PeriodKind, period_of
from headcount_aggregator.release import splits
from headcount_aggregator.release.block import Block, block_of, devices, span_is_apart
from headcount_aggregator.release.day_sums import WHOLE_KEY, Cells, DaySums, Key, Sums, add, whole
from headcount_aggregator.release.family import (
    LATE_VALUE,
    NO_PART,
    OTHER_VALUE,
    Decision,
    Family,
    Part,
    Room,
    Rule,
    sides_told_from,
)
from headcount_aggregator.release.people import Everyone, codes_of, completed
from headcount_aggregator.release.threshold import MEMBERS_SAID, number_of
from headcount_aggregator.released import Number, State, Statistic

COUNTED = frozenset(kind for kind, facts in FACTS_OF_KIND.items() if facts & {Fact.COUNT, Fact.BUCKET})
"""The kinds that are counted; of timings and distributions it is the observations."""

EveryoneOn = Callable[[int], Everyone | None]
"""All active people of a day, if the app counts them."""


def on_day(
    measure: Measure, day: int, people: Decision, everyone: Everyone | None, cells: Cells, rule: Rule
) -> Decision:
    """How often on a day, given what is said of its people and of all active people.

    It stands as its people do, cut by cut. What is hidden of them so that the few others cannot be
    told is shown of the count only if it leaves open how many they are. Nothing is said aloud only
    where "no people" is said aloud already.
    """
    period = period_of(PeriodKind.DAY, day)
    family = family_of(measure, period, (day,), {day: cells.day(day)})
    behind = family.total.contributors
    shown = people.state is State.SHOWN
    around = everyone if everyone and everyone.decision.state is State.SHOWN else None
    size = whole(around.exact[TOTAL]) if around else behind
    if around:
        family = _with_around(family, around)
    of_labels = behind if shown else size
    return rule.decide(
        replace(
            family,
            subset=shown and not people.exact,
            labels={
                label: replace(part, outside=(of_labels - part.contributors,), around=of_labels)
                for label, part in family.labels.items()
            },
            room=Room(
                measure.cap,
                max(rule.k - 1, size - behind),
                sides_told_from(rule.k),
                around.decision if around else None,
            ),
        ),
        people,
    )


def in_span(
    measure: Measure,
    period: Period,
    first: int,
    blocks: Iterable[Block],
    cells: Cells,
    rule: Rule,
    everyone_on: EveryoneOn,
) -> tuple[list[Number], list[Block]]:
    """How often in a week or longer, and the blocks that this release adds. ``first``: the app's first day."""
    span = range(max(first, period.first), period.last + 1)
    near = [block for block in blocks if block.measure == measure.code and not span_is_apart(block, span)]
    inside = [block for block in near if block.days[0] in span and block.days[-1] in span]
    added = [
        block
        for block in (
            _block_of_rest(measure, period, span, near, cells, rule, everyone_on),
            _block_of_late(measure, period, span, near, cells, rule),
        )
        if block is not None
    ]
    covered = {day for block in (*inside, *added) if not block.late for day in block.days}
    return list(_numbers(measure, period, [*inside, *added], len(span) - len(covered))), added


def blocks_of_day(numbers: Iterable[Number]) -> list[Block]:
    """The blocks in the numbers of a day's release: every count that is shown, with its splits."""
    by_measure: dict[int, list[Number]] = {}
    parts: dict[int, list[Number]] = {}
    for number in numbers:
        if number.statistic is Statistic.COUNT:
            by_measure.setdefault(number.measure, []).append(number)
        elif number.statistic in splits.OF_STATISTIC:
            parts.setdefault(number.measure, []).append(number)
    blocks = [block_of(found, (found[0].first,)) for found in by_measure.values() if found[0].value is not None]
    return [_with_splits(block, splits.cuts_in(parts.get(block.measure, ()))) for block in blocks]


def splits_on_day(measure: Measure, day: int, decision: Decision, cells: Cells, rule: Rule) -> Iterator[Number]:
    """What tells the shown count of a day apart: moves, severities, screens of problems."""
    if measure.facts & splits.FACTS and decision.state is State.SHOWN and decision.exact:
        block = block_of(decision.numbers, (day,))
        block = _with_splits(block, splits.of_block(measure, block, {day: cells.day(day)}, rule.k))
        family = Family(Statistic.COUNT, period_of(PeriodKind.DAY, day), measure.code, Part(0, 0))
        yield from splits.numbers_of(measure, family, [block])


def _with_splits(block: Block, cuts: Mapping[int, Mapping[Key, int]]) -> Block:
    return replace(block, cuts={**block.cuts, **cuts})


def _block_of_rest(
    measure: Measure,
    period: Period,
    span: range,
    near: Sequence[Block],
    cells: Cells,
    rule: Rule,
    everyone_on: EveryoneOn,
) -> Block | None:
    taken = {day for block in near if not block.late for day in block.days}
    rest = [day for day in span if day not in taken]
    if not rest:
        return None
    held = {day: cells.day(day) for day in rest}
    family = family_of(measure, period, rest, held)
    decision = rule.decide(_with_others(family, measure, held, everyone_on, rule.k))
    if decision.state is not State.SHOWN:
        return None
    block = block_of(decision.numbers, rest)
    return _with_splits(block, splits.of_block(measure, block, held, rule.k))


def _block_of_late(
    measure: Measure, period: Period, span: range, near: Sequence[Block], cells: Cells, rule: Rule
) -> Block | None:
    taken = {day for block in near if block.late for day in block.days}
    held = {day: sums for day, sums in cells.late(span[0], span[-1]).items() if day not in taken} if span else {}
    if not held:
        return None
    # All open days of the period take part, also those nothing came for: what comes now is dropped.
    days = tuple(day for day in span if day not in taken)
    family = family_of(measure, period, sorted(held), held)
    whole_only = rule.decide(replace(family, cuts={}, labels={}))
    if whole_only.state is not State.SHOWN:
        return None
    return Block(measure.code, days, True, family.total.value)


def counted(measure: Measure, sums: DaySums, code: int, label: int) -> Sums:
    """How often, by value, under one label."""
    if Fact.COUNT in measure.facts:
        return sums.of(measure.code, Fact.COUNT, 0, code, label)
    found: dict[Key, int] = {}
    for observations in sums.slots(measure.code, Fact.BUCKET, code, label).values():
        add(found, observations)
    return found


def family_of(measure: Measure, period: Period, days: Sequence[int], held: Mapping[int, DaySums]) -> Family:
    """The count of some days together, with devices that are never overstated."""
    labels = measure.label_codes or range(WHOLE, WHOLE + 1)

    def times(code: int, label: int | None = None) -> dict[Key, int]:
        found: dict[Key, int] = {}
        for day in days:
            for one in labels if label is None else (label,):
                add(found, counted(measure, held[day], code, one))
        return found

    total, behind = whole(times(TOTAL)), whole(devices(measure, days, held, TOTAL))
    cuts = {}
    for code in codes_of(measure):
        if code != TOTAL:
            values = completed(times(code), total, code)
            contributors = completed(devices(measure, days, held, code), behind, code)
            cuts[code] = {key: Part(values.get(key, 0), contributors.get(key, 0)) for key in {*values, *contributors}}
    by_label = {
        label: Part(whole(times(TOTAL, label)), whole(devices(measure, days, held, TOTAL, label)))
        for label in (measure.label_codes if measure.label else ())
    }
    overlap = len(days) > 1 and not measure.reach
    return Family(Statistic.COUNT, period, measure.code, Part(total, behind), cuts, by_label, overlap=overlap)


def _with_around(family: Family, everyone: Everyone) -> Family:
    """The count of a day, each part with the size of the set of active people around it."""
    exact = everyone.exact
    cuts = {
        code: {key: parts.get(key, NO_PART).within(exact[code].get(key, 0)) for key in {*parts, *exact[code]}}
        if code in exact
        else parts
        for code, parts in family.cuts.items()
    }
    total = family.total.within(whole(exact[TOTAL]))
    return replace(family, total=total, cuts=cuts)


def _with_others(
    family: Family, measure: Measure, held: Mapping[int, DaySums], everyone_on: EveryoneOn, k: int
) -> Family:
    """The count of some days, each part with those who were active on a day and have no part in it.

    They are counted day by day: those of two days may be the same. A day of so few people that k of them would be
    nearly all vouches for nothing, on neither side: else the block would tell which side it was.
    """
    known = [(everyone_on(day), sums) for day, sums in held.items()]
    around = [(one.exact, sums) for one, sums in known if one and one.decision.state is State.SHOWN]

    def completed_by(code: int, parts: Mapping[Key, Part]) -> dict[Key, Part]:
        days = [
            (exact[code], completed(sums.devices(measure.code, code), whole(sums.devices(measure.code)), code))
            for exact, sums in around
            if code in exact
        ]
        return {
            key: _vouched(part, [(a.get(key, 0), m.get(key, 0)) for a, m in days], k) for key, part in parts.items()
        }

    total = completed_by(TOTAL, {WHOLE_KEY: family.total})[WHOLE_KEY]
    return replace(family, total=total, cuts={code: completed_by(code, parts) for code, parts in family.cuts.items()})


def _vouched(part: Part, days: Sequence[tuple[int, int]], k: int) -> Part:
    """A part with who is without it on each day, given all people and those in it."""
    few = [all_ < sides_told_from(k) and 0 < mine < all_ for all_, mine in days]
    without = [
        min(all_ - mine, k - 1) if is_few else all_ - mine for (all_, mine), is_few in zip(days, few, strict=True)
    ]
    large = max((mine for (_, mine), is_few in zip(days, few, strict=True) if not is_few), default=0)
    alone = any(few) and large < k and part.contributors == max(mine for _, mine in days)
    return replace(
        part, contributors=min(part.contributors, k - 1) if alone else part.contributors, without=tuple(without)
    )


def _numbers(measure: Measure, period: Period, blocks: Sequence[Block], left_out: int) -> Iterable[Number]:
    total = sum(block.total for block in blocks)
    family = Family(Statistic.COUNT, period, measure.code, Part(total, 0))
    if not any(not block.late for block in blocks):
        return [replace(number_of(family, State.FEWER_THAN_K, Part(0, 0)), left_out=left_out)]
    found = [number_of(family, State.SHOWN, family.total)]
    if measure.label:
        labels: Counter[int] = Counter()
        for block in blocks:
            labels.update(block.labels or {int(OTHER): block.total})
        if set(labels) != {int(OTHER)}:
            members = {int(OTHER): MEMBERS_SAID}
            found += [
                number_of(family, State.SHOWN, Part(n, 0), label=label, members=members.get(label, 0))
                for label, n in sorted(labels.items())
                if n
            ]
    for code in codes_of(measure):
        if code != TOTAL:
            found += _cut(family, code, blocks)
    found += splits.numbers_of(measure, family, blocks)
    return [replace(number, left_out=left_out) for number in found]


def _cut(family: Family, code: int, blocks: Sequence[Block]) -> list[Number]:
    two = code % 8 != 0
    other: Key = (OTHER_VALUE, OTHER_VALUE if two else "")
    sums: Counter[Key] = Counter()
    for block in blocks:
        if block.late:
            sums[LATE_VALUE, LATE_VALUE if two else ""] += block.total
        else:
            sums.update(block.cuts.get(code) or {other: block.total})
    if not any(key[0] not in (OTHER_VALUE, LATE_VALUE) for key, n in sums.items() if n):
        return [number_of(family, State.COMPLEMENT, Part(0, 0), breakdown=code, key=other)]
    return [
        number_of(
            family,
            State.SHOWN,
            Part(n, 0),
            breakdown=code,
            key=key,
            members=MEMBERS_SAID if OTHER_VALUE in key else 0,
        )
        for key, n in sorted(sums.items())
        if n
    ]
