"""At five times what a worker takes: who is accepted, how soon, what becomes of the others, and of the memory.

So that one core of load can be five times too much, the worker shares its core with processes that only keep it busy;
its capacity is measured under the same conditions. Two ways: a connection for each report, as from phones, and 512 kept
connections, as from a proxy, at which a report that finds none free waits for a second at most.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.edge import servers
from benchmarks.edge.client import Closed, Reports, Tally, percentile
from benchmarks.edge.loop import on_cores, run
from benchmarks.edge.open_loop import Open
from benchmarks.edge.population import Population
from benchmarks.edge.servers import Server

TIMES = 5.0
BUSY_PROCESSES = 3
CONNECTIONS = 64
PHONES, PROXY = "a connection each", "512 kept connections"
LINES = {PHONES: 10_000, PROXY: 512}
QUEUE_SECONDS = {PHONES: 20.0, PROXY: 1.0}
SAMPLE_SECONDS = 0.1


@dataclass(frozen=True)
class Sample:
    """A moment of a run: seconds since its start, what there was of each since the start, and the worker's memory."""

    second: float
    sent: int
    accepted: int
    refused: int
    failed: int
    memory_bytes: int


@dataclass(frozen=True)
class Overload:
    """One run at five times the capacity. Latencies of accepted reports in milliseconds: from when they should have
    left (``p50``, ``p99``) and from when they left on a connection (``served_p99``). ``counted``: the worker's own.
    """

    way: str
    capacity: float
    rate: float
    sent: int
    accepted: int
    refused: int
    failed: int
    failures: dict[str, int]
    silent_refusals: int
    p50: float
    p99: float
    served_p99: float
    client_share: float
    memory_before: int
    memory_most: int
    counted: dict[str, int]
    samples: list[Sample]

    @property
    def adds_up(self) -> bool:
        """Whether each report has one fate, and the worker counts them as the client does.

        An answer that no longer reached the client counts as failed there, and as what it was here.
        """
        accepted, refused = self.counted.get("accepted", 0), self.counted.get("overloaded", 0)
        lost = accepted + refused - self.accepted - self.refused
        whole = self.accepted + self.refused + self.failed == self.sent
        return whole and 0 <= lost <= self.failed and accepted >= self.accepted and refused >= self.refused


def overload(population: Population, folder: Path, cores: Sequence[str], way: str, seconds: float) -> Overload:
    """Measure the capacity with a busy core, then send five times as much."""
    servers.prepare(folder, population)
    with (
        on_cores(cores[1:] or cores),
        servers.busy(cores[0], BUSY_PROCESSES),
        servers.edge(folder, cores[:1]) as (worker,),
    ):
        run(_capacity, worker.port, population, way, 1.0)  # warms up
        capacity = run(_capacity, worker.port, population, way, 4.0)
        before, memory = worker.outcomes(), worker.memory_bytes
        tally, samples = run(_load, worker, population, way, TIMES * capacity, seconds)
        counted = {name: count - before.get(name, 0) for name, count in worker.outcomes().items()}
    return Overload(
        way=way,
        capacity=capacity,
        rate=tally.rate,
        sent=tally.sent,
        accepted=tally.taken,
        refused=tally.refused,
        failed=tally.failed,
        failures=dict(tally.failures),
        silent_refusals=tally.silent_refusals,
        p50=percentile(tally.latencies, 0.5),
        p99=percentile(tally.latencies, 0.99),
        served_p99=percentile(tally.served, 0.99),
        client_share=tally.client_share,
        memory_before=memory,
        memory_most=max(sample.memory_bytes for sample in samples),
        counted=counted,
        samples=samples,
    )


async def _capacity(port: int, population: Population, way: str, seconds: float) -> float:
    reports = Reports(population, close=way == PHONES)
    return (await Closed(port, reports).run(CONNECTIONS, seconds)).rate


async def _load(
    worker: Server, population: Population, way: str, rate: float, seconds: float
) -> tuple[Tally, list[Sample]]:
    load = Open(worker.port, Reports(population, close=way == PHONES), LINES[way], QUEUE_SECONDS[way])
    samples: list[Sample] = []
    watching = asyncio.create_task(_watch(worker, load.tally, samples))
    tally = await load.run(rate, seconds, seed=1)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    return tally, samples


async def _watch(worker: Server, tally: Tally, samples: list[Sample]) -> None:
    began = time.perf_counter()
    while True:
        passed = time.perf_counter() - began
        samples.append(Sample(passed, tally.sent, tally.taken, tally.refused, tally.failed, worker.memory_bytes))
        await asyncio.sleep(SAMPLE_SECONDS)
