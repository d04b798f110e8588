"""The one owner of the tap's state. Each change that must last is one replacement of its file.

Lines are taken together with the position behind them: whenever the process dies, the file on the disk holds the
counts of exactly the lines before the position that it holds.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headcount_sdk.storage import Storage
from headcount_sdk.uploader import compress
from headcount_wire import codec, limits
from headcount_wire.policy import Policy
from headcount_wire.report import Report, new_report_id
from headcount_wire.version import VERSION

from headcount.logtap import state as states
from headcount.logtap.coding import Coding
from headcount.logtap.outcomes import Delivery, LineOutcome, Trouble, Troubles
from headcount.logtap.position import Position
from headcount.logtap.reading import Counted, Line
from headcount.logtap.reports import Waiting, requests_of
from headcount.logtap.sources import Piece
from headcount.logtap.state import Sealed, State

SDK_NAME = f"logtap/{VERSION}"
BUCKETS_MOST = 100_000
"""Different latencies that wait at once, over all days, classes and labels; a request counts also without its own."""

OLDEST_DAYS = limits.TALLY_PAST_DAYS - 1
"""How many days back a day is still sent; one less than the edge takes, for what has to wait."""


class Ledger:
    """State in memory and its file. ``storage``: ``None`` keeps nothing, for a look at a log.

    ``purpose`` and ``policy``: what the counts are for, and under which version of the Customer's policy.
    """

    def __init__(self, storage: Storage | None, coding: Coding, purpose: str, policy: int, troubles: Troubles) -> None:
        self._storage = storage
        self._coding = coding
        self._measures = coding.by_code
        self._caps = {code: measure.cap for code, measure in self._measures.items()}
        self._purpose = purpose
        self._policy = policy
        self._troubles = troubles
        self._lock = threading.RLock()
        self._changed = False
        self.state = State()

    def open(self) -> int:
        """Read what an earlier run left; when that was saved, in nanoseconds since 1970, or 0.

        Raises ``DirectoryBusy`` and ``OSError``.
        """
        if self._storage is None:
            return 0
        self._storage.open()
        self._storage.remove(states.FILE + ".new")
        data = self._storage.read(states.FILE)
        if data is None:
            return 0
        try:
            self.state = states.decode(data, self._measures)
        except states.StateDamaged:
            self._storage.set_aside(states.FILE)
            self._troubles.note(Trouble.STATE_UNREADABLE)
            return 0
        return Path(self._storage.path(states.FILE)).stat().st_mtime_ns

    def close(self) -> None:
        """Let go of the folder; what is kept is on the disk."""
        if self._storage is not None:
            self._storage.close()

    @contextmanager
    def holding(self) -> Iterator[State]:
        """The state, while nobody else changes it."""
        with self._lock:
            yield self.state

    # -- lines ------------------------------------------------------------------------------------

    def take(self, counted: Counted, piece: Piece, today: int) -> None:
        """Count lines, and remember the position behind them. ``today``: in UTC."""
        with self._lock:
            state, outcomes = self.state, Counter[LineOutcome]()
            inside: dict[Line, int] = {}
            verdicts: dict[int, LineOutcome] = {}
            for line, times in counted.lines.items():
                verdict = verdicts.get(line[0])
                if verdict is None:
                    verdict = verdicts[line[0]] = self._verdict(line[0], today)
                outcomes[verdict] += times
                if verdict is LineOutcome.COUNTED:
                    inside[line] = times
            untimed, crowded = state.waiting.count(inside, self._coding, BUCKETS_MOST)
            outcomes += Counter({LineOutcome.UNTIMED: untimed, LineOutcome.CROWDED: crowded})
            outcomes[LineOutcome.COUNTED] -= untimed + crowded
            outcomes += Counter({LineOutcome.UNREADABLE: counted.unreadable, LineOutcome.TOO_LONG: piece.too_long})
            state.lines += outcomes
            state.position = piece.position
            self._changed = True

    def _verdict(self, day: int, today: int) -> LineOutcome:
        """Whether lines of a day count."""
        if not self.allowed:
            return LineOutcome.NOT_ALLOWED
        if day < today - OLDEST_DAYS:
            return LineOutcome.TOO_OLD
        return LineOutcome.AHEAD if day > today + limits.TALLY_FUTURE_DAYS else LineOutcome.COUNTED

    def begin_at(self, position: Position | None) -> None:
        """Remember where reading begins: a log may be put aside before its first line comes."""
        with self._lock:
            if position != self.state.position:
                self.state.position = position
                self._changed = True
            self.checkpoint()

    def checkpoint(self) -> bool:
        """Have all that was taken on the disk; ``False`` when the disk does not let it."""
        with self._lock:
            if not self._changed:
                return True
            try:
                self.save()
            except OSError:
                self._troubles.note(Trouble.STATE_UNWRITABLE)
                return False
            return True

    def save(self) -> None:
        """Replace the file; raises ``OSError``."""
        self._changed = True
        if self._storage is not None:
            self._storage.replace(states.FILE, states.encode(self.state, self._measures))
        self._changed = False

    # -- reports ----------------------------------------------------------------------------------

    @property
    def allowed(self) -> bool:
        """Whether the Customer's policy, if it is known, lets lines be counted now."""
        policy = self.state.policy
        return policy is None or (not policy.paused and policy.takes(SDK_NAME) and self._agrees(policy))

    def _agrees(self, policy: Policy) -> bool:
        return policy.consent_counts(self._purpose, self._agreed(policy))

    def _agreed(self, policy: Policy | None) -> int:
        """The policy version that was agreed to; one that is still to come counts as the present one."""
        return self._policy if policy is None else min(self._policy, policy.version)

    def waits(self) -> int:
        """How many requests are counted and not yet handed over."""
        with self._lock:
            return self.state.waits()

    def holds_anything(self) -> bool:
        """Whether there is something to send."""
        return bool(self.state.sealed or self.state.waiting.sums)

    def seal(self, today: int, most: int) -> Sealed | None:
        """The report to send next, on the disk before it is returned. Raises ``OSError``.

        One of an earlier day that surely never arrived is made anew; one that nobody answered in time is given up.
        """
        with self._lock:
            state = self.state
            sealed = state.sealed
            if sealed is not None and sealed.doubtful and today > sealed.created + limits.CREATED_PAST_DAYS:
                self._came_to(Delivery.FATE_UNKNOWN, sealed.requests)
                state.sealed = sealed = None
            if sealed is not None and (sealed.doubtful or sealed.created == today):
                return sealed
            self._give_back()
            self._forget_old(today)
            state.sealed = self._sealed_new(today, most)
            if state.sealed is not None:
                self.save()
            return state.sealed

    def _sealed_new(self, today: int, most: int) -> Sealed | None:
        state = self.state
        while days := state.waiting.take(self._caps, most):
            report = Report(
                sdk=SDK_NAME,
                catalog=self._coding.version,
                policy=self._policy if state.policy is None else state.policy.version,
                created=today,
                purposes={self._purpose: self._agreed(state.policy)},
                days=tuple(days),
            )
            body = compress(codec.encode_json(report))
            if len(body) <= limits.BODY_BYTES:
                return Sealed(new_report_id(), body, today, days, requests_of(days))
            state.waiting.give_back(days)
            most //= 2
        return None

    def attempt(self, sealed: Sealed) -> None:
        """Note on the disk that a report may arrive from now on. Raises ``OSError``."""
        with self._lock:
            if not sealed.doubtful:
                sealed.doubtful = True
                try:
                    self.save()
                except OSError:
                    sealed.doubtful = False  # nothing is sent, so nothing can arrive
                    raise

    def accepted(self, sealed: Sealed) -> None:
        """The edge has a report. Raises ``OSError``, and then it is sent again, which counts once."""
        with self._lock:
            if self.state.sealed is sealed:
                self._came_to(Delivery.ACCEPTED, sealed.requests)
                self.state.sealed = None
                self.state.attempts, self.state.not_before = 0, 0.0
                self.save()

    def refused(self, sealed: Sealed, *, doubtful: bool) -> None:
        """The edge does not count a report: its counts wait again, unless an earlier attempt may have arrived."""
        with self._lock:
            sealed.doubtful = doubtful
            if self.state.sealed is sealed and not doubtful:
                self._give_back()

    def postpone(self, until: float) -> None:
        """Send nothing before a moment. Raises ``OSError``."""
        with self._lock:
            self.state.attempts += 1
            self.state.not_before = until
            self.save()

    def schedule(self, due: float) -> None:
        """Hand over next at a moment. Raises ``OSError``."""
        with self._lock:
            self.state.due = due
            self.save()

    def apply(self, policy: Policy) -> None:
        """Take over the Customer's policy; what it does not allow any more is erased. Raises ``OSError``."""
        with self._lock:
            state = self.state
            if policy == state.policy:
                return
            state.policy = policy
            if not self._agrees(policy):
                sealed, state.sealed = state.sealed, None
                erased = state.waiting.requests()
                if sealed is not None and sealed.doubtful:
                    self._came_to(Delivery.FATE_UNKNOWN, sealed.requests)
                elif sealed is not None:
                    erased += sealed.requests
                self._came_to(Delivery.ERASED, erased)
                state.waiting = Waiting(said=state.waiting.said)
            self.save()

    def forget_old(self, today: int) -> None:
        """Let go of days that are too old to be sent, also while nothing can be sent."""
        with self._lock:
            self._forget_old(today)

    def _forget_old(self, today: int) -> None:
        self._came_to(Delivery.EXPIRED, self.state.waiting.forget_before(today - OLDEST_DAYS))

    def _came_to(self, delivery: Delivery, requests: int) -> None:
        if requests:
            self.state.requests[delivery] += requests
            self._changed = True

    def _give_back(self) -> None:
        sealed, self.state.sealed = self.state.sealed, None
        if sealed is not None:
            self.state.waiting.give_back(sealed.days)
            self._came_to(Delivery.UNDECLARED, sealed.requests - requests_of(sealed.days))
            self._changed = True
