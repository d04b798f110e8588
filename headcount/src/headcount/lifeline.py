"""A process of the house ends with its supervisor, also with one that was killed."""

from __future__ import annotations

import os
import signal
import threading

STDIN = 0


def hold(fd: int = STDIN) -> None:
    """Have this process told SIGTERM once the other end of a pipe is closed, as the system does for who is killed.

    Two houses would otherwise stand on one folder: one that nobody looks after, and one that cannot start.
    """
    threading.Thread(target=_wait, args=(fd,), name="headcount-lifeline", daemon=True).start()


def _wait(fd: int) -> None:
    while os.read(fd, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
