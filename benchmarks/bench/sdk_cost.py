"""What the SDK costs its host, beside others that do the same day."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.bench.chapter import Chapter, Figure, Sheet, spread
from benchmarks.edge.servers import ROOT
from benchmarks.sdk_peers.__main__ import COLUMNS
from benchmarks.sdk_peers.steps import steps

CALL_US, START_MS, MEMORY_MB, SENT_BYTES = 5.0, 5.0, 2.0, 2_000


def sdk_cost(folder: Path, rounds: int) -> Chapter:
    """The comparison of ``benchmarks.sdk_peers``, in processes of their own."""
    file = folder / "sdk.json"
    command = [sys.executable, "-m", "benchmarks.sdk_peers", "--rounds", str(rounds), "--json", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, cwd=ROOT)
    if done.returncode:
        raise SystemExit(done.stderr or done.stdout)
    told = json.loads(file.read_bytes())
    found: dict[str, dict[str, float]] = told["medians"]
    days: list[dict[str, float]] = told["rounds"]["headcount"]
    ours = found["headcount"]
    call = spread([day["median_us"] for day in days])
    pace = spread([day["median_us"] / day["plain_us"] for day in days])
    chapter = Chapter(
        "sdk",
        "The SDK beside others",
        f"One device-day of 200 interactions in a process each, medians of {rounds} rounds.",
    )
    chapter.figures = [
        Figure("a call, median", f"{call.told} us", "under 5 us", call.median < CALL_US),
        Figure("  of a Python call's that does nothing, in the same process", f"{pace.median:.0f} x"),
        Figure("bytes sent a device-day", f"{ours['bytes']:,.0f}", "under 2,000", ours["bytes"] < SENT_BYTES),
        Figure(
            "memory of a day before its upload, all modules of the SDK included",
            f"{ours['memory_mb']:.2f} MB",
            "under 2 MB",
            ours["memory_mb"] < MEMORY_MB,
        ),
    ]
    rows = [(title, *(f"{found[name][column]:,.1f}" for name in found)) for column, title in COLUMNS.items()]
    chapter.sheets.append(Sheet("Medians", ("", *found), rows))
    chapter.sheets.append(steps(folder / "steps"))
    chapter.notes.append(
        "PostHog and Aptabase send every event; OpenTelemetry sends sums; only Headcount keeps its counts on the disk."
    )
    chapter.notes.append(
        f"After the upload it is {ours['memory_sent_mb']:.1f} MB: the standard library's HTTP client and what seals a"
        " report come with the first upload of a process. TLS and its certificates come on top."
    )
    chapter.data = told
    return chapter
