"""More than a worker can take, for real: each report has one fate, and what was accepted is on the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from headcount_wire import days, segment
from headcount_wire.app_key import new_key
from headcount_wire.clock import SystemClock

from benchmarks.edge import servers
from benchmarks.edge.client import Closed, Reports, Tally, percentile
from benchmarks.edge.hour import hour
from benchmarks.edge.loop import cores
from benchmarks.edge.open_loop import Open
from benchmarks.edge.population import Population, population
from benchmarks.edge.servers import Server

CONNECTIONS = 400
SYNC_SECONDS = 0.25
"""A disk so slow that more connections than this want what it cannot give."""
GROWN_MOST = 64_000_000
LIVES_REPORTS, LIVES_SECONDS, LIVES_MINUTES = 20_000, 12.0, 20


@pytest.fixture(scope="module")
def devices() -> Population:
    return population(400, days.utc_day(SystemClock().now()), new_key("live"), seed=1)


@pytest.fixture
def slow_worker(tmp_path: Path, devices: Population) -> Iterator[Server]:
    servers.prepare(tmp_path, devices)
    with servers.edge(tmp_path, [cores()[0]], sync_seconds=SYNC_SECONDS) as (worker,):
        yield worker


def spooled(folder: Path) -> list[str]:
    return [
        report_id.hex()
        for path in sorted(folder.glob("spool/*/*"))
        if path.suffix in (".seg", ".open")
        for report_id, _ in segment.records(path.read_bytes())
    ]


def holds(tally: Tally, worker: Server, ids: list[str], folder: Path) -> None:
    """One fate each, the same in the worker's own count, and every accepted report spooled exactly once."""
    counted = worker.outcomes()
    assert tally.taken + tally.refused + tally.failed == tally.sent
    assert set(tally.answers) == {b"202", b"503"}
    assert tally.silent_refusals == 0
    assert counted.keys() <= {"accepted", "overloaded", "gone"}
    # What the worker answered and the client, gone by then, did not hear has failed for the client.
    assert tally.taken <= counted["accepted"] <= tally.taken + tally.failed
    assert tally.refused <= counted["overloaded"] <= tally.refused + tally.failed
    on_disk = spooled(folder)
    assert len(set(on_disk)) == len(on_disk) == counted["accepted"]
    assert len(ids) == tally.taken
    assert set(ids) <= set(on_disk)


@pytest.mark.parametrize("close", [True, False], ids=["a_connection_each", "kept_connections"])
def test_each_report_has_one_fate(slow_worker: Server, devices: Population, tmp_path: Path, close: bool) -> None:
    """In a flood accepted, refused and failed are what was sent, memory is bounded, refusals say when to come back."""
    ids: list[str] = []
    before = slow_worker.memory_bytes

    async def flood() -> Tally:
        reports = Reports(devices, close=close, taken=ids.append)
        return await Closed(slow_worker.port, reports).run(CONNECTIONS, 3.0)

    tally = asyncio.run(flood())
    holds(tally, slow_worker, ids, tmp_path)
    assert slow_worker.memory_bytes - before < GROWN_MOST
    assert percentile(tally.served, 0.99) < 5_000  # two syncs and what a busy machine adds; without a bound it grows


def test_after_a_flood_it_is_as_before(slow_worker: Server, devices: Population, tmp_path: Path) -> None:
    """When less comes again, everything is accepted, and no connection is left over."""
    ids: list[str] = []

    async def flood_then_calm() -> tuple[Tally, Tally]:
        flood = await Closed(slow_worker.port, Reports(devices, close=True)).run(CONNECTIONS, 1.5)
        calm = await Open(slow_worker.port, Reports(devices, taken=ids.append), 32).run(40.0, 2.0, seed=1)
        return flood, calm

    files = slow_worker.open_files
    flood, calm = asyncio.run(flood_then_calm())
    assert flood.refused > 0
    assert calm.taken == calm.sent > 0
    assert set(ids) <= set(spooled(tmp_path))
    assert slow_worker.open_files <= files + 32


def test_a_worker_s_memory_stays_flat(tmp_path: Path, devices: Population) -> None:
    """Through 20,000 reports from ever other addresses, reloads, seals and rate windows, memory and files stay flat."""
    found = hour(devices, tmp_path, cores(), LIVES_REPORTS, LIVES_SECONDS, LIVES_MINUTES)
    assert found.accepted > LIVES_REPORTS * 0.9
    warm = [one for one in found.minutes if one.minute > LIVES_MINUTES // 2]
    assert len(warm) >= 5
    assert max(one.memory_bytes for one in warm) - warm[0].memory_bytes < 4_000_000
    least, most = found.open_files_warm
    assert most - least < 80
