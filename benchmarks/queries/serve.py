"""The real web process, as a process of its own, with what it costs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from headcount.stack import free_port

READY_SECONDS = 60.0


@dataclass(frozen=True)
class Web:
    """A running web process."""

    process: int
    port: int

    @property
    def memory(self) -> int:
        """Bytes of memory it holds now."""
        status = Path(f"/proc/{self.process}/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS:"))

    @property
    def cpu(self) -> float:
        """Seconds of processor time it has used."""
        fields = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def web(folder: Path, now: float) -> Iterator[Web]:
    """The web process over a folder's releases; the clock stands still at ``now``."""
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.queries.serve", str(folder), str(port), str(now)]
    ) as process:
        try:
            _await(port)
            yield Web(process.pid, port)
        finally:
            process.terminate()


def _await(port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError):
            connection = HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.05)
    raise SystemExit("the web process did not come up")


def main() -> int:
    """Be the web process."""
    from headcount_aggregator.web.app import run
    from headcount_aggregator.web.settings import WebSettings
    from headcount_wire.clock import ManualClock

    folder, port, now = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    settings = WebSettings(
        organisation=folder / "organisation.toml",
        releases=folder / "releases",
        disclosures=folder / "disclosures",
        outgoing=folder / "outgoing",
        indexes=folder / "indexes",
        port=port,
        pages_per_minute=1_000_000,
    )
    return run(settings, ManualClock(now))


if __name__ == "__main__":
    sys.exit(main())
