"""What the user said yes to, purpose by purpose and field by field. Not decided counts as no.

Outside signals, such as Global Privacy Control or a platform's own switch, can say no on top; they never say yes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable
from enum import StrEnum
from typing import Protocol

from headcount_wire.catalog import Catalog
from headcount_wire.clock import Clock
from headcount_wire.dimensions import DIMENSIONS

from headcount_sdk.decisions import Decisions
from headcount_sdk.device import Device
from headcount_sdk.guard import looked_up
from headcount_sdk.health import Health, Surprise

RESTRICTED = "restricted mode"


class Status(StrEnum):
    """What stands about a purpose; ``REFUSED``: the user granted it, and an outside signal says no."""

    NOT_DECIDED = "not_decided"
    GRANTED = "granted"
    DENIED = "denied"
    REFUSED = "refused"


class Signal(Protocol):
    """Something outside the app that can say no: read at start, at each return to the front, and on ``refresh``."""

    name: str

    def denied(self, purposes: Collection[str]) -> Collection[str]:
        """The purposes, of those given, that it says no to. What raises says no to all of them."""
        ...


Listener = Callable[[dict[str, Status]], object]


class Consent:
    """Grants and withdrawals; each is on the disk when the call returns."""

    def __init__(
        self,
        device: Device,
        decisions: Decisions,
        catalog: Catalog,
        policy: int,
        clock: Clock,
        today: Callable[[], int],
        guard: Callable[[Callable[[], object]], bool],
        misuse: Callable[..., None],
        health: Health,
        opened: Callable[[], bool],
    ) -> None:
        self._opened = opened
        self._device = device
        self._decisions = decisions
        self._catalog = catalog
        self._policy = policy
        self._clock = clock
        self._today = today
        self._guard = guard
        self._misuse = misuse
        self._health = health
        self._refreshing = threading.RLock()
        self._telling = False
        self._listeners: list[Listener] = []
        self._signals: list[Signal] = []

    # -- what the user decides ----------------------------------------------------------------

    def grant(self, *purposes: str, language: str = "") -> bool:
        """The user says yes; whether it is stored. Counting begins with the next recording.

        ``language``: that of the sentences the app showed, for the receipt.
        """
        return self._decide(purposes, True, language)

    def withdraw(self, *purposes: str) -> bool:
        """The user says no, to everything if nothing is named. When this returns, what was held is gone for good."""
        return self._decide(purposes or tuple(self._catalog.purposes), False, "")

    def switch(self, field: str, on: bool) -> bool:
        """Whether a context field may be read at all. Switched off, it is erased from all that is held."""
        dimension = looked_up(DIMENSIONS, field)
        if dimension is None or dimension not in self._catalog.context:
            self._misuse(Surprise.UNKNOWN_FIELD, field)
            return False
        return self._opened() and self._guard(lambda: self._decisions.switch(field, on))

    def restrict(self, on: bool) -> bool:
        """Restricted mode, for minors and supervised devices: while it is on, everything is denied and erased."""
        purposes = self._catalog.purposes if on else ()
        return self._refuse(RESTRICTED, purposes)

    # -- what stands --------------------------------------------------------------------------

    def status(self) -> dict[str, Status]:
        """Every purpose of the catalog and what stands about it."""
        self._opened()
        return {name: self._status(name) for name in self._catalog.purposes}

    def _status(self, name: str) -> Status:
        decision = self._device.state.decisions.get(name)
        if decision is None:
            return Status.NOT_DECIDED
        if not decision.granted:
            return Status.DENIED
        return Status.REFUSED if self._device.refused_by(name) else Status.GRANTED

    def refused_by(self, purpose: str) -> str | None:
        """The name of the outside signal that says no to a purpose, if one does."""
        self._opened()
        return self._device.refused_by(purpose)

    def switches(self) -> dict[str, bool]:
        """Every declared context field, and whether it may be read where its purpose is granted."""
        self._opened()
        return {dimension.field: dimension.field not in self._device.state.off for dimension in self._catalog.context}

    def sentences(self, language: str = "en") -> dict[str, str]:
        """The sentence for the user of each purpose, in a language (``de``, ``de-CH``) or in English."""
        found: dict[str, str] = {}
        language = str(language)
        for name, purpose in self._catalog.purposes.items():
            short = language.replace("_", "-").partition("-")[0].lower()
            found[name] = purpose.sentence.get(language) or purpose.sentence.get(short) or purpose.sentence["en"]
        return found

    def receipt(self, controller: str = "", contact: str = "") -> dict[str, object]:
        """The user's consent record, as a document to show or to hand over; it never leaves the device by itself."""
        from headcount_sdk.receipt import receipt_of

        self._opened()
        return receipt_of(self._device.state, self._catalog, controller, contact)

    # -- who listens, who refuses -------------------------------------------------------------

    def listen(self, callback: Listener) -> None:
        """Call back after each change, also when a new policy puts a purpose back to not decided."""
        self._listeners.append(callback)

    def heed(self, *signals: Signal) -> None:
        """Let outside signals say no. Deny wins, whatever the user decided; a signal never says yes."""
        self._signals += signals
        self.refresh()

    def start(self, signals: Iterable[Signal]) -> None:
        """Heed the app's signals; one that an earlier version of the app heeded, and this one does not, is lifted."""
        self._signals = [*signals, *self._signals]
        known = {RESTRICTED, *map(_name_of, self._signals)}
        for stale in [name for name in self._device.state.refusing if name not in known]:
            self._refuse(stale, ())
        self.refresh()

    def refresh(self) -> None:
        """Read the outside signals now."""
        with self._refreshing:  # what was read last is what stands
            self._refresh()

    def _refresh(self) -> None:
        everything = tuple(self._catalog.purposes)
        denied: dict[str, set[str]] = {}
        for signal in self._signals:
            said = denied.setdefault(_name_of(signal), set())
            try:
                said.update(name for name in tuple(signal.denied(everything)) if name in everything)
            except Exception:  # what cannot be read counts as a no
                self._health.note(Surprise.SIGNAL)
                said.update(everything)
        for name, purposes in denied.items():
            self._refuse(name, purposes)

    def tell(self, _: Iterable[str] = ()) -> None:
        """Tell the listeners; an exception of theirs is counted and goes no further."""
        if self._telling:
            return  # a listener that decides is not told of its own decision
        self._telling = True
        try:
            for listener in self._listeners:
                try:
                    listener(self.status())
                except Exception:  # a listener's fault is not the SDK's to spread
                    self._health.note(Surprise.CALLBACK)
        finally:
            self._telling = False

    def _refuse(self, name: str, purposes: Collection[str]) -> bool:
        changed: list[bool] = []

        def refuse() -> None:
            durable = name == RESTRICTED
            changed.append(self._decisions.refuse(name, purposes, self._today(), self._clock.now(), durable=durable))

        done = self._opened() and self._guard(refuse)
        if any(changed):
            self.tell()
        return done

    def _decide(self, purposes: tuple[str, ...], granted: bool, language: str) -> bool:
        known = [name for name in purposes if looked_up(self._catalog.purposes, name)]
        for name in purposes:
            if name not in known:
                self._misuse(Surprise.UNKNOWN_PURPOSE, name)
        if not known or not self._opened():
            return False
        decisions = dict.fromkeys(known, granted)
        done = self._guard(
            lambda: self._decisions.decide(decisions, self._policy, self._today(), self._clock.now(), str(language))
        )
        self.tell(known)
        return done


def _name_of(signal: Signal) -> str:
    """What a signal's no is kept under; two of one name add up, and none can lift restricted mode."""
    name: object = getattr(signal, "name", "")
    known = name if isinstance(name, str) and name else type(signal).__name__
    return f"{known} (signal)" if known == RESTRICTED else known
