"""How cost and size grow with what a house is made of: fitted powers."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.bench.chapter import Chapter, Figure, Plot, Sheet, exponent
from benchmarks.edge.servers import ROOT


@dataclass(frozen=True)
class Given:
    """``devices`` report on a day, where something else is varied; and what each thing is varied over."""

    devices: int
    points: Mapping[str, Sequence[int]]


SHORT = Given(
    2_000,
    {"devices": (500, 2_000, 8_000), "customers": (2, 20), "measures": (5, 40), "breakdowns": (0, 5), "days": (1, 3)},
)
FULL = Given(
    20_000,
    {
        "devices": (2_000, 10_000, 50_000, 250_000),
        "customers": (2, 10, 50),
        "measures": (5, 10, 20, 40),
        "breakdowns": (0, 1, 3, 5),
        "days": (1, 3, 9),
    },
)
CEILING = 1.15
"""Cost may grow a little faster than what causes it, and no more."""


def growth(given: Given) -> Chapter:
    """Load device-days of each size in a process of its own."""
    found = {
        name: [(value, _point(given.devices, name, value)) for value in values] for name, values in given.points.items()
    }
    chapter = Chapter(
        "growth",
        "How it grows",
        f"{given.devices:,} device-days of 10 Customers, 20 measures and 5 breakdowns, one of these varied at a time; "
        "fitted powers: 1 is in proportion, 0 does not grow.",
    )
    rows: list[tuple[str, ...]] = []
    for name, one in found.items():
        cpu = exponent([(size_of(name, value), plain["load_cpu"] + plain["roll_up_cpu"]) for value, plain in one])
        stored = exponent([(size_of(name, value), plain["stored_bytes"]) for value, plain in one])
        what = "(breakdowns + 1)" if name == "breakdowns" else name
        told = f"CPU ~ {what}^{cpu:.2f}, stored bytes ~ {what}^{stored:.2f}"
        if name == "breakdowns":  # each has values of its own, and a pair the product: no power says what they cost
            chapter.figures.append(Figure(name, told))
        else:
            chapter.figures.append(Figure(name, told, f"CPU at most ^{CEILING}", cpu <= CEILING))
        for value, plain in one:
            each = 1e6 * (plain["load_cpu"] + plain["roll_up_cpu"]) / plain["device_days"]
            memory = f"{plain['memory_bytes'] / 1e6:.0f}"
            rows.append(
                (
                    f"{value:,} {name if value != 1 else name.removesuffix('s')}",
                    f"{each:.0f}",
                    f"{plain['rows']:,}",
                    f"{plain['stored_bytes'] / 1e6:.2f}",
                    memory,
                )
            )
    columns = ("", "CPU us a device-day, loaded and rolled up", "rows that stay", "MB that stay", "memory MB")
    chapter.sheets.append(Sheet("Points", columns, rows))
    series = {
        name: [(size_of(name, value), plain["stored_bytes"] / 1e6) for value, plain in one]
        for name, one in found.items()
    }

    def draw(axes: Any) -> None:
        for name, line in series.items():
            axes.loglog([x for x, _ in line], [y for _, y in line], "o-", label=name, markersize=3)
        axes.set(title="Stored by what is varied", xlabel="how many there are of it", ylabel="MB that stay")
        axes.legend(fontsize=8)

    chapter.plots.append(Plot("growth", draw))
    chapter.data = {"points": found}
    return chapter


def size_of(name: str, value: int) -> float:
    """How many there are: beside so many breakdowns there is always the whole."""
    return value + 1.0 if name == "breakdowns" else float(value)


def _point(devices: int, name: str, value: int) -> dict[str, Any]:
    plain: dict[str, Any] = {"devices": devices, name: value}
    command = [sys.executable, "-m", "benchmarks.bench.growth_point", json.dumps(plain)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False, cwd=ROOT)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
