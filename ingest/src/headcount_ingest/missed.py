"""What was not counted and will not come again, by day of arrival (UTC), Customer and app: for completeness.

The metrics count the same for whoever runs the edge, until the process ends. Releases need it for longer, so it
stands in small files beside the spool, one a day: how many reports were refused for good, and of how many a
measure's tallies were dropped. What a consent or a policy forbids is missed by nobody and is not in them.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from pathlib import Path

import orjson
from headcount_wire import days
from headcount_wire.clock import Clock
from headcount_wire.problems import Dropped, Problem, Verdict

from headcount_ingest.outcomes import Accepted, Outcome, Refused

FOLDER = "missed"
KEPT_DAYS = 400
"""Longer than the widest period that is released."""

WHOLE = "reports"
A_NO = frozenset({Dropped.NOT_GRANTED, Dropped.CONSENT_OLD, Dropped.POLICY, Dropped.EXPIRED})
"""Reasons that are somebody's will."""

A_PAUSE = frozenset({Problem.PAUSED, Problem.POLICY_OLD})
"""Refusals that are."""

UNNAMED = frozenset({Dropped.UNKNOWN_MEASURE})
"""Reasons under which a measure's code is only what a client made up."""


class Missed:
    """One worker's counts. ``write`` is called from time to time; what a kill loses is seconds of it."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder / FOLDER
        self._clock = clock
        self._lock = threading.Lock()
        self._day = -1
        self._counts: Counter[tuple[int, int, str]] = Counter()
        self._changed = False

    def note(self, outcome: Outcome) -> None:
        """Count what an outcome leaves out."""
        if isinstance(outcome, Refused):
            lost = outcome.problem.verdict is Verdict.DROP and outcome.problem not in A_PAUSE
            by_will = bool(outcome.drops) and all(reason in A_NO for _, reason in outcome.drops)
            if outcome.app and lost and not by_will:
                self._add(outcome.customer, outcome.app, {WHOLE})
        elif isinstance(outcome, Accepted) and outcome.app and outcome.drops:
            self._add(
                outcome.customer,
                outcome.app,
                {str(measure) for measure, reason in outcome.drops if reason not in A_NO and reason not in UNNAMED},
            )

    def write(self) -> None:
        """Bring what was counted to the files, and forget what is older than is kept; a full disk is tried again."""
        with self._lock, contextlib.suppress(OSError):
            self._write()

    def _write(self) -> None:
        if not self._changed:
            return
        self._folder.mkdir(mode=0o700, exist_ok=True)
        rows = [[customer, app, what, n] for (customer, app, what), n in sorted(self._counts.items())]
        path = self._folder / f"{self._day}.json"
        path.with_suffix(".tmp").write_bytes(orjson.dumps(rows))
        path.with_suffix(".tmp").rename(path)
        self._changed = False
        for old in self._folder.glob("*.json"):
            if old.stem.isdecimal() and int(old.stem) < self._day - KEPT_DAYS:
                old.unlink()

    def _add(self, customer: int, app: int, whats: set[str]) -> None:
        today = days.utc_day(self._clock.now())
        with self._lock:
            if today != self._day:
                with contextlib.suppress(OSError):
                    self._write()
                self._day, self._counts, self._changed = today, Counter(self._read(today)), False
            for what in whats:
                self._counts[customer, app, what] += 1
                self._changed = True

    def _read(self, day: int) -> dict[tuple[int, int, str], int]:
        """What an earlier process of this worker counted today."""
        try:
            rows = orjson.loads((self._folder / f"{day}.json").read_bytes())
            return {(customer, app, what): n for customer, app, what, n in rows}
        except (OSError, ValueError, TypeError):
            return {}
