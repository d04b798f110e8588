"""``python -m benchmarks.bench``: the short set in under ten minutes; ``--full``: the long one.

Writes ``benchmarks/report/``. Needs ``pip install -e '.[bench,peers]'`` and the peers' Debian packages (``sh
benchmarks/peers/install.sh``). A chapter whose peer is missing says so and is left out. The exit code is 1 when a
target is missed, 2 when a chapter could not be run.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from headcount_ingest.compiled import COMPILED
from headcount_wire import days
from headcount_wire.app_key import new_key
from headcount_wire.clock import SystemClock
from headcount_wire.version import VERSION
from rich.console import Console

from benchmarks.bench import accounts, beside_others, releases, report, workers
from benchmarks.bench.chapter import Chapter
from benchmarks.bench.growth import FULL, SHORT, growth
from benchmarks.bench.growth import Given as Growth
from benchmarks.bench.latency import latency
from benchmarks.bench.sdk_cost import sdk_cost
from benchmarks.bench.until_queryable import until_queryable
from benchmarks.edge.loop import cores
from benchmarks.edge.population import Population, population
from benchmarks.peers.population import DeviceDay, device_days
from benchmarks.peers.servers import Missing

REPORT = Path(__file__).parents[1] / "report"
OPEN_FILES = 65_536


@dataclass(frozen=True)
class Size:
    """How much of everything: ``customers`` times ``devices`` device-days.

    ``usual``: how many of them the usual way takes too, and how often both do it.
    """

    customers: int
    devices: int
    usual: tuple[int, int]
    contest: beside_others.Given
    latency_seconds: float
    load: accounts.Given
    sdk_rounds: int
    workers: workers.Given
    growth: Growth
    releases: releases.Given


SIZES = {
    "bench": Size(
        1, 10_000, (1_500, 5),
        beside_others.Given(rounds=5, seconds=1.5), 5.0, accounts.Given(2_000, 250.0, 6.0), 3,
        workers.Given(3, 1.5), SHORT, releases.Given((40_000, 320_000), (5, 200, 30, 60)),
    ),
    "bench-full": Size(
        10, 10_000, (100_000, 1),
        beside_others.Given(rounds=11, seconds=3.0), 20.0, accounts.Given(20_000, 800.0, 60.0), 7,
        workers.Given(7, 3.0), FULL, releases.Given((100_000, 300_000, 1_000_000), (200, 1_000, 365, 800)),
    ),
}  # fmt: skip


class Bench:
    """The chapters of one run, in a folder on a disk."""

    def __init__(self, size: Size, folder: Path, into: Path, say: Callable[[str], None]) -> None:
        self._size, self._folder, self._into, self._say = size, folder, into, say
        self._cores = cores()
        self._today = days.utc_day(SystemClock().now())
        self._days: list[DeviceDay] = []
        self._made: Population | None = None

    @property
    def chapters(self) -> Mapping[str, Callable[[Path], Chapter]]:
        """Every chapter by its name, in the order of the report."""
        size, mine = self._size, self._cores
        return {
            "one-core": lambda at: beside_others.beside_others(self._people(), at, mine, size.contest),
            "until-queryable": lambda at: until_queryable(self._people(), size.customers, at, mine, *size.usual),
            "latency": lambda at: latency(self._phones(), at, mine, size.latency_seconds),
            "workers": lambda at: workers.workers(self._phones(), at, mine, size.workers),
            "accounts": lambda at: accounts.accounts(at, self._into, size.load),
            "sdk": lambda at: sdk_cost(at, size.sdk_rounds),
            "growth": lambda _: growth(size.growth),
            "releases": lambda at: releases.releases(at, size.releases),
        }

    def run(self, wanted: list[str]) -> tuple[list[Chapter], list[str]]:
        """Run chapters; returns them, and those that could not be run with why."""
        done: list[Chapter] = []
        missing: list[str] = []
        for name, chapter in self.chapters.items():
            if wanted and name not in wanted:
                continue
            began = time.monotonic()
            place = self._folder / name
            place.mkdir()
            try:
                found = chapter(place)
            except Missing as error:
                missing.append(f"{name}: {error}")
                continue
            found.seconds = time.monotonic() - began
            self._say(f"{name}: {found.seconds:.0f} s")
            done.append(found)
        return done, missing

    def _phones(self) -> Population:
        """Reports made by the whole SDK."""
        if self._made is None:
            self._made = population(1_000, self._today, new_key("live"), seed=1)
        return self._made

    def _people(self) -> list[DeviceDay]:
        if not self._days:
            size = self._size
            self._days = device_days(size.customers * size.devices, size.customers, self._today, 1, lambda *_: None)
        return self._days


def main() -> int:
    """Run what was asked for and write the report."""
    parser = argparse.ArgumentParser(prog="benchmarks.bench", description=__doc__)
    parser.add_argument("chapters", nargs="*", help="which to run; all, if none is named")
    parser.add_argument("--full", action="store_true", help="the long set")
    parser.add_argument("--report", type=Path, default=REPORT)
    given = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, OPEN_FILES)), hard))
    target = "bench-full" if given.full else "bench"
    given.report.mkdir(parents=True, exist_ok=True)
    err = Console(stderr=True)
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="headcount-bench-", dir=Path.cwd()) as name:  # on a disk, not in memory
        bench = Bench(SIZES[target], Path(name), given.report.resolve(), lambda line: err.print(line, style="dim"))
        unknown = set(given.chapters) - set(bench.chapters)
        if unknown:
            parser.error(f"there is no chapter {', '.join(sorted(unknown))}; there are {', '.join(bench.chapters)}")
        chapters, missing = bench.run(given.chapters)
    report.write(chapters, _machine(before), given.report, target)
    console = Console()
    console.print(report.table(chapters))
    for line in missing:
        err.print(line, style="red")
    console.print(f"written to {given.report}")
    missed = any(figure.holds is False for chapter in chapters for figure in chapter.figures)
    return 2 if missing else int(missed)


def _machine(load_before: float) -> dict[str, object]:
    return {
        "cores": len(cores()),
        "load before and after": f"{load_before:.1f}, {os.getloadavg()[0]:.1f}",
        "Python": platform.python_version(),
        "Headcount": VERSION,
        "edge": "compiled" if COMPILED else "interpreted",
        "system": f"{platform.system()} {platform.machine()}",
        "made on": time.strftime("%Y-%m-%d", time.gmtime()),
    }


if __name__ == "__main__":
    sys.exit(main())
