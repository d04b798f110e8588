"""When a report goes out.

``Sender.pump`` does whatever is due and returns what happened; the background thread, ``flush`` and
tests all call the same. What seals and sends is loaded when something is due: most starts of an app send nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from headcount_wire.clock import Clock, utc_day

from headcount_sdk.address import Address
from headcount_sdk.device import Device
from headcount_sdk.health import Health, Surprise
from headcount_sdk.timetable import Timetable

if TYPE_CHECKING:
    from headcount_sdk.delivery import Delivery
    from headcount_sdk.uploader import Outcome

HOUR_SECONDS = 3600.0


class Sender:
    """Decides what of a device's holdings goes out now; ``make`` loads what sends it."""

    def __init__(
        self,
        device: Device,
        timetable: Timetable,
        address: Address,
        clock: Clock,
        health: Health,
        make: Callable[[], Delivery],
    ) -> None:
        self._device = device
        self._timetable = timetable
        self._address = address
        self._clock = clock
        self._health = health
        self._make = make
        self._made: Delivery | None = None

    @property
    def delivery(self) -> Delivery:
        """What seals and sends."""
        if self._made is None:
            self._made = self._make()
        return self._made

    def pump(self, local_day: int, *, now: bool = False, open_too: bool = False) -> list[Outcome]:
        """Do what is due; never sleeps.

        ``now``: everything goes, the open day and what waits too. ``open_too``: the open day goes too, at most
        once an hour, if nothing has to wait.
        """
        state = self._device.state
        time = self._clock.now()
        if not self._device.consented():
            return []
        self._timetable.forget_old(utc_day(time))
        ahead = state.last_day > local_day + 1  # by a clock since set back: the server knows the day
        if (ahead or not self._device.grants_anything()) and not self._asked(at_once=now, soon=ahead):
            return []
        everything = now or self._address.debug or (open_too and not 0.0 <= time - state.open_sent < HOUR_SECONDS)
        if not everything and not self._timetable.due(local_day):
            return []
        if not now and (self._timetable.waits() or not self._good_moment()):
            return []
        self.delivery.refresh_policy()
        return self.delivery.send(local_day, everything) if self._device.grants_anything() else []

    def _asked(self, *, at_once: bool, soon: bool) -> bool:
        """Whether anything may be sent, where only today's policy can say so; asks for it if nobody has today.

        Everybody whose Customer pauses asks once a day, so this is spread and put off as reports are.
        """
        if self._device.state.policy_day != utc_day(self._clock.now()):
            if not at_once and (self._timetable.waits() or not (soon or self._timetable.is_time())):
                return False
            if self.delivery.refresh_policy():
                self._timetable.schedule(0.0)
            else:
                self._timetable.put_off(0.0)
        return self._device.grants_anything()

    def _good_moment(self) -> bool:
        try:
            return self._address.may_upload()
        except Exception:  # the app's fault; a moment that cannot be judged is no good one
            self._health.note(Surprise.CALLBACK)
            return False
