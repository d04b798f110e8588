"""A house under load whose processes are killed: two workers on one port, a loader, devices, and a killer."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import random
import secrets
import signal
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from headcount_aggregator.load.disk import Disk
from headcount_aggregator.load.unit import Units
from headcount_wire import days, segment
from headcount_wire.clock import SystemClock

from tests.crash.devices import Device
from tests.crash.ledger import Ledger, Verdict, judge
from tests.crash.loading import Loading
from tests.crash.nursery import PATIENCE_SECONDS, Nursery, Process
from tests.ingest.conftest import KEY, settings_in

WORKERS = ("w0", "w1")
DEVICES = 12
REPEATED = 5
AT_AN_ANSWER = 0.4
"""How often a process is killed as soon as a device has read an answer."""
AT_ITS_START = 0.2
"""How often a worker is killed without a look whether it serves already."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A run: how many kills of workers, and who is planted with a bug.

    ``torn``: how often a killed worker's open segment is given a write that was cut short. ``round_kills``: the loader
    loads each time that so many workers were killed. ``rounds``: how often it does, at most, before it is killed.
    ``in_step``: the killer of workers waits for each round, and then some reports that were counted are sent again.
    """

    kills: int
    seed: int = 0
    worker: str = "real"
    loader: str = "real"
    torn: float = 0.2
    round_kills: int = 20
    rounds: int = 6
    in_step: bool = False


@dataclass(slots=True)
class Killed:
    """Who was killed at what: ``serving`` had a segment open, ``starting`` did not serve yet."""

    workers: int = 0
    serving: int = 0
    starting: int = 0
    torn: int = 0
    loaders: int = 0


class House:
    """Everything one run is made of."""

    def __init__(self, folder: Path, plan: Plan, nursery: Nursery) -> None:
        self.ledger = Ledger(days.utc_day(SystemClock().now()))
        self.killed = Killed()
        self._folder = folder
        self._plan = plan
        self._nursery = nursery
        self._draw = random.Random(plan.seed)
        self._living: dict[str, Process] = {}
        self._damaged = 0
        self._over = asyncio.Event()
        self._due = asyncio.Event()
        self._loaded = asyncio.Event()
        self._settings = replace(settings_in(folder), port=nursery.port(), admin_port=0, seal_seconds=0.5)

    async def run(self) -> Verdict:
        """Kill as planned, under load; then let everything come in, and judge."""
        for worker in WORKERS:
            await self._start(worker)
        draws = [random.Random(self._draw.random()) for _ in range(DEVICES)]
        again, *devices = (Device(self._settings.port, KEY, self.ledger, draw, self._up) for draw in draws)
        under_way = [asyncio.create_task(device.report_until(self._over)) for device in devices]
        loading = asyncio.create_task(self._keep_loading())
        try:
            for kill in range(1, self._plan.kills + 1):
                await self._kill(self._draw.choice(WORKERS))
                if loading.done():
                    await loading  # it failed
                if kill % self._plan.round_kills == 0:
                    self._loaded.clear()
                    self._due.set()
                    if self._plan.in_step:
                        await asyncio.wait_for(self._loaded.wait(), PATIENCE_SECONDS)
                        await self._repeat_counted(again)
            self._over.set()
            await asyncio.wait_for(asyncio.gather(*under_way), PATIENCE_SECONDS)
        finally:
            self._over.set()
            self._due.set()
            for task in under_way:
                task.cancel()
        await asyncio.wait_for(loading, PATIENCE_SECONDS)
        return await self._judge()

    async def _judge(self) -> Verdict:
        """Two kinds of end: one worker drains, the other is killed and never starts again."""
        await self._living["w0"].is_ready()
        assert await self._living["w0"].end(signal.SIGTERM) == 0
        await self._living["w1"].end()
        last = Loading(self._folder, self._plan.loader)
        await last.start()
        done, totals = await last.end()
        self._note(done)
        left = sorted(path.suffix for path in (self._folder / "spool").glob("*/*") if path.name != "lock")
        units = Units(self._folder / "units", Disk())
        counted = Counter(report_id for report_id, _ in units.ids())
        duplicates = sum(header.duplicates for header in units.headers())
        return judge(self.ledger, counted, totals, self._damaged, left, duplicates)

    def _note(self, result: Mapping[str, int]) -> None:
        self._damaged += result["damaged"] + result["quarantined"]

    async def _start(self, worker: str) -> None:
        self._living[worker] = await self._nursery.start(replace(self._settings, worker=worker), self._plan.worker)

    async def _up(self) -> None:
        """Return when a worker serves."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not any(process.serves for process in self._living.values()):
                await asyncio.shield(self._nursery.news)

    async def _repeat_counted(self, device: Device) -> None:
        for report_id, _ in islice(Units(self._folder / "units", Disk()).ids(), REPEATED):
            await device.repeat(self.ledger.sent[report_id])

    async def _random_moment(self) -> None:
        """Wait for the next answer, or for a draw of milliseconds; often next to none."""
        draw = self._draw
        seconds = draw.uniform(0, draw.choice((0.004, 0.1, 0.1, 0.2)))
        with contextlib.suppress(TimeoutError):
            if draw.random() < AT_AN_ANSWER:
                self.ledger.answered.clear()
                await asyncio.wait_for(self.ledger.answered.wait(), seconds)
                return
            await asyncio.wait_for(self._over.wait(), seconds)

    async def _kill(self, worker: str) -> None:
        """Kill a worker at a random moment of its life, and start its next at once."""
        process = self._living[worker]
        if self._draw.random() > AT_ITS_START:
            await process.is_ready()
        await self._random_moment()
        own = self._folder / "spool" / worker
        held = open_files(process.pid)
        if process.ready.done():
            assert own / "lock" in held, "the process that is killed is the one that serves"
        assert await process.end() == -signal.SIGKILL, "it died of the kill, not by itself"
        self.killed.workers += 1
        self.killed.starting += not process.ready.done()
        self.killed.serving += any(path.suffix == ".open" and path.parent == own for path in held)
        if self._draw.random() < self._plan.torn:
            self.killed.torn += tear(own, self._draw)
        await self._start(worker)

    async def _keep_loading(self) -> None:
        """Load while workers are killed, and be killed in the middle of it now and then."""
        while not self._over.is_set():
            loader = Loading(self._folder, self._plan.loader)
            await loader.start()
            for _ in range(self._draw.randint(1, self._plan.rounds)):
                await self._due.wait()
                self._due.clear()
                if self._over.is_set():
                    break
                self._note(await loader.load())
                self._loaded.set()
            loader.begin()
            await self._random_moment()
            await loader.kill()
            self.killed.loaders += 1


def open_files(pid: int) -> set[Path]:
    """The files that a process has open."""
    found: set[Path] = set()
    with contextlib.suppress(FileNotFoundError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                found.add(link.readlink())
    return found


def tear(folder: Path, draw: random.Random) -> bool:
    """Add to what a dead worker left open the beginning of one more write; whether there was such a file.

    The record in it was never sent: whoever believes it counts something foreign.
    """
    if not (folder / "lock").exists():
        return False
    with owned(folder):
        for path in folder.glob("*.open"):
            if path.stat().st_size < segment.HEADER_BYTES:  # it died before there could be a record
                continue
            record = segment.encode_record(secrets.token_bytes(16), foreign_record())
            with path.open("ab") as file:
                file.write(draw.choice((record[: draw.randrange(1, len(record))], bytes(draw.randint(1, 4096)))))
            return True
    return False


def foreign_record() -> segment.Record:
    """A record that no device sent. It ends in no zero byte: zeros behind one that was cut must not make it whole."""
    context = ("ios", "unknown", "unknown", "unknown", "unknown", "unknown")
    today = days.utc_day(SystemClock().now())
    return segment.Record(segment.Stream.LIVE, today, 5, 11, 3, 1, context, None, ((today, 1, 0, 4, 1, 2**31 - 1),))


@contextlib.contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Hold a dead worker's folder, so that neither the loader nor a next worker looks into it meanwhile."""
    lock = os.open(folder / "lock", os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


async def run_house(folder: Path, plan: Plan) -> tuple[Verdict, House]:
    """One run from a cold start to its verdict."""
    async with Nursery() as nursery:
        house = House(folder, plan, nursery)
        verdict = await house.run()
        assert not nursery.said, "\n".join(nursery.said)
    return verdict, house
