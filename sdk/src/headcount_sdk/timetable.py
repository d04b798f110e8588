"""Whether something waits to be sent, and when it may go: what the upload thread asks every minute.

Nothing here seals or sends, so that an app that has nothing to send loads nothing that does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headcount_wire import limits
from headcount_wire.catalog import Catalog
from headcount_wire.clock import Clock

from headcount_sdk import funnels, pacing
from headcount_sdk.address import Address
from headcount_sdk.device import Device
from headcount_sdk.health import Health, Surprise
from headcount_sdk.state import State

if TYPE_CHECKING:
    import random

OLDEST_DAYS = limits.TALLY_PAST_DAYS - 1
"""How many days back a local day is still sent; a day less than the edge takes, for time zones."""


class Timetable:
    """What the device's state says of waiting, and the randomness that spreads the devices over the hours."""

    def __init__(
        self,
        device: Device,
        catalog: Catalog,
        address: Address,
        clock: Clock,
        health: Health,
        draw: random.Random | None,
    ) -> None:
        self._device = device
        self._catalog = catalog
        self._clock = clock
        self._health = health
        self._draw = draw
        self._spread = address.spread_hours * 3600.0
        self._debug = address.debug

    def due(self, local_day: int) -> bool:
        """Whether closed days are due: a random moment of the hours after they were first noticed."""
        return self._device.state.sealed is not None or (self._waiting(local_day) and self.is_time())

    def _waiting(self, local_day: int) -> bool:
        """Whether something of a day that is over waits to be sealed."""
        minute = int(self._clock.now() // 60)
        with self._device.changing() as state:
            return any(day < local_day and (held.parts or held.values) for day, held in state.days.items()) or (
                funnels.ended(state.funnels, self._catalog, minute, local_day)
            )

    def is_time(self) -> bool:
        """Whether the random moment has come; it is drawn when it is first asked for."""
        state, now = self._device.state, self._clock.now()
        if state.due == 0.0 or state.due > now + self._spread:  # a clock set back must not put it off for years
            self.schedule(pacing.first_try(now, self._spread, self._randomness()))
        return now >= self._device.state.due

    def waits(self) -> bool:
        """Whether an earlier answer, or its absence, asks for patience."""
        return pacing.waits(self._clock.now(), self._device.state.not_before)

    def put_off(self, retry_after: float) -> None:
        """Try again after a pause: longer from time to time, and no two devices alike."""
        attempts = self._device.state.attempts
        pause = pacing.pause(attempts, retry_after, self._randomness(), debug=self._debug)
        self.postpone(self._clock.now() + pause)

    def postpone(self, until: float) -> None:
        """Remember, durably, not to try before a moment."""
        with self._device.changing() as state:
            state.attempts += 1
            state.not_before = until
            self._device.save()

    def schedule(self, due: float) -> None:
        """Remember, durably, when closed days are due."""
        with self._device.changing() as state:
            state.due = due
            self._device.save()

    def forget_old(self, today: int) -> None:
        """Drop days that are too old to be sent, also while nothing may be sent."""
        with self._device.changing() as state:
            self.drop_too_old(state, today - OLDEST_DAYS)

    def drop_too_old(self, state: State, oldest: int) -> None:
        """Drop the days before one; the lock is held."""
        for day in [day for day in state.days if day < oldest]:
            if state.days[day].parts:
                self._health.note(Surprise.DAY_TOO_OLD)
            del state.days[day]

    def _randomness(self) -> random.Random:
        """Nothing secret hangs on it."""
        if self._draw is None:
            import random

            self._draw = random.Random()  # noqa: S311  # as said
        return self._draw
