"""What signals tell the process that runs the house: to stop, or to read keys and policies again."""

from __future__ import annotations

import os
import queue
import signal
from collections.abc import Callable
from types import FrameType


class Told:
    """Listens to SIGTERM, SIGINT and SIGHUP from now on; for the main thread.

    A handler only puts a number into a queue that may be put into at any moment: it takes no lock that the
    interrupted code could hold. SIGHUP asks for a reload; where the process had a terminal and it is gone, for the end.
    """

    def __init__(self, reload: Callable[[], None]) -> None:
        self._reload = reload
        self._heard: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._stop = False
        self._had_terminal = _terminal()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._hear)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for what comes next, so many seconds at most; returns whether it is time to stop."""
        while not self._stop:
            try:
                number = self._heard.get(timeout=timeout)
            except queue.Empty:
                return False
            if number == signal.SIGHUP and not (self._had_terminal and not _terminal()):
                self._reload()
                if timeout is not None:
                    return False
            else:
                self._stop = True
        return True

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        self._heard.put(number)


def _terminal() -> bool:
    """Whether the process has a terminal that controls it."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
