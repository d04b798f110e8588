"""How long an answer takes at fixed shares of what one worker can take, and what memory it holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.bench.chapter import Chapter, Figure, Plot, Sheet, lines, spread
from benchmarks.edge import servers
from benchmarks.edge.client import Closed, Reports, Tally, percentile
from benchmarks.edge.loop import on_cores, run
from benchmarks.edge.open_loop import Open
from benchmarks.edge.population import Population

SHARES_OF_CAPACITY = (0.25, 0.5, 0.8, 0.95)
PERCENTILES = (0.5, 0.9, 0.99, 0.999)
LINES = 256
HELD_TO, TIMES = 0.8, 3
"""At this share the target stands; it is measured so often, and the run in the middle counts: one pause of the machine
is more than a hundredth of a few seconds.
"""
P99_MS = 100.0
REFUSED_MOST = 1e-3
"""Of the reports at that share: who refuses more could have any latency."""


Taken = tuple[float, Tally, int]
"""The capacity before a load, what became of the load, and the worker's memory in bytes."""


def latency(population: Population, folder: Path, cores: Sequence[str], seconds: float) -> Chapter:
    """Measure the capacity before each load, so that a machine that changes does not change the share."""
    servers.prepare(folder, population)
    runs: dict[float, list[Taken]] = {share: [] for share in SHARES_OF_CAPACITY}
    with on_cores(cores[1:] or cores), servers.edge(folder, cores[:1]) as (worker,):
        run(_capacity, worker.port, population, 1.0)
        for share, taken in runs.items():
            for _ in range(TIMES if share == HELD_TO else 1):
                capacity = run(_capacity, worker.port, population, 2.0)
                tally = run(_load, worker.port, population, share * capacity, seconds)
                taken.append((capacity, tally, worker.memory_bytes))
    found = {share: sorted(taken, key=_p99)[len(taken) // 2] for share, taken in runs.items()}
    held = spread([_p99(one) for one in runs[HELD_TO]])
    chapter = Chapter(
        "latency",
        "Latency at fixed shares of the capacity",
        f"One worker, {LINES} kept connections, {seconds:g} s each; reports leave at moments drawn in advance, and "
        "latency counts from these. The capacity is what it answers when every connection asks as fast as it is "
        "answered; it is taken anew for 2 s before each run, since the machine's pace changes, so that shares are of "
        f"different numbers. At {HELD_TO:.0%} {TIMES} times: the run in the middle counts.",
    )
    told = f"{held.median:.0f} ms ({held.least:.0f} to {held.most:.0f})"
    chapter.figures.append(Figure("p99 at 80 % of the capacity", told, "under 100 ms", held.median < P99_MS))
    held_to = [tally for _, tally, _ in runs[HELD_TO]]
    lost, sent = sum(one.refused + one.failed for one in held_to), sum(one.sent for one in held_to)
    chapter.figures.append(
        Figure("  not accepted there", f"{lost:,} of {sent:,}", "under 1 in 1,000", lost < REFUSED_MOST * sent)
    )
    tallies = [tally for taken in runs.values() for _, tally, _ in taken]
    whole = all(tally.taken + tally.refused + tally.failed == tally.sent for tally in tallies)
    chapter.figures.append(
        Figure("sent = accepted + refused + failed", "adds up" if whole else "does not", "adds up", whole)
    )
    rows = [_row(share, *one) for share, one in found.items()]
    columns = (
        "share",
        "of answers a second",
        "reports a second",
        *(f"p{100 * share:g} ms" for share in PERCENTILES),
        "not accepted",
        "memory MB",
    )
    chapter.sheets.append(Sheet("By share", columns, rows))
    series = {
        f"p{100 * one:g}": [(100 * share, percentile(tally.latencies, one)) for share, (_, tally, _) in found.items()]
        for one in PERCENTILES[:3]
    }
    chapter.plots.append(
        Plot(
            "latency", lambda axes: lines(axes, series, "Latency of an answer", "% of the capacity", "ms", powers=True)
        )
    )
    chapter.data = {
        "by_share": {
            f"{share:g}": {
                "capacity": capacity,
                "rate": tally.rate,
                "memory_bytes": memory,
                "accepted": tally.taken,
                "refused": tally.refused,
                "failed": tally.failed,
                "latency_ms": {f"p{100 * one:g}": percentile(tally.latencies, one) for one in PERCENTILES},
            }
            for share, (capacity, tally, memory) in found.items()
        }
    }
    return chapter


def _p99(taken: Taken) -> float:
    return percentile(taken[1].latencies, 0.99)


def _row(share: float, capacity: float, tally: Tally, memory: int) -> tuple[str, ...]:
    took = (f"{percentile(tally.latencies, one):.1f}" for one in PERCENTILES)
    missed = f"{tally.refused + tally.failed:,} of {tally.sent:,}"
    return (f"{share:.0%}", f"{capacity:,.0f}", f"{tally.rate:,.0f}", *took, missed, f"{memory / 1e6:.0f}")


async def _capacity(port: int, population: Population, seconds: float) -> float:
    return (await Closed(port, Reports(population)).run(LINES, seconds)).rate


async def _load(port: int, population: Population, rate: float, seconds: float) -> Tally:
    return await Open(port, Reports(population), LINES).run(rate, seconds, seed=1)
