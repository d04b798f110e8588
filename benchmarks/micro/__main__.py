"""``python -m benchmarks.micro --fast -o micro.json``: pyperf's program over the cases, with pyperf's options.

CPU time is taken, not the clock's: what a neighbour takes of the machine is not in it. What it takes of the machine's
pace would be, for seconds on end and by a factor of two, so a case and the loop go in short turns.
"""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Callable

import pyperf

from benchmarks.micro.cases import CASES, Case, reference

LOOP_SECONDS = 1e-4
"""What a call of the loop counts for: what pyperf shows as 100 us took as long as the loop."""
TURNS = 8
"""A value's calls are made in so many turns at most."""
LOOPS = 20
"""Calls of the loop after each turn: a millisecond or two."""


def paired(calls: int, case: Case, loop: Case = reference, clock: Callable[[], float] = time.process_time) -> float:
    """What so many calls take, in seconds where the loop takes :data:`LOOP_SECONDS`; the loop is timed in between."""
    turns = min(calls, TURNS)
    ours = theirs = 0.0
    case()
    for turn in range(turns):
        began = clock()
        for _ in range(calls * (turn + 1) // turns - calls * turn // turns):
            case()
        ended = clock()
        for _ in range(LOOPS):
            loop()
        ours += ended - began
        theirs += clock() - ended
    return LOOP_SECONDS * ours / (theirs / (turns * LOOPS))


def _to_workers(command: list[str], given: Namespace) -> None:
    for name in given.case or ():
        command += ["--case", name]


def main() -> None:
    """Time every case, or those that are named; in one of pyperf's worker processes the one it is told to."""
    runner = pyperf.Runner(program_args=("-m", "benchmarks.micro"), add_cmdline_args=_to_workers)
    runner.argparser.add_argument("--case", action="append", choices=CASES, help="only this case; may be repeated")
    for name in runner.parse_args().case or CASES:
        runner.bench_time_func(name, paired, CASES[name])


if __name__ == "__main__":
    main()
