"""The threshold rule: a number is shown only if at least k devices contributed. Pure.

Siblings under k are merged into ``other``, which needs two members and k devices itself, else the
smallest visible sibling joins it. A subset of a released set is shown only if it *and its
complement* are none or at least k. A total that is hidden hides all its parts. What holds of one
family holds of every sum and difference of its shown numbers: the hidden part is nothing, or at
least k devices (``tests/privacy/test_threshold.py`` searches for a counterexample).

It assumes honest devices: an app key is public, so k - 1 forged devices can unmask one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from headcount_wire.catalog import TOTAL
from headcount_wire.facts import OTHER

from headcount_aggregator.release.candidates import Candidate, Family
from headcount_aggregator.released import Number, State

OTHER_VALUE = "other"


@dataclass(frozen=True, slots=True)
class Threshold:
    """The rule with its k."""

    k: int
    name: str = "threshold"

    def decide(self, family: Family) -> Iterator[Number]:
        """The numbers of a family: shown, or hidden with the reason. Merged siblings become ``other``."""
        state = self.state_of(family.total)
        if family.show_total:
            yield _number(family, family.label, TOTAL, "", family.total, state)
        if state is not State.SHOWN or not family.siblings:
            return
        shown, merged = self.merge(family)
        for value, part in shown:
            label = int(value) if family.by_label else family.label
            yield _number(family, label, family.breakdown, "" if family.by_label else value, part, State.SHOWN)
        if merged:
            part = self.union([part for _, part in merged], by_label=family.by_label)
            safe = self.state_of(part) if shown else State.FEWER_THAN_K
            label = OTHER if family.by_label else family.label
            value = "" if family.by_label else OTHER_VALUE
            yield _number(family, label, family.breakdown, value, part, safe, members=len(merged))

    def merge(self, family: Family) -> tuple[list[tuple[str, Candidate]], list[tuple[str, Candidate]]]:
        """The siblings that stand alone, and those merged into ``other``."""
        own_other = str(int(OTHER)) if family.by_label else OTHER_VALUE
        present = [(value, part) for value, part in family.siblings.items() if part.value or part.contributors]
        shown = [pair for pair in present if self.safe(pair[1]) and pair[0] != own_other]
        merged = [pair for pair in present if pair not in shown]
        shown.sort(key=lambda pair: (-pair[1].contributors, pair[0]))
        while merged and shown and not self._may_stand(merged, own_other, family.by_label):
            merged.append(shown.pop())
        return shown, sorted(merged)

    def _may_stand(self, merged: Sequence[tuple[str, Candidate]], own_other: str, by_label: bool) -> bool:
        """Whether the merged siblings are enough: two of them (or the declared ``other``), k devices in all."""
        enough = len(merged) >= 2 or merged[0][0] == own_other
        return enough and self.safe(self.union([part for _, part in merged], by_label=by_label))

    def union(self, parts: Sequence[Candidate], *, by_label: bool) -> Candidate:
        """The merged siblings as one. Devices by value add up; devices by label overlap: their maximum."""
        contributors = [part.contributors for part in parts]
        bases = [part.base for part in parts]
        known = [base for base in bases if base is not None]
        return Candidate(
            sum(part.value for part in parts),
            max(contributors) if by_label else sum(contributors),
            sum(known) if len(known) == len(bases) else None,
        )

    def safe(self, part: Candidate) -> bool:
        """Whether a sibling may stand alone."""
        return part.contributors >= self.k and self.state_of(part) is State.SHOWN

    def state_of(self, part: Candidate) -> State:
        """Whether a number may be shown, or why not."""
        if 0 < part.contributors < self.k or (part.contributors == 0 and (part.value or part.base is None)):
            return State.FEWER_THAN_K
        if part.base is not None:
            if part.base < self.k:
                return State.FEWER_THAN_K
            if 0 < part.base - part.contributors < self.k:
                return State.COMPLEMENT
        return State.SHOWN


def _number(
    family: Family, label: int, breakdown: int, value: str, part: Candidate, state: State, members: int = 0
) -> Number:
    shown = state is State.SHOWN
    return Number(
        statistic=family.statistic,
        period=family.period.kind,
        first=family.period.first,
        last=family.period.last,
        measure=family.measure,
        label=label,
        breakdown=breakdown,
        value1=value,
        value2="",
        slot=family.slot,
        state=state,
        value=_rounded(part.value, family.step) if shown else None,
        rounding=family.step,
        members=members,
    )


def _rounded(value: int, step: int) -> int:
    return value if step == 1 else (value + step // 2) // step * step
