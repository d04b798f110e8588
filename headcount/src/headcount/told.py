"""What signals tell the process that runs the house: to stop, or to read keys and policies again."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable

READ_BYTES = 512


class Told:
    """Listens to SIGTERM, SIGINT and SIGHUP from now on; for the main thread, once in a process.

    Each signal is a byte in a pipe, written by the interpreter at the moment it comes: no lock is taken that
    interrupted code could hold, and none is missed that comes just before a wait begins. SIGHUP asks for a
    reload; where the process had a terminal and it is gone, for the end.
    """

    def __init__(self, reload: Callable[[], None]) -> None:
        self._reload = reload
        self._stop = False
        self._had_terminal = _terminal()
        self._heard, written = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._poll = select.poll()
        self._poll.register(self._heard, select.POLLIN)
        signal.set_wakeup_fd(written, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: None)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for what comes next, so many seconds at most; returns whether it is time to stop."""
        until = None if timeout is None else time.monotonic() + timeout
        while not self._stop:
            left = None if until is None else max(0.0, until - time.monotonic()) * 1000  # reloads asked for end no wait
            if not self._poll.poll(left):
                return False
            for number in os.read(self._heard, READ_BYTES):
                if number == signal.SIGHUP and not (self._had_terminal and not _terminal()):
                    self._reload()
                elif number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                    self._stop = True
        return True


def _terminal() -> bool:
    """Whether the process has a terminal that controls it."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
