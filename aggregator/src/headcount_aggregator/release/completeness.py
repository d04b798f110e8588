"""How complete a release is: what share of the reports behind it was lost, refused, clipped or late.

What is missing is counted by those who miss it: the edge counts reports it refuses for good and measures it drops
(``spool/*/missed``), the device says when a measure reached its daily cap, the store knows what came late. Shares are
said in steps of five percent, and only of what is of at least k reports: fewer would tell of somebody. So would
fewer than k that did not reach a cap, where all others did: then nothing is said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from pathlib import Path
from typing import Protocol

import orjson
from headcount_wire.catalog import Catalog
from headcount_wire.facts import Fact

from headcount_aggregator.periods import Period
from headcount_aggregator.release.day_sums import Cells, whole
from headcount_aggregator.released import Number, Statistic

STEP = 5
ALL = 100
WHOLE_REPORTS = "reports"
ARRIVES_AFTER_DAYS = 1
"""A closed day is reported on the next, mostly: what is refused then belongs to it."""

_HOW_OFTEN = frozenset({Statistic.COUNT, Statistic.QUANTILE, Statistic.MOVES, Statistic.SEVERITY})
"""What a cap cuts: people are people, however often they did it."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Shares in percent, in steps of five."""

    lost: int = 0
    refused: int = 0
    clipped: int = 0
    late: int = 0

    @property
    def plain(self) -> Mapping[str, int]:
        """As it stands in a release."""
        return {"lost": self.lost, "refused": self.refused, "clipped": self.clipped, "late": self.late}

    def complete(self, statistic: Statistic) -> int:
        """What share of the reports is in a number of a statistic."""
        gone = self.lost + self.refused + self.late + (self.clipped if statistic in _HOW_OFTEN else 0)
        return max(0, ALL - gone)


NOTHING_MISSING = Missing()


class Missed(Protocol):
    """What the edges counted of what they did not take."""

    def of(self, customer: int, app: int, first: int, last: int) -> Mapping[str, int]:
        """By measure code, or whole reports: in how many reports that arrived on these days (UTC)."""
        ...


class MissedFiles:
    """The edges' files in a spool."""

    def __init__(self, spool: Path) -> None:
        self._spool = spool

    def of(self, customer: int, app: int, first: int, last: int) -> Mapping[str, int]:
        """By measure code, or whole reports: in how many reports that arrived on these days (UTC)."""
        found: Counter[str] = Counter()
        for path in self._spool.glob("*/missed/*.json"):
            if path.stem.isdecimal() and first <= int(path.stem) <= last:
                for of_customer, of_app, what, n in _rows(path):
                    if (of_customer, of_app) == (customer, app):
                        found[what] += n
        return found


class NothingMissed:
    """For a house whose edges tell nothing."""

    def of(self, customer: int, app: int, first: int, last: int) -> Mapping[str, int]:
        """Nothing."""
        return {}


def missing_of(
    catalog: Catalog, period: Period, first: int, cells: Cells, missed: Mapping[str, int], k: int
) -> dict[int, Missing]:
    """What is missing of each measure in a period, where it is anything. ``first``: the app's first day."""
    active = catalog.active
    late = cells.late(period.first, period.last)
    came_late = sum(whole(sums.reaching(active.code, 0)) for sums in late.values()) if active else 0
    devices, clips = Counter[int](), Counter[int]()
    for day in range(max(first, period.first), period.last + 1):  # each once: a year's days may not all be kept
        sums = cells.day(day)
        for code in catalog.by_code:
            devices[code] += whole(sums.reaching(code, 0)) or whole(sums.devices(code))
            clips[code] += whole(sums.of(code, Fact.CLIPPED))
    everybody = devices[active.code] if active else 0
    found = {}
    for measure in catalog.measures.values():
        here, clipped = devices[measure.code], clips[measure.code]
        missing = Missing(
            lost=_share(missed.get(WHOLE_REPORTS, 0), everybody or here, k),
            refused=_share(missed.get(str(measure.code), 0), here, k),
            clipped=_share(clipped, here - clipped, k) if here - clipped not in range(1, k) else 0,
            late=_share(came_late, everybody, k),
        )
        if missing != NOTHING_MISSING:
            found[measure.code] = missing
    return found


_told = attrgetter(*(told.name for told in fields(Number) if told.name != "complete"))
"""All of a number but its last field."""


def marked(numbers: Sequence[Number], missing: Mapping[int, Missing]) -> Sequence[Number]:
    """The numbers, each with the share of the reports that is in it."""
    return [Number(*[*_told(n), missing.get(n.measure, NOTHING_MISSING).complete(n.statistic)]) for n in numbers]


def _share(gone: int, there: int, k: int) -> int:
    """A part in percent, to the nearest step; nothing where it is of fewer than k."""
    return 0 if gone < k else round(ALL * gone / (gone + max(0, there)) / STEP) * STEP


def _rows(path: Path) -> Iterable[tuple[int, int, str, int]]:
    try:
        return [(customer, app, what, n) for customer, app, what, n in orjson.loads(path.read_bytes())]
    except (OSError, ValueError, TypeError):
        return []
