"""Memory: what is held after many batches is what was held after the first, but for the ids."""

from __future__ import annotations

import gc
import random
import tracemalloc
from pathlib import Path

from headcount_aggregator.load.loader import Loader
from headcount_aggregator.warehouse.embedded import CACHE_BYTES, Embedded
from headcount_aggregator.warehouse.tables import Table
from headcount_wire.clock import ManualClock
from headcount_wire.organisation import Organisation
from headcount_wire.segment_slices import split_tallies

from tests.aggregator.conftest import Spooled, record_of, spool
from tests.aggregator.test_conservation import Landed

SLACK_BYTES = 200_000


class Takes(Landed):
    """A warehouse that takes rows and keeps none."""

    def insert(self, table: Table, block: bytes) -> None:
        pass


def test_a_loader_holds_no_more_after_many_batches(
    tmp_path: Path, organisation: Organisation, clock: ManualClock
) -> None:
    """Batches, each of another size, leave nothing in memory but the ids that are remembered."""
    draw, count = random.Random(1), Spooled()
    loader = Loader(tmp_path / "spool", tmp_path / "units", organisation, Takes(), clock)
    tracemalloc.start()
    try:
        held: list[int] = []
        for number in range(12):
            reports = [(draw.randbytes(16), record_of(draw)) for _ in range(600 + 37 * number)]
            spool(tmp_path / "spool", reports, count=count)
            reports.clear()
            count.ids.clear()
            loader.load_once()
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0] - loader.ids_bytes)
    finally:
        tracemalloc.stop()
        loader.close()
    assert max(held[6:]) - held[2] < SLACK_BYTES


def test_tallies_are_split_alike_however_many_they_are() -> None:
    """Each tally once and in order, at every number around those that are split at once."""
    for number in (0, 1, 7, 8, 9, 63, 64, 65, 1023, 1024, 1025, 2500):
        tallies = [number_of.to_bytes(10, "little") for number_of in range(number)]
        assert split_tallies(b"".join(tallies)) == tallies


def test_the_engines_caches_are_bounded(warehouse: Embedded) -> None:
    """Marks and keys of parts are cached up to a bound of ours, not up to gigabytes."""
    found = warehouse.query(
        "SELECT name, toUInt64(value) FROM system.server_settings "
        "WHERE name IN ('mark_cache_size', 'index_mark_cache_size', 'primary_index_cache_size')"
    )
    assert {int(size) for _, size in found} == {CACHE_BYTES}
    assert len(found) == 3
