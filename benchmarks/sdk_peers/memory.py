"""``python -m benchmarks.sdk_peers.memory``: where the SDK's memory goes, step by step, in fresh processes.

Two hosts: one that has ``asyncio`` loaded, as a common app has, and an interpreter that has loaded nothing, where the
SDK pays for all of the standard library that it needs. Two forms of the catalog: its text, and a module that
``headcount catalog build`` wrote. Each figure is what is resident beyond the process as it was before the SDK's import.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.sdk_peers.__main__ import Sink
from benchmarks.sdk_peers.day import CATALOG

HOSTS = {"an app with asyncio": "import asyncio, json", "a bare interpreter": ""}
STEPS = ("import", "start and consent", "200 interactions", "upload over HTTP", "TLS and its certificates")

DAY = """
import sys
def resident():
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[1])
url, folder, catalog = sys.argv[1:]
before, found = resident(), []
import headcount_sdk
found.append(resident() - before)
if catalog.endswith("built"):
    sys.path.insert(0, catalog)
    from meet import CATALOG as catalog
else:
    with open(catalog, encoding="utf-8") as file:
        catalog = file.read()
client = headcount_sdk.Headcount("hc_live_" + "k" * 43, url, catalog, directory=folder, app_version="4.2")
client.start()
client.consent.grant("usage", "context")
found.append(resident() - before)
for n in range(200):
    if n % 10 == 9:
        client.measure("join.time", 100.0 + n)
    elif n % 7 == 3:
        client.screen(("home", "lobby", "meeting")[n % 3])
    else:
        client.track("meeting.joined", entry=("link", "calendar", "room")[n % 3])
found.append(resident() - before)
assert [outcome.word for outcome in client.flush()] == ["accepted"]
found.append(resident() - before)
import ssl
ssl.create_default_context()  # as http.client makes one for each https address
found.append(resident() - before)
client.shutdown()
print(found)
"""


def day(host: str, url: str, folder: Path, catalog: Path) -> list[float]:
    """MB after each step, of one process."""
    compiled = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    told = ""
    for run in range(2):  # the first one compiles the modules, if nobody has
        command = [sys.executable, "-c", host + DAY, url, f"{folder}-{run}", str(catalog)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=compiled, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)
        told = done.stdout
    pages: list[int] = json.loads(told)
    return [count * os.sysconf("SC_PAGE_SIZE") / 2**20 for count in pages]


def main() -> int:
    """Run each pair of host and form, and print the table."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    table = Table(title="Resident memory of the SDK after each step (MB)")
    table.add_column("")
    rows: list[list[float]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        text, built = folder / "catalog.toml", folder / "built"
        text.write_text(CATALOG, "utf-8")
        main = "from headcount.command import main; main()"
        build = [sys.executable, "-c", main, "catalog", "build", str(text), "--output", str(built / "meet.py")]
        built.mkdir()
        subprocess.run(build, check=True, timeout=60, stdout=subprocess.DEVNULL)
        for host, preloads in HOSTS.items():
            for form, catalog in (("text", text), ("built", built)):
                table.add_column(f"{host}, catalog {form}", justify="right")
                rows.append(day(preloads, url, folder / f"state{len(rows)}", catalog))
    server.shutdown()
    for place, step in enumerate(STEPS):
        table.add_row(step, *(f"{row[place]:.2f}" for row in rows))
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
