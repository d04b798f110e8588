"""At 80 % of what a worker was seen to take: how long an answer takes, from when each report should have left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.edge import servers
from benchmarks.edge.client import Closed, Reports, Tally, percentile
from benchmarks.edge.loop import on_cores, run
from benchmarks.edge.open_loop import Open
from benchmarks.edge.population import Population

SHARE = 0.8
LINES = 256
CONNECTIONS = 64
SHARES = (0.5, 0.9, 0.99, 0.999, 1.0)


@dataclass(frozen=True)
class Steady:
    """One run at 80 %: reports a second, latencies in milliseconds by share, what was not accepted."""

    capacity: float
    rate: float
    latency: dict[float, float]
    sent: int
    accepted: int
    refused: int
    failed: int
    client_share: float


def steady(population: Population, folder: Path, cores: Sequence[str], seconds: float) -> tuple[Steady, Tally]:
    """Measure the capacity, then load to 80 % of it, on kept connections."""
    servers.prepare(folder, population)
    with on_cores(cores[1:] or cores), servers.edge(folder, cores[:1]) as (worker,):
        run(_capacity, worker.port, population, 1.0)  # warms up
        capacity = run(_capacity, worker.port, population, 4.0)
        tally = run(_load, worker.port, population, SHARE * capacity, seconds)
    latency = {share: percentile(tally.latencies, share) for share in SHARES}
    accounted = tally.sent, tally.taken, tally.refused, tally.failed
    return Steady(capacity, tally.rate, latency, *accounted, client_share=tally.client_share), tally


async def _capacity(port: int, population: Population, seconds: float) -> float:
    return (await Closed(port, Reports(population)).run(CONNECTIONS, seconds)).rate


async def _load(port: int, population: Population, rate: float, seconds: float) -> Tally:
    return await Open(port, Reports(population), LINES).run(rate, seconds, seed=1)
