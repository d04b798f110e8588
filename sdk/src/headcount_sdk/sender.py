"""When a report goes out, and what each answer does to the device's state.

``Sender.pump`` does whatever is due and returns what happened; the background thread, ``flush`` and
tests all call the same.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from headcount_wire import codec, days, limits
from headcount_wire.clock import Clock
from headcount_wire.policy import decode_policy

from headcount_sdk import sealing
from headcount_sdk.device import OLDEST_DAYS, Device
from headcount_sdk.health import Health, Surprise
from headcount_sdk.state import Sealed, State
from headcount_sdk.transport import NoAnswer, Request, Transport
from headcount_sdk.uploader import DAY_SECONDS, TIMEOUT_SECONDS, Fate, Outcome, pause, upload

REPORTS_A_PUMP = 64


@dataclass(frozen=True, slots=True)
class Address:
    """Where reports go, and what they are sent with."""

    host: str
    app_key: str
    policy: int
    spread_hours: float
    debug: bool


class Sender:
    """Sends what a device holds. One attempt at a time; the network is never used under a lock."""

    def __init__(
        self, device: Device, address: Address, clock: Clock, transport: Transport, draw: random.Random, health: Health
    ) -> None:
        self._device = device
        self._address = address
        self._clock = clock
        self._transport = transport
        self._draw = draw
        self._health = health

    def pump(self, local_day: int, *, now: bool = False) -> list[Outcome]:
        """Do what is due; with ``now`` the open day and days that wait go too. Never sleeps."""
        outcomes: list[Outcome] = []
        state = self._device.state
        if not any(self._device.granted(name) for name in state.decisions):
            return outcomes
        everything = now or self._address.debug
        if not everything and not self._due(local_day):
            return outcomes
        if self._clock.now() < state.not_before and not now:
            return outcomes
        self._refresh_policy()
        most = limits.DAYS_PER_REPORT
        for _ in range(REPORTS_A_PUMP):
            sealed = self._next(None if everything else local_day, most)
            if sealed is None or not self._device.attempt(sealed):
                break
            outcome = upload(
                self._transport,
                self._address.host,
                self._address.app_key,
                sealed.report_id,
                sealed.body,
                codec.JSON,
            )
            outcomes.append(outcome)
            if outcome.server_day is not None:
                self._device.correct_clock(outcome.server_day)
            if not self._conclude(sealed, outcome):
                break
            if outcome.fate is Fate.SPLIT:
                most = max(1, len({day for day, _ in sealed.days}) // 2)
        self._device.tidy(local_day)
        return outcomes

    def _due(self, local_day: int) -> bool:
        """Whether closed days are due: a random moment of the hours after they were first noticed."""
        state = self._device.state
        if state.sealed is None and not any(day < local_day and held.parts for day, held in state.days.items()):
            return False
        if state.sealed is not None:
            return True
        if state.due == 0.0:
            self._device.schedule(self._clock.now() + self._draw.uniform(0.0, self._address.spread_hours * 3600.0))
        return self._clock.now() >= self._device.state.due

    def _next(self, open_day: int | None, most: int) -> Sealed | None:
        today = days.utc_day(self._clock.now())
        sealed = self._device.state.sealed
        if sealed is not None and sealed.attempted and today > sealed.created + limits.CREATED_PAST_DAYS:
            self._health.note(Surprise.FATE_UNKNOWN)
            self._device.settle(sealed, lambda state: sealing.advance(state.markers, sealed))
        policy = self._device.state.policy
        version = policy.version if policy else self._address.policy
        return self._device.seal(open_day, today, today - OLDEST_DAYS, version, most)

    def _conclude(self, sealed: Sealed, outcome: Outcome) -> bool:
        """Apply one outcome; whether the next report may go out."""
        match outcome.fate:
            case Fate.ACCEPTED:
                if outcome.dropped:
                    self._health.note(Surprise.TALLIES_REFUSED, outcome.dropped)

                def accepted(state: State) -> None:
                    sealing.advance(state.markers, sealed, outcome.refused)
                    state.due = 0.0

                self._device.settle(sealed, accepted)
                return True
            case Fate.DROPPED:
                self._health.note(Surprise.REFUSED)
                self._device.settle(sealed, lambda _: None)
                return True
            case Fate.SPLIT if len({day for day, _ in sealed.days}) > 1:
                self._device.settle(sealed, lambda state: sealing.give_back(state, sealed))
                return True
            case Fate.SPLIT:
                self._health.note(Surprise.REFUSED)
                self._device.settle(sealed, lambda _: None)
                return True
            case Fate.KEPT_A_DAY:
                self._device.postpone(self._clock.now() + DAY_SECONDS)
                return False
            case _:
                if outcome.fate is Fate.NO_ANSWER:
                    self._health.note(Surprise.NO_ANSWER)
                wait = pause(self._device.state.attempts, outcome.retry_after, self._draw)
                self._device.postpone(self._clock.now() + wait)
                return False

    def _refresh_policy(self) -> None:
        """Ask for the Customer's policy once a day; without an answer the known one stays in force."""
        today = days.utc_day(self._clock.now())
        if self._device.state.policy_day == today:
            return
        headers = {"Authorization": f"Bearer {self._address.app_key}"}
        try:
            answer = self._transport.send(Request("GET", f"{self._address.host}/v1/policy", headers), TIMEOUT_SECONDS)
        except NoAnswer:
            return
        policy = decode_policy(answer.body) if answer.status == 200 else None
        if policy is not None:
            self._device.apply_policy(policy, today)
