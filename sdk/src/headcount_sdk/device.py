"""The one owner of a device's state: every change goes through here, under one lock.

Each method that promises durability has made it when it returns: recording by the journal,
everything else by one replacement of the state file.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping

from headcount_wire import codec, limits
from headcount_wire.catalog import Catalog, Measure
from headcount_wire.facts import WHOLE, Fact
from headcount_wire.policy import Policy
from headcount_wire.report import new_report_id

from headcount_sdk import sealing
from headcount_sdk import state as states
from headcount_sdk.health import Health, Surprise
from headcount_sdk.journal import Journal
from headcount_sdk.markers import Context
from headcount_sdk.state import Decision, Sealed, State
from headcount_sdk.storage import Storage
from headcount_sdk.tallies import Day, measures_in, record
from headcount_sdk.uploader import compress


class Device:
    """State in memory, journal and file behind it. Raises ``OSError`` when the disk does."""

    def __init__(self, storage: Storage, catalog: Catalog, health: Health) -> None:
        self._storage = storage
        self._catalog = catalog
        self._health = health
        self._lock = threading.RLock()
        self._journal: Journal | None = None
        self._context_index = -1
        self.state = State()

    # -- opening ------------------------------------------------------------------------------

    def open(self) -> None:
        """Read what an earlier run left, if it left anything; makes nothing where there is nothing."""
        with self._lock:
            if self._storage.exists():
                self._storage.open()
                self._recover()

    def _recover(self) -> None:
        self._storage.remove(states.FILE + ".new")
        data = self._storage.read(states.FILE)
        if data is None:
            return
        try:
            self.state = states.decode(data)
        except states.StateNewer:
            self._set_aside(Surprise.STATE_NEWER)
            return
        except states.StateCorrupt:
            self._set_aside(Surprise.STATE_CORRUPT)
            return
        self._journal = Journal(self._storage, self.state.generation)
        for entry in self._journal.replay():
            measure = self._catalog.by_code.get(entry.measure)
            if measure is not None and entry.context < len(self.state.contexts):
                context = self.state.contexts[entry.context]
                self._apply(entry.day, context, measure, entry.label, entry.slot, entry.amount)
        if self._journal.empty:
            self._journal.start(self.state.generation)  # wipes what a crash after a checkpoint left

    def _set_aside(self, surprise: Surprise) -> None:
        self._health.note(surprise)
        self._storage.set_aside(states.FILE)
        self.state = State()
        self._save()

    def _save(self) -> None:
        """Replace the state file; the journal so far is void, and wiped, from here on."""
        self.state.generation = self.state.generation % 0xFFFFFFFE + 1
        self._storage.open()
        self._storage.replace(states.FILE, states.encode(self.state))
        if self._journal is None:
            self._journal = Journal(self._storage, self.state.generation)
        self._journal.start(self.state.generation)

    # -- consent ------------------------------------------------------------------------------

    def granted(self, purpose: str) -> bool:
        """Whether a purpose is granted and the Customer's policy allows it."""
        decision, policy = self.state.decisions.get(purpose), self.state.policy
        if decision is None or not decision.granted:
            return False
        return policy is None or (not policy.paused and policy.allows(purpose))

    def decide(self, purposes: Mapping[str, bool], policy: int, today: int) -> None:
        """Store decisions. What was withdrawn is erased when this returns, and counts anew from tomorrow."""
        with self._lock:
            for purpose, granted in purposes.items():
                before = self.state.decisions.get(purpose)
                if granted:
                    from_day = before.from_day if before else today
                    self.state.decisions[purpose] = Decision(True, policy, from_day)
                elif before is None or before.granted:
                    held = before is not None
                    self.state.decisions[purpose] = Decision(False, policy, today + 1 if held else today)
            self._erase({purpose for purpose, granted in purposes.items() if not granted})
            self._save()

    def apply_policy(self, policy: Policy, today: int) -> set[str]:
        """Take over the Customer's policy; returns the purposes it put back to *not decided*."""
        with self._lock:
            self.state.policy_day = today
            undecided = {
                name
                for name, decision in self.state.decisions.items()
                if decision.granted and policy.allows(name) and decision.policy < policy.consent_since[name]
            }
            forbidden = {name for name in self.state.decisions if not policy.allows(name)}
            if policy == self.state.policy and not undecided:
                return set()
            self.state.policy = policy
            for name in undecided:
                del self.state.decisions[name]
            self._erase(undecided | forbidden)
            self._save()
            return undecided

    def _erase(self, purposes: set[str]) -> None:
        """Erase tallies, markers and the queued report's share of these purposes, in memory."""
        measures = self._catalog.measures.values()
        codes = {measure.code for measure in measures if measure.purpose in purposes}
        fields = {dimension.field for dimension, purpose in self._catalog.context.items() if purpose in purposes}
        sealed = self.state.sealed
        touches_context = sealed is not None and any(name in fields for name, _ in sealed.context)
        if sealed is not None and (touches_context or codes & measures_in(part for _, part in sealed.days)):
            if sealed.attempted:
                self._health.note(Surprise.FATE_UNKNOWN)
                sealing.advance(self.state.markers, sealed)
            else:
                sealing.give_back(self.state, sealed)
            self.state.sealed = None
        for day in self.state.days.values():
            day.without(codes.__contains__)
            for part in day.parts:
                part.context = tuple(pair for pair in part.context if pair[0] not in fields)
        markers = self.state.markers
        for code in codes:
            markers.last.pop(code, None)
        if self._catalog.active is not None and self._catalog.active.code in codes:
            markers.first_use = None
        markers.origin = tuple(pair for pair in markers.origin if pair[0] not in fields)
        self.state.contexts = []
        self._context_index = -1

    # -- recording ----------------------------------------------------------------------------

    def countable(self, measure: Measure, day: int) -> bool:
        """Whether a measure is counted on a day: granted, from its day on, and not expired."""
        decision = self.state.decisions.get(measure.purpose)
        return self.granted(measure.purpose) and decision is not None and day >= decision.from_day

    def record(self, day: int, context: Context, measure: Measure, label: int, slot: int, amount: int) -> None:
        """Count something; it survives the death of the process from here on."""
        with self._lock:
            state = self.state
            day = max(day, state.last_day)
            held = state.days.get(day)
            if measure is self._catalog.active and held is not None and (measure.code, WHOLE, Fact.GAP) in held.once:
                return
            journal = self._journal
            known = self._find(context)
            if journal is None or journal.full or not known:
                if not known:
                    self._context_index = len(state.contexts)
                    state.contexts.append(context)
                self._save()
                journal = self._journal
                assert journal is not None
            self._apply(day, context, measure, label, slot, amount)
            journal.append(day, self._context_index, measure.code, label, slot, amount)

    def _find(self, context: Context) -> bool:
        """Point at the number of a context; whether the state file knows it."""
        contexts, index = self.state.contexts, self._context_index
        if 0 <= index < len(contexts) and contexts[index] == context:
            return True
        if context in contexts:
            self._context_index = contexts.index(context)
            return True
        return False

    def _apply(self, day: int, context: Context, measure: Measure, label: int, slot: int, amount: int) -> None:
        """Apply one observation to memory."""
        state = self.state
        state.last_day = max(state.last_day, day)
        held = state.days.get(day)
        if held is None:
            held = state.days[day] = Day()
        if measure is self._catalog.active and state.markers.first_use is None:
            state.markers.first_use = day
            state.markers.origin = context
        if record(held, context, measure, label, slot, amount) < amount:
            self._health.note(Surprise.CLIPPED)

    # -- reports ------------------------------------------------------------------------------

    def seal(self, open_day: int | None, today: int, oldest: int, policy: int, most: int) -> Sealed | None:
        """The report to send next: the one under way, or a new one; durable before it is returned.

        One that was never attempted and is of an earlier day is stamped and sealed anew.
        """
        with self._lock:
            sealed = self.state.sealed
            if sealed is not None and not sealed.attempted and sealed.created != today:
                sealing.give_back(self.state, sealed)
                self.state.sealed = sealed = None
            if sealed is not None:
                return sealed
            self._drop_too_old(oldest)
            taken = sealing.take(self.state, open_day, oldest, most)
            if not taken:
                return None
            purposes = {name: d.policy for name, d in self.state.decisions.items() if self.granted(name)}
            report = sealing.report_of(taken, self.state.markers, self._catalog, purposes, policy, today)
            body = compress(codec.encode_json(report))
            self.state.sealed = Sealed(new_report_id(), body, today, taken[0][1].context, taken)
            self._save()
            return self.state.sealed

    def _drop_too_old(self, oldest: int) -> None:
        for day in [day for day in self.state.days if day < oldest]:
            if self.state.days[day].parts:
                self._health.note(Surprise.DAY_TOO_OLD)
            del self.state.days[day]

    def attempt(self, sealed: Sealed) -> bool:
        """Note durably that the report is about to be sent; ``False`` when it is no longer the one."""
        with self._lock:
            if self.state.sealed is not sealed:
                return False
            if not sealed.attempted:
                sealed.attempted = True
                self._save()
            return True

    def settle(self, sealed: Sealed, change: Callable[[State], None]) -> bool:
        """End the report's way with one durable change; ``False`` when it was erased meanwhile."""
        with self._lock:
            if self.state.sealed is not sealed:
                return False
            self.state.sealed = None
            self.state.attempts = 0
            self.state.not_before = 0.0
            change(self.state)
            self._save()
            return True

    def postpone(self, until: float) -> None:
        """Remember, durably, not to try before a moment."""
        with self._lock:
            self.state.attempts += 1
            self.state.not_before = until
            self._save()

    def schedule(self, due: float) -> None:
        """Remember, durably, when closed days are due."""
        with self._lock:
            self.state.due = due
            self._save()

    def correct_clock(self, server_day: int) -> None:
        """Reset markers and days that a wrong clock put more than two days ahead of the server."""
        with self._lock:
            ahead = [day for day in self.state.days if day > server_day + 2]
            if self.state.markers.forget_after(server_day + 2) or ahead or self.state.last_day > server_day + 2:
                for day in ahead:
                    del self.state.days[day]
                self.state.last_day = min(self.state.last_day, server_day + 1)
                self._health.note(Surprise.CLOCK_RESET)
                self._save()

    def tidy(self, today: int) -> None:
        """Let go of days that are sent and over."""
        with self._lock:
            sealing.forget_sent_days(self.state, today)

    def reset(self) -> None:
        """A new device: everything but the decisions goes."""
        with self._lock:
            decisions, policy = self.state.decisions, self.state.policy
            self.state = State(generation=self.state.generation, decisions=decisions, policy=policy)
            self._context_index = -1
            if self._storage.exists():
                self._save()

    def erase(self) -> None:
        """Everything goes, decisions too, and with them the files."""
        with self._lock:
            if not self._storage.exists():
                return
            self.state = State(generation=self.state.generation)
            self._context_index = -1
            self._save()

    def close(self) -> None:
        """Let go of the files; what was recorded stands in them."""
        with self._lock:
            if self._journal is not None:
                self._journal.close()
                self._journal = None
            self._storage.close()


def seconds_until(draw: random.Random, hours: float) -> float:
    """A random moment of the next hours, in seconds from now."""
    return draw.uniform(0.0, hours * 3600.0)


OLDEST_DAYS = limits.TALLY_PAST_DAYS - 1
"""How many days back a local day is still sent; a day less than the edge takes, for time zones."""
