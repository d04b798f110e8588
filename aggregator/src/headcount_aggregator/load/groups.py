"""The small-group rule: nothing is loaded that speaks of a handful of devices. Pure.

Sums are gathered per (stream, Customer, app, day, late). A group with fewer than 20 reports
waits in the unit's carry until more arrive; when its day is frozen it goes as totals only. A late
group waits until the month it could still join is frozen. Debug groups never wait.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from operator import itemgetter
from typing import Any, NamedTuple

from headcount_wire import limits
from headcount_wire.catalog import TOTAL
from headcount_wire.segment import Stream, pack_tally
from headcount_wire.segment_slices import TALLY_BYTES, split_sum, split_tallies

from headcount_aggregator.periods import PeriodKind, day_frozen_from, period_of

Cut = tuple[int, str, str]
"""``(breakdown, value1, value2)``; ``WHOLE`` for a total."""

WHOLE: Cut = (TOTAL, "", "")

Sums = dict[bytes, int]
"""For each tally without its ``n`` (six bytes), the sum of ``n``."""

Cuts = dict[Cut, Sums]
"""The sums of each cut."""

_HEAD = struct.Struct("<BI")
_N_MAX = 2**32 - 1


class GroupKey(NamedTuple):
    """Whose sums, of which day; ``late`` is 1 when the day was frozen before they came."""

    stream: int
    partner: int
    customer: int
    app: int
    day: int
    late: int


class Fate(Enum):
    """What becomes of a group today."""

    WAIT = "it is carried on"
    TOTALS = "its totals are loaded"
    ALL = "all of it is loaded"


class Group(NamedTuple):
    """A group that waits: how many reports it holds, and its sums (``pack``)."""

    reports: int
    packed: bytes


Groups = dict[GroupKey, Group]


def waits_until(key: GroupKey) -> int:
    """The UTC day from which on a small group waits no longer."""
    if key.stream == Stream.DEBUG:
        return 0
    if key.late:
        return period_of(PeriodKind.MONTH, key.day).frozen_from
    return day_frozen_from(key.day)


def fate(key: GroupKey, reports: int, today: int) -> Fate:
    """What may be loaded of a group today."""
    if key.stream == Stream.DEBUG or reports >= limits.GROUP_REPORTS_MIN:
        return Fate.ALL
    return Fate.TOTALS if today >= waits_until(key) else Fate.WAIT


def add(cuts: Cuts, cut: Cut, sums: Sums) -> None:
    """Add sums to those of a cut."""
    held = cuts.get(cut)
    if held is None:
        cuts[cut] = dict(sums)
        return
    get = held.get
    for what, n in sums.items():
        held[what] = get(what, 0) + n


def merged(parts: Iterable[Cuts]) -> Cuts:
    """Sums of several, added up."""
    found: Cuts = {}
    for part in parts:
        for cut, sums in part.items():
            add(found, cut, sums)
    return found


@dataclass(frozen=True, slots=True)
class _Reader:
    data: bytes

    def cuts(self) -> Iterator[tuple[Cut, bytes]]:
        at = 0
        while at < len(self.data):
            code, lines = _HEAD.unpack_from(self.data, at)
            value1, at = self._text(at + _HEAD.size)
            value2, at = self._text(at)
            end = at + lines * TALLY_BYTES
            yield (code, value1, value2), self.data[at:end]
            at = end

    def _text(self, at: int) -> tuple[str, int]:
        end = at + 1 + self.data[at]
        return self.data[at + 1 : end].decode("ascii"), end


def pack(cuts: Cuts) -> bytes:
    """Sums as bytes: 10 for each, and the cut they stand under once."""
    parts: list[bytes] = []
    for (code, value1, value2), sums in sorted(cuts.items(), key=itemgetter(0)):
        told: list[bytes] = []
        for what, n in sorted(sums.items()):
            whole, rest = divmod(n, _N_MAX)
            told += [what + _N_MAX.to_bytes(4, "little")] * whole
            told += [what + rest.to_bytes(4, "little")] if rest or not whole else []
        parts.append(_HEAD.pack(code, len(told)))
        parts += (bytes((len(value),)) + value.encode("ascii") for value in (value1, value2))
        parts += told
    return b"".join(parts)


def unpack(packed: bytes) -> Cuts:
    """Sums out of what ``pack`` made."""
    found: Cuts = {}
    for cut, lines in _Reader(packed).cuts():
        for what, n in map(split_sum, split_tallies(lines)):
            add(found, cut, {what: n})
    return found


def to_plain(groups: Groups) -> list[Any]:
    """Groups as JSON holds them."""
    return [
        [*key, group.reports, base64.b64encode(group.packed).decode("ascii")] for key, group in sorted(groups.items())
    ]


def from_plain(plain: list[Any]) -> Groups:
    """Groups out of what ``to_plain`` made, also in the form of units before version 4."""
    found: Groups = {}
    for *key, reports, sums in plain:
        found[GroupKey(*key)] = Group(reports, base64.b64decode(sums) if isinstance(sums, str) else _pack_older(sums))
    return found


def _pack_older(sums: list[Any]) -> bytes:
    cuts: Cuts = {}
    for measure, label, fact, slot, breakdown, value1, value2, n in sums:
        what, n_again = split_sum(pack_tally(measure, label, fact, slot, n))
        add(cuts, (breakdown, value1, value2), {what: n_again})
    return pack(cuts)
