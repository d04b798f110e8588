"""What releasing takes by the number of cells, and a question by the size of what was released."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.bench import flame
from benchmarks.bench.chapter import Chapter, Figure, Plot, Sheet, exponent, lines
from benchmarks.edge.servers import ROOT

MILLION = 1_000_000
RELEASE_SECONDS, QUESTION_MS = 30.0, 100.0
MOST_SECONDS = 1_800.0
PROFILED = "release_due"
"""The function whose time is told: what draws the cells and asks is not releasing."""


@dataclass(frozen=True)
class Given:
    """Cells to release; Customers, devices, days and questions for asking."""

    cells: Sequence[int]
    asked: tuple[int, int, int, int]


def releases(folder: Path, given: Given) -> Chapter:
    """``benchmarks.release`` and ``benchmarks.queries``, in processes of their own."""
    released = [_run("release", folder, "--cells", cells) for cells in given.cells]
    stacks = flame.within(_profile(folder, min(given.cells)), PROFILED)
    customers, devices, days, questions = given.asked
    options = ("--customers", customers, "--devices", devices, "--days", days, "--questions", questions)
    asked = _run("queries", folder, *options)
    power = exponent([(one["cells"], one["cpu_seconds"]) for one in released])
    largest = max(released, key=lambda one: float(one["cells"]))
    million = largest["cpu_seconds"] / largest["cells"] * MILLION
    scaled = "" if largest["cells"] >= MILLION else f", scaled from {largest['cells']:,}"
    last = asked["curve"][-1]
    slowest, its = max(asked["pages"].items(), key=lambda page: float(page[1]["median_ms"]))
    chapter = Chapter(
        "releases",
        "Releasing and asking",
        f"The demo's app released in order, day by day; then {customers} Customers' {days} days asked for page by page "
        "over HTTP.",
    )
    chapter.figures = [
        Figure(f"release of a million cells{scaled}", f"{million:.0f} CPU-s", "under 30 s", million < RELEASE_SECONDS),
        Figure("  grows as", f"cells^{power:.2f}"),
        Figure("any question, median", f"{last['median_ms']:.1f} ms", "under 100 ms", last["median_ms"] < QUESTION_MS),
        Figure("  any question, p99", f"{last['p99_ms']:.0f} ms"),
        Figure(
            f"the slowest kind of question ({slowest}), median",
            f"{its['median_ms']:.1f} ms",
            "under 100 ms",
            its["median_ms"] < QUESTION_MS,
        ),
    ]
    rows = [
        (
            f"{one['cells']:,}",
            f"{one['releases']:,}",
            f"{one['seconds']:.1f}",
            f"{one['cpu_seconds']:.1f}",
            f"{one['sealed_bytes'] / 1e6:.1f}",
        )
        for one in released
    ]
    chapter.sheets.append(Sheet("Releasing", ("cells", "releases", "seconds", "CPU seconds", "MB sealed"), rows))
    steps = [
        tuple(f"{row[name]:,.1f}" for name in ("customers", "sealed_mb", "memory_mb", "median_ms", "p99_ms", "cpu_ms"))
        for row in asked["curve"]
    ]
    columns = ("Customers", "MB sealed", "memory MB", "median ms", "p99 ms", "CPU ms a question")
    chapter.sheets.append(Sheet("Asking", columns, steps))
    pages = [
        (page, f"{one['asked']:,}", f"{one['median_ms']:.1f}", f"{one['p99_ms']:.1f}")
        for page, one in asked["pages"].items()
    ]
    chapter.sheets.append(
        Sheet(
            "By page (made: the first ever; cold: the first since the start)",
            ("page", "asked", "median ms", "p99 ms"),
            pages,
        )
    )
    points = {"CPU seconds": [(one["cells"], one["cpu_seconds"]) for one in released]}
    chapter.plots.append(Plot("release", lambda axes: lines(axes, points, "Releasing", "cells", "CPU seconds")))
    if stacks:
        title = "Releasing, as plain Python: where its time goes"
        chapter.sheets.append(flame.by_module(stacks, title, "elsewhere"))
        chapter.plots.append(Plot("release-flame", lambda axes: flame.draw(axes, stacks, title)))
    chapter.data = {"release": released, "queries": asked}
    return chapter


def _run(what: str, folder: Path, *options: object) -> dict[str, Any]:
    command = [sys.executable, "-m", f"benchmarks.{what}", *map(str, options), "--into", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=MOST_SECONDS, check=False, cwd=ROOT)
    file = folder / f"{what}.json"
    if not file.exists():
        raise SystemExit(done.stderr or done.stdout)
    found: dict[str, Any] = json.loads(file.read_bytes())
    file.unlink()
    return found


def _profile(folder: Path, cells: int) -> flame.Stacks:
    """One more release, watched; not compiled, since what is compiled has no frames to see."""
    command = [sys.executable, "-m", "benchmarks.release", "--cells", str(cells)]
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with subprocess.Popen(command, cwd=ROOT, env=plain, stdout=subprocess.DEVNULL) as process:
        watched = flame.recording(process.pid, MOST_SECONDS, folder)
        try:
            process.wait(MOST_SECONDS)
        finally:
            process.kill()
    return watched.stacks() if watched else flame.Stacks()
