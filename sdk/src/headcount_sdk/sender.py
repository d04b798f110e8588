"""When a report goes out, and what each answer does to the device's state.

``Sender.pump`` does whatever is due and returns what happened; the background thread, ``flush`` and
tests all call the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headcount_wire import days, limits
from headcount_wire.clock import Clock
from headcount_wire.policy import decode_policy
from headcount_wire.problems import Problem

from headcount_sdk import pacing, sealing
from headcount_sdk.decisions import Decisions
from headcount_sdk.device import Device
from headcount_sdk.health import Health, Surprise
from headcount_sdk.opening import below
from headcount_sdk.outbox import Moment, Outbox
from headcount_sdk.pacing import DAY_SECONDS
from headcount_sdk.sealing import Most
from headcount_sdk.state import Sealed, State
from headcount_sdk.transport import NoAnswer, Request, Transport
from headcount_sdk.uploader import TIMEOUT_SECONDS, Fate, Outcome, server_day_of, upload

if TYPE_CHECKING:
    import random

REPORTS_A_PUMP = 64
HOUR_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Address:
    """Where reports go, and what they are sent with.

    ``hosts``: the addresses the app knows, the first one at the start; an edge can send a device to another of
    them, or a report to one of ``nodes``, and to no other. ``nodes``: the nodes of the first host's fleet; they are
    tried in turn while nobody answers. One that begins with ``https://*.`` stands for every host below that name.
    ``may_upload``: whether this is a good moment, by network and battery.
    """

    hosts: tuple[str, ...]
    nodes: tuple[str, ...]
    app_key: str
    policy: int
    spread_hours: float
    debug: bool
    may_upload: Callable[[], bool]


class Sender:
    """Sends what a device holds. One attempt at a time; the network is never used under a lock."""

    def __init__(
        self,
        device: Device,
        decisions: Decisions,
        outbox: Outbox,
        address: Address,
        clock: Clock,
        transport: Transport,
        draw: random.Random,
        health: Health,
    ) -> None:
        self._device = device
        self._decisions = decisions
        self._outbox = outbox
        self._address = address
        self._clock = clock
        self._transport = transport
        self._draw = draw
        self._health = health
        self._owner = ("", "")

    @property
    def host(self) -> str:
        """Where reports go now."""
        moved = self._device.state.host
        return moved if moved in self._address.hosts else self._address.hosts[0]

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

    def pump(self, local_day: int, *, now: bool = False, open_too: bool = False) -> list[Outcome]:
        """Do what is due; never sleeps.

        ``now``: everything goes, the open day and what waits too. ``open_too``: the open day goes too, at most
        once an hour, if nothing has to wait.
        """
        outcomes: list[Outcome] = []
        state = self._device.state
        time = self._clock.now()
        if not self._device.consented():
            return outcomes
        self._outbox.forget_old(days.utc_day(time))
        ahead = state.last_day > local_day + 1  # by a clock since set back: the server knows the day
        if (ahead or not self._anything_granted()) and not self._asked(at_once=now, soon=ahead):
            return outcomes
        everything = now or self._address.debug or (open_too and not 0.0 <= time - state.open_sent < HOUR_SECONDS)
        if not everything and not self._due(local_day):
            return outcomes
        if not now and (pacing.waits(time, state.not_before) or not self._good_moment()):
            return outcomes
        self._refresh_policy()
        if not self._anything_granted():
            return outcomes
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

    def _anything_granted(self) -> bool:
        return any(self._device.granted(name) for name in self._device.state.decisions)

    def _asked(self, *, at_once: bool, soon: bool) -> bool:
        """Whether anything may be sent, where only today's policy can say so; asks for it if nobody has today.

        Everybody whose Customer pauses asks once a day, so this is spread and put off as reports are.
        """
        state, now = self._device.state, self._clock.now()
        if state.policy_day != days.utc_day(now):
            if not at_once and (pacing.waits(now, state.not_before) or not (soon or self._is_time(now))):
                return False
            if self._refresh_policy():
                self._outbox.schedule(0.0)
            else:
                self._put_off(0.0)
        return self._anything_granted()

    def _good_moment(self) -> bool:
        try:
            return self._address.may_upload()
        except Exception:  # the app's fault; a moment that cannot be judged is no good one
            self._health.note(Surprise.CALLBACK)
            return False

    def _due(self, local_day: int) -> bool:
        """Whether closed days are due: a random moment of the hours after they were first noticed."""
        state = self._device.state
        now = self._clock.now()
        if state.sealed is not None:
            return True
        if not self._outbox.waiting(local_day, now):
            return False
        return self._is_time(now)

    def _is_time(self, now: float) -> bool:
        """Whether the random moment has come; it is drawn when it is first asked for."""
        state, spread = self._device.state, self._address.spread_hours * 3600.0
        if state.due == 0.0 or state.due > now + spread:  # a clock set back must not put it off for years
            self._outbox.schedule(pacing.first_try(now, spread, self._draw))
        return now >= self._device.state.due

    def _put_off(self, retry_after: float) -> None:
        pause = pacing.pause(self._device.state.attempts, retry_after, self._draw, debug=self._address.debug)
        self._outbox.postpone(self._clock.now() + pause)

    def _next(self, local_day: int, open_too: bool, most: Most) -> Sealed | None:
        moment = Moment(local_day, self._clock.now(), self._policy_version(), open_too)
        sealed = self._device.state.sealed
        if sealed is not None and sealed.attempted and moment.today > sealed.created + limits.CREATED_PAST_DAYS:
            self._health.note(Surprise.FATE_UNKNOWN)
            self._outbox.settle(sealed, lambda state: sealing.advance(state.markers, sealed))
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
                    sealing.advance(state.markers, sealed, outcome.refused)
                    state.due = 0.0

                self._outbox.settle(sealed, accepted)
                return True
            case Fate.DROPPED:
                self._health.note(Surprise.REFUSED, outcome.word)
                self._outbox.settle(sealed, lambda _: None)
                return True
            case Fate.SPLIT if _days_in(sealed) > 1 or _lines_in(sealed) > sealing.LINES_OF_A_DAY:
                self._outbox.settle(sealed, lambda state: sealing.give_back(state, sealed))
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
            case Fate.MOVED if outcome.problem is Problem.NOT_OWNER and self._listed(outcome.elsewhere):
                self._owner = (sealed.report_id, outcome.elsewhere)
                if outcome.elsewhere not in tried:
                    return True
                self._put_off(outcome.retry_after)  # the nodes disagree, for a while
                return False
            case Fate.MOVED if outcome.problem is Problem.NOT_OWNER:
                self._put_off(outcome.retry_after)
                return False
            case Fate.KEPT_A_DAY | Fate.MOVED:
                self._outbox.postpone(self._clock.now() + DAY_SECONDS)
                return False
            case _:
                if outcome.fate is Fate.NO_ANSWER:
                    self._health.note(Surprise.NO_ANSWER)
                self._put_off(outcome.retry_after)
                return False

    def _listed(self, address: str) -> bool:
        """Whether the app lists an address that a report is sent to."""
        known = (*self._address.hosts, *self._address.nodes)
        return address in known or any("*" in node and below(address, node) for node in self._address.nodes)

    def _refresh_policy(self) -> bool:
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
