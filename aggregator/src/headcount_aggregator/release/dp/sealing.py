"""Releases under noise, sealed: a draft first, so that noise which was drawn is never drawn again.

The draft is on the disk before anything of it can be seen. After a crash, at whatever moment, and with whatever
has come late since, what is sealed is what the draft says.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import orjson

from headcount_aggregator.periods import Period, PeriodKind, period_of
from headcount_aggregator.release.dp.budget import Budget
from headcount_aggregator.release.dp.ledger import Ledger, Spending, spendings
from headcount_aggregator.release.dp.noisy import Noisy, noisy_of
from headcount_aggregator.release.dp.releases import NoisyReleases, parts_of
from headcount_aggregator.release.due import name_of
from headcount_aggregator.release.seal import DP, Chain
from headcount_aggregator.sealed_file import COLUMNS, numbers_of

FILES_KEPT = 100
WINDOW_DAYS = 31
"""A rolling window that ends in a period can begin so many days before it, in an earlier month."""

LATER_DAYS = 8
"""A funnel's day is released up to a week after it, and counts in the month it lies in."""


class NoisyChain:
    """The chain of one app, or of one scope, whose numbers have noise."""

    def __init__(self, chain: Chain, releases: NoisyReleases, budget: Budget, preset: str) -> None:
        self._chain = chain
        self._releases = releases
        self._budget = budget
        self._preset = preset
        # What was spent is asked for every day of a month; the numbers once for the week, once for the month.
        self._spent = lru_cache(FILES_KEPT)(self._spent_in)

    def seal(self, header: dict[str, Any], period: Period) -> None:
        """Seal a period: what its draft says, or, if it has none, what is drawn now."""
        data = self._chain.draft(period)
        if data is None:
            data = self._drawn(header, period)
            self._chain.write_draft(period, data)
        plain = orjson.loads(data)
        self._chain.seal(plain["header"], period, numbers_of(plain["columns"], plain["numbers"]))

    def ledger(self, period: Period) -> Ledger:
        """What was spent in the calendar months of a period."""
        first = period_of(PeriodKind.MONTH, period.first - WINDOW_DAYS).first
        last = period_of(PeriodKind.MONTH, period.last).last + LATER_DAYS
        found = Ledger()
        for name in self._chain.names:
            _, since, until = name.split("-")
            if int(since) <= last and int(until) >= first:
                for one in self._spent(name):
                    found.record(one)
        return found

    def _drawn(self, header: dict[str, Any], period: Period) -> bytes:
        parts = parts_of(period, self._noisy_in)
        release = self._releases.of_period(period, self.ledger(period), parts)
        whole = {**header, "rule": DP, "noise": self._preset, "promise": self._budget.words, **release.plain}
        rows = [[getattr(number, column) for column in COLUMNS] for number in release.numbers]
        return orjson.dumps({"header": whole, "columns": COLUMNS, "numbers": rows})

    def _noisy_in(self, period: Period) -> Iterable[Noisy]:
        name = name_of(period)
        found = self._chain.plain(name) if name in self._chain.names else {}
        return map(noisy_of, found.get("noisy", ()))

    def _spent_in(self, name: str) -> list[Spending]:
        return spendings(self._chain.plain(name).get("spent", ()))
