"""The thread that does what is due, every minute or when it is woken. Without threads, ``flush`` does it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

EVERY_SECONDS = 60.0


class Background:
    """Calls ``pump`` on a daemon thread of its own."""

    def __init__(self, pump: Callable[[], object]) -> None:
        self._pump = pump
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, if the system has threads."""
        self._wake.clear()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(self._stop,), name="headcount", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # a Python without threads: uploads happen on flush()
            self._thread = None

    def wake(self) -> None:
        """Do now what is due."""
        self._wake.set()

    def stop(self, timeout: float) -> None:
        """Stop, and wait at most so many seconds for an upload under way."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)
        self._thread = None

    def _run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self._wake.wait(EVERY_SECONDS)
            self._wake.clear()
            if not stop.is_set():
                with contextlib.suppress(BaseException):  # a callback's SystemExit must not end the uploads
                    self._pump()
