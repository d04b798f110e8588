"""Sessions on the device: when one begins and ends, and how it ended.

A session is time in use without a pause of 30 minutes, by a clock that nobody sets. Its marks in the journal
let the next start tell a session that crashed from one that was left in the background and ended there. No
session has an id, and none leaves the device: only a length in a bucket, and how many ended clean or crashed.
"""

from __future__ import annotations

from collections.abc import Callable

from headcount_wire.buckets import bucket_of
from headcount_wire.catalog import SESSION_ENDS, Catalog, Measure
from headcount_wire.facts import WHOLE, Fact, Kind

from headcount_sdk.journal import Note

IDLE_SECONDS = 1800.0
CLEAN, CRASHED = SESSION_ENDS.code_of("clean"), SESSION_ENDS.code_of("crashed")

Count = Callable[[Measure, int, Fact, int], None]
"""Counts one: the measure, the label, the fact and its slot."""
Mark = Callable[[Measure, Note, int], bool]
"""Notes, under a measure, where the session stands, with its seconds; whether that was granted."""


class Sessions:
    """The session under way, in memory, with its marks behind it. Times are readings of the monotonic clock."""

    def __init__(self, catalog: Catalog, count: Count, mark: Mark) -> None:
        self._length = catalog.only(Kind.SESSION)
        self._end = catalog.only(Kind.CRASH_FREE)
        self._marked = self._end or self._length
        self._count = count
        self._mark = mark
        self._began: float | None = None
        self._stands = False
        self.front = True
        self.fresh_until = -1.0
        self.screen = WHOLE

    def touch(self, now: float) -> None:
        """The app is in use: the session goes on, or a new one begins."""
        if self._began is not None and now < self.fresh_until:
            self.fresh_until = now + IDLE_SECONDS
            if not self._stands:
                self._note_place(now)  # a grant in the middle of a session
            return
        self.lapse(now)
        self._began = now
        self.fresh_until = now + IDLE_SECONDS
        self.screen = WHOLE
        self._note_place(now)

    def away(self, now: float) -> None:
        """The app went to the background: if it never comes back, the session ended here, and clean."""
        self.front = False
        if self._began is not None and now < self.fresh_until:
            self.fresh_until = now + IDLE_SECONDS
            self._note_place(now)

    def back(self, now: float) -> None:
        """The app came to the front: the same session, if the pause was short."""
        going_on = self._began is not None and now < self.fresh_until
        self.front = True
        self.touch(now)
        if going_on:
            self._note_place(now)

    def lapse(self, now: float) -> None:
        """End the session if its pause has become long."""
        if self._began is not None and now >= self.fresh_until:
            self._over(CLEAN, self.fresh_until - IDLE_SECONDS - self._began)

    def end(self, now: float, *, crashed: bool = False) -> None:
        """The process ends, and the session with it."""
        self.lapse(now)
        if self._began is not None:
            self._over(CRASHED if crashed else CLEAN, None if crashed else now - self._began)

    def recover(self, note: int, seconds: int) -> None:
        """Tell the session that an earlier process left, from its last mark."""
        if note in (Note.OPEN, Note.AWAY):
            crashed = note == Note.OPEN
            self._over(CRASHED if crashed else CLEAN, None if crashed else seconds)

    def forget(self) -> None:
        """Begin anew with the next use; nothing is told of the session so far."""
        self._began = None
        self.fresh_until = -1.0
        self.screen = WHOLE

    def doubt(self, held: int) -> None:
        """What is granted has changed; ``held``: the mark that the device holds now.

        A mark that was erased with its purpose takes the session so far with it.
        """
        if self._stands and held == Note.OVER:
            self.forget()
        self._stands = False

    def _over(self, end: int, seconds: float | None) -> None:
        self.forget()
        self._note(Note.OVER, 0)  # first: to die between costs a session, never adds a crash
        if self._length is not None and seconds is not None:
            self._count(self._length, WHOLE, Fact.BUCKET, bucket_of(round(seconds)))
        if self._end is not None:
            self._count(self._end, end, Fact.COUNT, 0)

    def _note_place(self, now: float) -> None:
        """Only what is in front can crash under somebody's hands; in the back the system ends an app as it likes."""
        if self.front:
            self._note(Note.OPEN, 0)
        elif self._began is not None:
            self._note(Note.AWAY, round(now - self._began))

    def _note(self, note: Note, seconds: int) -> None:
        self._stands = self._marked is None or self._mark(self._marked, note, seconds)
