"""A server process of a test: started with a configuration of its own, ended by its process id."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

INSTALL = "sh tests/servers.sh"
START_SECONDS = 90.0
LISTEN = "0A"
"""How the system's table of sockets says that one listens."""


class NotInstalledError(Exception):
    """A server that the tests need is not on this machine; the text says how to install it."""


class PortTakenError(Exception):
    """Between the choice of a port and its use another program took it: choose again."""


def program(name: str) -> str:
    """The path of an installed program; raises ``NotInstalledError``."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if not found:
        raise NotInstalledError(f"{name} is not installed; install it with: {INSTALL}")
    return found


def await_that(holds: Callable[[], bool], what: str, seconds: float = START_SECONDS) -> None:
    """Return once something holds; looked at often, for a bounded time."""
    pause, deadline = threading.Event(), time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        pause.wait(0.05)


class ServerProcess:
    """One process in a folder: start, kill, freeze and thaw it, and start it again where it was."""

    def __init__(
        self, folder: Path, command: Sequence[str], port: int, environment: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.port = port
        self._command = command
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The id of the process that runs; an error while none does."""
        assert self._process is not None
        assert self._process.poll() is None, f"{self._command[0]} has ended; see {self.folder}/output"
        return self._process.pid

    def start(self, *, wait: bool = True) -> None:
        """Start the process and, with ``wait``, return once it accepts connections."""
        assert self._process is None
        with (self.folder / "output").open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                env=self._environment,
                start_new_session=True,
            )
        if wait:
            self.await_answer()

    def await_answer(self) -> None:
        """Return once the process answers."""
        await_that(lambda: self._runs() and self.listens_alone() and self.answers(), self._command[0])

    def answers(self) -> bool:
        """Whether the process accepts connections."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1.0):
            return True
        return False

    def _runs(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None and self._said("Address already in use"):
            self._process = None
            raise PortTakenError(f"{self._command[0]}: see {self.folder}")
        return bool(self.pid)

    def _said(self, words: str) -> bool:
        logs = (self.folder / name for name in ("output", "errors"))
        return any(words in log.read_text("utf-8", "replace") for log in logs if log.exists())

    def listens_alone(self) -> bool:
        """Whether this very process, and no other one, listens on its port."""
        tables = (Path(f"/proc/net/{name}") for name in ("tcp", "tcp6"))
        lines = [line.split() for table in tables if table.exists() for line in table.read_text().splitlines()[1:]]
        listening = {words[9] for words in lines if words[1].endswith(f":{self.port:04X}") and words[3] == LISTEN}
        assert self._process is not None
        held: set[str] = set()
        with contextlib.suppress(OSError):  # it ended meanwhile: then it holds none
            for link in Path(f"/proc/{self._process.pid}/fd").iterdir():
                with contextlib.suppress(OSError):  # closed meanwhile
                    held.add(str(link.readlink()))
        return len(listening) == 1 and all(f"socket:[{inode}]" in held for inode in listening)

    def kill(self) -> int:
        """SIGKILL the process; returns its id."""
        return self._end(signal.SIGKILL)

    def stop(self, patience_seconds: float = 3.0) -> None:
        """End the process: SIGTERM, and SIGKILL for what outlasts the patience."""
        if self._process is not None:
            self.thaw()
            self._end(signal.SIGTERM, patience_seconds)

    def freeze(self) -> None:
        """SIGSTOP: the process keeps its connections and answers nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        if self._process is not None and self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGCONT)

    def _end(self, number: signal.Signals, patience_seconds: float = 3.0) -> int:
        assert self._process is not None
        process, self._process = self._process, None
        process.send_signal(number)
        try:
            process.wait(patience_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        return process.pid


class Startable(Protocol):
    """What is started, and stopped whatever became of its start."""

    def start(self) -> None:
        """Return once it answers."""
        ...

    def stop(self) -> None:
        """End it."""
        ...


Started = TypeVar("Started", bound=Startable)
TRIES = 3


@contextlib.contextmanager
def started(make: Callable[[], Started]) -> Iterator[Started]:
    """What ``make`` makes, started, and stopped afterwards; made anew when somebody else took one of its ports."""
    for tries_left in reversed(range(TRIES)):
        found = make()
        try:
            try:
                found.start()
            except PortTakenError:
                if not tries_left:
                    raise
                continue
            yield found
            return
        finally:
            found.stop()
