"""A worker as a process of its own, on loopback: what it costs, says and leaves behind is the process's alone."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from headcount.stack import free_port
from headcount_wire import segment
from headcount_wire.segment import Record

from tests.ingest.conftest import TODAY
from tests.ingest.world import write_organisation

PROGRAM = """
import json, pathlib, sys
from headcount_ingest.settings import EdgeSettings
from headcount_ingest.worker import run
from headcount_wire.clock import ManualClock
given = json.loads(sys.argv[1])
paths = {name: pathlib.Path(given.pop(name)) for name in ("organisation", "spool")}
sys.exit(run(EdgeSettings(**paths, **given), ManualClock(float(sys.argv[2]))))
"""
PATIENCE_SECONDS = 30


@dataclass(frozen=True)
class Cost:
    """What a process had used up to a moment: nanoseconds of processor, and its peak of memory in bytes."""

    cpu_ns: int
    peak_bytes: int


class WorkerProcess:
    """A running worker. Its folder holds the organisation, the spool, and what it wrote to standard error."""

    def __init__(self, folder: Path, *, prelude: str = "", **changes: object) -> None:
        self.folder = folder
        self.port, self.admin_port = free_port(), free_port()
        self.log = folder / "stderr.log"
        settings = {
            "organisation": str(write_organisation(folder)),
            "spool": str(folder / "spool"),
            "worker": "w0",
            "port": self.port,
            "admin_port": self.admin_port,
            "seal_seconds": 0.05,
            "disk_floor_bytes": 0,
            **changes,
        }
        now = str(TODAY * 86_400.0 + 43_200.0)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", prelude + PROGRAM, json.dumps(settings), now],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self.until(self._is_alive)
        except RuntimeError:
            self.end(signal.SIGKILL)
            raise

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def admin(self, path: str) -> str:
        """What the operator's port answers."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}{path}", timeout=30) as answer:
            return str(answer.read().decode())

    def metrics(self) -> dict[str, float]:
        """Every sample of the worker's metrics, by its name and labels."""
        lines = [line for line in self.admin("/metrics").splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    def cost(self, *, forget_peak: bool = False) -> Cost:
        """What it used until now; ``forget_peak``: from here on the peak is counted anew."""
        proc = Path(f"/proc/{self.process.pid}")
        cpu = sum(int((task / "schedstat").read_text().split()[0]) for task in proc.glob("task/*"))
        if forget_peak:
            (proc / "clear_refs").write_text("5")
        status = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
        return Cost(cpu, int(status["VmHWM"].split()[0]) * 1024)

    def resident(self) -> int:
        """How many bytes of memory it has now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(dict(line.split(":", 1) for line in status.splitlines())["VmRSS"].split()[0]) * 1024

    def spooled(self) -> list[tuple[bytes, Record]]:
        """Every record in the worker's segments, with its report id."""
        paths = [path for path in sorted(self.folder.glob("spool/*/*")) if path.suffix in (".seg", ".open")]
        return [found for path in paths for found in segment.records(path.read_bytes())]

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Stop it, and say how it ended."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(timeout=60)

    def descriptors(self) -> int:
        """How many file descriptors it has."""
        return sum(1 for _ in Path(f"/proc/{self.process.pid}/fd").iterdir())

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds of it; raises when it ended, or when that took too long."""
        pause = threading.Event()
        for _ in range(PATIENCE_SECONDS * 50):
            if holds():
                return
            if self.process.poll() is not None:
                break
            pause.wait(0.02)
        raise RuntimeError(f"waited in vain for the worker: {self.log.read_text()}")

    def _is_alive(self) -> bool:
        try:
            self.admin("/livez")
        except (urllib.error.URLError, ConnectionError):
            return False
        return True


@contextmanager
def worker_process(folder: Path, *, prelude: str = "", **changes: object) -> Iterator[WorkerProcess]:
    """A worker that is ended when the block is left."""
    folder.mkdir(exist_ok=True)
    worker = WorkerProcess(folder, prelude=prelude, **changes)
    try:
        yield worker
    finally:
        worker.end()
