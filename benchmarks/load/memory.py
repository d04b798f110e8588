"""What memory this process holds: most of it in each phase, and how much of it is pages of files (chDB's own code)."""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import NamedTuple

_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"


class Held(NamedTuple):
    """Bytes: most since the phase began, now, and how much of the latter is pages of files; zeros where nobody says."""

    peak: int = 0
    now: int = 0
    of_files: int = 0


def begin_phase() -> None:
    """Measure the peak from here on, where the system can (Linux)."""
    if _CLEAR_REFS.exists():
        _CLEAR_REFS.write_text(_RESET_PEAK)


def held() -> Held:
    """What is held in this phase."""
    if not _STATUS.exists():
        return Held(_peak_of_process())
    said = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
    peak, now, of_files = (int(said[name].split()[0]) * 1024 for name in ("VmHWM", "VmRSS", "RssFile"))
    return Held(peak, now, of_files)


def _peak_of_process() -> int:
    found = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return found if sys.platform == "darwin" else found * 1024
