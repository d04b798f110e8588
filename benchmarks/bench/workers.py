"""How throughput grows with workers on cores of their own, and what each answer costs then."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench.chapter import Chapter, Figure, Plot, Sheet, exponent, lines, spread
from benchmarks.edge import servers
from benchmarks.edge.client import Closed, Reports, Tally
from benchmarks.edge.loop import on_cores, run
from benchmarks.edge.population import Population

MOST = 8
CONNECTIONS = 128
GROWS = 0.6
"""The power that says throughput grows: two workers take 1.5 times as much as one."""


@dataclass(frozen=True)
class Given:
    """How long."""

    rounds: int
    seconds: float


def workers(population: Population, folder: Path, cores: Sequence[str], given: Given) -> Chapter:
    """One worker to as many as there are cores, in turn; the load shares the cores, and is taken off by CPU time."""
    counts = [count for count in (1, 2, 4, MOST) if count <= len(cores)]
    rates: dict[int, list[float]] = {count: [] for count in counts}
    costs: dict[int, list[float]] = {count: [] for count in counts}
    with ExitStack() as stack:
        stack.enter_context(on_cores(cores))
        houses: dict[int, list[servers.Server]] = {}
        for count in counts:
            (place := folder / str(count)).mkdir()
            servers.prepare(place, population)
            houses[count] = stack.enter_context(servers.edge(place, cores[:count]))
        for number in range(given.rounds + 1):
            for count, house in houses.items():
                before = sum(server.cpu_seconds for server in house)
                tally = run(_load, house[0].port, population, given.seconds)
                spent = sum(server.cpu_seconds for server in house) - before
                if number:  # the first one warms up
                    rates[count].append(tally.rate)
                    costs[count].append(spent / tally.taken * 1e6)
    chapter = Chapter(
        "workers",
        "Workers",
        f"One worker on each core, {given.rounds} rounds of {given.seconds:g} s in turn. The load has no core of its "
        "own, so that the rate falls short of what the workers could take; the cost of an answer does not. Powers and "
        "ratios are of each round; in brackets the least and the most.",
    )
    seen = [(float(count), spread(rates[count]).median) for count in counts]
    power = spread([exponent([(count, rates[count][at]) for count in counts]) for at in range(given.rounds)])
    target = f"at least ^{GROWS}" if len(counts) > 1 else ""
    holds = power.median >= GROWS if target else None
    chapter.figures = [Figure("answers a second", f"workers^{power.told}", target, holds)]
    own = spread([exponent([(count, count / costs[count][at]) for count in counts]) for at in range(given.rounds)])
    own_told = f"workers^{own.told}"
    chapter.figures.append(Figure("  by the workers' own CPU time, as if the load had a core", own_told))
    steady = spread([a / b for a, b in zip(costs[counts[-1]], costs[counts[0]], strict=True)])
    chapter.figures.append(Figure(f"  cost of an answer, of one worker's, with {counts[-1]}", steady.told))
    rows = [
        (f"{count}", f"{spread(rates[count]).median:,.0f}", f"{spread(costs[count]).median:.0f}") for count in counts
    ]
    chapter.sheets = [Sheet("Medians", ("workers", "a second", "CPU us an answer"), rows)]
    chapter.plots = [
        Plot("workers", lambda axes: lines(axes, {"answers a second": seen}, "Throughput", "workers", "a second"))
    ]
    chapter.data = {"rates": rates, "cpu_us": costs}
    return chapter


async def _load(port: int, population: Population, seconds: float) -> Tally:
    return await Closed(port, Reports(population)).run(CONNECTIONS, seconds)
