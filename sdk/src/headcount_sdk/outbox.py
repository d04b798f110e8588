"""What waits to be sent, and the one report under way: each step of its way is durable before it is taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass

from headcount_wire import codec, days
from headcount_wire.catalog import Catalog
from headcount_wire.facts import WHOLE, Fact
from headcount_wire.report import new_report_id

from headcount_sdk import funnels, sealing, sent
from headcount_sdk import state as states
from headcount_sdk.device import Device
from headcount_sdk.health import Health, Surprise
from headcount_sdk.sealing import BeforeSend, Most
from headcount_sdk.sent import Sent
from headcount_sdk.state import Sealed, State
from headcount_sdk.storage import Storage
from headcount_sdk.tallies import Day, Part, record
from headcount_sdk.timetable import OLDEST_DAYS, Timetable
from headcount_sdk.uploader import compress

ASKED_AGAIN = 64


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, as sealing sees it: the local day, the time by the wall clock, and the policy version to state.

    ``open_too``: the local day that is not over goes out as well.
    """

    local_day: int
    now: float
    policy: int
    open_too: bool

    @property
    def today(self) -> int:
        """The day in UTC."""
        return days.utc_day(self.now)

    @property
    def minute(self) -> int:
        """Minutes since 1970."""
        return int(self.now // 60)


class Outbox:
    """The device's state as the sender sees it."""

    def __init__(
        self,
        device: Device,
        storage: Storage,
        catalog: Catalog,
        health: Health,
        timetable: Timetable,
        before_send: Sequence[BeforeSend],
        media: str,
    ) -> None:
        self._device = device
        self._storage = storage
        self._catalog = catalog
        self._health = health
        self._timetable = timetable
        self._before_send = before_send
        self._media = media

    def seal(self, moment: Moment, most: Most) -> Sealed | None:
        """The report to send next: the one under way, or a new one; durable before it is returned.

        One that no edge can have, and that is of an earlier day, is stamped and sealed anew. The app's hooks are asked
        without the lock, on a copy; what changed while they were asked is asked again.
        """
        open_day = None if moment.open_too else moment.local_day
        for _ in range(ASKED_AGAIN):
            with self._device.changing() as state:
                sealed = state.sealed
                if sealed is not None and not sealed.attempted and sealed.created != moment.today:
                    states.give_back(state, sealed)
                    state.sealed = sealed = None
                if sealed is not None:
                    return sealed
                oldest = moment.today - OLDEST_DAYS
                self._close(state, moment)
                self._timetable.drop_too_old(state, oldest)
                if not self._before_send:
                    return self._seal_new(state, moment, sealing.take(state, open_day, oldest, most))
                offered, epoch = self._offered(state, open_day, oldest, most), self._device.epoch
            if not offered:
                return None
            kept = sealing.keep(offered, self._before_send, self._catalog, self._callback_failed)
            with self._device.changing() as state:
                if self._device.epoch != epoch or self._offered(state, open_day, oldest, most) != offered:
                    continue
                sealing.take(state, open_day, oldest, most)
                if (sealed := self._seal_new(state, moment, kept)) is not None:
                    return sealed
        return None

    def _offered(self, state: State, open_day: int | None, oldest: int, most: Most) -> list[tuple[int, Part]]:
        """What would be taken, as a copy."""
        return sealing.take(State(days=deepcopy(state.days)), open_day, oldest, most)

    def _seal_new(self, state: State, moment: Moment, taken: list[tuple[int, Part]]) -> Sealed | None:
        if not taken:
            return None
        purposes = {name: d.policy for name, d in state.decisions.items() if self._device.granted(name)}
        report = sealing.report_of(taken, state.markers, self._catalog, purposes, moment.policy, moment.today)
        encode = codec.encode_msgpack if self._media == codec.MSGPACK else codec.encode_json
        body = compress(encode(report))
        state.sealed = Sealed(new_report_id(), body, moment.today, taken[0][1].context, taken, media=self._media)
        if moment.open_too:
            state.open_sent = moment.now
        self._device.save()
        return state.sealed

    def _close(self, state: State, moment: Moment) -> None:
        """Make tallies of what could be told only once a day was over."""
        for day, held in state.days.items():
            if day < moment.local_day:
                if held.values:
                    state.last_day = max(state.last_day, day + 1)  # a day that is closed is not opened again
                held.close()
        for funnel, day, attempt in funnels.take_ended(state.funnels, self._catalog, moment.minute, moment.local_day):
            held = state.days.setdefault(day, Day())
            state.last_day = max(state.last_day, day + 1)
            record(held, attempt.context, funnel, WHOLE, Fact.STEP, attempt.furthest, 1)

    def _callback_failed(self) -> None:
        self._health.note(Surprise.CALLBACK)

    def attempt(self, sealed: Sealed, host: str, now: float) -> bool:
        """Note durably that the report is about to be sent; ``False`` when it is no longer the one."""
        with self._device.changing() as state:
            if state.sealed is not sealed:
                return False
            if not sealed.attempted:
                sealed.attempted = True
                self._device.save()
            sent.keep(self._storage, Sent(int(now), host, sealed.report_id, sealed.body, media=sealed.media))
            return True

    def untouched(self, sealed: Sealed) -> None:
        """The one attempt was refused: it is as if there had been none. Durable with what follows from the refusal."""
        with self._device.changing():
            sealed.attempted = False

    def still(self, sealed: Sealed) -> Callable[[], bool]:
        """Asks whether a report is still the one under way: a withdrawal may have erased it."""
        return lambda: self._device.state.sealed is sealed

    def answered(self, sealed: Sealed, host: str, now: float, outcome: str) -> None:
        """Note what came of an attempt, unless the report was erased meanwhile."""
        with self._device.changing() as state:
            if state.sealed is sealed:
                sent.keep(self._storage, Sent(int(now), host, sealed.report_id, sealed.body, outcome, sealed.media))

    def settle(self, sealed: Sealed, change: Callable[[State], None]) -> bool:
        """End the report's way with one durable change; ``False`` when it was erased meanwhile."""
        with self._device.changing() as state:
            if state.sealed is not sealed:
                return False
            state.sealed = None
            state.attempts = 0
            state.not_before = 0.0
            change(state)
            self._device.save()
            return True

    def move(self, host: str) -> None:
        """Remember, durably, where reports go from now on."""
        with self._device.changing() as state:
            state.host = host
            self._device.save()

    def correct_clock(self, server_day: int) -> None:
        """Reset markers and days that a wrong clock put more than two days ahead of the server."""
        with self._device.changing() as state:
            ahead = [day for day in state.days if day > server_day + 2]
            for name, decision in state.decisions.items():
                if decision.from_day > server_day + 2:
                    state.decisions = {**state.decisions, name: decision._replace(from_day=server_day + 1)}
                    ahead.append(decision.from_day)
            if state.markers.forget_after(server_day + 2) or ahead or state.last_day > server_day + 2:
                for day in ahead:
                    state.days.pop(day, None)
                state.last_day = min(state.last_day, server_day + 1)
                self._health.note(Surprise.CLOCK_RESET)
                self._device.save()

    def tidy(self, today: int) -> None:
        """Let go of days that are sent and over. A day let go never comes back: dates only go forward."""
        with self._device.changing() as state:
            gone = sealing.forget_sent_days(state, today)
            if gone and max(gone) >= state.last_day:
                state.last_day = max(gone) + 1
                self._device.save()
