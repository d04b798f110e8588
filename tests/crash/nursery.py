"""A warm parent of edge workers: everything is imported, and a worker is a fork away.

``python -m tests.crash.nursery`` reads a line of JSON for each worker to start, and forks a process in which
``headcount_ingest.worker.run`` runs as in production. It is the parent that waits for their deaths, and it
tells of each. What workers log goes the same way, so that the order of lines is the order of events.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import json
import os
import selectors
import signal
import socket
import sys
from dataclasses import asdict, fields
from pathlib import Path
from types import TracebackType
from typing import Any

from headcount_ingest.settings import EdgeSettings

from tests.crash.variants import VARIANTS

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 120.0
GO = {signal.SIGCONT}
_DEATH_OF_PARENT = 1  # PR_SET_PDEATHSIG


class Process:
    """One worker's process. ``ended`` has its exit code, or minus the signal that ended it; ``said`` what it logged."""

    def __init__(self, worker: str, pid: int) -> None:
        loop = asyncio.get_running_loop()
        self.worker = worker
        self.pid = pid
        self.said: list[str] = []
        self.ready: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[int] = loop.create_future()

    @property
    def serves(self) -> bool:
        """Whether it answers, as far as is known."""
        return self.ready.done() and not self.ended.done()

    def send(self, number: signal.Signals) -> None:
        """Send this process a signal; it may be gone already."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    async def end(self, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal and return what the process ended with."""
        self.send(number)
        return await asyncio.wait_for(asyncio.shield(self.ended), PATIENCE_SECONDS)

    async def is_ready(self) -> None:
        """Return when the process serves; fails when it ends before."""
        await asyncio.wait((self.ready, self.ended), timeout=PATIENCE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        assert self.serves, "\n".join([f"{self.worker} did not begin to serve", *self.said])


class Nursery:
    """The parent's process; leaving it ends every worker.

    ``said``: what workers logged beyond start and stop. ``news``: is done with the next line that the parent tells.
    """

    def __init__(self) -> None:
        self.said: list[str] = []
        self.news: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asked: list[asyncio.Future[Process]] = []
        self._reserved: list[socket.socket] = []
        self._living: dict[int, Process] = {}

    async def __aenter__(self) -> Nursery:
        self._parent = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.crash.nursery", stdin=-1, stdout=-1, cwd=ROOT, limit=2**20
        )
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._parent.stdin is not None
        for held in self._reserved:
            held.close()
        self._parent.stdin.close()
        await asyncio.wait_for(self._parent.wait(), PATIENCE_SECONDS)
        await self._listening

    def port(self) -> int:
        """A loopback port for workers that share it: nobody else is given it as long as this parent lives."""
        held = socket.socket()
        self._reserved.append(held)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        return port

    async def start(self, settings: EdgeSettings, variant: str = "real", *, hold: bool = False) -> Process:
        """Fork a worker; ``hold``: it waits for SIGCONT before its first step."""
        assert self._parent.stdin is not None
        plain = {name: str(value) if isinstance(value, Path) else value for name, value in asdict(settings).items()}
        line = {"number": len(self._asked), "settings": plain, "variant": variant, "hold": hold}
        started: asyncio.Future[Process] = asyncio.get_running_loop().create_future()
        self._asked.append(started)
        self._parent.stdin.write(json.dumps(line).encode() + b"\n")
        return await asyncio.wait_for(started, PATIENCE_SECONDS)

    async def _listen(self) -> None:
        assert self._parent.stdout is not None
        async for line in self._parent.stdout:
            told: dict[str, Any] = json.loads(line)
            pid = told["pid"]
            if "started" in told:
                process = self._living[pid] = Process(told["worker"], pid)
                self._asked[told["started"]].set_result(process)
            elif "died" in told:
                self._living.pop(pid).ended.set_result(told["died"])
            elif '"event": "edge_ready"' in told["said"]:
                self._living[pid].ready.set_result(None)
            elif '"event": "edge_stopped"' not in told["said"]:
                self.said.append(told["said"])
                self._living[pid].said.append(told["said"])
            self.news.set_result(None)
            self.news = asyncio.get_running_loop().create_future()


class Parent:
    """The parent's side: its children by the pipe through which each of them speaks."""

    def __init__(self) -> None:
        self._inbox = selectors.DefaultSelector()
        self._woken, waker = os.pipe()
        os.set_blocking(waker, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waker)
        signal.pthread_sigmask(signal.SIG_BLOCK, GO)  # so that a held child cannot miss it
        for fd in (0, self._woken):
            self._inbox.register(fd, selectors.EVENT_READ)
        self._living: dict[int, int] = {}
        self._unread: dict[int, bytes] = {}

    def run(self) -> None:
        """Fork workers until standard input ends; then end them."""
        rest = b""
        while True:
            for key, _ in self._inbox.select():
                if key.fd == self._woken:
                    os.read(self._woken, 4096)
                    self._bury()
                elif key.fd in self._unread:
                    self._hear(key.fd)
                elif key.fd == 0:
                    if not (data := os.read(0, 65_536)):
                        return self._end()
                    *lines, rest = (rest + data).split(b"\n")
                    for line in lines:
                        self._fork(json.loads(line))

    def _end(self) -> None:
        for pid in self._living:
            os.kill(pid, signal.SIGKILL)
        for pid in self._living:
            os.waitpid(pid, 0)

    def _bury(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                pid, status = found
                pipe = self._living[pid]
                while self._hear(pipe):
                    pass
                del self._living[pid]
                if rest := self._unread.pop(pipe):
                    _tell(pid=pid, said=rest.decode(errors="replace"))
                self._inbox.unregister(pipe)
                os.close(pipe)
                _tell(pid=pid, died=os.waitstatus_to_exitcode(status))

    def _hear(self, pipe: int) -> bool:
        try:
            data = os.read(pipe, 65_536)
        except BlockingIOError:
            return False
        pid = next((pid for pid, found in self._living.items() if found == pipe), 0)
        *lines, self._unread[pipe] = (self._unread[pipe] + data).split(b"\n")
        for line in lines:
            _tell(pid=pid, said=line.decode(errors="replace"))
        return bool(data)

    def _fork(self, asked: dict[str, Any]) -> None:
        plain = asked["settings"]
        paths = {field.name: Path(plain[field.name]) for field in fields(EdgeSettings) if field.type == "Path"}
        settings = EdgeSettings(**{**plain, **paths})
        pipe, speaks = os.pipe()
        if pid := os.fork():
            os.close(speaks)
            os.set_blocking(pipe, False)
            self._living[pid], self._unread[pipe] = pipe, b""
            self._inbox.register(pipe, selectors.EVENT_READ)
            _tell(pid=pid, started=asked["number"], worker=settings.worker)
            return
        code = 70
        try:
            ctypes.CDLL(None).prctl(_DEATH_OF_PARENT, signal.SIGKILL)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            nothing = os.open(os.devnull, os.O_RDWR)
            for fd, target in ((nothing, 0), (nothing, 1), (speaks, 2)):
                os.dup2(fd, target)
            os.closerange(3, 256)
            if asked["hold"]:
                signal.sigwait(GO)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, GO)
            code = VARIANTS[asked["variant"]](settings)
        except BaseException:  # a forked child never returns into its parent's loop, whatever happened
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(code)


def _tell(**line: object) -> None:
    os.write(1, json.dumps(line).encode() + b"\n")


if __name__ == "__main__":
    gc.collect()
    gc.freeze()
    Parent().run()
