"""The writing side, a process of its own, so that the loader's memory is the loader's: ``day count moment`` a line."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from types import TracebackType

from benchmarks.load.population import Population, Shape, write_segments


class Writer:
    """Writes the segments of a day's devices into a spool."""

    def __init__(self, shape: Shape, spool: Path) -> None:
        command = [sys.executable, "-m", "benchmarks.load.writer", json.dumps(asdict(shape)), str(spool)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.interactions = float(self._line()[0])

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()

    def begin(self, day: int, device_days: int, moment: float) -> None:
        """Have a day's segments written."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{day} {device_days} {moment}\n")
        self._process.stdin.flush()

    def wait(self) -> int:
        """Wait until they are; returns their bytes."""
        return int(self._line()[1])

    def _line(self) -> list[str]:
        assert self._process.stdout is not None
        return self._process.stdout.readline().split()


def main() -> None:
    """Answer each line with the segments and bytes written."""
    shape, spool = Shape(**json.loads(sys.argv[1])), Path(sys.argv[2])
    population = Population(shape)
    print(population.interactions, flush=True)  # answers to the process that asked
    for line in sys.stdin:
        day, device_days, moment = line.split()
        found = write_segments(spool / "w0", population.day(int(day), int(device_days)), float(moment))
        print(*found, flush=True)


if __name__ == "__main__":
    main()
