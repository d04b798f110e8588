"""Counts told apart by a slot of theirs: moves by where from, problems by how bad and where. Pure.

No tally says how many devices stand behind a slot. Two things bound them from below: what one device may
add at most, and that who is not behind a slot has added at least one to the rest. The larger bound is
taken, so contributors are never overstated; slots under k are merged into ``other``, with what has no slot.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from headcount_wire.catalog import TOTAL, Measure
from headcount_wire.facts import OTHER, WHOLE, Fact

from headcount_aggregator.release.block import Block, devices
from headcount_aggregator.release.day_sums import DaySums, Key, whole
from headcount_aggregator.release.family import OTHER_VALUE, Family, Part
from headcount_aggregator.release.threshold import MEMBERS_SAID, number_of
from headcount_aggregator.released import Number, State, Statistic


@dataclass(frozen=True, slots=True)
class Split:
    """One fact whose slots tell a count apart. ``code``: under which a block keeps it, beside its breakdowns.

    ``screens``: its slots are label codes of screens, so that one of them is ``other`` itself.
    """

    fact: Fact
    statistic: Statistic
    code: int
    screens: bool


SEVERITY = Split(Fact.SEVERITY, Statistic.SEVERITY, 64, screens=False)
PROBLEM_SCREEN = Split(Fact.SCREEN, Statistic.PROBLEM_SCREEN, 72, screens=True)
MOVES = Split(Fact.MOVE, Statistic.MOVES, 80, screens=True)

OF_STATISTIC = {split.statistic: split for split in (SEVERITY, PROBLEM_SCREEN, MOVES)}

FACTS = frozenset(split.fact for split in OF_STATISTIC.values())


def of_block(measure: Measure, block: Block, held: Mapping[int, DaySums], k: int) -> dict[int, dict[Key, int]]:
    """The splits that a block of days can bear, by their codes: ``(label, slot)`` and how often.

    Severities and screens are told of the measure as a whole and moves of each screen by itself, so that
    they stand beside the counts by label and no table of two dimensions can be taken apart.
    """
    found: dict[int, dict[Key, int]] = {}
    for split in OF_STATISTIC.values():
        if split.fact not in measure.facts:
            continue
        labels = {WHOLE: block.total} if split is not MOVES else block.labels
        cut: dict[Key, int] = {}
        for label, n in labels.items():
            if label != OTHER:
                mine = (label,) if label != WHOLE else measure.label_codes
                behind = whole(devices(measure, block.days, held, TOTAL, label))
                slots = _slots(measure, split, block.days, held, mine, n)
                cap = measure.cap * len(block.days)
                cut |= {(str(label), slot): m for slot, m in _grouped(slots, behind, cap, k).items()}
        if cut:
            found[split.code] = cut
    return found


def numbers_of(measure: Measure, family: Family, blocks: Sequence[Block]) -> Iterator[Number]:
    """The splits of a period that is made of blocks; a block that bears none of them is ``other``."""
    for split in OF_STATISTIC.values():
        if split.fact in measure.facts:
            sums = _summed(split, blocks)
            told = {label for (label, slot), n in sums.items() if slot != OTHER_VALUE and n}
            if not told and split is not MOVES:
                yield _number(family, split, State.COMPLEMENT, WHOLE, OTHER_VALUE, 0)
            for (label, slot), n in sorted(sums.items()):
                if n and label in told:
                    yield _number(family, split, State.SHOWN, int(label), slot, n)


def cuts_in(numbers: Iterable[Number]) -> dict[int, dict[Key, int]]:
    """The splits among the numbers of a released day, as a block keeps them."""
    found: dict[int, dict[Key, int]] = {}
    for number in numbers:
        split = OF_STATISTIC.get(number.statistic)
        if split is not None and number.value is not None:
            slot = number.value1 or str(number.slot)
            found.setdefault(split.code, {})[str(number.label), slot] = number.value
    return found


def least(n: int, total: int, behind: int, cap: int) -> int:
    """The fewest devices that can be behind ``n`` of ``total``, when ``behind`` devices made all of it."""
    return max(-(-n // cap), behind - (total - n)) if n > 0 else 0


def _slots(
    measure: Measure, split: Split, days: Iterable[int], held: Mapping[int, DaySums], labels: Iterable[int], n: int
) -> dict[str, int]:
    """How often by slot; what has none, or that of a screen that is not declared, is ``other``."""
    found: Counter[str] = Counter()
    for day in days:
        for label in labels:
            for slot, sums in held[day].slots(measure.code, split.fact, TOTAL, label).items():
                found[OTHER_VALUE if split.screens and slot == OTHER else str(slot)] += whole(sums)
    found[OTHER_VALUE] += max(0, n - sum(found.values()))
    return {slot: m for slot, m in found.items() if m}


def _grouped(slots: Mapping[str, int], behind: int, cap: int, k: int) -> dict[str, int]:
    """The slots that stand alone and ``other``; empty when none can."""
    total = sum(slots.values())

    def enough(n: int) -> bool:
        return least(n, total, behind, cap) >= k

    merged = {slot for slot, n in slots.items() if slot == OTHER_VALUE or not enough(n)}
    alone = sorted(slots.keys() - merged, key=lambda slot: (slots[slot], slot), reverse=True)

    def may_stand() -> bool:
        several = len(merged) > 1 or merged == {OTHER_VALUE}
        return several and enough(sum(slots[slot] for slot in merged))

    while merged and alone and not may_stand():
        merged.add(alone.pop())
    if not alone:
        return {}
    found = {slot: slots[slot] for slot in alone}
    return found | ({OTHER_VALUE: sum(slots[slot] for slot in merged)} if merged else {})


def _summed(split: Split, blocks: Sequence[Block]) -> Counter[Key]:
    sums: Counter[Key] = Counter()
    for block in blocks:
        cut = block.cuts.get(split.code, {})
        sums.update(cut)
        told = {label for label, _ in cut}
        labels = {WHOLE: block.total} if split is not MOVES else {} if block.late else block.labels
        for label, n in labels.items():
            if str(label) not in told and label != OTHER:
                sums[str(label), OTHER_VALUE] += n
    return sums


def _number(family: Family, split: Split, state: State, label: int, slot: str, n: int) -> Number:
    other = slot == OTHER_VALUE
    at = Family(split.statistic, family.period, family.measure, Part(n, 0), slot=0 if other else int(slot))
    key, members = ((OTHER_VALUE, ""), MEMBERS_SAID) if other else (("", ""), 0)
    return number_of(at, state, at.total, label=label, key=key, members=members if state is State.SHOWN else 0)
