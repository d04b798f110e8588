"""The one object an app holds. Nothing here raises into the app, unless it asks for it with ``debug``.

headcount = Headcount(app_key, "https://edge.example", "catalog.toml", directory=private_folder)
headcount.start()
headcount.consent.grant("usage")
headcount.track("meeting.joined", entry="link")
"""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from headcount_wire.app_key import is_debug
from headcount_wire.buckets import bucket_of
from headcount_wire.catalog import Catalog, Measure
from headcount_wire.clock import Clock, SystemClock
from headcount_wire.facts import WHOLE, Kind, Severity

from headcount_sdk import opening
from headcount_sdk.address import Address
from headcount_sdk.background import Background
from headcount_sdk.consent import Consent, Signal
from headcount_sdk.decisions import Decisions
from headcount_sdk.device import Device
from headcount_sdk.facts import DeviceFacts
from headcount_sdk.facts_here import facts_here
from headcount_sdk.guard import Guard, looked_up
from headcount_sdk.health import Health, Surprise
from headcount_sdk.process import ProcessHooks
from headcount_sdk.recorder import COUNTED, MEASURED, STATED, VALUE_MOST, Recorder
from headcount_sdk.sender import Sender
from headcount_sdk.storage import Storage
from headcount_sdk.tallies import label_code
from headcount_sdk.timer import Timer
from headcount_sdk.timetable import Timetable

if TYPE_CHECKING:  # what only an upload or a rare call needs is loaded with it
    import random

    from headcount_sdk.async_use import AsyncUse
    from headcount_sdk.delivery import Delivery
    from headcount_sdk.problem import Preview
    from headcount_sdk.sealing import BeforeSend
    from headcount_sdk.transport import Transport
    from headcount_sdk.uploader import Outcome

EARLY_CALLS_KEPT = 256


class Headcount:
    """Counts on the device, reports tallies, asks first.

    ``host``: the edge's address; ``hosts``: further ones that reports may move to with the Customer's region;
    ``nodes``: those of the host's fleet, or ``https://*.edge.example`` for all whose names are below that one.
    ``catalog``: a ``Catalog``, the path of its file, or its text. ``directory``: a folder private to the app, best
    one that is not backed up; nothing is made there before consent. ``policy``: the version of the privacy notice
    that the app's consent screen shows. ``app_version``: as the app states it. ``signals``: see ``Consent.heed``.
    ``may_upload``: asked before an upload, so that the app can wait for a better network or a charger.
    ``utc_offset``: seconds east of UTC at a moment (the system's, if not given). ``msgpack``: send MessagePack
    where the extra is installed. ``debug``: raise on misuse. The rest is for tests and replays.
    """

    def __init__(
        self,
        app_key: str,
        host: str,
        catalog: Catalog | str | os.PathLike[str],
        *,
        directory: str | os.PathLike[str],
        hosts: Sequence[str] = (),
        nodes: Sequence[str] = (),
        policy: int = 1,
        app_version: str = "",
        signals: Sequence[Signal] = (),
        may_upload: Callable[[], bool] | None = None,
        clock: Clock | None = None,
        transport: Transport | None = None,
        facts: DeviceFacts | None = None,
        utc_offset: Callable[[float], float] | None = None,
        draw: random.Random | None = None,
        storage: Storage | None = None,
        spread_hours: float = 4.0,
        msgpack: bool = False,
        debug: bool = False,
    ) -> None:
        self.health = Health()
        self._guard = Guard(self.health, self._let_go, debug=debug)
        self._policy = policy = policy if type(policy) is int else 0
        self._catalog = opening.read_catalog(catalog)
        addresses, fleet = opening.addresses(host, *(hosts or ())), opening.fleet(*(nodes or ()))
        self._off = opening.fault(app_key, directory, policy, self._catalog, addresses if fleet is not None else ())
        self._clock = clock or SystemClock()
        self._storage = storage = storage or Storage(os.fspath(directory) if self._off is None else "")
        self._device = Device(storage, self._catalog, self.health)
        self._decisions = Decisions(self._device, self._catalog)
        facts, offset = facts or facts_here(str(app_version)), utc_offset or opening.system_offset
        self._recorder = Recorder(self._device, self._catalog, facts, self._clock, offset, self._guard.misuse)
        developer = self._off is None and is_debug(app_key)
        address = Address(
            addresses, fleet or (), app_key, policy, spread_hours, developer, may_upload or opening.always
        )
        timetable = Timetable(self._device, self._catalog, address, self._clock, self.health, draw)

        def delivery() -> Delivery:
            from headcount_sdk.delivery import Delivery
            from headcount_sdk.outbox import Outbox

            medium = opening.media(msgpack)
            outbox = Outbox(self._device, storage, self._catalog, self.health, timetable, self._before_send, medium)
            ours = (self._device, self._decisions, outbox, timetable, address, self._clock)
            return Delivery(*ours, transport, self.health)

        self._sender = Sender(self._device, timetable, address, self._clock, self.health, delivery)
        self._before_send: list[BeforeSend] = []
        self._signals = tuple(signals or ())
        self._prepare(policy)

    def _prepare(self, policy: int) -> None:
        held = (self._device, self._decisions, self._catalog, policy, self._clock, self.local_day)
        self.consent = Consent(*held, self._guard.run, self._guard.misuse, self.health, self._opened)
        self._measures = self._catalog.measures
        self._early: list[tuple[int, Callable[[], object]]] | None = []
        self._timers: weakref.WeakSet[Timer] = weakref.WeakSet()
        self._sending = threading.Lock()
        self._background = Background(self.pump)
        self._hooks = ProcessHooks(self)

    @cached_property
    def on_loop(self) -> AsyncUse:
        """The same client for code on an event loop: ``await headcount.on_loop.flush()``."""
        from headcount_sdk.async_use import AsyncUse

        return AsyncUse(self)

    # -- life ---------------------------------------------------------------------------------

    def start(self, *, thread: bool = True, active: bool = True) -> None:
        """Open the state and, unless told otherwise, the thread that uploads. Calling it again does nothing.

        ``active=False``: nobody is looking at the app, as when the system woke it to upload.
        """
        if self._guard.usable:
            return
        self._ended = False
        if not self._opened():
            self._early = None
            return
        self._guard.usable = True
        self.consent.start(self._signals)
        self._guard.run(lambda: self._recorder.sessions.recover(*self._device.state.session))
        self._recorder.sessions.front = active
        self._hooks.install(crashes=self._catalog.only(Kind.CRASH_FREE) is not None)
        if active:
            self.active()
        early, self._early = self._early or [], None
        for erasures, call in early:
            if erasures == self._device.erasures:  # nothing was withdrawn since it was recorded
                self._guard.run(call)
        if thread:
            self._background.start()

    def _opened(self) -> bool:
        """Open the state if it is not; whether it is open. A consent screen may come before ``start``."""
        if self._device.is_open:
            return True
        if self._ended or self._off is not None:
            if self._off is None:
                self._guard.misuse(Surprise.SHUT_DOWN)
            elif self._off not in self.health.counts:
                self._guard.give_up(self._off)
            return False
        undecided: set[str] = set()

        def opened() -> None:
            if self._device.open():
                self._hooks.watch_forks()
                undecided.update(self._decisions.undecide_before(self._policy, self._clock.now()))

        done = self._guard.run(opened)
        if undecided:
            self.consent.tell(undecided)
        return done

    _ended = _open_too = False
    _sender_thread: int | None = None

    def shutdown(self, timeout: float = 2.0) -> None:
        """Stop the thread and let go of the files; what was recorded is kept. ``timeout`` in seconds."""
        self._early = None
        self._hooks.remove()
        self._background.stop(timeout)
        if self._guard.usable:
            self._guard.run(lambda: self._recorder.sessions.end(self._clock.monotonic()))
        self._guard.usable = False
        self._ended = True
        self._guard.run(self._device.close)

    def _let_go(self) -> None:
        """The client is off: what it held is free for another one."""
        with contextlib.suppress(OSError):
            self._device.close()

    def crashed(self) -> None:
        """The app is about to die of an exception: the session under way did not end clean."""
        if self._guard.usable:
            self._guard.run(lambda: self._recorder.sessions.end(self._clock.monotonic(), crashed=True))

    def forked(self) -> None:
        """This process is the child of a fork: the files belong to the parent."""
        if self._device.is_open:
            self._guard.usable = False
            self._ended = True
            self._device.abandon()
            self._hooks.remove()
            self.health.note(Surprise.FORKED)

    def on_foreground(self) -> None:
        """The app came to the front: the day counts as active; context and signals are read anew."""
        for timer in list(self._timers):
            timer.resume()
        if self._guard.usable:
            self._recorder.refresh()
            self._guard.run(lambda: self._recorder.sessions.back(self._clock.monotonic()))
            self.consent.refresh()
            self.active()
            self._background.wake()

    def on_background(self) -> None:
        """The app went to the back: timers stand still and, with an hourly catalog, what is held goes out."""
        for timer in list(self._timers):
            timer.pause()
        if self._guard.usable:
            self._guard.run(lambda: self._recorder.sessions.away(self._clock.monotonic()))
            self._open_too = self._catalog.cadence == "hourly"
            self._background.wake()

    # -- recording ----------------------------------------------------------------------------

    def track(self, name: str, /, **labels: str) -> None:
        """Count that something happened: a counter, or a flag."""
        self._record(name, COUNTED, labels, 0)

    def measure(self, name: str, value: float, /, **labels: str) -> None:
        """Record one value of a timing (milliseconds) or a distribution (its unit)."""
        if type(value) not in (int, float) or not -VALUE_MOST < value < VALUE_MOST:
            self._guard.misuse(Surprise.BAD_VALUE, name)
            return
        self._record(name, MEASURED, labels, bucket_of(round(value)))

    def timer(self, name: str, /, **labels: str) -> Timer:
        """A timer for a timing: ``with headcount.timer("x"):``, or its start, stop and cancel."""
        return Timer(self._clock, self._timers, lambda milliseconds: self.measure(name, milliseconds, **labels))

    def screen(self, name: str) -> None:
        """Count that a screen is shown and, where journeys are declared, from which one the user came."""
        screens = self._catalog.only(Kind.SCREEN)
        if screens is None or screens.label is None:
            self._guard.misuse(Surprise.UNKNOWN_MEASURE, "a screen")
            return
        label = screens.label.code_of(name)
        if screens.label.value_of(label) != name:
            self._guard.misuse(Surprise.UNKNOWN_LABEL, name)
        self._do(screens, lambda: self._recorder.screen(label))

    def report_problem(self, category: str, severity: Severity | None = None, screen: str = "") -> Preview:
        """What a problem report would say. Show it to the user; it counts when they choose ``send``."""
        from headcount_sdk.problem import Preview, preview

        found: list[Preview] = []
        told = (self._recorder, self._do, self._guard.misuse)
        self._guard.run(lambda: found.append(preview(*told, category, severity, screen)))
        return found[0] if found else Preview(str(category), None, "", {}, lambda: False)

    def quantity(self, name: str, value: int, /, **labels: str) -> None:
        """State how many of something there are now; the day's last value counts. For server-side instances."""
        if type(value) is not int or value < 0:
            self._guard.misuse(Surprise.BAD_VALUE, name)
        else:
            self._record(name, STATED, labels, 0, value)

    def set_context(self, **fields: str) -> None:
        """State declared context fields instead of reading them: ``device_class="tablet"``; ``""`` takes it back."""
        self._guard.run(lambda: self._recorder.give(fields))

    def active(self) -> None:
        """The app is in use: the day counts as active. Every recording says so too."""
        self._do(self._catalog.active, self._recorder.active)

    def _record(self, name: str, kinds: dict[Kind, int], labels: dict[str, str], slot: int, amount: int = 1) -> None:
        try:
            measure = looked_up(self._measures, name)
            fact = None if measure is None else kinds.get(measure.kind)
            if measure is None or fact is None:
                self._guard.misuse(Surprise.UNKNOWN_MEASURE if measure is None else Surprise.WRONG_KIND, name)
                return
            label = WHOLE
            if labels or measure.label is not None:
                label, declared = label_code(measure, labels)
                if not declared:
                    self._guard.misuse(Surprise.UNKNOWN_LABEL, name)
            if self._guard.usable:
                self._recorder.record(measure, label, fact, slot, amount)
            elif self._early is not None:
                self._do(measure, lambda: self._recorder.record(measure, label, fact, slot, amount))
        except Exception as error:  # the app must not fall over its telemetry
            self._guard.failed(error)

    def _do(self, measure: Measure | None, action: Callable[[], object]) -> bool:
        """Record something, and say whether it may be counted; before ``start`` it is kept until then, in bounds.

        What is not granted when it is recorded is not kept.
        """
        if self._guard.usable:
            done: list[object] = []
            return self._guard.run(lambda: done.append(action())) and done != [False]
        if self._early is None or measure is None or not self._opened():
            return False
        if not self._device.countable(measure, self.local_day()):
            return False
        if len(self._early) >= EARLY_CALLS_KEPT:
            self.health.note(Surprise.EARLY_CALLS)
            return False
        self._early.append((self._device.erasures, action))
        return True

    def local_day(self) -> int:
        """Today, where the user is, in days since 1970."""
        return self._recorder.local_day()

    # -- sending ------------------------------------------------------------------------------

    def before_send(self, hook: BeforeSend) -> BeforeSend:
        """Ask a function about each tally before it is sealed; also a decorator. It may only remove.

        What it raises on is removed too, and counted.
        """
        self._before_send.append(hook)
        return hook

    def flush(self) -> list[Outcome]:
        """Send everything now, the open day too, on the caller's thread."""
        return self._pump(now=True)

    def pump(self) -> list[Outcome]:
        """Do what is due now, on the caller's thread; what the background thread does every minute."""
        return self._pump(now=False)

    def _pump(self, now: bool) -> list[Outcome]:
        outcomes: list[Outcome] = []
        if self._guard.usable:
            if self._sender_thread == threading.get_ident():
                self.health.note(Surprise.CALLBACK)  # a hook that sends while it is asked
                return outcomes
            open_too, self._open_too = self._open_too, False
            with self._sending:
                self._sender_thread = threading.get_ident()
                before = set(self._device.state.decisions)
                try:
                    self._guard.run(lambda: self._recorder.sessions.lapse(self._clock.monotonic()))
                    pump = self._sender.pump
                    self._guard.run(lambda: outcomes.extend(pump(self.local_day(), now=now, open_too=open_too)))
                finally:
                    self._sender_thread = None
                undecided = before - set(self._device.state.decisions)
            if undecided:
                self.consent.tell(undecided)
        return outcomes

    # -- the user's rights --------------------------------------------------------------------

    def export(self) -> dict[str, Any]:
        """Everything this device holds, readable."""
        from headcount_sdk import export

        found: dict[str, Any] = {}
        if self._opened():
            self._guard.run(lambda: found.update(export.everything(self._device, self._storage, self._catalog)))
        return found

    def reset(self) -> None:
        """Become a new device: tallies, markers and the queue go; the decisions stay."""
        if self._opened():
            self._guard.run(self._device.reset)

    def erase(self) -> None:
        """Erase everything held on this device, the decisions too."""
        if self._opened():
            self._guard.run(self._device.erase)
