"""The one owner of a device's state: every change goes through here, under one lock.

Each method that promises durability has made it when it returns: recording by the journal,
everything else by one replacement of the state file.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from headcount_wire.catalog import Catalog, Measure
from headcount_wire.facts import FACTS_OF_KIND, WHOLE, Fact, Kind

from headcount_sdk import funnels
from headcount_sdk import state as states
from headcount_sdk.health import Health, Surprise
from headcount_sdk.journal import AMOUNT_MAX, Journal, Note
from headcount_sdk.journal import FILE as JOURNAL
from headcount_sdk.markers import Context
from headcount_sdk.state import SDK_NAME, State
from headcount_sdk.storage import Closed, Storage
from headcount_sdk.tallies import GAP, Day, measures_in, record

NOTES = int(min(Note))
CONTEXTS_KEPT = 16


class Device:
    """State in memory, journal and file behind it. Raises ``OSError`` when the disk does.

    ``epoch`` rises whenever what may be counted changes, so that others may remember what they asked.
    """

    def __init__(self, storage: Storage, catalog: Catalog, health: Health) -> None:
        self._storage = storage
        self._catalog = catalog
        self._active = catalog.active
        self._declared = _declared(catalog)
        self._health = health
        self._lock = threading.RLock()
        self._journal: Journal | None = None
        self._context_index = -1
        self._open = False
        self.epoch = 0
        self.erasures = 0
        self.state = State()

    @property
    def holds_anything(self) -> bool:
        """Whether anything was ever stored here."""
        return self._storage.holds(states.FILE)

    @property
    def is_open(self) -> bool:
        """Whether anything can be recorded."""
        return self._open

    # -- opening ------------------------------------------------------------------------------

    def open(self) -> bool:
        """Read what an earlier run left, if it left anything; makes nothing where there is nothing.

        ``False`` when it was open already.
        """
        with self._lock:
            if self._open:
                return False
            self._open = True
            if self._storage.holds(states.FILE):
                self._storage.open()
                self._recover()
            elif self._storage.holds(JOURNAL) or self._storage.holds(states.SENT):
                self._storage.open()
                self._clear_away()  # what an erasure left that was cut short
            return True

    def _recover(self) -> None:
        self._storage.remove(states.FILE + ".new")
        data = self._storage.read(states.FILE)
        if not data:  # an empty one was erased where nothing could be removed
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
        if self._journal.damaged:
            self._health.note(Surprise.JOURNAL_CORRUPT)
        for entry in self._journal.replay():
            measure = self._catalog.by_code.get(entry.measure)
            if measure is not None and entry.context < len(self.state.contexts):
                context = self.state.contexts[entry.context]
                fact = entry.fact or _FIRST_VERSION[measure.kind]
                self._apply(entry.day, context, measure, entry.label, fact, entry.slot, entry.amount)
        if self._journal.empty:
            self._journal.start(self.state.generation)  # wipes what a crash after a checkpoint left
        self._forget_undeclared()

    def _forget_undeclared(self) -> None:
        """Erase what this catalog does not declare any more, or declares otherwise: nobody could withdraw it."""
        state = self.state
        parts = [part for held in state.days.values() for part in held.parts]
        parts += [part for _, part in state.sealed.days] if state.sealed else []
        held = {*measures_in(parts), *state.markers.last, *state.funnels}
        held |= {code for day in state.days.values() for code, _ in day.values}
        before = state.declared or self._declared  # the first version did not say what its codes stood for
        codes = {code for code in held if code not in self._declared or self._declared[code] != before.get(code)}
        gone = state.decisions.keys() - self._catalog.purposes.keys()
        state.decisions = {name: d for name, d in state.decisions.items() if name in self._catalog.purposes}
        declared = {dimension.field for dimension in self._catalog.context}
        fields = {name for part in parts for name, _ in part.context} - declared
        fields |= {name for name, _ in state.markers.origin} - declared
        if codes or fields or gone:
            self._erase(codes, fields)
            self.save()

    def _set_aside(self, surprise: Surprise) -> None:
        self._health.note(surprise)
        self._storage.set_aside(states.FILE)
        self.state = State()
        self.save()

    @contextmanager
    def changing(self) -> Iterator[State]:
        """Hold the lock; who changes the state calls ``save`` before letting go. Raises ``Closed``."""
        with self._lock:
            if not self._open:
                raise Closed
            yield self.state

    def save(self) -> None:
        """Replace the state file; the journal so far is void, and wiped, from here on. Raises ``Closed``."""
        if not self._open:
            raise Closed
        self.state.generation = self.state.generation % 0xFFFFFFFE + 1
        self.state.declared = self._declared
        self._storage.open()
        self._storage.replace(states.FILE, states.encode(self.state))
        if self._journal is None:
            self._journal = Journal(self._storage, self.state.generation)
        self._journal.start(self.state.generation)

    # -- consent ------------------------------------------------------------------------------

    def granted(self, purpose: str) -> bool:
        """Whether a purpose is granted, no outside signal refuses it, and the Customer's policy allows it."""
        state = self.state
        decision = state.decisions.get(purpose)
        if decision is None or not decision.granted or self.refused_by(purpose):
            return False
        policy = state.policy
        return policy is None or (not policy.paused and policy.takes(SDK_NAME) and policy.allows(purpose))

    def grants_anything(self) -> bool:
        """Whether any purpose is granted in this sense."""
        return any(self.granted(name) for name in self.state.decisions)

    def consented(self) -> bool:
        """Whether the user granted anything, whatever the Customer's policy says of it now."""
        return any(d.granted and not self.refused_by(name) for name, d in self.state.decisions.items())

    def refused_by(self, purpose: str) -> str | None:
        """The outside signal that says no to a purpose, if one does: it wins over a yes."""
        return next((name for name, purposes in self.state.refusing.items() if purpose in purposes), None)

    def erase_and_save(self, purposes: set[str], fields: set[str] | None = None) -> None:
        """Erase what is held for these purposes and context fields, and make the state durable with it."""
        self.erasures += 1
        if purposes or fields:
            # Before the decision stands: a crash between must not leave what was sent or set aside.
            self._forget_sent()
            self._storage.remove(states.FILE + ".bad")
            measures = self._catalog.measures.values()
            codes = {measure.code for measure in measures if measure.purpose in purposes}
            of_purposes = {dim.field for dim, purpose in self._catalog.context.items() if purpose in purposes}
            self._erase(codes, of_purposes | (fields or set()))
        self.epoch += 1
        try:
            self.save()
        except OSError:
            if not purposes and not fields:
                raise
            # No room to write what is left. A no must hold all the same, and removing needs no room.
            self._health.note(Surprise.DISK)
            self._remove_all()

    def _remove_all(self) -> None:
        """Forget everything, decisions too, without writing anything: what is not decided is denied."""
        self.erasures += 1
        self.state = State(generation=self.state.generation)
        self._context_index = -1
        self.epoch += 1
        # The state first: without it the rest says nothing, and the next start clears it away.
        for name in (states.FILE, states.FILE + ".new", states.FILE + ".bad"):
            self._storage.remove(name)
        if self._journal is not None:
            self._journal.start(self.state.generation)
            self._journal.close()
            self._journal = None
        self._clear_away()

    def _clear_away(self) -> None:
        self._storage.remove(JOURNAL)
        self._forget_sent()

    def _forget_sent(self) -> None:
        self._storage.remove(states.SENT)
        self._storage.remove(states.SENT + ".new")

    def _erase(self, codes: set[int], fields: set[str]) -> None:
        """Erase these measures' tallies, markers and share of the queued report, and context fields, in memory."""
        state = self.state
        sealed = state.sealed
        stated = (*sealed.context, *state.markers.origin) if sealed is not None else ()
        if sealed is not None and (
            _without(stated, fields) != stated or codes & measures_in(part for _, part in sealed.days)
        ):
            if sealed.attempted:
                self._health.note(Surprise.FATE_UNKNOWN)
                states.advance(state.markers, sealed)
            else:
                states.give_back(state, sealed)
            state.sealed = None
        for day in state.days.values():
            day.without(codes.__contains__)
            for part in day.parts:
                part.context = _without(part.context, fields)
            day.values = {key: (n, _without(context, fields)) for key, (n, context) in day.values.items()}
        funnels.forget(state.funnels, codes.__contains__, fields)
        if any(m.code in codes for m in map(self._catalog.only, (Kind.SESSION, Kind.CRASH_FREE)) if m):
            state.session = (Note.OVER, 0)
        markers = state.markers
        for code in codes:
            markers.last.pop(code, None)
        if self._catalog.active is not None and self._catalog.active.code in codes:
            markers.first_use = None
        markers.origin = _without(markers.origin, fields)
        state.contexts = []
        self._context_index = -1

    # -- recording ----------------------------------------------------------------------------

    def countable(self, measure: Measure, day: int) -> bool:
        """Whether a measure is counted on a day: granted, and from its day on."""
        decision = self.state.decisions.get(measure.purpose)
        return self.granted(measure.purpose) and decision is not None and day >= decision.from_day

    def awaits(self, funnel: Measure, step: int, minute: int) -> bool:
        """Whether a step of a funnel would change anything."""
        with self._lock:
            return funnels.advances(self.state.funnels, funnel, step, minute)

    def record(
        self, epoch: int, day: int, context: Context, measure: Measure, label: int, fact: int, slot: int, amount: int
    ) -> bool:
        """Count something, or note it; it survives the death of the process from here on.

        ``epoch``: when the caller asked what may be counted. ``False`` when that has changed since: ask again.
        """
        with self._lock:
            if epoch != self.epoch or not self._open:
                return False
            state = self.state
            if day < state.last_day:
                day = state.last_day
            held = state.days.get(day)
            if measure is self._active and held is not None and (measure.code, WHOLE, GAP) in held.once:
                return True
            journal = self._journal
            at, contexts = self._context_index, state.contexts
            known = (0 <= at < len(contexts) and contexts[at] is context) or self._find(context)
            if journal is None or journal.full or not known:
                if not known:
                    # The save that follows voids the journal, and with it every number of a context but this one's.
                    state.contexts = [*state.contexts[1 - CONTEXTS_KEPT :], context]
                    self._context_index = len(state.contexts) - 1
                self.save()
                journal = self._journal
                assert journal is not None
            if amount > AMOUNT_MAX:
                amount = AMOUNT_MAX
            self._apply(day, context, measure, label, fact, slot, amount)
            journal.append(day, self._context_index, measure.code, label, fact, slot, amount)
            return True

    def _find(self, context: Context) -> bool:
        """Point at the number of a context; whether the state file knows it."""
        contexts = self.state.contexts
        if context in contexts:
            self._context_index = contexts.index(context)
            return True
        return False

    def _apply(
        self, day: int, context: Context, measure: Measure, label: int, fact: int, slot: int, amount: int
    ) -> None:
        """Apply one observation or note to memory."""
        state = self.state
        if fact >= NOTES:
            if fact == Note.STEP:
                funnels.advance(state.funnels, measure, slot, amount, day, context)
            else:
                state.session = (fact, amount)
            return
        if day > state.last_day:
            state.last_day = day
        held = state.days.get(day)
        if held is None:
            held = state.days[day] = Day()
        if measure is self._active and state.markers.first_use is None:
            state.markers.first_use = day
            state.markers.origin = context
        if record(held, context, measure, label, fact, slot, amount) < amount:
            self._health.note(Surprise.CLIPPED)

    # -- the user's rights --------------------------------------------------------------------

    def reset(self) -> None:
        """A new device: everything but the decisions, switches and signals goes."""
        with self._lock:
            old = self.state
            self.state = State(
                generation=old.generation,
                decisions=old.decisions,
                policy=old.policy,
                refusing=old.refusing,
                off=old.off,
                events=old.events,
                host=old.host,
            )
            self._start_anew()

    def erase(self) -> None:
        """Everything goes, decisions too, and with them the files."""
        with self._lock:
            self._remove_all()

    def _start_anew(self) -> None:
        self.erasures += 1
        self._context_index = -1
        self.epoch += 1
        if self._storage.holds(states.FILE):
            self._forget_sent()
            self._storage.remove(states.FILE + ".bad")
            self.save()

    def close(self) -> None:
        """Let go of the files; what was recorded stands in them, and nothing is written any more."""
        with self._lock:
            self._open = False
            if self._journal is not None:
                self._journal.close()
                self._journal = None
            self._storage.close()

    def abandon(self) -> None:
        """This is the child of a fork: the files are the parent's. Takes no lock: another thread may have held it."""
        self._open = False
        self._lock = threading.RLock()
        self._journal = None
        self._storage.close()


def _declared(catalog: Catalog) -> dict[int, str]:
    """What each code stands for: where that changes, what was counted under it belongs to nothing any more."""
    return {code: f"{m.name} {m.kind} {m.purpose}" for code, m in catalog.by_code.items()}


def _without(context: Context, fields: set[str]) -> Context:
    return tuple(pair for pair in context if pair[0] not in fields)


_FIRST_VERSION = {
    kind: Fact.COUNT if kind is Kind.COUNTER else Fact.BUCKET if Fact.BUCKET in facts else Fact.DEVICES
    for kind, facts in FACTS_OF_KIND.items()
}
"""What an entry of the first version's journal observed; it stated no fact."""
