"""The whole house on one machine: which processes there are, and when they are ready."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import random
import socket
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from headcount.notify import Notifier
from headcount.settings import Settings
from headcount.supervisor import Role, Supervisor

POLL_SECONDS = 0.02
WAREHOUSE = "HEADCOUNT_WAREHOUSE"
"""The environment variable that says where the warehouse is."""

PORTS = range(20_000, 32_000)
_draws = itertools.cycle(random.SystemRandom().sample(PORTS, len(PORTS)))


class NotReadyError(Exception):
    """A process did not come up in time; says which, and what it answered last."""


class StoppedError(Exception):
    """Whoever waited was told to stop."""


class Stop(Protocol):
    """What says that it is time to stop: a ``threading.Event``, or who listens to signals."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait so many seconds at most; returns whether it is time."""
        ...


class Stack:
    """Edge workers, store and web process, supervised. With ``clock_file`` they share its clock.

    Use it as a context manager: leaving it stops every process, edges first.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock_file: Path | None = None,
        log: Path | None = None,
        notifier: Notifier | None = None,
    ) -> None:
        self.settings = settings
        self._log = log.open("ab") if log else None
        output = self._log.fileno() if self._log else None
        self.supervisor = Supervisor(roles_of(settings, clock_file), output, notifier)

    def __enter__(self) -> Stack:
        self.settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.supervisor.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.supervisor.stop()
        if self._log:
            self._log.close()

    @property
    def edge(self) -> str:
        """Where devices report to."""
        scheme = "https" if self.settings.tls_certificate else "http"
        return f"{scheme}://{self.settings.edge_host}:{self.settings.edge_port}"

    @property
    def dashboard(self) -> str:
        """Where people look."""
        return f"http://{self.settings.dashboard_host}:{self.settings.dashboard_port}"

    def await_ready(self, seconds: float = 60.0, stop: Stop | None = None) -> None:
        """Return when every process answers that it is ready.

        Raises ``NotReadyError``, or ``StoppedError`` when ``stop`` is set meanwhile.
        """
        deadline = time.monotonic() + seconds
        settings = self.settings
        for number in range(settings.workers):
            ask = partial(_get, settings.admin_host, settings.admin_port + number, "/readyz")
            _await(f"edge {number}", ask, deadline, stop)
        _await("store", lambda: store_health(settings.data), deadline, stop)
        _await("web", lambda: _get(settings.dashboard_host, settings.dashboard_port, "/readyz"), deadline, stop)

    def await_settled(self, moment: float, seconds: float = 120.0) -> dict[str, Any]:
        """Return when the store has done all that was due at a moment of its clock.

        Everything the edge had acknowledged by then is loaded, and what was frozen is released.
        """
        deadline = time.monotonic() + seconds

        def settled() -> dict[str, Any] | None:
            health = store_health(self.settings.data)
            return health if health and health.get("settled_through", 0.0) >= moment else None

        return _await("store", settled, deadline)


def roles_of(settings: Settings, clock_file: Path | None = None) -> Sequence[Role]:
    """One role per process: the edge workers, the store, the web process.

    Where the warehouse is, the store alone is told, and not on its command line, which others can read.
    """
    shared = ["--settings", settings.model_dump_json(exclude={"warehouse"})]
    if clock_file:
        shared += ["--clock-file", str(clock_file)]
    edges = [
        Role(f"edge-{number}", ("edge", "--worker", str(number), *shared), stop_order=0, reloads=True)
        for number in range(settings.workers)
    ]
    return [
        *edges,
        Role("web", ("web", *shared), stop_order=1),
        Role("store", ("store", *shared), stop_order=2, secrets={WAREHOUSE: settings.warehouse}),
    ]


def store_health(data: Path) -> dict[str, Any] | None:
    """What the store last said of itself; ``None`` before it said anything."""
    try:
        found: dict[str, Any] = json.loads((data / "store.json").read_bytes())
    except (OSError, ValueError):
        return None
    return found


def _get(host: str, port: int, path: str) -> dict[str, Any] | None:
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return {"status": answer.status} if answer.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _await(
    name: str, ask: Callable[[], dict[str, Any] | None], deadline: float, stop: Stop | None = None
) -> dict[str, Any]:
    stop = stop or threading.Event()
    while time.monotonic() < deadline:
        if (answer := ask()) is not None:
            return answer
        if stop.wait(POLL_SECONDS):
            raise StoppedError
    raise NotReadyError(f"the {name} process did not become ready in time; its log says why")


def free_port(preferred: int = 0, host: str = "127.0.0.1") -> int:
    """A loopback port that nothing listens on now: the preferred one, if it is free.

    Others come from below the range that systems give to outgoing connections, so that none of
    those takes it before it is used; and none comes twice before all the others came, so that two
    servers that are still to start do not get the same one.
    """
    tries = [preferred] if preferred else []
    for port in itertools.chain(tries, itertools.islice(_draws, 1000)):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind((host, port))
            return port
    raise OSError("no loopback port is free")
