"""The clock that several processes share."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from headcount.file_clock import FileClock


def test_another_process_reads_the_same_time(tmp_path: Path) -> None:
    """What one process sets, another reads; going live gives both the system's time."""
    clock = FileClock.create(tmp_path / "clock", 1_000.5)
    program = "import sys, pathlib; from headcount.file_clock import FileClock; "
    program += "print(FileClock(pathlib.Path(sys.argv[1])).now())"
    ask = [sys.executable, "-c", program, str(tmp_path / "clock")]

    assert float(subprocess.run(ask, check=True, capture_output=True).stdout) == 1_000.5
    clock.set_now(2_000.25)
    assert float(subprocess.run(ask, check=True, capture_output=True).stdout) == 2_000.25
    clock.go_live()
    assert abs(clock.now() - time.time()) < 1.0
    clock.close()


def test_durations_are_real(tmp_path: Path) -> None:
    """Moving the wall time moves no timeout."""
    clock = FileClock.create(tmp_path / "clock", 0.0)
    before = clock.monotonic()
    clock.set_now(1e9)
    assert clock.monotonic() - before < 60.0
    clock.close()
