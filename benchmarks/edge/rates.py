"""How many reports a second: the edge beside the yardstick on one core, and two workers beside one on two cores.

Servers take turns round by round, so that a busy machine slows all alike. A rate is answers a second; a cost is the
server's own CPU time an answer, which a neighbour disturbs least.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from benchmarks.edge import servers
from benchmarks.edge.client import Closed, Reports, Tally, percentile
from benchmarks.edge.loop import on_cores, run
from benchmarks.edge.population import Population
from benchmarks.edge.servers import Server

CONNECTIONS = 64
EDGE = "edge"


@dataclass(frozen=True)
class Rate:
    """One server's medians over the rounds: answers a second, CPU microseconds an answer, latencies in milliseconds.

    ``client_share``: the most of a core that the load generator used in a round.
    """

    name: str
    event_loop: str
    rate: float
    cpu_us: float
    p50: float
    p99: float
    client_share: float


def one_core(population: Population, folder: Path, cores: Sequence[str], rounds: int, seconds: float) -> list[Rate]:
    """The yardstick on asyncio and, where installed, on uvloop, and one worker: each on the first core, in turn."""
    servers.prepare(folder, population)
    with on_cores(cores[1:] or cores), servers.bare(cores[0]) as plain, servers.edge(folder, cores[:1]) as workers:
        beside = {"bare": [plain], EDGE: workers}
        if find_spec("uvloop") is None:
            return _in_turn(beside, population, rounds, seconds)
        with servers.bare(cores[0], uvloop=True) as fast:
            return _in_turn({"bare-uvloop": [fast], **beside}, population, rounds, seconds)


def two_cores(population: Population, folder: Path, cores: Sequence[str], rounds: int, seconds: float) -> list[Rate]:
    """One worker and two workers, in turn. The load generator has no core of its own then: it disturbs both."""
    folders = folder / "one", folder / "two"
    for one in folders:
        one.mkdir()
        servers.prepare(one, population)
    with (
        on_cores(cores[:2]),
        servers.edge(folders[0], cores[:1]) as one_worker,
        servers.edge(folders[1], cores[:2]) as two_workers,
    ):
        return _in_turn({"one worker": one_worker, "two workers": two_workers}, population, rounds, seconds)


def _in_turn(
    contestants: Mapping[str, list[Server]], population: Population, rounds: int, seconds: float
) -> list[Rate]:
    found: dict[str, list[tuple[float, float, float, float, float]]] = {name: [] for name in contestants}
    for number in range(rounds + 1):
        for name, processes in contestants.items():
            before = sum(process.cpu_seconds for process in processes)
            tally = run(_closed, processes[0].port, population, seconds)
            cpu = sum(process.cpu_seconds for process in processes) - before
            if tally.taken != tally.sent:
                raise SystemExit(f"{name}: {dict(tally.answers)}, {dict(tally.failures)}")
            if number:  # the first one warms up
                p50, p99 = (percentile(tally.latencies, share) for share in (0.5, 0.99))
                found[name].append((tally.rate, cpu / tally.taken * 1e6, p50, p99, tally.client_share))
    made = []
    for name, measured in found.items():
        rates, costs, p50s, p99s, shares = zip(*measured, strict=True)
        rate, cost, p50, p99 = (statistics.median(column) for column in (rates, costs, p50s, p99s))
        made.append(Rate(name, contestants[name][0].event_loop, rate, cost, p50, p99, max(shares)))
    return made


async def _closed(port: int, population: Population, seconds: float) -> Tally:
    return await Closed(port, Reports(population)).run(CONNECTIONS, seconds)
