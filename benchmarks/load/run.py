"""Loads device-days day after day, as a store does, and says what it took."""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from headcount_aggregator.load.loader import Loader
from headcount_aggregator.warehouse.embedded import Embedded, open_embedded
from headcount_wire.clock import ManualClock

from benchmarks.load.population import Shape, organisation_of
from benchmarks.load.writer import Writer

FIRST_DAY = 20_000
DAY = 86_400.0
CHUNK = 200_000


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
    peak_rss: int
    rss_after_start: int

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
        started = peak_rss()
        loading, rolling = _Timer(), _Timer()
        landing = segments = units = 0
        with Writer(shape, folder / "spool") as writer:
            for day in range(days):
                moment = (FIRST_DAY + day + 1) * DAY
                clock.advance(moment - clock.now())
                todo = device_days * (day + 1) // days - device_days * day // days
                while todo:
                    count = min(CHUNK, todo)
                    todo -= count
                    writer.begin(FIRST_DAY + day, count, moment)
                    segments += writer.wait()
                    loading(lambda: say(f"{loader.load_once()} rss {peak_rss() / 1e6:.0f}, now {rss() / 1e6:.0f} MB"))
                landing += _rows(warehouse, "landing")
                units = max(units, _size(folder / "units"))
                clock.advance(DAY)
                rolling(loader.compact)
                loader.forget()
                say(f"day {day + 1} of {days}: rss {peak_rss() / 1e6:.0f}, now {rss() / 1e6:.0f} MB")
            interactions = writer.interactions
        warehouse.execute("OPTIMIZE TABLE headcount.final FINAL")
        rows, size = _final(warehouse)
        loader.close()
        warehouse.close()
    return Loaded(
        device_days, days, interactions, loading.seconds, loading.cpu, rolling.seconds, rolling.cpu,
        landing, rows, size, segments, units, peak_rss(), started,
    )  # fmt: skip


def peak_rss() -> int:
    """Bytes of memory this process has held at most."""
    found = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return found if sys.platform == "darwin" else found * 1024


def rss() -> int:
    """Bytes of memory this process holds now; 0 where the system does not say."""
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * resource.getpagesize() if status.exists() else 0


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
