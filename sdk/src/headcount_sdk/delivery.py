"""What goes out when something is due, and what each answer does to the device's state.

Loaded with the first thing that is due, together with all that seals and sends.
"""

from __future__ import annotations

from headcount_wire import days, limits
from headcount_wire.clock import Clock
from headcount_wire.policy import decode_policy
from headcount_wire.problems import Problem

from headcount_sdk import sealing
from headcount_sdk import state as states
from headcount_sdk.address import Address
from headcount_sdk.decisions import Decisions
from headcount_sdk.device import Device
from headcount_sdk.health import Health, Surprise
from headcount_sdk.outbox import Moment, Outbox
from headcount_sdk.pacing import DAY_SECONDS
from headcount_sdk.sealing import Most
from headcount_sdk.state import Sealed, State
from headcount_sdk.timetable import Timetable
from headcount_sdk.transport import HttpTransport, NoAnswer, Request, Transport
from headcount_sdk.uploader import TIMEOUT_SECONDS, Fate, Outcome, server_day_of, upload

REPORTS_A_PUMP = 64


class Delivery:
    """Sends what a device holds. One attempt at a time; the network is never used under a lock."""

    def __init__(
        self,
        device: Device,
        decisions: Decisions,
        outbox: Outbox,
        timetable: Timetable,
        address: Address,
        clock: Clock,
        transport: Transport | None,
        health: Health,
    ) -> None:
        self._device = device
        self._decisions = decisions
        self._outbox = outbox
        self._timetable = timetable
        self._address = address
        self._clock = clock
        self._transport = transport or HttpTransport()
        self._health = health
        self._owner = ("", "")

    @property
    def host(self) -> str:
        """Where reports go now."""
        return self._address.now(self._device.state.host)

    def _host_of(self, sealed: Sealed) -> str:
        """Where a report goes now: to the node that counts it, once that is known.

        Nodes that do not count it say which one does, so that asking another one after no answer doubles nothing.
        """
        report_id, owner = self._owner
        if report_id == sealed.report_id:
            return owner
        own = (self._address.hosts[0], *(node for node in self._address.nodes if "*" not in node))
        host = self.host
        return own[self._device.state.attempts % len(own)] if host == own[0] else host

    def send(self, local_day: int, everything: bool) -> list[Outcome]:
        """Report after report, until nothing is left or one has to wait; ``everything``: the open day goes too."""
        outcomes: list[Outcome] = []
        most = Most()
        tried: set[str] = set()
        last = ""
        for _ in range(REPORTS_A_PUMP):
            sealed = self._next(local_day, everything, most)
            if sealed is None:
                break
            if sealed.report_id != last:
                last = sealed.report_id
                tried.clear()
            host, fresh = self._host_of(sealed), not sealed.attempted
            if not self._outbox.attempt(sealed, host, self._clock.now()):
                break
            still = self._outbox.still(sealed)
            outcome = upload(self._transport, host, self._address.app_key, sealed, still)
            outcomes.append(outcome)
            tried.add(host)
            self._outbox.answered(sealed, host, self._clock.now(), outcome.word)
            if outcome.server_day is not None:
                self._outbox.correct_clock(outcome.server_day)
            if fresh and outcome.kept_nothing:
                self._outbox.untouched(sealed)
            if not self._conclude(sealed, outcome, tried):
                break
            if outcome.fate is Fate.SPLIT:
                most = most.half_of(_days_in(sealed), _lines_in(sealed))
        self._outbox.tidy(local_day)
        return outcomes

    def _next(self, local_day: int, open_too: bool, most: Most) -> Sealed | None:
        moment = Moment(local_day, self._clock.now(), self._policy_version(), open_too)
        sealed = self._device.state.sealed
        if sealed is not None and sealed.attempted and moment.today > sealed.created + limits.CREATED_PAST_DAYS:
            self._health.note(Surprise.FATE_UNKNOWN)
            self._outbox.settle(sealed, lambda state: states.advance(state.markers, sealed))
        return self._outbox.seal(moment, most)

    def _policy_version(self) -> int:
        policy = self._device.state.policy
        return policy.version if policy else self._address.policy

    def _conclude(self, sealed: Sealed, outcome: Outcome, tried: set[str]) -> bool:
        """Apply one outcome; whether the next report may go out."""
        match outcome.fate:
            case Fate.ACCEPTED:
                if outcome.dropped:
                    self._health.note(Surprise.TALLIES_REFUSED, times=outcome.dropped)

                def accepted(state: State) -> None:
                    states.advance(state.markers, sealed, outcome.refused)
                    state.due = 0.0

                self._outbox.settle(sealed, accepted)
                return True
            case Fate.DROPPED:
                self._health.note(Surprise.REFUSED, outcome.word)
                self._outbox.settle(sealed, lambda _: None)
                return True
            case Fate.SPLIT if _days_in(sealed) > 1 or _lines_in(sealed) > sealing.LINES_OF_A_DAY:
                self._outbox.settle(sealed, lambda state: states.give_back(state, sealed))
                return True
            case Fate.SPLIT:
                self._health.note(Surprise.REFUSED)
                self._outbox.settle(sealed, lambda _: None)
                return True
            case Fate.MOVED if (
                outcome.problem is Problem.REGION and outcome.elsewhere in {*self._address.hosts} - tried
            ):
                self._outbox.move(outcome.elsewhere)
                return True
            case Fate.MOVED if outcome.problem is Problem.NOT_OWNER and self._address.lists(outcome.elsewhere):
                self._owner = (sealed.report_id, outcome.elsewhere)
                if outcome.elsewhere not in tried:
                    return True
                self._timetable.put_off(outcome.retry_after)  # the nodes disagree, for a while
                return False
            case Fate.MOVED if outcome.problem is Problem.NOT_OWNER:
                self._timetable.put_off(outcome.retry_after)
                return False
            case Fate.KEPT_A_DAY | Fate.MOVED:
                self._timetable.postpone(self._clock.now() + DAY_SECONDS)
                return False
            case _:
                if outcome.fate is Fate.NO_ANSWER:
                    self._health.note(Surprise.NO_ANSWER)
                self._timetable.put_off(outcome.retry_after)
                return False

    def refresh_policy(self) -> bool:
        """Ask for the Customer's policy once a day; without an answer (``False``) the known one stays in force."""
        today = days.utc_day(self._clock.now())
        if self._device.state.policy_day == today:
            return True
        headers = {"Authorization": f"Bearer {self._address.app_key}"}
        try:
            answer = self._transport.send(Request("GET", f"{self.host}/v1/policy", headers), TIMEOUT_SECONDS)
        except NoAnswer:
            return False
        policy = decode_policy(answer.body) if answer.status == 200 else None
        if policy is None:
            return False
        server_day = server_day_of(answer.headers)
        if server_day is not None:
            self._outbox.correct_clock(server_day)
        if self._decisions.apply_policy(policy, today, self._clock.now()):
            self._health.note(Surprise.POLICY_ASKS_ANEW)
        return True


def _days_in(sealed: Sealed) -> int:
    return len({day for day, _ in sealed.days})


def _lines_in(sealed: Sealed) -> int:
    return sum(sealing.lines_of(part) for _, part in sealed.days)
