"""``python -m benchmarks.sdk_peers``: Headcount, PostHog, OpenTelemetry and Aptabase do the same day, turn by turn.

Needs ``pip install -e '.[peers]'``. Every round runs each SDK once in a process of its own, against one server on
loopback that takes everything, so that a busy machine slows all alike; the table shows medians over the rounds, and
bytes as they went over the line, heads of requests included.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.sdk_peers.day import INTERACTIONS, SDKS

MODULES = {"opentelemetry": "opentelemetry.exporter"}
COLUMNS = {
    "median_us": "call, median (us)",
    "p99_us": "call, p99 (us)",
    "plain_us": "a Python call that does nothing (us)",
    "import_ms": "import (ms)",
    "start_ms": "import and start (ms)",
    "memory_mb": "memory before the upload (MB)",
    "memory_sent_mb": "memory after it (MB)",
    "disk_kb": "disk (KB)",
    "bytes": "bytes sent",
    "requests": "requests",
}


class Sink(BaseHTTPRequestHandler):
    """Takes everything, and counts it."""

    protocol_version = "HTTP/1.1"
    bytes_got = 0
    requests_got = 0
    lock = threading.Lock()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        self._got(length)
        ours = self.path.startswith("/v1/reports/")
        body = b'{"admitted":1,"dropped":0,"refused":[],"v":1}' if ours else b"{}"
        self._answer(202 if ours else 200, body)

    def do_GET(self) -> None:
        self._got(0)
        self._answer(404, b"{}")

    def _got(self, length: int) -> None:
        head = len(self.requestline) + sum(len(name) + len(value) + 4 for name, value in self.headers.items())
        with Sink.lock:
            Sink.bytes_got += head + length
            Sink.requests_got += 1

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def one_day(name: str, url: str) -> dict[str, float]:
    """What one day of one SDK cost."""
    before = Sink.bytes_got, Sink.requests_got
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.sdk_peers.day", name, url, folder]
        # With compiled modules, as an installed package has them.
        compiled = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=compiled)
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return {**found, "bytes": Sink.bytes_got - before[0], "requests": Sink.requests_got - before[1]}


def main() -> int:
    """Run the rounds and print the table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path, help="write the medians and every round here")
    arguments = parser.parse_args()
    missing = [
        name for name in SDKS if find_spec(MODULES.get(name, f"{name}_sdk" if name == "headcount" else name)) is None
    ]
    if missing:
        sys.stderr.write(f"not installed: {', '.join(missing)}; pip install -e '.[peers]'\n")
        return 2
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in SDKS}
    console = Console()
    for _ in track(range(arguments.rounds), "rounds", console=console):
        for name in SDKS:
            rounds[name].append(one_day(name, url))
    server.shutdown()
    medians = {
        name: {column: statistics.median(day[column] for day in days) for column in COLUMNS}
        for name, days in rounds.items()
    }
    table = Table(title=f"One device-day of {INTERACTIONS} interactions, medians of {arguments.rounds} rounds")
    table.add_column("")
    for name in SDKS:
        table.add_column(name, justify="right")
    for column, title in COLUMNS.items():
        own = medians["headcount"][column]
        cells = [f"{medians[name][column]:,.1f}" for name in SDKS]
        ratios = ["" if name == "headcount" or not own else f" ({medians[name][column] / own:,.1f}x)" for name in SDKS]
        table.add_row(title, *(cell + ratio for cell, ratio in zip(cells, ratios, strict=True)))
    console.print(table)
    if arguments.json:
        told = {"medians": medians, "rounds": rounds}
        arguments.json.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
