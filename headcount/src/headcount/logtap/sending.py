"""When counts are handed over, and what each answer does to them. Never sleeps; the network is used under no lock."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from headcount_sdk import state as sdk_state
from headcount_sdk.pacing import pause, waits
from headcount_sdk.transport import NoAnswer, Request, Transport
from headcount_sdk.uploader import TIMEOUT_SECONDS, Fate, Outcome, upload
from headcount_wire import days, limits
from headcount_wire.app_key import is_debug
from headcount_wire.clock import Clock
from headcount_wire.policy import decode_policy

from headcount.logtap.ledger import Ledger
from headcount.logtap.outcomes import Trouble, Troubles
from headcount.logtap.state import Sealed

HOUR_SECONDS = 3600.0
REPORTS_AT_ONCE = 1024
"""Of one route class a thousand million requests: more than a tap can read in an hour."""
LINES_LEAST = 16


@dataclass(frozen=True, slots=True)
class Edge:
    """Where reports go, with which key, and how often, in seconds."""

    address: str
    app_key: str = field(repr=False)
    every: float


class Sender:
    """Hands over what the ledger holds. One report is under way at a time."""

    def __init__(
        self,
        ledger: Ledger,
        edge: Edge,
        clock: Clock,
        transport: Transport,
        draw: random.Random,
        troubles: Troubles,
    ) -> None:
        self._ledger = ledger
        self._edge = edge
        self._clock = clock
        self._transport = transport
        self._draw = draw
        self._troubles = troubles
        self._asked = -HOUR_SECONDS
        self._debug = is_debug(edge.app_key)
        self._most = limits.TALLIES_PER_REPORT

    def pump(self, *, now: bool = False) -> None:
        """Hand over what is due; with ``now``, all there is."""
        self._spared(lambda: self._pump(now))

    def ask_policy(self) -> None:
        """Ask for the Customer's policy; without an answer the known one stays in force."""
        self._spared(self._ask_policy)

    def _spared(self, action: Callable[[], None]) -> None:
        try:
            action()
        except OSError:
            self._troubles.note(Trouble.STATE_UNWRITABLE)
        except Exception as error:  # counting must go on; an error's text could hold anything, its kind does not
            self._troubles.note(Trouble.INTERNAL, type(error).__name__)

    def _pump(self, now: bool) -> None:
        time = self._clock.now()
        self._ledger.forget_old(days.utc_day(time))
        if self._clock.monotonic() - self._asked >= HOUR_SECONDS:
            self._ask_policy()
        if not now and not self._due(time):
            return
        if not self._ledger.allowed:
            self._troubles.note(Trouble.NOT_ALLOWED)
            return
        for _ in range(REPORTS_AT_ONCE):
            sealed = self._ledger.seal(days.utc_day(self._clock.now()), self._most)
            if sealed is None or not self._send(sealed):
                break

    def _due(self, time: float) -> bool:
        """Whether the hour is over, each tap at its own minute, and no pause is under way."""
        with self._ledger.holding() as state:
            due, not_before, failed = state.due, state.not_before, state.attempts > 0
        if due == 0.0 or not time - self._edge.every < due <= time + self._edge.every:
            # The first time, or by a clock that was set since.
            self._ledger.schedule(due := time + self._draw.uniform(0.0, self._edge.every))
        if waits(time, not_before):
            return False
        if self._debug or failed:
            return self._ledger.holds_anything()
        if time < due:
            return False
        self._ledger.schedule(due + self._edge.every)
        return True

    def _send(self, sealed: Sealed) -> bool:
        """Try once to hand a report over; whether the next one may follow."""
        doubtful = sealed.doubtful
        self._ledger.attempt(sealed)
        with self._ledger.holding() as state:
            if state.sealed is not sealed:
                return False
        outgoing = sdk_state.Sealed(sealed.report_id, sealed.body, sealed.created, (), [])
        outcome = upload(self._transport, self._edge.address, self._edge.app_key, outgoing, lambda: True)
        return self._conclude(sealed, outcome, doubtful)

    def _conclude(self, sealed: Sealed, outcome: Outcome, doubtful: bool) -> bool:
        match outcome.fate:
            case Fate.ACCEPTED:
                if outcome.dropped:
                    self._troubles.note(Trouble.TALLIES_DROPPED, times=outcome.dropped)
                self._ledger.accepted(sealed)
                return True
            case Fate.NO_ANSWER:
                self._troubles.note(Trouble.NO_ANSWER)
                self._wait(pause(self._attempts(), outcome.retry_after, self._draw, debug=self._debug))
                return False
            case Fate.KEPT:
                # Its bytes may stand on a disk that failed while they were written: it stays the report it is.
                self._troubles.note(Trouble.REFUSED, outcome.word)
                self._wait(pause(self._attempts(), outcome.retry_after, self._draw, debug=self._debug))
                return False
            case Fate.SPLIT if not doubtful and self._most > LINES_LEAST:
                self._most //= 2
                self._ledger.refused(sealed, doubtful=False)
                return True
            case _:
                # What was refused was not counted. It waits until whoever runs this has mended the cause.
                self._troubles.note(Trouble.REFUSED, outcome.word)
                self._ledger.refused(sealed, doubtful=doubtful)
                self._asked = -HOUR_SECONDS
                self._wait(HOUR_SECONDS)
                return False

    def _attempts(self) -> int:
        with self._ledger.holding() as state:
            return state.attempts

    def _wait(self, seconds: float) -> None:
        self._ledger.postpone(self._clock.now() + seconds)

    def _ask_policy(self) -> None:
        self._asked = self._clock.monotonic()
        headers = {"Authorization": f"Bearer {self._edge.app_key}"}
        try:
            answer = self._transport.send(Request("GET", f"{self._edge.address}/v1/policy", headers), TIMEOUT_SECONDS)
        except NoAnswer:
            return
        policy = decode_policy(answer.body) if answer.status == 200 else None
        if policy is not None:
            self._ledger.apply(policy)
