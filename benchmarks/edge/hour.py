"""An hour of a worker's life in a few minutes: its clock is fast, so that rate windows, seals and reloads pass as in an
hour, while real reports come, from ever other addresses; its memory and its open files are looked at each minute.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.edge import servers
from benchmarks.edge.client import Reports, Tally
from benchmarks.edge.loop import on_cores, run
from benchmarks.edge.open_loop import Open
from benchmarks.edge.population import Population, organisation_text
from benchmarks.edge.servers import Server

MINUTES = 60
WARM_MINUTES = 20
LINES = 64
SEAL_SECONDS, RELOAD_SECONDS, WAIT_SECONDS = 2.0, 1.0, 0.1


@dataclass(frozen=True)
class Minute:
    """What a worker held at the end of one minute of its clock."""

    minute: int
    memory_bytes: int
    open_files: int


@dataclass(frozen=True)
class Hour:
    """One hour: what was sent, and each minute."""

    sent: int
    accepted: int
    seconds: float
    client_share: float
    minutes: list[Minute]

    @property
    def growth_bytes_an_hour(self) -> float:
        """The slope of memory after warming up (least squares)."""
        warm = [one for one in self.minutes if one.minute > WARM_MINUTES * len(self.minutes) // MINUTES]
        at = [one.minute for one in warm]
        held = [one.memory_bytes for one in warm]
        middle_at, middle_held = sum(at) / len(at), sum(held) / len(held)
        spread = sum((x - middle_at) ** 2 for x in at)
        rise = sum((x - middle_at) * (y - middle_held) for x, y in zip(at, held, strict=True))
        return rise / spread * MINUTES

    @property
    def open_files_warm(self) -> tuple[int, int]:
        """The least and the most open files after warming up."""
        warm = [one.open_files for one in self.minutes if one.minute > WARM_MINUTES * len(self.minutes) // MINUTES]
        return min(warm), max(warm)


def hour(
    population: Population, folder: Path, cores: Sequence[str], reports: int, seconds: float, minutes: int = MINUTES
) -> Hour:
    """Send so many reports in so many real seconds, while the worker's clock passes so many minutes."""
    servers.prepare(folder, population)
    speed = minutes * 60 / seconds
    settings: dict[str, Any] = {
        "seal_seconds": SEAL_SECONDS / speed,
        "reload_seconds": RELOAD_SECONDS / speed,
        "wait_seconds": WAIT_SECONDS * speed,
        "trusted_proxies": ["127.0.0.1/32"],
    }
    with on_cores(cores[1:] or cores), servers.edge(folder, cores[:1], speed=speed, **settings) as (worker,):
        tally, held = run(_live, worker, population, folder, reports / seconds, seconds, minutes)
    return Hour(tally.sent, tally.taken, seconds, tally.client_share, held)


async def _live(
    worker: Server, population: Population, folder: Path, rate: float, seconds: float, minutes: int
) -> tuple[Tally, list[Minute]]:
    held: list[Minute] = []
    watching = asyncio.create_task(_each_minute(worker, population, folder, seconds / minutes, held))
    tally = await Open(worker.port, Reports(population, addresses=True), LINES).run(rate, seconds, seed=1)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    return tally, held


async def _each_minute(
    worker: Server, population: Population, folder: Path, seconds: float, held: list[Minute]
) -> None:
    """Note what it holds, change its organisation file, and take its sealed segments away, as the loader does."""
    minute = 0
    while True:
        await asyncio.sleep(seconds)
        minute += 1
        held.append(Minute(minute, worker.memory_bytes, worker.open_files))
        (folder / "next.toml").write_text(f"{organisation_text(population.key)}# {minute}\n")
        (folder / "next.toml").rename(folder / "organisation.toml")
        for segment in (folder / "spool").glob("*/*.seg"):
            with contextlib.suppress(OSError):
                segment.unlink()
