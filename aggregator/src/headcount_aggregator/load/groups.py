"""The small-group rule: nothing is loaded that speaks of a handful of devices. Pure.

Sums are gathered per (stream, Customer, app, day, late). A group with fewer than 20 reports
waits in the unit's carry until more arrive; when its day is frozen it goes as totals only. A late
group waits until the month it could still join is frozen. Debug groups never wait.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from headcount_wire import limits
from headcount_wire.catalog import TOTAL
from headcount_wire.segment import Stream

from headcount_aggregator.cells import Cell
from headcount_aggregator.periods import PeriodKind, day_frozen_from, period_of

Sum = tuple[int, int, int, int, int, str, str]
"""``(measure, label, fact, slot, breakdown, value1, value2)``."""


class GroupKey(NamedTuple):
    """Whose sums, of which day; ``late`` is 1 when the day was frozen before they came."""

    stream: int
    partner: int
    customer: int
    app: int
    day: int
    late: int


@dataclass(slots=True)
class Group:
    """The sums of one group, and how many reports they hold."""

    reports: int = 0
    sums: dict[Sum, int] = field(default_factory=dict)


Groups = dict[GroupKey, Group]


def waits_until(key: GroupKey) -> int:
    """The UTC day from which on a small group waits no longer."""
    if key.stream == Stream.DEBUG:
        return 0
    if key.late:
        return period_of(PeriodKind.MONTH, key.day).frozen_from
    return day_frozen_from(key.day)


def part(groups: Groups, today: int) -> tuple[list[Cell], Groups]:
    """What may be loaded today, and what is carried on."""
    cells: list[Cell] = []
    carry: Groups = {}
    for key, group in groups.items():
        if key.stream == Stream.DEBUG or group.reports >= limits.GROUP_REPORTS_MIN:
            cells += _cells(key, group, everything=True)
        elif today >= waits_until(key):
            cells += _cells(key, group, everything=False)
        else:
            carry[key] = group
    return cells, carry


def _cells(key: GroupKey, group: Group, *, everything: bool) -> Iterator[Cell]:
    for found, n in group.sums.items():
        if everything or found[4] == TOTAL:
            measure, label, fact, slot, breakdown, value1, value2 = found
            yield Cell(*key, measure, label, fact, slot, breakdown, value1, value2, n)


def to_plain(groups: Groups) -> list[Any]:
    """Groups as JSON holds them."""
    return [
        [*key, group.reports, [[*found, n] for found, n in sorted(group.sums.items())]]
        for key, group in sorted(groups.items())
    ]


def from_plain(plain: list[Any]) -> Groups:
    """Groups out of what ``to_plain`` made."""
    found: Groups = {}
    for stream, partner, customer, app, day, late, reports, sums in plain:
        table: dict[Sum, int] = {(m, la, f, s, b, v1, v2): n for m, la, f, s, b, v1, v2, n in sums}
        found[GroupKey(stream, partner, customer, app, day, late)] = Group(reports, table)
    return found
