"""What becomes of spooled reports, with its price: ``python -m benchmarks.peers.centre FOLDER``.

Loads every sealed segment of ``FOLDER/spool`` into chDB, rolls up when the day is over, releases when it is frozen;
prints a line of JSON: CPU seconds of each step, bytes that stay, and the sums that others can be compared with. As
with the others, what a process needs to start (imports, opening the warehouse) is in no step.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from headcount_aggregator.cell_reader import WarehouseCells
from headcount_aggregator.load.disk import Disk
from headcount_aggregator.load.loader import Loader, LoadResult
from headcount_aggregator.periods import day_frozen_from
from headcount_aggregator.release.run import Releaser
from headcount_aggregator.store import tune
from headcount_aggregator.warehouse.embedded import Embedded, open_embedded
from headcount_wire.clock import ManualClock, SystemClock
from headcount_wire.facts import Fact
from headcount_wire.organisation import load_organisation

Found = TypeVar("Found")

DAY = 86_400.0


@dataclass
class Counted:
    """CPU seconds (all threads), reports, rows, bytes, and what was counted: people and joined meetings by Customer."""

    reports: int
    load_cpu: float
    roll_up_cpu: float
    release_cpu: float
    releases: int
    rows: int
    stored_bytes: int
    release_bytes: int
    memory_bytes: int
    active: dict[str, int]
    joined: dict[str, int]


def count(folder: Path) -> Counted:
    """Load and roll up what was spooled today, of yesterday, and release it on the day it is frozen."""
    tune()
    organisation = load_organisation(folder / "organisation.toml")
    clock = ManualClock(SystemClock().now())
    warehouse = open_embedded(folder / "warehouse")
    warehouse.query("SELECT 1")
    loader = Loader(folder / "spool", folder / "units", organisation, warehouse, clock)
    loaded, load_cpu = _timed(loader.load_once)
    active, joined = _sums(warehouse, 1, Fact.GAP), _sums(warehouse, 2, Fact.COUNT)
    clock.advance(DAY)
    _, roll_up_cpu = _timed(loader.compact)
    warehouse.execute("OPTIMIZE TABLE headcount.final FINAL")
    rows, stored = _final(warehouse)
    (folder / "releases").mkdir()
    releaser = Releaser(folder / "releases", WarehouseCells(warehouse), Disk())
    told = int(clock.now() // DAY) - 2
    releases, release_cpu = _timed(lambda: releaser.release_due(organisation, day_frozen_from(told)))
    sealed = sum(path.stat().st_size for path in (folder / "releases").rglob("*.json"))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    records: LoadResult = loaded
    found = Counted(
        records.records, load_cpu, roll_up_cpu, release_cpu, releases, rows, stored, sealed, memory, active, joined
    )
    loader.close()
    warehouse.close()
    return found


def _timed(work: Callable[[], Found]) -> tuple[Found, float]:
    before = time.process_time()
    found = work()
    return found, time.process_time() - before


def _sums(warehouse: Embedded, measure: int, fact: Fact) -> dict[str, int]:
    rows = warehouse.query(
        f"SELECT customer, toString(sum(n)) FROM headcount.landing FINAL WHERE measure = {measure} "
        f"AND fact = {int(fact)} AND breakdown = 0 GROUP BY customer"
    )
    return {str(customer): int(total) for customer, total in rows}


def _final(warehouse: Embedded) -> tuple[int, int]:
    ((rows, size),) = warehouse.query(
        "SELECT toString(sum(rows)), toString(sum(bytes_on_disk)) FROM system.parts "
        "WHERE active AND database = 'headcount' AND table = 'final'"
    )
    return int(rows), int(size)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(count(Path(sys.argv[1])))) + "\n")
