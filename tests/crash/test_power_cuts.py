"""The power is cut under load.

Where files cannot be mounted as disks there is no such test, and the header of pytest's output says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from headcount_wire import days, segment
from headcount_wire.clock import SystemClock
from headcount_wire.errors import MalformedSegment

from tests.crash.devices import Device
from tests.crash.ledger import Ledger
from tests.crash.machine import power_cuts
from tests.crash.nursery import PATIENCE_SECONDS, Nursery, Process
from tests.crash.power import PoweredDisk
from tests.ingest.conftest import KEY, settings_in

CUTS = power_cuts()
log = logging.getLogger(__name__)
WORKERS, DEVICES = ("w0", "w1"), 8


async def lost_by(cuts: int, variant: str, place: Path, disk: PoweredDisk) -> tuple[int, Ledger]:
    """How many acknowledged reports are in no segment after so many cuts."""
    draw = random.Random(cuts)
    ledger = Ledger(days.utc_day(SystemClock().now()))
    living: list[Process] = []
    over = asyncio.Event()
    async with Nursery() as nursery:
        settings = replace(settings_in(place), port=nursery.port(), admin_port=0, seal_seconds=0.1)
        settings = replace(settings, spool=disk.folder / "spool")

        async def start() -> None:
            living[:] = [await nursery.start(replace(settings, worker=worker), variant) for worker in WORKERS]

        async def up() -> None:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not any(process.serves for process in living):
                    await asyncio.shield(nursery.news)

        await start()
        draws = [random.Random(draw.random()) for _ in range(DEVICES)]
        under_way = [
            asyncio.create_task(Device(settings.port, KEY, ledger, one, up).report_until(over)) for one in draws
        ]
        for _ in range(cuts):
            await up()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), draw.uniform(0.02, draw.choice((0.1, 0.5))))
            await disk.cut(living)
            await start()
        over.set()
        await asyncio.wait_for(asyncio.gather(*under_way), PATIENCE_SECONDS)
        for process in living:
            await process.is_ready()
            assert await process.end(signal.SIGTERM) == 0
    return len(ledger.acknowledged - ids_in(settings.spool)), ledger


def ids_in(spool: Path) -> set[bytes]:
    """The ids of every record that a reader finds."""
    assert not list(spool.glob("*/*.open"))
    found: set[bytes] = set()
    for path in spool.glob("*/*.seg"):
        with contextlib.suppress(MalformedSegment):
            found |= {report_id for report_id, _ in segment.salvage(path.read_bytes()).records}
    return found


if CUTS:

    @pytest.mark.timeout(120 + 5 * CUTS)
    async def test_what_was_acknowledged_outlasts_power_cuts(tmp_path: Path) -> None:
        """Cut off from power at random moments, 20 times in CI, no acknowledged report is lost."""
        with PoweredDisk(tmp_path) as disk:
            lost, ledger = await lost_by(CUTS, "real", tmp_path, disk)
        log.info("cuts=%d lost=%d %s", CUTS, lost, ledger.summary)
        assert not lost
        assert len(ledger.acknowledged) > 5 * CUTS

    async def test_a_worker_that_never_syncs_is_caught(tmp_path: Path) -> None:
        """The same cuts take acknowledged reports from a worker with this bug."""
        with PoweredDisk(tmp_path) as disk:
            lost, _ = await lost_by(4, "never syncs", tmp_path, disk)
        assert lost
