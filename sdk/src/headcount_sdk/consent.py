"""What the user said yes to, purpose by purpose. Not decided counts as no."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum

from headcount_wire.catalog import Catalog

from headcount_sdk.device import Device
from headcount_sdk.health import Health, Surprise


class Status(StrEnum):
    """The three states of a purpose."""

    NOT_DECIDED = "not_decided"
    GRANTED = "granted"
    DENIED = "denied"


class Consent:
    """Grants and withdrawals; each is on the disk when the call returns."""

    def __init__(
        self,
        device: Device,
        catalog: Catalog,
        policy: int,
        today: Callable[[], int],
        guard: Callable[[Callable[[], object]], bool],
        health: Health,
    ) -> None:
        self._device = device
        self._catalog = catalog
        self._policy = policy
        self._today = today
        self._guard = guard
        self._health = health
        self._listeners: list[Callable[[dict[str, Status]], object]] = []
        self.changed = True

    def grant(self, *purposes: str) -> bool:
        """The user says yes; whether it is stored. Counting begins with the next recording."""
        return self._decide(purposes, True)

    def withdraw(self, *purposes: str) -> bool:
        """The user says no. When this returns, what was held for these purposes is gone for good."""
        return self._decide(purposes, False)

    def status(self) -> dict[str, Status]:
        """Every purpose of the catalog and what was decided about it."""
        found: dict[str, Status] = {}
        for name in self._catalog.purposes:
            decision = self._device.state.decisions.get(name)
            found[name] = (
                Status.NOT_DECIDED if decision is None else Status.GRANTED if decision.granted else Status.DENIED
            )
        return found

    def sentences(self, language: str = "en") -> dict[str, str]:
        """The sentence for the user of each purpose, in a language or in English."""
        return {
            name: purpose.sentence.get(language, purpose.sentence["en"])
            for name, purpose in self._catalog.purposes.items()
        }

    def listen(self, callback: Callable[[dict[str, Status]], object]) -> None:
        """Call back after each change, also when a new policy puts a purpose back to not decided."""
        self._listeners.append(callback)

    def tell(self, _: Iterable[str]) -> None:
        """Tell the listeners; an exception of theirs is counted and goes no further."""
        self.changed = True
        for listener in self._listeners:
            try:
                listener(self.status())
            except Exception:  # a listener's fault is not the SDK's to spread
                self._health.note(Surprise.CALLBACK)

    def _decide(self, purposes: tuple[str, ...], granted: bool) -> bool:
        known = [name for name in purposes if name in self._catalog.purposes]
        if len(known) != len(purposes):
            self._health.note(Surprise.UNKNOWN_MEASURE)
        if not known:
            return False
        done = self._guard(lambda: self._device.decide(dict.fromkeys(known, granted), self._policy, self._today()))
        self.tell(known)
        return done
