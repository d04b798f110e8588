"""Server processes of their own, and what the system knows about them: CPU time, memory, open files."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from headcount.stack import free_port
from headcount_ingest.compiled import COMPILED

from benchmarks.edge.population import CATALOG_FILE, Population, organisation_text

CLOCK_TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
START_SECONDS = 30.0
STOP_SECONDS = 30.0
NO_LIMIT = 1_000_000_000
ROOT = Path(__file__).parents[2]


@dataclass
class Server:
    """One process that listens on ``port``; ``admin_port`` is 0 for a yardstick."""

    name: str
    port: int
    admin_port: int
    process: subprocess.Popen[bytes]

    @property
    def cpu_seconds(self) -> float:
        """User and system time it has used, all threads."""
        fields = self._proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * CLOCK_TICK_SECONDS

    @property
    def memory_bytes(self) -> int:
        """Resident memory."""
        return int(self._proc("statm").split()[1]) * PAGE_BYTES

    @property
    def open_files(self) -> int:
        """Open file descriptors, sockets included."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    @property
    def event_loop(self) -> str:
        """``uvloop`` if it is loaded, else ``asyncio``."""
        return "uvloop" if "uvloop" in self._proc("maps") else "asyncio"

    def outcomes(self) -> dict[str, int]:
        """How often a worker counted each outcome that there was."""
        found = re.findall(r'^headcount_edge_requests_total\{outcome="([^"]+)"\} (\S+)$', self._metrics(), re.MULTILINE)
        return {name: int(float(value)) for name, value in found if float(value)}

    def await_ready(self) -> None:
        """Return when it answers; raises ``TimeoutError``."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                self._get(self.admin_port or self.port, "/livez")
                return
            time.sleep(0.02)
        raise TimeoutError(f"{self.name} does not answer")

    def stop(self) -> int:
        """SIGTERM, and SIGKILL for what outlasts it; the exit code."""
        self.process.terminate()
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def _metrics(self) -> str:
        return self._get(self.admin_port, "/metrics")

    def _get(self, port: int, path: str) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def _proc(self, name: str) -> str:
        return Path(f"/proc/{self.process.pid}/{name}").read_text()


def prepare(folder: Path, population: Population) -> None:
    """Write what a worker reads: one Customer's organisation, and its app's catalog."""
    (folder / "catalog.toml").write_text(CATALOG_FILE.read_text("utf-8"))
    (folder / "organisation.toml").write_text(organisation_text(population.key))


@contextlib.contextmanager
def bare(cores: str, *, uvloop: bool = False) -> Iterator[Server]:
    """The yardstick, on some cores."""
    port, name = free_port(), "bare-uvloop" if uvloop else "bare"
    server = _started(name, [name, "--port", str(port), "--cores", cores], port, 0)
    try:
        server.await_ready()
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def edge(
    folder: Path,
    cores: Sequence[str],
    *,
    speed: float = 1.0,
    sync_seconds: float = 0.0,
    compiled: bool = COMPILED,
    **settings: object,
) -> Iterator[list[Server]]:
    """Workers that share a port, each on its cores; ``folder`` was prepared. Limits of rate and disk are lifted."""
    port = free_port()
    servers: list[Server] = []
    try:
        for number, core in enumerate(cores):
            plain: dict[str, object] = {
                "organisation": str(folder / "organisation.toml"),
                "spool": str(folder / "spool"),
                "worker": f"w{number}",
                "port": port,
                "admin_port": (admin_port := free_port()),
                "disk_floor_bytes": 0,
                "key_per_minute": NO_LIMIT,
                "address_per_minute": NO_LIMIT,
                **settings,
            }
            arguments = ["edge", "--settings", json.dumps(plain), "--cores", core, "--speed", str(speed)]
            arguments += ["--sync-seconds", str(sync_seconds)]
            servers.append(_started(f"edge-{number}", arguments, port, admin_port, compiled=compiled))
            servers[-1].await_ready()
        yield servers
    finally:
        for server in servers:
            server.stop()


@contextlib.contextmanager
def busy(core: str, count: int) -> Iterator[None]:
    """So many processes that do nothing but keep a core busy, so that whoever else is on it has less of it."""
    program = f"import os\nos.sched_setaffinity(0, {{{core}}})\nwhile True: pass"
    processes = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _started(name: str, arguments: Sequence[str], port: int, admin_port: int, *, compiled: bool = COMPILED) -> Server:
    environment = {name: value for name, value in os.environ.items() if compiled or name != "PYTHONPATH"}
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.edge.serve", *arguments],
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env=environment,
    )
    return Server(name, port, admin_port, process)
