"""``python -m benchmarks.micro.compare micro.json``: time each case, as a ratio to a loop, beside the stored ratios.

Seconds hang on the machine; the ratio to a loop that ran in between hardly does. 1 when a case is ``--most`` times as
slow as the baseline says, and is so each time it is timed again: only a large regression fails. ``--store`` makes these
ratios the baseline. What pyperf wrote is kept in the file that is named.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
import pyperf
from rich.console import Console
from rich.table import Table

from benchmarks.micro.__main__ import LOOP_SECONDS

BASELINE = Path(__file__).with_name("baseline.json")
MOST = 2.0
AGAIN = 2
"""How often a case that seems slow is timed again: noise is not there each time, a regression is."""
PYPERF = ("--quiet", "--processes", "3", "--values", "3", "--warmups", "1", "--min-time", "0.05")


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


def compare(ratios: Mapping[str, float], baseline: Mapping[str, float]) -> list[Change]:
    """Every case that was timed, beside its baseline."""
    return [Change(name, ratio, baseline.get(name)) for name, ratio in ratios.items()]


def stored(file: Path) -> dict[str, float]:
    """The baseline; ends with a sentence when it is none."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Annotated[float, msgspec.Meta(gt=0)]])
    except (OSError, msgspec.MsgspecError) as error:
        sys.exit(f"{file}: is no baseline ({error}): --store makes it anew")


def time_cases(file: Path, names: Iterable[str] = ()) -> dict[str, float]:
    """Each case's ratio to the loop, the middle one of pyperf's processes; of all cases if none is named."""
    file.unlink(missing_ok=True)
    only = [word for name in names for word in ("--case", name)]
    command = [sys.executable, "-m", "benchmarks.micro", *PYPERF, "-o", str(file), *only]
    subprocess.run(command, check=True)
    suite = pyperf.BenchmarkSuite.load(str(file))
    return {one.get_name(): one.median() / LOOP_SECONDS for one in suite.get_benchmarks()}


def main() -> int:
    """Time, print the comparison, and time again what seems slow."""
    parser = argparse.ArgumentParser(prog="benchmarks.micro.compare", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--most", type=float, default=MOST, help="how many times as slow fails")
    parser.add_argument("--store", action="store_true", help="make these ratios the baseline")
    given = parser.parse_args()
    baseline = {} if given.store else stored(BASELINE)
    ratios = time_cases(given.file)
    if not given.store and (unlike := sorted(ratios.keys() ^ baseline.keys())):
        sys.exit(f"{BASELINE}: is of other cases ({', '.join(unlike)}): --store makes it anew")
    if given.store:
        BASELINE.write_text(json.dumps({name: round(ratio, 4) for name, ratio in ratios.items()}, indent=1) + "\n")
        baseline = ratios
    slow: list[str] = []
    for left in range(AGAIN, -1, -1):
        changes = compare(ratios, baseline)
        slow = [change.name for change in changes if change.times > given.most]
        _show(changes, slow)
        if not slow or not left:
            break
        print("Slower than the baseline allows, so timed again:", ", ".join(slow))
        for name, ratio in time_cases(given.file.with_stem(f"{given.file.stem}-again"), slow).items():
            ratios[name] = min(ratios[name], ratio)
    return int(bool(slow))


def _show(changes: Iterable[Change], slow: Iterable[str]) -> None:
    shown = Table("case", "of the loop", "stored", "times")
    for change in changes:
        before = f"{change.before:.3f}" if change.before else ""
        times = f"{change.times:.2f}" + (" [red]slower[/]" if change.name in slow else "")
        shown.add_row(change.name, f"{change.ratio:.3f}", before, times)
    Console().print(shown)


if __name__ == "__main__":
    sys.exit(main())
