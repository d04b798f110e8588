"""``python -m benchmarks.edge``: everything that is promised of the edge's speed and endurance, in one run.

Best with ``pip install -e '.[bench]'`` (uvloop for the load generator, matplotlib for the plots), and on a machine that
does nothing else. The table names each figure's target; the exit code is 1 when one does not hold.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import sys
import tempfile
from array import array
from collections.abc import Callable
from pathlib import Path

from headcount_ingest.compiled import COMPILED
from headcount_wire import days
from headcount_wire.app_key import new_key
from headcount_wire.clock import SystemClock
from rich.console import Console

from benchmarks import recovery
from benchmarks.edge import report
from benchmarks.edge.hour import hour
from benchmarks.edge.loop import cores
from benchmarks.edge.overload import PHONES, PROXY, overload
from benchmarks.edge.population import Population, population
from benchmarks.edge.rates import one_core, two_cores
from benchmarks.edge.steady import steady

PHASES = ("one-core", "two-cores", "steady", "overload", "hour", "recovery")


def main() -> int:
    """Run the phases that were asked for; 1 when a target does not hold."""
    parser = argparse.ArgumentParser(prog="benchmarks.edge", description=__doc__)
    parser.add_argument("phases", nargs="*", choices=[*PHASES, []], help="which to run; all, if none is named")
    parser.add_argument("--device-days", type=int, default=2_000, help="different reports")
    parser.add_argument("--rounds", type=int, default=5, help="of each contestant")
    parser.add_argument("--seconds", type=float, default=3.0, help="of a round; other phases take a few times as long")
    parser.add_argument("--hour-reports", type=int, default=450_000)
    parser.add_argument("--hour-seconds", type=float, default=150.0, help="real seconds that the hour takes")
    parser.add_argument("--devices", type=int, default=100_000, help="that come back after an outage")
    parser.add_argument("--report", type=Path, default=Path(__file__).parents[1] / "report")
    given = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 65_536)), hard))
    with tempfile.TemporaryDirectory(prefix="headcount-bench-", dir=Path.cwd()) as name:  # on a disk, not in memory
        measured, latencies = _run(given, Path(name), given.phases or PHASES)
    console = Console()
    for table in report.tables(measured):
        console.print(table)
    report.write(measured, latencies, given.report)
    console.print(f"written to {given.report}")
    return 0 if all(ratio.holds is not False for ratio in report.ratios(measured)) else 1


def _run(given: argparse.Namespace, folder: Path, phases: tuple[str, ...]) -> tuple[report.Measured, array[float]]:
    mine = cores()
    measured = report.Measured(machine=_machine(mine))
    latencies = array("d")
    people: Population | None = None

    def place(name: str) -> Path:
        (folder / name).mkdir()
        return folder / name

    def devices() -> Population:
        nonlocal people
        people = people or population(given.device_days, days.utc_day(SystemClock().now()), new_key("live"), seed=1)
        return people

    def one() -> None:
        measured.one_core = one_core(devices(), place("one-core"), mine, given.rounds, given.seconds)

    def two() -> None:
        measured.two_cores = two_cores(devices(), place("two-cores"), mine, given.rounds, given.seconds)

    def at_80() -> None:
        nonlocal latencies
        measured.steady, tally = steady(devices(), place("steady"), mine, 5 * given.seconds)
        latencies = tally.latencies

    def flood() -> None:
        for number, way in enumerate((PHONES, PROXY)):
            measured.overloads.append(overload(devices(), place(f"overload-{number}"), mine, way, 3 * given.seconds))

    def long() -> None:
        measured.hour = hour(devices(), place("hour"), mine, given.hour_reports, given.hour_seconds)

    def outages() -> None:
        measured.recoveries = recovery.play(given.devices)

    steps: dict[str, Callable[[], None]] = dict(zip(PHASES, (one, two, at_80, flood, long, outages), strict=True))
    for phase in PHASES:
        if phase in phases:
            print(f"{phase} ...", file=sys.stderr)
            steps[phase]()
    return measured, latencies


def _machine(mine: list[str]) -> dict[str, object]:
    return {
        "cores": len(mine),
        "python": platform.python_version(),
        "edge": "compiled" if COMPILED else "interpreted",
        "system": platform.system(),
        "load": os.getloadavg(),
    }


if __name__ == "__main__":
    sys.exit(main())
