"""``python -m benchmarks.micro.compare micro.json``: each case's ratio to the reference loop, beside the stored ones.

Seconds hang on the machine; the ratio to a loop that ran beside it hardly does. 1 when a case has become ``--most``
times as slow as the baseline says: only a large regression fails. ``--store`` makes these ratios the baseline.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyperf
from rich.console import Console
from rich.table import Table

BASELINE = Path(__file__).with_name("baseline.json")
REFERENCE = "reference"
MOST = 2.0


@dataclass(frozen=True)
class Change:
    """One case: its ratio to the reference loop, the stored one, and how many times that it is."""

    name: str
    ratio: float
    before: float | None

    @property
    def times(self) -> float:
        """How many times the stored ratio; 1 for a case that has none yet."""
        return self.ratio / self.before if self.before else 1.0


def ratios(seconds: Mapping[str, float]) -> dict[str, float]:
    """Each case's time in units of the reference loop's."""
    return {name: took / seconds[REFERENCE] for name, took in seconds.items() if name != REFERENCE}


def compare(seconds: Mapping[str, float], baseline: Mapping[str, float]) -> list[Change]:
    """Every case that was timed, beside its baseline."""
    return [Change(name, ratio, baseline.get(name)) for name, ratio in ratios(seconds).items()]


def read(file: Path) -> dict[str, float]:
    """The least seconds of each case in a file that pyperf wrote: what neighbours disturbed least."""
    suite = pyperf.BenchmarkSuite.load(str(file))
    return {one.get_name(): min(one.get_values()) for one in suite.get_benchmarks()}


def main() -> int:
    """Print the comparison."""
    parser = argparse.ArgumentParser(prog="benchmarks.micro.compare", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--most", type=float, default=MOST, help="how many times as slow fails")
    parser.add_argument("--store", action="store_true", help="make these ratios the baseline")
    given = parser.parse_args()
    seconds = read(given.file)
    baseline = json.loads(BASELINE.read_bytes()) if BASELINE.exists() else {}
    changes = compare(seconds, baseline)
    title = f"the loop: {1e6 * seconds[REFERENCE]:.1f} us"
    shown = Table("case", "microseconds", "of the loop", "stored", "times", title=title)
    for change in changes:
        before = f"{change.before:.3f}" if change.before else ""
        times = f"{change.times:.2f}" + (" [red]slower[/]" if change.times > given.most else "")
        shown.add_row(change.name, f"{1e6 * seconds[change.name]:,.2f}", f"{change.ratio:.3f}", before, times)
    Console().print(shown)
    if given.store:
        stored = {name: round(ratio, 4) for name, ratio in ratios(seconds).items()}
        BASELINE.write_text(json.dumps(stored, indent=1) + "\n")
    return int(any(change.times > given.most for change in changes))


if __name__ == "__main__":
    sys.exit(main())
