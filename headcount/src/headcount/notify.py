"""What a service manager is told: ready, stopping, still alive (systemd's datagrams, sd_notify(3)).

Where no manager asked to be told, nothing is sent. The processes of the house do not inherit the address.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import MutableMapping

TELL_SECONDS = 1.0
"""How long a manager that is busy is waited for, when something is told once."""


class Notifier:
    """Tells the manager named in the environment; takes its names out of it."""

    def __init__(self, environment: MutableMapping[str, str] | None = None) -> None:
        found = os.environ if environment is None else environment
        address = found.pop("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        period, pid = found.pop("WATCHDOG_USEC", ""), found.pop("WATCHDOG_PID", str(os.getpid()))
        asked = period.isdecimal() and pid == str(os.getpid())
        self._pause = int(period) / 2e6 if asked else float("inf")
        self._due = 0.0

    def ready(self, status: str) -> None:
        """Everything answers; ``status`` stands beside the service's name."""
        self._tell(f"READY=1\nSTATUS={status}")

    def stopping(self) -> None:
        """The end has begun."""
        self._tell("STOPPING=1\nSTATUS=stopping: the edges drain first")

    def alive(self) -> None:
        """Call often: tells that we live, twice in each period the manager allows."""
        now = time.monotonic()
        if self._pause != float("inf") and now >= self._due:
            self._due = now + self._pause
            self._tell("WATCHDOG=1", patience_seconds=0.0)

    def _tell(self, text: str, patience_seconds: float = TELL_SECONDS) -> None:
        if self._address:
            # A manager that does not listen, or is gone, must not hold up or end what it manages.
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
                told.settimeout(patience_seconds)
                told.sendto(text.encode(), self._address)
