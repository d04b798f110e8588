"""``python -m benchmarks.micro --fast -o micro.json``: pyperf's program over the cases, with pyperf's options.

CPU time is taken, not the clock's: what a neighbour takes of the machine is not in it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pyperf

from benchmarks.micro.cases import CASES, Case


def timed(case: Case) -> Callable[[int], float]:
    """What measures so many calls; what the case makes for itself is made before."""

    def measure(loops: int) -> float:
        case()
        began = time.process_time()
        for _ in range(loops):
            case()
        return time.process_time() - began

    return measure


def main() -> None:
    """Time every case, or in one of pyperf's worker processes the one it is told to."""
    runner = pyperf.Runner(program_args=("-m", "benchmarks.micro"))
    for name, case in CASES.items():
        runner.bench_time_func(name, timed(case))


if __name__ == "__main__":
    main()
