"""What changes what may be counted: the user's decisions and switches, outside signals, the Customer's policy.

Each change is one durable step together with the erasure that it asks for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from headcount_wire.catalog import Catalog
from headcount_wire.policy import Policy

from headcount_sdk.device import Device
from headcount_sdk.state import Decision, Event, State

EVENTS_KEPT = 64


class Decisions:
    """Makes the changes on a device. Raises ``OSError`` when the disk does, ``Closed`` when it is not open."""

    def __init__(self, device: Device, catalog: Catalog) -> None:
        self._device = device
        self._catalog = catalog

    def undecide_before(self, policy: int, now: float) -> set[str]:
        """Put purposes decided under an earlier notice back to *not decided*; returns them."""
        with self._device.changing() as state:
            old = {name for name, decision in state.decisions.items() if decision.policy < policy}
            if old:
                self._undecide(state, old, set(), now)
            return old

    def decide(
        self, purposes: Mapping[str, bool], policy: int, today: int, now: float = 0.0, language: str = ""
    ) -> None:
        """Store decisions. What was withdrawn is erased when this returns, and counts anew from tomorrow."""
        with self._device.changing() as state:
            today = max(today, state.last_day)  # dates only go forward
            for purpose, granted in purposes.items():
                before = state.decisions.get(purpose)
                if granted:
                    from_day = before.from_day if before else max(today, state.from_days.get(purpose, today))
                    _decided(state, purpose, Decision(True, policy, from_day))
                elif before is None or before.granted:
                    held = before is not None
                    _decided(state, purpose, Decision(False, policy, today + 1 if held else today))
                _happened(state, Event(int(now), purpose, "granted" if granted else "denied", policy, language))
            self._device.erase_and_save({purpose for purpose, granted in purposes.items() if not granted})

    def refuse(self, name: str, purposes: Collection[str], today: int, now: float, *, durable: bool) -> bool:
        """An outside signal says no to these purposes, and to no others; whether that changed anything.

        Where nothing was decided yet nothing is written for it, unless it has to be ``durable``.
        """
        with self._device.changing() as state:
            today = max(today, state.last_day)
            before = state.refusing.get(name, frozenset())
            after = frozenset(purposes)
            if before == after:
                return False
            others = {other: said for other, said in state.refusing.items() if other != name}
            state.refusing = {**others, name: after} if after else others
            for purpose in after - before:
                decision = state.decisions.get(purpose)
                if decision is not None and decision.granted:
                    _decided(state, purpose, Decision(True, decision.policy, today + 1))
                    _happened(state, Event(int(now), purpose, f"refused by {name}", decision.policy))
            if durable or self._device.holds_anything:
                self._device.erase_and_save(set(after - before))
            self._device.epoch += 1
            return True

    def switch(self, field: str, on: bool) -> None:
        """Store whether a context field may be read at all; switched off, it is erased from all that is held."""
        with self._device.changing() as state:
            state.off = state.off - {field} if on else state.off | {field}
            self._device.erase_and_save(set(), set() if on else {field})

    def apply_policy(self, policy: Policy, today: int, now: float) -> set[str]:
        """Take over the Customer's policy; returns the purposes it put back to *not decided*."""
        with self._device.changing() as state:
            state.policy_day = today
            undecided = {
                name
                for name, decision in state.decisions.items()
                if decision.granted and policy.allows(name) and decision.policy < policy.consent_since[name]
            }
            forbidden = {name for name in state.decisions if not policy.allows(name)}
            if policy == state.policy and not undecided:
                return set()
            state.policy = policy
            fields = {dimension.field for dimension in self._catalog.context} - policy.context
            self._undecide(state, undecided, forbidden, now, fields)
            return undecided

    def _undecide(
        self, state: State, purposes: set[str], forbidden: set[str], now: float, fields: set[str] | None = None
    ) -> None:
        for name in purposes:
            decision = state.decisions[name]
            if decision.granted:  # a day that was counted on is not begun again
                state.from_days[name] = max(decision.from_day, state.last_day + 1)
            state.decisions = {other: held for other, held in state.decisions.items() if other != name}
            _happened(state, Event(int(now), name, "not decided", decision.policy))
        self._device.erase_and_save(purposes | forbidden, fields)


def _happened(state: State, event: Event) -> None:
    state.events = [*state.events, event][-EVENTS_KEPT:]


def _decided(state: State, purpose: str, decision: Decision) -> None:
    # Replaced, not changed: others look at decisions without the lock.
    state.decisions = {**state.decisions, purpose: decision}
