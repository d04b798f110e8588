"""Requests a second on one core, in turn and in the same rounds: an edge worker, VictoriaMetrics, and two floors.

All take the same device-days of about 40 tallies. Only the edge syncs before it answers; nginx and the bare handler do
nothing with the body at all. Rounds are paired: a busy machine slows all alike, and ratios are taken round by round.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from headcount_ingest.compiled import COMPILED
from headcount_wire.app_key import new_key
from headcount_wire.codec import encode_msgpack

from benchmarks.edge import servers as edges
from benchmarks.edge.client import TOOK, Kept, Source, Tally, percentile
from benchmarks.edge.loop import on_cores, run
from benchmarks.edge.population import Population
from benchmarks.edge.servers import Server
from benchmarks.peers import servers
from benchmarks.peers.population import DeviceDay, catalog, fields_line, single_lines
from benchmarks.peers.requests import Prepared, ReportRequests, post

CONNECTIONS, FEW_CONNECTIONS = 256, 64
"""Phones have one each. Over few a server that syncs stands still while its disk works, and the ratio is of disks."""
PATIENCE_SECONDS = 2.0
"""So long reports may wait for the disk before the edge refuses others: none of its peers refuses anything."""
PROFILE_SECONDS = 6.0
OVERLOADED = b"503"
EDGE, EDGE_MSGPACK, BARE, NGINX = "edge, synced", "edge, synced, msgpack", "bare aiohttp", "nginx 204"
EDGE_INTERPRETED = "edge, synced, not compiled"
EDGE_FEW, LINES_FEW = f"edge, {FEW_CONNECTIONS} connections", f"VictoriaMetrics, {FEW_CONNECTIONS} connections"
LINES, FIELDS = "VictoriaMetrics, a line a tally", "VictoriaMetrics, a line a report"
PROMISES = {
    EDGE: "gzipped JSON as a phone sends it; checked, stripped, on the disk (synced) before 202",
    EDGE_INTERPRETED: "the same edge as plain Python, where it was compiled; the same promises",
    EDGE_MSGPACK: "the same reports as msgpack, not compressed; the same promises",
    LINES: "40 lines of line protocol, no time stamps, not compressed; in memory before 204, on disk within seconds",
    FIELDS: "the same as one line with 40 fields: what costs it least; the same promises",
    LINES_FEW: f"a line a tally, over {FEW_CONNECTIONS} connections for {CONNECTIONS}",
    EDGE_FEW: f"the same edge, over {FEW_CONNECTIONS} connections: for a part of the time it waits for its disk",
    BARE: "aiohttp with its router on the edge's event loop: reads the body, keeps nothing",
    NGINX: "one process, return 204: looks at nothing, keeps nothing",
}


@dataclass
class Contestant:
    """One server and what it was sent; a value a round: answers a second, CPU microseconds an answer, p99 in ms."""

    name: str
    server: Server
    requests: Callable[[], Source]
    bytes_a_request: float
    connections: int = CONNECTIONS
    rates: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    memory_bytes: int = 0
    refused: int = 0
    """Requests that were refused because the machine was too busy; they are not among the rates."""


def contest(
    days: Sequence[DeviceDay],
    folder: Path,
    cores: Sequence[str],
    rounds: int,
    seconds: float,
    beside: Callable[[Contestant], None],
) -> tuple[list[Contestant], dict[str, str]]:
    """Everybody in turn, ``rounds`` times after a first one that warms up; also the versions of the peers.

    ``beside`` is called before a last round of the edge's, which does not count.
    """
    key = new_key("live")
    edges.prepare(folder, Population(key, tuple(day.body for day in days)))
    measures = catalog()
    reports = [(key, day.body) for day in days]
    packed = [encode_msgpack(day.report) for day in days]
    single = [post("/write", single_lines(day, measures), kind="text/plain") for day in days]
    whole = [post("/write", fields_line(day, measures), kind="text/plain") for day in days]
    with ExitStack() as stack:
        stack.enter_context(on_cores(cores[1:] or cores))
        (worker,) = stack.enter_context(edges.edge(folder, cores[:1], wait_seconds=PATIENCE_SECONDS))
        metrics = stack.enter_context(servers.victoria_metrics(folder / "victoria", cores[0]))
        bare = stack.enter_context(edges.bare(cores[0], uvloop=worker.event_loop == "uvloop"))
        nothing = stack.enter_context(servers.nginx(folder / "nginx", cores[0]))
        plain = [post("/", day.body) for day in days]

        def msgpack() -> Source:
            return ReportRequests([(key, body) for body in packed], media="application/msgpack")

        contestants = [
            Contestant(EDGE, worker, lambda: ReportRequests(reports), _mean([day.body for day in days])),
            Contestant(EDGE_MSGPACK, worker, msgpack, _mean(packed)),
            Contestant(LINES, metrics, lambda: Prepared(single), _mean([single_lines(day, measures) for day in days])),
            Contestant(FIELDS, metrics, lambda: Prepared(whole), _mean([fields_line(day, measures) for day in days])),
            Contestant(BARE, bare, lambda: ReportRequests(reports), _mean([day.body for day in days])),
            Contestant(NGINX, nothing, lambda: Prepared(plain), _mean([day.body for day in days])),
        ]
        for name, same in ((EDGE_FEW, contestants[0]), (LINES_FEW, contestants[2])):
            few = Contestant(name, same.server, same.requests, same.bytes_a_request, FEW_CONNECTIONS)
            contestants.append(few)
        if COMPILED:
            (plain_folder := folder / "interpreted").mkdir()
            edges.prepare(plain_folder, Population(key, tuple(day.body for day in days)))
            (slower,) = stack.enter_context(
                edges.edge(plain_folder, cores[:1], compiled=False, wait_seconds=PATIENCE_SECONDS)
            )
            size = contestants[0].bytes_a_request
            contestants.append(Contestant(EDGE_INTERPRETED, slower, lambda: ReportRequests(reports), size))
        for number in range(rounds + 1):
            for contestant in contestants:
                _round(contestant, seconds, counts=number > 0)
        beside(contestants[0])
        _round(contestants[0], PROFILE_SECONDS, counts=False)
    return contestants, _versions()


def _round(contestant: Contestant, seconds: float, *, counts: bool) -> None:
    before = contestant.server.cpu_seconds
    tally = run(_kept, contestant.server.port, contestant.requests(), contestant.connections, seconds)
    cpu = contestant.server.cpu_seconds - before
    if tally.failures or tally.answers.keys() - {*TOOK, OVERLOADED}:
        raise SystemExit(f"{contestant.name}: {dict(tally.answers)}, {dict(tally.failures)}")
    if counts:
        contestant.rates.append(tally.rate)
        contestant.refused += tally.answers[OVERLOADED]
        contestant.cpu_us.append(cpu / tally.taken * 1e6)
        contestant.p99.append(percentile(tally.latencies, 0.99))
        contestant.memory_bytes = contestant.server.memory_bytes


async def _kept(port: int, requests: Source, connections: int, seconds: float) -> Tally:
    return await Kept(port, requests).run(connections, seconds)


def _mean(bodies: Sequence[bytes]) -> float:
    return sum(map(len, bodies)) / len(bodies)


def _versions() -> dict[str, str]:
    import aiohttp

    return {
        "VictoriaMetrics": servers.package_version("victoria-metrics"),
        "nginx": servers.package_version("nginx"),
        "aiohttp": aiohttp.__version__,
    }
