"""One clock for several processes: the demo and a replay move it, every tier reads it.

Production has no way to name such a file: ``headcount up`` always runs on the system's clock.
"""

from __future__ import annotations

import math
import mmap
import struct
import time
from pathlib import Path

_TIME = struct.Struct("<d")


class FileClock:
    """A clock whose wall time stands in a shared file; NaN there means the system's own time.

    Durations (``monotonic``) are always real: timeouts and sync latencies are not simulated.
    """

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _TIME.size)

    @classmethod
    def create(cls, path: Path, now: float) -> FileClock:
        """Make the file, set to a moment in seconds since 1970."""
        path.write_bytes(_TIME.pack(now))
        return cls(path)

    def now(self) -> float:
        (now,) = _TIME.unpack_from(self._map)
        return time.time() if math.isnan(now) else now

    def monotonic(self) -> float:
        return time.monotonic()

    def set_now(self, now: float) -> None:
        """Move every reader of the file to this moment."""
        _TIME.pack_into(self._map, 0, now)

    def go_live(self) -> None:
        """From now on every reader has the system's own time."""
        _TIME.pack_into(self._map, 0, math.nan)

    def close(self) -> None:
        """Let go of the file."""
        self._map.close()
