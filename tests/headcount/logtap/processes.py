"""The real command as a process, and a real edge for it to reach."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headcount.logtap.coding import Coding, catalog_text
from headcount.logtap.run import KEY_VARIABLE
from headcount.stack import free_port
from headcount_ingest.settings import EdgeSettings
from headcount_wire import segment
from headcount_wire.app_key import fingerprint
from headcount_wire.facts import Fact
from headcount_wire.report import Tally

from tests.headcount.logtap.world import DECLARED, Expected, coding, declaration, sums_of

DEBUG_KEY = "hc_debug_" + "d" * 43
"""Under a debug key counts are handed over at once."""

PROGRAM = """
import headcount.logtap.follow, headcount.logtap.tap
headcount.logtap.tap.CHECKPOINT_SECONDS = headcount.logtap.tap.WAKE_SECONDS = 0.05
headcount.logtap.follow.QUIET_SECONDS = 0.3
from headcount.command import main
main()
"""
"""The command, with a shorter breath: it keeps, sends and gives up old files sooner."""

ORGANISATION = f"""\
[operator]
name = "Example"
[customers.acme]
code = 1
policy = {{ version = 1, purposes = ["service"] }}
[apps.meet_logs]
code = 7
catalogs = ["meet-logs.toml"]
[[keys]]
fingerprint = "{fingerprint(DEBUG_KEY)}"
customer = "acme"
app = "meet_logs"
debug = true
"""


def prepared(folder: Path, edge: str = "", text: str = DECLARED) -> Coding:
    """Write the tap's file and its catalog into a folder; the codes of the catalog."""
    address = edge or f"http://127.0.0.1:{free_port()}"
    (folder / "logtap.toml").write_text(text.replace("{edge}", address), "utf-8")
    declared = declaration(folder, address, text)
    (folder / "meet-logs.toml").write_text(catalog_text(declared), "utf-8")
    return coding(declared)


def edge_settings(folder: Path) -> EdgeSettings:
    """A worker for the logs' app."""
    (folder / "organisation.toml").write_text(ORGANISATION, "utf-8")
    return EdgeSettings(
        organisation=folder / "organisation.toml",
        spool=folder / "spool",
        worker="w0",
        port=free_port(),
        admin_port=free_port(),
        seal_seconds=0.02,
        disk_floor_bytes=0,
    )


@contextmanager
def tap(
    folder: Path, *arguments: str, program: str = PROGRAM, stdin: int = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[bytes]]:
    """The command in a folder, for at most a minute; killed where it still runs at the end."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, "logtap", "--config", str(folder / "logtap.toml"), *arguments],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env={**os.environ, KEY_VARIABLE: DEBUG_KEY, "COLUMNS": "120"},
    )
    watchdog = threading.Timer(60, process.kill)
    watchdog.start()
    try:
        yield process
    finally:
        watchdog.cancel()
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate()


def lives_on(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Let a process live for a while; it is a fault if it ends by itself."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return
    raise AssertionError(process.communicate())


def spooled(folder: Path, codes: Coding) -> tuple[Expected, Counter[tuple[int, int, int]]]:
    """What reached an edge's disk, each report once, as the loader counts it; and the once-a-day facts."""
    by_id = {
        report_id: record
        for path in sorted(folder.glob("spool/*/*"))
        if path.suffix in (".seg", ".open")
        for report_id, record in segment.records(path.read_bytes())
    }
    found: Expected = Counter()
    once: Counter[tuple[int, int, int]] = Counter()
    for record in by_id.values():
        for day, *rest in record.tallies:
            tally = Tally(*rest)
            found += sums_of({(day, *tally[:4]): tally.n}, codes)
            if tally.fact == Fact.DEVICES:
                once[day, tally.measure, tally.label] += 1
    return found, once
