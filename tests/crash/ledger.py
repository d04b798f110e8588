"""What devices sent, what they were answered, and what came of it in the end."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from headcount_wire import codec
from headcount_wire.report import Report, ReportDay, Tally, new_report_id

Total = tuple[int, int, int, int, int]
"""``(day, measure, label, fact, slot)``."""


class Sent(NamedTuple):
    """A report with its bytes, which a retry repeats; ``gap``, ``label`` and ``n`` are what it says."""

    report_id: str
    body: bytes
    gap: int
    label: int
    n: int


@dataclass(slots=True)
class Ledger:
    """Every report of a run. ``acknowledged``: a 202 was read. ``answers``: by status, each that was read; each sets
    ``answered``.

    ``hung_up``: attempts that the device cut short; ``cut_off``: those that the worker's death did; ``repeats``: how
    often a report was sent again though it had been acknowledged.
    """

    day: int
    sent: dict[bytes, Sent] = field(default_factory=dict)
    acknowledged: set[bytes] = field(default_factory=set)
    answers: Counter[int] = field(default_factory=Counter)
    hung_up: int = 0
    cut_off: int = 0
    repeats: int = 0
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def summary(self) -> str:
        """The figures of a run."""
        return (
            f"sent={len(self.sent)} acknowledged={len(self.acknowledged)} answers={dict(self.answers)} "
            f"hung_up={self.hung_up} cut_off={self.cut_off} repeats={self.repeats}"
        )

    def new(self, draw: random.Random) -> Sent:
        """A report that was never sent: a day of use and some meetings."""
        gap, label, n = draw.randint(1, 31), draw.choice((2, 3)), draw.randint(1, 5)
        report = Report(
            sdk="python/0.1.0",
            catalog=1,
            policy=4,
            created=self.day,
            purposes={"usage": 4, "context": 2},
            days=(ReportDay(self.day, (Tally(1, 0, 4, gap, 1), Tally(2, label, 1, 0, n), Tally(2, 0, 2, 0, 1))),),
            context={"os": draw.choice(("ios", "android"))},
        )
        made = Sent(new_report_id(), codec.encode_json(report), gap, label, n)
        self.sent[bytes.fromhex(made.report_id)] = made
        return made

    def tallies(self, report_id: bytes) -> frozenset[tuple[int, int, int, int, int, int]]:
        """A report's tallies as a record holds them, in any order."""
        _, _, gap, label, n = self.sent[report_id]
        return frozenset({(self.day, 1, 0, 4, gap, 1), (self.day, 2, label, 1, 0, n), (self.day, 2, 0, 2, 0, 1)})

    def totals(self, counted: Iterable[bytes]) -> Mapping[Total, int]:
        """The sums of some of the reports."""
        sums: Counter[Total] = Counter()
        for report_id in counted:
            for day, measure, label, fact, slot, n in self.tallies(report_id):
                sums[day, measure, label, fact, slot] += n
        return sums


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a run came to.

    ``lost``: acknowledged and not counted. ``doubled``: counted twice. ``foreign``: counted and never sent.
    ``damaged``: segments in which a reader found damage, though nobody damaged a whole record. ``left``: what the
    loader left in the spool. ``sums_right``: the warehouse holds the sums of exactly what was counted.
    """

    lost: int
    doubled: int
    foreign: int
    damaged: int
    left: Sequence[str]
    sums_right: bool
    duplicates_dropped: int
    unacknowledged_counted: int

    @property
    def clean(self) -> bool:
        """Whether every acknowledged report is counted exactly once, every other at most once, and nothing else."""
        return self.sums_right and not (self.lost or self.doubled or self.foreign or self.damaged or self.left)


def judge(
    ledger: Ledger,
    counted: Counter[bytes],
    totals: Mapping[Total, int],
    damaged: int,
    left: Sequence[str],
    duplicates: int,
) -> Verdict:
    """Compare a ledger with the ids that were counted and the sums that came out."""
    known = counted.keys() & ledger.sent.keys()
    return Verdict(
        lost=len(ledger.acknowledged - counted.keys()),
        doubled=sum(1 for times in counted.values() if times > 1),
        foreign=len(counted) - len(known),
        damaged=damaged,
        left=left,
        sums_right=ledger.totals(known) == totals,
        duplicates_dropped=duplicates,
        unacknowledged_counted=len(known - ledger.acknowledged),
    )
