"""``python -m benchmarks.load``: loads generated device-days into chDB, and says what each costs and how it grows."""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.load.population import Shape
from benchmarks.load.run import Day, Loaded, load

RSS_MOST = 1024 * 1024 * 1024
"""The store process holds at most this much, chDB included, however much is loaded."""
GROWTH_MOST = 0.05
"""The last third of the days takes at most this share more memory than the third before it."""
GROWTH = {
    "device_days": (5_000, 20_000, 80_000),
    "devices": (1_000, 10_000, 100_000),
    "customers": (3, 10, 40),
    "measures": (8, 20, 50),
    "breakdowns": (0, 1, 3, 5),
}
GROWTH_DEVICE_DAYS = 20_000


def main() -> int:
    """Run what was asked for; the exit code says whether memory stayed under its ceiling."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load")
    parser.add_argument("--device-days", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=10)
    parser.add_argument("--growth", action="store_true", help="also the growth curve: some minutes")
    parser.add_argument("--into", type=Path, help="a folder for load.json and load.png")
    parser.add_argument("--one", help="one run of the growth curve; for the program itself")
    arguments = parser.parse_args()
    err = Console(stderr=True)
    if arguments.one:
        plain = json.loads(arguments.one)
        device_days = plain.pop("device_days")
        print(json.dumps(asdict(load(Shape(**plain), device_days, 1, lambda _: None))))  # for the asker
        return 0
    found = load(Shape(), arguments.device_days, arguments.days, lambda line: err.print(line, style="dim"))
    Console().print(_table(found), _curve(found))
    curve = _growth(err) if arguments.growth else {}
    for name, points in curve.items():
        Console().print(f"{name}: rows grow as {name}^{exponent([(x, one.final_rows) for x, one in points]):.2f}")
    if arguments.into:
        _write(arguments.into, found, curve)
    return 0 if found.peak_rss <= RSS_MOST and found.growth <= GROWTH_MOST else 1


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """The power by which y grows with x: the slope of a straight line through their logarithms."""
    logs = [(math.log(x), math.log(y)) for x, y in points if x > 0 and y > 0]
    mean_x, mean_y = (sum(side) / len(logs) for side in zip(*logs, strict=True))
    slope: float = sum((x - mean_x) * (y - mean_y) for x, y in logs) / sum((x - mean_x) ** 2 for x, _ in logs)
    return slope


def _growth(err: Console) -> dict[str, list[tuple[float, Loaded]]]:
    """One process a run: chDB keeps memory it once had."""
    curve: dict[str, list[tuple[float, Loaded]]] = {}
    for name, values in GROWTH.items():
        for value in values:
            plain: dict[str, Any] = {"device_days": GROWTH_DEVICE_DAYS, **asdict(replace(Shape(), devices=20_000))}
            plain[name] = value
            command = [sys.executable, "-m", "benchmarks.load", "--one", json.dumps(plain)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            told = json.loads(done.stdout.splitlines()[-1])
            told["memory"] = [Day(*one) for one in told["memory"]]
            curve.setdefault(name, []).append((value, Loaded(**told)))
            err.print(f"{name} = {value}", style="dim")
    return curve


def _table(found: Loaded) -> Table:
    shown = Table("figure", "found", title=f"{found.device_days:,} device-days over {found.days} days")
    for name, value in (
        ("device-days a second", f"{found.device_days_per_second:,.0f}"),
        ("device-days a CPU second", f"{found.device_days_per_cpu:,.0f}"),
        ("loading, CPU us a device-day", f"{found.load_cpu / found.device_days * 1e6:.1f}"),
        ("roll-up, CPU us a device-day", f"{found.roll_up_cpu / found.device_days * 1e6:.1f}"),
        ("rows loaded, a million device-days", f"{found.landing_rows / found.device_days * 1e6:,.0f}"),
        ("rows that stay, a million device-days", f"{found.rows_per_million_device_days:,.0f}"),
        ("bytes that stay, a row", f"{found.final_bytes / found.final_rows:.1f}"),
        ("bytes that stay, a million interactions", f"{found.bytes_per_million_interactions:,.0f}"),
        ("spool bytes a device-day", f"{found.segment_bytes / found.device_days:.0f}"),
        ("unit files at most", f"{found.units_bytes / 1e6:,.0f} MB"),
        ("memory at most (ceiling 1,074 MB)", f"{found.peak_rss / 1e6:,.0f} MB"),
        ("memory when the loader had started", f"{found.rss_after_start / 1e6:,.0f} MB"),
        ("memory, last third of the days against the third before", f"{found.growth:+.1%}"),
    ):
        shown.add_row(name, value)
    return shown


def _curve(found: Loaded) -> Table:
    names = ("device-days loaded", "most, loading", "most, rolling up", "afterwards", "of it files", "of it ids")
    shown = Table(*names, title="memory, MB")
    step = max(1, len(found.memory) // 15)
    for day in found.memory[step - 1 :: step]:
        shown.add_row(f"{day.device_days:,}", *(f"{held / 1e6:,.0f}" for held in day[1:]))
    return shown


def _write(folder: Path, found: Loaded, curve: dict[str, list[tuple[float, Loaded]]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    machine = {"python": platform.python_version(), "cores": os.cpu_count(), "load": os.getloadavg()[0]}
    told = {name: [[value, asdict(one)] for value, one in points] for name, points in curve.items()}
    fits = {name: exponent([(value, one.final_rows) for value, one in points]) for name, points in curve.items()}
    plain = {"machine": machine, "run": asdict(found), "growth": told, "exponents": fits}
    (folder / "load.json").write_text(json.dumps(plain, indent=1) + "\n")
    if curve and find_spec("matplotlib"):
        _draw(folder / "load.png", curve)


def _draw(path: Path, curve: dict[str, list[tuple[float, Loaded]]]) -> None:
    import_module("matplotlib").use("Agg")
    plots: Any = import_module("matplotlib.pyplot")
    figure, axes = plots.subplots(1, len(curve), figsize=(3.4 * len(curve), 3.2), sharey=True)
    for axis, (name, points) in zip(axes, curve.items(), strict=True):
        rows = [(value, one.final_rows) for value, one in points]
        axis.loglog([max(x, 0.5) for x, _ in rows], [y for _, y in rows], "o-")
        axis.set_title(f"rows ~ {name.replace('_', '-')}^{exponent(rows):.2f}", fontsize=9)
    axes[0].set_ylabel("rows that stay")
    figure.tight_layout()
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    raise SystemExit(main())
