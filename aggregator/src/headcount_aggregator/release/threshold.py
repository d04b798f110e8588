"""The threshold rule: a number is shown only if at least k devices contributed. Pure.

Siblings under k are merged into ``other``, which needs two members and k devices itself, else the
smallest visible sibling joins it; when nothing is left, all are hidden under the total. A subset
of a released set is shown only if it *and its complement* are none or at least k, and stands in
groups that are unions of that set's groups. A count stands as its people do, or says nothing of
how many they are. In two dimensions whole columns are merged: the same
groups of the second stand under every group of the first, so that no margin can be taken apart.
Where values of one dimension lie wholly in a group of another, what is left of it is none or k too.
``tests/privacy`` looks for a sum or difference of shown numbers that speaks of fewer than k.

It assumes honest devices: an app key is public, so k - 1 forged devices can unmask one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from headcount_wire.catalog import TOTAL
from headcount_wire.facts import OTHER

from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.release.day_sums import Key
from headcount_aggregator.release.family import OTHER_VALUE, Decision, Family, Groups, Part, Room, sides_told_from
from headcount_aggregator.release.nesting import Asked, telling, turned
from headcount_aggregator.released import Number, State

MEMBERS_SAID = 2
"""Merged siblings are counted aloud to here only: an exact count would tell of one device with a rare value."""

Columns = Mapping[str, Sequence[Part]]
"""Siblings by value; each is one part, or one for every group of the first dimension."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """The rule with its k."""

    k: int
    name: str = field(default="threshold", init=False)

    def decide(self, family: Family, within: Decision | None = None) -> Decision:
        """The numbers of a family: shown, or hidden with the reason. A hidden total hides all its parts."""
        state = reason_in(family, self.state_of(family.total, subset=family.subset), self.k)
        if within is not None and within.state is not State.SHOWN and not self._apart(family, within, state):
            state = within.state
        numbers = [number_of(family, state, family.total, k=self._edge(family))]
        if state is not State.SHOWN or family.total.empty:
            return Decision(state, numbers, family.total.value)
        groups = self._single(family, within)
        for code in sorted(family.cuts, key=lambda code: (code % 8 != 0, code)):
            found = self._cut(family, code, groups, within)
            groups[code] = found[0]
            numbers += found[1]
        labels = self._labels(family, within)
        return Decision(state, [*numbers, *labels[1]], family.total.value, groups, labels[0])

    def state_of(self, part: Part, *, subset: bool = False) -> State:
        """Whether a value may be shown, or why not."""
        nothing = part.contributors == 0 and part.value == 0
        if part.contributors < self.k and not (nothing and subset):
            return State.FEWER_THAN_K
        if any(0 < abs(rest) < self.k for rest in (*part.outside, max(part.without, default=0))):
            return State.COMPLEMENT
        return State.SHOWN

    def _edge(self, family: Family) -> int:
        """How many are known to be in what is told in steps, and left by it; of a day, since its numbers are exact."""
        return self.k if family.period.kind is PeriodKind.DAY else 0

    def group(
        self,
        siblings: Columns,
        forced: frozenset[str] = frozenset(),
        *,
        overlap: bool = False,
        room: Room | None = None,
    ) -> Groups:
        """Which siblings stand alone. ``forced`` ones are merged whatever their size."""
        present = {value: parts for value, parts in siblings.items() if not all(part.empty for part in parts)}
        merged = {v for v, parts in present.items() if v in forced or v == OTHER_VALUE or not self._safe(parts, room)}
        size = {value: (sum(part.contributors for part in parts), value) for value, parts in present.items()}
        alone = sorted(present.keys() - merged, key=lambda value: size[value], reverse=True)

        def may_stand() -> bool:
            enough = len(merged) >= 2 or merged == {OTHER_VALUE}
            return enough and self._safe(united([present[value] for value in merged], overlap), room)

        while merged and alone and not may_stand():
            merged.add(alone.pop())
        lonely = merged == {OTHER_VALUE} and self._safe(present[OTHER_VALUE], room)
        return Groups(tuple(sorted(alone)), frozenset(merged), hidden=bool(merged) and not alone and not lonely)

    def _apart(self, family: Family, within: Decision, state: State) -> bool:
        """Whether a count may be shown though its people are not: it leaves open how many they are."""
        return (
            within.state is State.COMPLEMENT
            and state is State.SHOWN
            and family.room is not None
            and family.room.leaves_open(family.total)
        )

    def _safe(self, parts: Sequence[Part], room: Room | None = None) -> bool:
        return all(
            self.state_of(part, subset=True) is State.SHOWN and (room is None or room.leaves_open(part))
            for part in parts
        )

    def _single(self, family: Family, within: Decision | None) -> dict[int, Groups]:
        """How the values of each dimension by itself stand, none of them telling of another dimension's."""
        forced: dict[int, frozenset[str]] = {}

        def group(code: int) -> Groups:
            above, room = _above(family, code, within)
            merged = forced.setdefault(code, above.merged if above else frozenset())
            siblings = {key[0]: (part,) for key, part in family.cuts[code].items()}
            return self._grouped(siblings, merged, family, above, room)

        def exposed() -> tuple[int, str] | None:
            for code, parts in family.cuts.items():
                first, second = code // 8 * 8, code % 8 * 8
                for outer, inner, cells in ((first, second, parts), (second, first, turned(parts))):
                    if outer in groups and inner in groups and not (groups[outer].hidden or groups[inner].hidden):
                        _, room = _above(family, inner, within)
                        value = telling(cells, groups[outer], groups[inner], self._asked(family, room))
                        if value is not None:
                            return inner, value
            return None

        groups = {code: group(code) for code in family.cuts if code % 8 == 0}
        while found := exposed():
            forced[found[0]] |= {found[1]}
            groups[found[0]] = group(found[0])
        return groups

    def _asked(self, family: Family, room: Room | None) -> Asked:
        every = room is not None or any(part.without for parts in family.cuts.values() for part in parts.values())
        return Asked(self.k, family.overlap, lambda parts: self._safe((_one(parts, family.overlap),), room), every)

    def _cut(
        self, family: Family, code: int, groups: Mapping[int, Groups], within: Decision | None
    ) -> tuple[Groups, list[Number]]:
        parts = family.cuts[code]
        above, room = _above(family, code, within)
        forced = above.merged if above else frozenset()
        if code % 8 == 0:
            found = groups[code]
            rows: list[tuple[Key, Part]] = [((v, ""), parts[v, ""]) for v in found.alone]
            if found.merged:
                rows.append(((OTHER_VALUE, ""), _one([parts[v, ""] for v in found.merged], family.overlap)))
            return found, list(_numbers(family, code, found, rows, self._edge(family)))
        first, second = Groups(), Groups()
        first = groups.get(code // 8 * 8) or self._margin(family, parts, 0, room)
        second = groups.get(code % 8 * 8) or self._margin(family, parts, 1, room)
        names = sorted({first.of(key[0]) for key in parts})
        columns = _columns(parts, first, names, family.overlap)
        forced |= second.merged
        found = self._grouped(columns, forced, family, above, room)
        while found.alone and self._tells(family, parts, first, second, found, room):
            forced |= {min(found.alone, key=lambda value: (sum(p.contributors for p in columns[value]), value))}
            found = self._grouped(columns, forced, family, above, room)
        if first.hidden or second.hidden:
            found = Groups(merged=frozenset(columns), hidden=True)
        rows = [((n, v), columns[v][at]) for at, n in enumerate(names) for v in found.alone]
        if found.merged:
            other = united([columns[value] for value in found.merged], family.overlap)
            rows += [((name, OTHER_VALUE), other[at]) for at, name in enumerate(names)]
        return found, list(_numbers(family, code, found, sorted(rows, key=lambda row: row[0]), self._edge(family)))

    def _tells(
        self,
        family: Family,
        parts: Mapping[Key, Part],
        first: Groups,
        second: Groups,
        found: Groups,
        room: Room | None,
    ) -> bool:
        """Whether the merged columns of a cut by two dimensions, with the single cuts, leave too few of anything."""
        merged = {key: part for key, part in parts.items() if key[1] in found.merged}
        columns = Groups(tuple(v for v in second.alone if v in found.merged), second.merged)
        asked = self._asked(family, room)
        return (telling(merged, first, columns, asked) or telling(turned(merged), columns, first, asked)) is not None

    def _grouped(
        self, siblings: Columns, forced: frozenset[str], family: Family, above: Groups | None, room: Room | None
    ) -> Groups:
        if above is not None and above.hidden:
            return Groups(merged=frozenset(siblings), hidden=True)
        return self.group(siblings, forced, overlap=family.overlap, room=room)

    def _margin(self, family: Family, parts: Mapping[Key, Part], at: int, room: Room | None) -> Groups:
        """How one dimension of two would stand by itself, when no cut by it alone is declared."""
        values = {key[at] for key in parts}
        lone = {v: (_one([p for key, p in parts.items() if key[at] == v], family.overlap),) for v in values}
        return self.group(lone, overlap=family.overlap, room=room)

    def _labels(self, family: Family, within: Decision | None) -> tuple[Groups, list[Number]]:
        """A count by label. Devices may have several labels, so a union has at least its largest's."""
        named = {(OTHER_VALUE if code == OTHER else str(code)): (part,) for code, part in family.labels.items()}
        forced = within.labels.merged if within else frozenset()
        alike = {name: (replace(part, outside=(), around=0),) for name, (part,) in named.items()}
        telling = {n for n, (p,) in named.items() if not (p.empty or self._quiet((p,), family.room))}
        found = self.group(alike, forced | telling, overlap=True)
        if found.merged and not self._quiet([named[name][0] for name in found.merged], family.room):
            found = replace(found, alone=(), merged=frozenset(named), hidden=True)
        if not found.merged and not found.alone:
            return found, []
        if found.hidden:
            return found, [number_of(family, State.COMPLEMENT, Part(0, 0), label=OTHER)]
        rows = [(int(value), named[value][0]) for value in found.alone]
        if found.merged:
            rows.append((int(OTHER), _one([named[value][0] for value in found.merged], overlap=True)))
        members = {int(OTHER): members_of(found)}
        return found, [
            number_of(family, State.SHOWN, part, label=label, members=members.get(label, 0))
            for label, part in sorted(rows)
            if part.value
        ]

    def _quiet(self, labels: Sequence[Part], room: Room | None) -> bool:
        """Whether people of a set who have none of these labels are nobody, or k, or left open by the count.

        Devices may have several labels, so those without any are at least the set less all labels' devices.
        """
        sizes = [label for label in labels if label.outside]
        if not sizes or any(label.outside == (0,) for label in sizes):
            return True
        around = sizes[0].around
        if around - sum(label.contributors for label in sizes) >= self.k:
            return True
        return room is not None and room.leaves_open(Part(sum(p.value for p in sizes), 0, around=around))


def _columns(
    parts: Mapping[Key, Part], first: Groups, names: Sequence[str], overlap: bool
) -> dict[str, tuple[Part, ...]]:
    """By value of the second dimension, one part for each group of the first."""
    held: dict[str, dict[str, list[Part]]] = {}
    for (one, two), part in parts.items():
        held.setdefault(two, {}).setdefault(first.of(one), []).append(part)
    return {value: tuple(_one(by.get(name, ()), overlap) for name in names) for value, by in held.items()}


def _above(family: Family, code: int, within: Decision | None) -> tuple[Groups | None, Room | None]:
    """The groups a cut stands in, and the room it must keep where its people are not shown by this cut."""
    above = within.groups.get(code) if within else None
    if family.room is None or (above is not None and not above.hidden):
        return above, None
    around = family.room.within
    return (around.groups.get(code) if around else None) or Groups(hidden=True), family.room


def united(siblings: Sequence[Sequence[Part]], overlap: bool) -> tuple[Part, ...]:
    """Siblings as one, place by place."""
    return tuple(_one(parts, overlap) for parts in zip(*siblings, strict=True))


def members_of(groups: Groups) -> int:
    """How many siblings are in ``other``, counted aloud up to two."""
    return min(len(groups.merged), MEMBERS_SAID)


def number_of(
    family: Family,
    state: State,
    part: Part,
    *,
    label: int | None = None,
    breakdown: int = TOTAL,
    key: Key = ("", ""),
    members: int = 0,
    k: int = 0,
) -> Number:
    """The number that says a part, or that it is hidden. ``k``: of the rule that decided it."""
    step = family.step if breakdown == TOTAL else family.cut_step or family.step
    return Number(
        statistic=family.statistic,
        period=family.period.kind,
        first=family.period.first,
        last=family.period.last,
        measure=family.measure,
        label=family.label if label is None else label,
        breakdown=breakdown,
        value1=key[0],
        value2=key[1],
        slot=family.slot,
        state=state,
        value=rounded(part, step, k) if state is State.SHOWN else None,
        rounding=step,
        members=members,
    )


def reason_in(family: Family, state: State, k: int) -> State:
    """The reason that is told. Of few people more than k it must not say on which side the few are: of 21, those hidden
    for the sake of others would be 20. Nor of a wide period: how many there are exactly is not told there.
    """
    sides = [family.total.contributors + rest for rest in family.total.outside]
    few = sides and (family.period.kind is not PeriodKind.DAY or min(sides) < sides_told_from(k))
    return State.FEW_ON_A_SIDE if few and state is not State.SHOWN else state


def rounded(part: Part, step: int, k: int) -> int:
    """A value in steps. It is known to be at least k and to leave k of each set around it, or none: a step that lies
    mostly beyond these ends would tell what is left of it exactly, so it is told as the next one.
    """
    value = part.value
    near = value if step == 1 else (value + step // 2) // step * step
    if step == 1 or not value or k < step:
        return near
    most = [(value + rest - k + 1) // step * step for rest in part.outside if rest >= k]
    return max(min([near, *most]), -(-k // step) * step)


def _one(parts: Sequence[Part], overlap: bool) -> Part:
    if len(parts) == 1:
        return parts[0]
    contributors = [part.contributors for part in parts]
    return Part(
        sum(part.value for part in parts),
        max(contributors, default=0) if overlap else sum(contributors),
        _sums(part.outside for part in parts),
        _sums(part.without for part in parts),
        sum(part.around for part in parts),
    )


def _sums(rows: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(map(sum, zip(*filter(None, rows), strict=False)))


def _numbers(family: Family, code: int, groups: Groups, rows: Sequence[tuple[Key, Part]], k: int) -> Iterator[Number]:
    if groups.hidden:
        key = (OTHER_VALUE, OTHER_VALUE if code % 8 else "")
        yield number_of(family, State.COMPLEMENT, Part(0, 0), breakdown=code, key=key)
        return
    for key, part in rows:
        if part.value:
            members = members_of(groups) if key[-1 if code % 8 else 0] == OTHER_VALUE else 0
            yield number_of(family, State.SHOWN, part, breakdown=code, key=key, members=members, k=k)
