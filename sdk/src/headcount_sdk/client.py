"""The one object an app holds. Nothing here raises into the app, unless it asks for it with ``debug``.

headcount = Headcount(app_key, "https://edge.example", "catalog.toml", directory=private_folder)
headcount.start()
headcount.consent.grant("usage")
headcount.track("meeting.joined", entry="link")
"""

from __future__ import annotations

import math
import os
import random
import threading
import time
from collections.abc import Callable
from typing import Any

from headcount_wire.app_key import is_debug
from headcount_wire.buckets import bucket_of
from headcount_wire.catalog import Catalog, Measure
from headcount_wire.catalog_file import parse_catalog
from headcount_wire.clock import Clock, SystemClock
from headcount_wire.dimensions import canonical
from headcount_wire.facts import Kind

from headcount_sdk import state as states
from headcount_sdk.consent import Consent
from headcount_sdk.device import Device
from headcount_sdk.facts import DeviceFacts
from headcount_sdk.health import Health, Surprise
from headcount_sdk.markers import Context
from headcount_sdk.sender import Address, Sender
from headcount_sdk.storage import DirectoryBusy, Storage
from headcount_sdk.tallies import label_code
from headcount_sdk.timer import Timer
from headcount_sdk.transport import HttpTransport, Transport
from headcount_sdk.uploader import Outcome

PUMP_SECONDS = 60.0
DAY_CACHE_SECONDS = 60.0


class Headcount:
    """Counts on the device, reports tallies, asks first.

    ``catalog``: a ``Catalog``, the path of its file, or its text. ``directory``: a folder private
    to the app, best one that is not backed up; nothing is made there before consent.
    ``policy``: the version of the privacy notice that the app's consent screen shows.
    ``utc_offset``: seconds east of UTC at a moment (the system's, if not given). ``debug``: raise
    on misuse. Clock, transport, facts and randomness are arguments for tests and replays.
    """

    def __init__(
        self,
        app_key: str,
        host: str,
        catalog: Catalog | str | os.PathLike[str],
        *,
        directory: str | os.PathLike[str],
        policy: int = 1,
        app_version: str = "",
        clock: Clock | None = None,
        transport: Transport | None = None,
        facts: DeviceFacts | None = None,
        utc_offset: Callable[[float], float] | None = None,
        draw: random.Random | None = None,
        storage: Storage | None = None,
        spread_hours: float = 4.0,
        debug: bool = False,
    ) -> None:
        self.health = Health()
        self._debug = debug
        self._catalog = catalog if isinstance(catalog, Catalog) else _read_catalog(catalog)
        self._clock = clock or SystemClock()
        self._facts = facts or DeviceFacts(app_version)
        self._offset = utc_offset or _system_offset
        self._device = Device(storage or Storage(os.fspath(directory)), self._catalog, self.health)
        draw = draw or random.Random()  # noqa: S311  # spreads uploads; nothing secret hangs on it
        address = Address(host.rstrip("/"), app_key, policy, spread_hours, is_debug(app_key))
        self._sender = Sender(self._device, address, self._clock, transport or HttpTransport(), draw, self.health)
        self.consent = Consent(self._device, self._catalog, policy, self.local_day, self._guard, self.health)
        self._measures = self._catalog.measures
        self._context: Context | None = None
        self._day, self._day_until = 0, -1.0
        self._usable = False
        self._sending = threading.Lock()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    # -- life ---------------------------------------------------------------------------------

    def start(self, *, thread: bool = True, active: bool = True) -> None:
        """Open the state and, unless told otherwise, the thread that uploads. Calling it again does nothing.

        ``active=False``: nobody is looking at the app, as when the system woke it to upload.
        """
        if self._usable:
            return

        def opened() -> None:
            self._device.open()
            self._usable = True

        self._guard(opened)
        if active:
            self.active()
        if thread and self._usable:
            self._thread = threading.Thread(target=self._run, name="headcount", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # a Python without threads: uploads happen on flush()
                self._thread = None

    def shutdown(self, timeout: float = 2.0) -> None:
        """Stop the thread and let go of the files; what was recorded is kept."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout)
            self._thread = None
        if self._usable:
            self._usable = False
            self._guard(self._device.close)

    def on_foreground(self) -> None:
        """The app came to the front: the day counts as active, and the context is read anew."""
        self._context = None
        self.active()
        self._wake.set()

    def on_background(self) -> None:
        """The app went to the back: with an hourly catalog, what is held goes out."""
        if self._catalog.cadence == "hourly":
            self._wake.set()

    # -- recording ----------------------------------------------------------------------------

    def track(self, name: str, **labels: str) -> None:
        """Count that something happened: a counter, or a flag."""
        self._record(name, (Kind.COUNTER, Kind.FLAG), labels, 0, 1)

    def measure(self, name: str, value: float, **labels: str) -> None:
        """Record one value of a timing (milliseconds) or a distribution (its unit)."""
        if type(value) not in (int, float) or not math.isfinite(value):
            self._misuse(Surprise.BAD_VALUE)
            return
        self._record(name, (Kind.TIMING, Kind.DISTRIBUTION), labels, bucket_of(round(value)), 1)

    def timer(self, name: str, **labels: str) -> Timer:
        """A timer for a timing: ``with headcount.timer("x"):``, or its start, stop and cancel."""
        return Timer(self._clock, lambda milliseconds: self.measure(name, milliseconds, **labels))

    def active(self) -> None:
        """The app is in use: the day counts as active. Every recording says so too."""
        measure = self._catalog.active
        if measure is not None and self._usable:
            self._guard(lambda: self._count(measure, 0, 0, 1))

    def _record(self, name: str, kinds: tuple[Kind, ...], labels: dict[str, str], slot: int, amount: int) -> None:
        if not self._usable:
            return
        measure = self._measures.get(name)
        if measure is None:
            self._misuse(Surprise.UNKNOWN_MEASURE)
        elif measure.kind not in kinds:
            self._misuse(Surprise.WRONG_KIND)
        else:
            try:
                label, declared = label_code(measure, labels)
                if not declared:
                    self._misuse(Surprise.UNKNOWN_LABEL)
                self._count(measure, label, slot, amount)
                if (active := self._catalog.active) is not None:
                    self._count(active, 0, 0, 1)
            except Exception as error:  # the app must not fall over its telemetry
                self._surprised(error)

    def _count(self, measure: Measure, label: int, slot: int, amount: int) -> None:
        day = self.local_day()
        if not self._device.countable(measure, day):
            return
        if measure.expired(day):
            self._misuse(Surprise.EXPIRED_MEASURE)
            return
        self._device.record(day, self._current_context(), measure, label, slot, amount)

    def _current_context(self) -> Context:
        """The granted fields, read once per start, return to the front, and change of consent."""
        if self._context is None or self.consent.changed:
            self.consent.changed = False
            found: list[tuple[str, str]] = []
            policy = self._device.state.policy
            for dimension, purpose in self._catalog.context.items():
                if self._device.granted(purpose) and (policy is None or dimension.field in policy.context):
                    value = getattr(self._facts, dimension.field)()
                    if value:
                        found.append((dimension.field, canonical(dimension, value)))
            self._context = tuple(sorted(found))
        return self._context

    def local_day(self) -> int:
        """Today, where the user is, in days since 1970."""
        monotonic = self._clock.monotonic()
        now = self._clock.now()
        if monotonic >= self._day_until or not 0.0 <= now - self._day_start < 86_400.0:
            offset = self._offset(now)
            self._day = math.floor((now + offset) / 86_400.0)
            self._day_start = self._day * 86_400.0 - offset
            self._day_until = monotonic + DAY_CACHE_SECONDS
        return self._day

    _day_start = 0.0

    # -- sending ------------------------------------------------------------------------------

    def flush(self) -> list[Outcome]:
        """Send everything now, the open day too, on the caller's thread."""
        return self._pump(now=True)

    def pump(self) -> list[Outcome]:
        """Do what is due now, on the caller's thread; what the background thread does every minute."""
        return self._pump(now=False)

    def _pump(self, now: bool) -> list[Outcome]:
        outcomes: list[Outcome] = []
        if self._usable:
            with self._sending:
                before = set(self._device.state.decisions)
                self._guard(lambda: outcomes.extend(self._sender.pump(self.local_day(), now=now)))
                undecided = before - set(self._device.state.decisions)
            if undecided:
                self.consent.tell(undecided)
        return outcomes

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(PUMP_SECONDS)
            self._wake.clear()
            if not self._stop.is_set():
                self._pump(now=False)

    # -- the user's rights --------------------------------------------------------------------

    def export(self) -> dict[str, Any]:
        """Everything this device holds, readable."""
        state = self._device.state
        sealed = state.sealed
        return {
            "consent": self.consent.status(),
            "first_use": state.markers.first_use,
            "markers": dict(state.markers.last),
            "days": {day: [states.part_plain(part) for part in held.parts] for day, held in state.days.items()},
            "report_under_way": sealed
            and {"id": sealed.report_id, "bytes": len(sealed.body), "tried": sealed.attempted},
        }

    def reset(self) -> None:
        """Become a new device: tallies, markers and the queue go; the decisions stay."""
        self._context = None
        self._guard(self._device.reset)

    def erase(self) -> None:
        """Erase everything held on this device, the decisions too."""
        self._context = None
        self._guard(self._device.erase)

    # -- never harm the host ------------------------------------------------------------------

    def _guard(self, action: Callable[[], object]) -> bool:
        try:
            action()
        except DirectoryBusy:
            self._give_up(Surprise.DIRECTORY_BUSY)
        except OSError:
            self._give_up(Surprise.DISK)
        except Exception as error:  # the app must not fall over its telemetry
            self._surprised(error)
        else:
            return True
        return False

    def _give_up(self, surprise: Surprise) -> None:
        self._usable = False
        self.health.note(surprise)
        if self._debug:
            raise RuntimeError(surprise.sentence)

    def _surprised(self, error: Exception) -> None:
        if isinstance(error, OSError):
            self._give_up(Surprise.DISK)
            return
        if self._debug:
            raise error
        self.health.note(Surprise.INTERNAL)

    def _misuse(self, surprise: Surprise) -> None:
        self.health.note(surprise)
        if self._debug:
            raise ValueError(surprise.sentence)


def _system_offset(now: float) -> float:
    return float(time.localtime(now).tm_gmtoff)


def _read_catalog(catalog: str | os.PathLike[str]) -> Catalog:
    text = os.fspath(catalog)
    if "\n" in text:
        return parse_catalog(text)
    with open(text, encoding="utf-8") as file:
        return parse_catalog(file.read(), text)
