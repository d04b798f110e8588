"""Loads device-days day after day, as a store does, and says what it took."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from headcount_aggregator.load.loader import Loader
from headcount_aggregator.warehouse.embedded import Embedded, open_embedded
from headcount_wire.clock import ManualClock

from benchmarks.load.memory import begin_phase, held
from benchmarks.load.population import Shape, organisation_of
from benchmarks.load.writer import Writer

FIRST_DAY = 20_000
DAY = 86_400.0
CHUNK = 200_000


class Day(NamedTuple):
    """Bytes of memory on one day: most while it was loaded and while it was rolled up, and afterwards.

    ``of_files``: how much of the latter is pages of files, which the system can take back (chDB's code is 200 MB of
    them); ``ids``: how much is for report ids that are remembered.
    """

    device_days: int
    loading: int
    rolling_up: int
    afterwards: int
    of_files: int
    ids: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading so many device-days took; seconds of processor time are this process's, chDB's threads included."""

    device_days: int
    days: int
    interactions: float
    load_seconds: float
    load_cpu: float
    roll_up_seconds: float
    roll_up_cpu: float
    landing_rows: int
    final_rows: int
    final_bytes: int
    segment_bytes: int
    units_bytes: int
    rss_after_start: int
    memory: list[Day]

    @property
    def peak_rss(self) -> int:
        """Most memory that was held at any time."""
        return max(max(day.loading, day.rolling_up) for day in self.memory)

    @property
    def growth(self) -> float:
        """By what share the last third of the days took more memory at their peak than the third before it."""
        peaks = [max(day.loading, day.rolling_up) for day in self.memory]
        third = len(peaks) // 3
        return statistics.mean(peaks[-third:]) / statistics.mean(peaks[-2 * third : -third]) - 1 if third else 0.0

    @property
    def device_days_per_second(self) -> float:
        """Loaded, rolled up, by the wall clock."""
        return self.device_days / (self.load_seconds + self.roll_up_seconds)

    @property
    def device_days_per_cpu(self) -> float:
        """Loaded, rolled up, by processor time."""
        return self.device_days / (self.load_cpu + self.roll_up_cpu)

    @property
    def rows_per_million_device_days(self) -> float:
        """Rows that stay."""
        return self.final_rows / self.device_days * 1e6

    @property
    def bytes_per_million_interactions(self) -> float:
        """Bytes of the rows that stay, on the disk."""
        return self.final_bytes / (self.device_days * self.interactions) * 1e6


class _Timer:
    def __init__(self) -> None:
        self.seconds = self.cpu = 0.0

    def __call__(self, work: Callable[[], object]) -> None:
        wall, cpu = time.monotonic(), time.process_time()
        work()
        self.seconds += time.monotonic() - wall
        self.cpu += time.process_time() - cpu


def load(shape: Shape, device_days: int, days: int, say: Callable[[str], None]) -> Loaded:
    """Load so many device-days of a shape, spread over so many days, each rolled up when it is over."""
    with tempfile.TemporaryDirectory(prefix="headcount-load-") as name:
        folder = Path(name)
        organisation = organisation_of(shape, folder)
        warehouse = open_embedded(folder / "warehouse")
        clock = ManualClock(FIRST_DAY * DAY + DAY)
        (folder / "spool").mkdir()
        loader = Loader(folder / "spool", folder / "units", organisation, warehouse, clock)
        started = held().now
        loading, rolling = _Timer(), _Timer()
        landing = segments = units = 0
        memory: list[Day] = []
        with Writer(shape, folder / "spool") as writer:
            for day in range(days):
                moment = (FIRST_DAY + day + 1) * DAY
                clock.advance(moment - clock.now())
                done, todo = device_days * day // days, device_days * (day + 1) // days
                begin_phase()
                while done < todo:
                    count = min(CHUNK, todo - done)
                    done += count
                    writer.begin(FIRST_DAY + day, count, moment)
                    segments += writer.wait()
                    loading(loader.load_once)
                while_loading = held().peak
                landing += _rows(warehouse, "landing")
                units = max(units, _size(folder / "units"))
                clock.advance(DAY)
                begin_phase()
                rolling(loader.compact)
                loader.forget()
                now = held()
                memory.append(Day(done, while_loading, now.peak, now.now, now.of_files, loader.ids_bytes))
                say(f"day {day + 1} of {days}: {loading.cpu + rolling.cpu:.0f} CPU s, {_text(memory[-1])}")
            interactions = writer.interactions
        warehouse.execute("OPTIMIZE TABLE headcount.final FINAL")
        rows, size = _final(warehouse)
        loader.close()
        warehouse.close()
    return Loaded(
        device_days, days, interactions, loading.seconds, loading.cpu, rolling.seconds, rolling.cpu,
        landing, rows, size, segments, units, started, memory,
    )  # fmt: skip


def _text(day: Day) -> str:
    return f"loading {day.loading / 1e6:.0f} MB, rolling up {day.rolling_up / 1e6:.0f}, then {day.afterwards / 1e6:.0f}"


def _rows(warehouse: Embedded, table: str) -> int:
    ((rows,),) = warehouse.query(f"SELECT count() FROM headcount.{table}")
    return int(rows)


def _final(warehouse: Embedded) -> tuple[int, int]:
    ((rows, size),) = warehouse.query(
        "SELECT toString(sum(rows)), toString(sum(bytes_on_disk)) FROM system.parts "
        "WHERE active AND database = 'headcount' AND table = 'final'"
    )
    return int(rows), int(size)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())
