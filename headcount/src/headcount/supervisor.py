"""Keeps the processes of one machine running, and stops them so that nothing is lost.

Each process is one ``python -m headcount.role``. A process that ends by itself is started again,
after a pause that doubles while it keeps failing. On stop the edges drain first (no report is
taken that is not spooled), then the web process, then the store. A terminal's signals reach the
supervisor alone, which stops the others in their order. Each process hears by its standard input that
the supervisor is gone, however it went, and stops too (``headcount.lifeline``).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from headcount.notify import Notifier

log: structlog.stdlib.BoundLogger = structlog.get_logger("headcount.supervisor")

PAUSE_FIRST_SECONDS = 0.2
PAUSE_MOST_SECONDS = 30.0
STEADY_SECONDS = 10.0
STOP_SECONDS = 30.0
"""What each of the steps of a stop may take: edges, web process, store."""


@dataclass(slots=True)
class Role:
    """One process to keep running: a name, and the arguments of ``headcount.role``.

    ``reloads``: whether it takes SIGHUP for "read keys and policies again"; the others look by themselves.
    ``secrets``: environment variables that this process gets and no other one.
    """

    name: str
    arguments: Sequence[str]
    stop_order: int
    reloads: bool = False
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    started: float = field(default=0.0, init=False)
    pause: float = field(default=PAUSE_FIRST_SECONDS, init=False)
    due: float = field(default=0.0, init=False)

    @property
    def pid(self) -> int:
        """The process id; 0 while there is no process."""
        return self.process.pid if self.process and self.process.poll() is None else 0


class Supervisor:
    """Starts roles, restarts them, stops them in order.

    ``output`` receives their stderr. ``notifier`` hears that the supervisor lives. ``failed``: whether it cannot
    go on; it has told its own process to end then.
    """

    def __init__(self, roles: Sequence[Role], output: int | None = None, notifier: Notifier | None = None) -> None:
        self.roles = {role.name: role for role in roles}
        self._output = output
        self._notifier = notifier or Notifier({})
        self._reload_asked = False
        self.failed = False
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._watcher: threading.Thread | None = None

    def start(self) -> None:
        """Start every role and the thread that watches them."""
        with self._lock:
            for role in self.roles.values():
                self._spawn(role)
        self._watcher = threading.Thread(target=self._watch, name="headcount-supervisor", daemon=True)
        self._watcher.start()

    def pids(self) -> Mapping[str, int]:
        """The process id of each role that runs."""
        return {name: role.pid for name, role in self.roles.items() if role.pid}

    def reload(self) -> None:
        """Have every process that reloads do so, soon; takes no lock."""
        self._reload_asked = True

    def kill(self, name: str) -> int:
        """SIGKILL a role's process, as a crash would; it is started again. Returns its id."""
        with self._lock:
            role = self.roles[name]
            pid = role.pid
            if pid:
                os.kill(pid, signal.SIGKILL)
                assert role.process is not None
                role.process.wait()
            return pid

    def stop(self, patience_seconds: float = STOP_SECONDS) -> None:
        """SIGTERM in stop order, each group awaited; SIGKILL for what outlasts the patience."""
        self._stopping.set()
        if self._watcher:
            self._watcher.join()
        with self._lock:
            for order in sorted({role.stop_order for role in self.roles.values()}):
                group = [role for role in self.roles.values() if role.stop_order == order]
                for role in group:
                    if role.process and role.process.poll() is None:
                        with contextlib.suppress(ProcessLookupError):
                            role.process.terminate()
                deadline = time.monotonic() + patience_seconds
                for role in group:
                    self._await_end(role, deadline)

    def _await_end(self, role: Role, deadline: float) -> None:
        if role.process is None:
            return
        try:
            role.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.warning("role_killed", role=role.name)
            role.process.kill()
            role.process.wait()
        _close_lifeline(role.process)

    def _spawn(self, role: Role) -> None:
        command = [sys.executable, "-m", "headcount.role", "--lifeline", *role.arguments]
        others = {name for one in self.roles.values() for name in one.secrets}
        environment = {name: value for name, value in os.environ.items() if name not in others} | dict(role.secrets)
        # Until it listens to SIGHUP, one would end it: it is born with the signal held back, and lets it in.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
        try:
            role.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stderr=self._output, process_group=0, env=environment
            )
        except OSError as error:  # no memory, or no process, to be had now
            self._rest(role)
            log.error("role_not_started", role=role.name, error=error.strerror, again_in_seconds=role.pause)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        role.started = time.monotonic()

    def _rest(self, role: Role) -> None:
        """Let a role that failed wait, longer each time."""
        role.pause = min(PAUSE_MOST_SECONDS, role.pause * 2)
        role.due = time.monotonic() + role.pause

    def _watch(self) -> None:
        try:
            self._watch_until_stopped()
        except Exception as error:  # the last resort: a house that nobody looks after ends, and is started anew
            log.error("supervisor_failed", kind=type(error).__name__)
            self.failed = True
            os.kill(os.getpid(), signal.SIGTERM)

    def _watch_until_stopped(self) -> None:
        while not self._stopping.wait(0.05):
            self._notifier.alive()
            with self._lock:
                for role in self.roles.values():
                    self._look_after(role)
                if self._reload_asked:
                    self._reload_asked = False
                    self._tell_to_reload()
                if os.getpid() == 1:
                    self._reap_strangers()

    def _tell_to_reload(self) -> None:
        for role in self.roles.values():
            if role.reloads and role.pid:
                os.kill(role.pid, signal.SIGHUP)
        log.info("reload_asked", role="supervisor")

    def _reap_strangers(self) -> None:
        """The first process of a container inherits whatever lost its parent there, and has to take its end."""
        ours = {role.process.pid for role in self.roles.values() if role.process}
        while True:
            try:
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if found is None or found.si_pid in ours:
                return
            os.waitpid(found.si_pid, 0)

    def _look_after(self, role: Role) -> None:
        now = time.monotonic()
        if role.process is not None and (code := role.process.poll()) is not None:
            _close_lifeline(role.process)
            role.process = None
            if now - role.started > STEADY_SECONDS:
                role.pause = PAUSE_FIRST_SECONDS / 2
            self._rest(role)
            log.warning("role_ended", role=role.name, code=code, again_in_seconds=role.pause)
        if role.process is None and now >= role.due and not self._stopping.is_set():
            self._spawn(role)


def _close_lifeline(ended: subprocess.Popen[bytes]) -> None:
    assert ended.stdin is not None
    ended.stdin.close()
