"""What the SDK costs its host, beside others that do the same day."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.bench.chapter import Chapter, Figure, Sheet
from benchmarks.edge.servers import ROOT
from benchmarks.sdk_peers.__main__ import COLUMNS

CALL_US, START_MS, MEMORY_MB, SENT_BYTES = 5.0, 5.0, 2.0, 2_000


def sdk_cost(folder: Path, rounds: int) -> Chapter:
    """The comparison of ``benchmarks.sdk_peers``, in processes of their own."""
    file = folder / "sdk.json"
    command = [sys.executable, "-m", "benchmarks.sdk_peers", "--rounds", str(rounds), "--json", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, cwd=ROOT)
    if done.returncode:
        raise SystemExit(done.stderr or done.stdout)
    found: dict[str, dict[str, float]] = json.loads(file.read_bytes())
    ours = found["headcount"]
    chapter = Chapter(
        "sdk",
        "The SDK beside others",
        f"One device-day of 200 interactions in a process each, medians of {rounds} rounds.",
    )
    chapter.figures = [
        Figure("a call, median", f"{ours['median_us']:.1f} us", "under 5 us", ours["median_us"] < CALL_US),
        Figure("bytes sent a device-day", f"{ours['bytes']:,.0f}", "under 2,000", ours["bytes"] < SENT_BYTES),
        Figure(
            "memory of a day before its upload, all modules of the SDK included",
            f"{ours['memory_mb']:.1f} MB",
            "under 2 MB",
            ours["memory_mb"] < MEMORY_MB,
        ),
    ]
    rows = [(title, *(f"{found[name][column]:,.1f}" for name in found)) for column, title in COLUMNS.items()]
    chapter.sheets.append(Sheet("Medians", ("", *found), rows))
    chapter.notes.append(
        "PostHog and Aptabase send every event; OpenTelemetry sends sums; only Headcount keeps its counts on the disk."
    )
    chapter.notes.append(
        f"After the upload it is {ours['memory_sent_mb']:.1f} MB: the standard library's HTTP client and what seals a"
        " report come with the first upload of a process. TLS and its certificates come on top."
    )
    chapter.data = {"medians": found}
    return chapter
