"""The one way from a call of the app to the device's state: which day, which context, granted or not.

Nothing is read and nothing is kept for a purpose that is not granted.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from headcount_wire.catalog import Catalog, Measure
from headcount_wire.clock import Clock
from headcount_wire.dimensions import DIMENSIONS, canonical
from headcount_wire.facts import WHOLE, Fact, Kind
from headcount_wire.record import Record, made

from headcount_sdk.device import Device
from headcount_sdk.facts import DeviceFacts
from headcount_sdk.funnels import steps_of, taken
from headcount_sdk.health import Surprise
from headcount_sdk.journal import Note
from headcount_sdk.markers import Context
from headcount_sdk.sessions import Sessions

DAY_CACHE_SECONDS = 60.0
VALUE_MOST = 2.0**63
COUNTED = {Kind.COUNTER: int(Fact.COUNT), Kind.FLAG: int(Fact.DEVICES)}
STATED = {Kind.QUANTITY: int(Fact.VALUE)}
MEASURED = {Kind.TIMING: int(Fact.BUCKET), Kind.DISTRIBUTION: int(Fact.BUCKET)}
"""What a call of the front door says of each kind that it is for; as plain integers, as in ``tallies``."""


class Asked(Record):
    """What was asked about one day since the last change of what may be counted.

    ``countable``: by measure. ``context``: the granted fields, once read. ``active``: the day counts as active.
    What is remembered here holds only while the device's epoch is this one, which the device checks.
    """

    epoch: int
    day: int
    countable: dict[int, bool] = made(factory=dict)
    context: Context | None = None
    active: bool = False


class Recorder:
    """Counts for the client. ``misuse`` is told what the app did wrong. Raises ``OSError`` when the disk does."""

    def __init__(
        self,
        device: Device,
        catalog: Catalog,
        facts: DeviceFacts,
        clock: Clock,
        offset: Callable[[float], float],
        misuse: Callable[..., None],
    ) -> None:
        self._device = device
        self.catalog = self._catalog = catalog
        self._facts = facts
        self._clock = clock
        self._offset = offset
        self._misuse = misuse
        self._steps = steps_of(catalog)
        self.sessions = Sessions(catalog, self._count_one, self._mark)
        self._screens = catalog.only(Kind.SCREEN)
        self._given: dict[str, str] = {}
        self._asked = Asked(-1, -1)
        self._day, self._day_start, self._day_until = 0, 0.0, -1.0

    # -- what the front door calls ------------------------------------------------------------

    def record(self, measure: Measure, label: int, fact: int, slot: int, amount: int) -> bool:
        """Count an observation, and that the app is in use; whether it may be counted."""
        now = self._clock.monotonic()
        self.sessions.touch(now)
        day = self._local_day(now)
        counted = self._count(day, measure, label, fact, slot, amount)
        if measure.code in self._steps:
            self._take_step(day, measure, label)
        if not (self._asked.active and self._asked.day >= day):
            self._in_use(day)
        return counted

    def active(self) -> None:
        """The app is in use."""
        now = self._clock.monotonic()
        self.sessions.touch(now)
        self._in_use(self._local_day(now))

    def screen(self, label: int) -> None:
        """A screen is shown, and was come to from the one shown before it in this session."""
        measure = self._screens
        if measure is None:
            self._misuse(Surprise.UNKNOWN_MEASURE)
            return
        now = self._clock.monotonic()
        self.sessions.touch(now)
        before, self.sessions.screen = self.sessions.screen, label
        self.record(measure, label, Fact.COUNT, 0, 1)
        if measure.journeys:
            self._count(self._local_day(now), measure, label, Fact.MOVE, before, 1)

    def problem(self, measure: Measure, label: int, severity: int | None, screen: int | None) -> bool:
        """A problem the user chose to report: its category, and how bad and where, if that was said."""
        counted = self.record(measure, label, Fact.COUNT, 0, 1)
        day = self.local_day()
        if severity is not None:
            self._count(day, measure, label, Fact.SEVERITY, severity, 1)
        if screen is not None:
            self._count(day, measure, label, Fact.SCREEN, screen, 1)
        return counted

    def context_for(self, measure: Measure) -> Context:
        """The context a recording would be made in now; none where the measure is not counted."""
        return self.read_context() if self._device.countable(measure, self.local_day()) else ()

    def give(self, fields: dict[str, str]) -> None:
        """Take context values from the app instead of reading them."""
        for name, value in fields.items():
            dimension = DIMENSIONS.get(name)
            if dimension is None or dimension not in self._catalog.context:
                self._misuse(Surprise.UNKNOWN_FIELD, name)
            elif value:
                self._given[name] = str(value)
            else:
                self._given.pop(name, None)
        self.refresh()

    def refresh(self) -> None:
        """Read the context anew with the next recording."""
        self._asked = Asked(self._device.epoch, -1)

    # -- counting -----------------------------------------------------------------------------

    def _count(self, day: int, measure: Measure, label: int, fact: int, slot: int, amount: int) -> bool:
        """Count, if it may be counted; asks again where that changed in between. Dates only go forward."""
        device = self._device
        if day < device.state.last_day:
            day = device.state.last_day
        while True:
            asked = self._asked
            if asked.day != day or asked.epoch != device.epoch:
                changed = asked.epoch != device.epoch
                asked = self._asked = Asked(device.epoch, day)
                if changed:
                    self.sessions.doubt(device.state.session[0])
            may = asked.countable.get(measure.code)
            if may is None:
                may = asked.countable[measure.code] = self._may_count(measure, day)
            if not may:
                return False
            context = asked.context
            if context is None:
                context = asked.context = self.read_context()
            if device.record(asked.epoch, day, context, measure, label, fact, slot, amount):
                return True
            if not device.is_open:
                return False

    def _count_one(self, measure: Measure, label: int, fact: Fact, slot: int) -> None:
        self._count(self.local_day(), measure, label, fact, slot, 1)

    def _mark(self, measure: Measure, note: Note, seconds: int) -> bool:
        return self._count(self.local_day(), measure, WHOLE, note, 0, seconds)

    def _in_use(self, day: int) -> None:
        active = self._catalog.active
        if active is not None and self._count(day, active, WHOLE, Fact.DEVICES, 0, 1):
            self._asked.active = True

    def _take_step(self, day: int, measure: Measure, label: int) -> None:
        moved: set[int] = set()
        for funnel, step in taken(self._steps[measure.code], label):
            if funnel.code not in moved and self._device.awaits(funnel, step, self._minute()):
                moved.add(funnel.code)
                self._count(day, funnel, WHOLE, Note.STEP, step, self._minute())

    def _minute(self) -> int:
        return int(self._clock.now() // 60)

    def _may_count(self, measure: Measure, day: int) -> bool:
        if not self._device.countable(measure, day):
            return False
        if measure.expired(day):
            self._misuse(Surprise.EXPIRED_MEASURE, measure.name)
            return False
        return True

    def read_context(self) -> Context:
        """The granted fields as they are now. Recordings read them once per start, return to the front, and change."""
        state = self._device.state
        found: list[tuple[str, str]] = []
        for dimension, purpose in self._catalog.context.items():
            name = dimension.field
            allowed = state.policy is None or name in state.policy.context
            if allowed and name not in state.off and self._device.granted(purpose):
                value = self._given.get(name) or getattr(self._facts, name)()
                if value:
                    found.append((name, canonical(dimension, value)))
        return tuple(sorted(found))

    # -- the day ------------------------------------------------------------------------------

    def local_day(self) -> int:
        """Today, where the user is, in days since 1970."""
        return self._local_day(self._clock.monotonic())

    def _local_day(self, monotonic: float) -> int:
        now = self._clock.now()
        if monotonic >= self._day_until or not 0.0 <= now - self._day_start < 86_400.0:
            offset = self._offset(now)
            self._day = math.floor((now + offset) / 86_400.0)
            self._day_start = self._day * 86_400.0 - offset
            self._day_until = monotonic + DAY_CACHE_SECONDS
        return self._day
