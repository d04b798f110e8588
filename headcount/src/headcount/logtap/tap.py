"""The path of a line, top to bottom: read, count, keep with the place in the log, hand over."""

from __future__ import annotations

import threading
from typing import Protocol

from headcount_sdk.background import Background
from headcount_wire import days
from headcount_wire.clock import Clock

from headcount.logtap.ledger import Ledger
from headcount.logtap.reading import Reader
from headcount.logtap.sources import Source

CHECKPOINT_SECONDS = 2.0
WAKE_SECONDS = 5.0
STOP_SECONDS = 25.0
PIECES_DRAINED = 64


class Hands(Protocol):
    """Who hands counts over."""

    def pump(self, *, now: bool = False) -> None:
        """Hand over what is due, or all there is."""
        ...

    def ask_policy(self) -> None:
        """Ask what may be counted."""
        ...


class Tap:
    """One log, one reader, one ledger; ``sender``: ``None`` for a look that hands over nothing."""

    def __init__(self, source: Source, reader: Reader, ledger: Ledger, sender: Hands | None, clock: Clock) -> None:
        self._source = source
        self._reader = reader
        self._ledger = ledger
        self._sender = sender
        self._clock = clock

    def run(self, stop: threading.Event, *, once: bool = False) -> None:
        """Count until told to stop, or until the lines end; then, if they ended, hand over all there is.

        Uploads have a thread of their own: whoever writes to a pipe must not wait for a network.
        """
        self._ledger.begin_at(self._source.position)
        background = Background(self._sender.pump) if self._sender is not None and not once else None
        if background is not None:
            background.start()
            background.wake()
        elif self._sender is not None:
            self._sender.ask_policy()
            if not self._ledger.allowed and not self._ledger.state.lines.total():
                # A first try under a policy that was not made for it: what is read now could not be read again.
                self._sender.pump(now=True)
                self._source.close()
                return
        kept = woken = self._clock.monotonic()
        while not stop.is_set():
            counted = self._count()
            now = self._clock.monotonic()
            if now - kept >= CHECKPOINT_SECONDS:
                self._ledger.checkpoint()
                kept = now = self._clock.monotonic()
            if background is not None and now - woken >= WAKE_SECONDS:
                background.wake()
                woken = now
            if not counted:
                if self._source.ended:
                    break
                self._source.wait(CHECKPOINT_SECONDS - (now - kept))
        if background is not None:
            background.stop(STOP_SECONDS)
        if stop.is_set() and self._source.position is None:
            self._drain()
        self._ledger.checkpoint()
        if self._source.ended and self._sender is not None:
            self._sender.pump(now=True)
        self._source.close()

    def _count(self) -> bool:
        """Count the next piece; whether there was one."""
        piece = self._source.read()
        if piece is None:
            return False
        self._ledger.take(self._reader.count(piece.lines), piece, days.utc_day(self._clock.now()))
        return True

    def _drain(self) -> None:
        """Count what already lies in a pipe: whoever wrote it will not write it again."""
        for _ in range(PIECES_DRAINED):
            if not self._count():
                return
