"""Interactions for each CPU second until they can be queried: Headcount beside the usual way, on one core each.

Both take the same device-days. Headcount: a worker, then the centre, from body to sealed release. The usual way: the
collector and ClickHouse, from body to rows whose merges are done. Only the servers' CPU time counts. Both are then
asked for people and joined meetings by Customer, and must say the same.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from clickhouse_driver import Client
from headcount.loadgen.house import organisation
from headcount_wire.app_key import new_key

from benchmarks.edge import servers as edges
from benchmarks.edge.loop import on_cores, run
from benchmarks.edge.population import CATALOG_FILE
from benchmarks.edge.servers import ROOT
from benchmarks.peers import servers
from benchmarks.peers.population import DeviceDay, catalog, event_requests
from benchmarks.peers.requests import ReportRequests, Stored, post
from benchmarks.peers.whole import sent_whole

CONNECTIONS = 256
"""To either side, all busy: phones have one each, and a server at its capacity has many at once."""
SETTLE_SECONDS = 60.0
QUESTIONS = {
    "people by day": "SELECT customer, toDate(time) AS day, uniqExact(device) FROM events GROUP BY customer, day",
    "people by system": "SELECT os, uniqExact(device) FROM events WHERE customer = 1 GROUP BY os",
    "meetings by version": "SELECT app_version, label, count() FROM events "
    "WHERE customer = 1 AND event = 'meeting.joined' GROUP BY app_version, label",
    "joining time, p95": "SELECT quantile(0.95)(value) FROM events WHERE event = 'meeting.join_time'",
}
ASKED = 5


@dataclass
class Side:
    """One of the two: CPU seconds by process or step, bytes, memory; what it answered.

    ``stored_bytes``: of the table, as the database compresses it. ``sealed_bytes``: of the releases made of it (JSON).
    """

    name: str
    interactions: int
    device_days: int
    cpu: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    requests: int = 0
    wire_bytes: int = 0
    stored_bytes: int = 0
    sealed_bytes: int = 0
    rows: int = 0
    memory_bytes: int = 0
    active: dict[str, int] = field(default_factory=dict)
    joined: dict[str, int] = field(default_factory=dict)
    query_ms: dict[str, float] = field(default_factory=dict)

    @property
    def a_cpu_second(self) -> float:
        """Interactions until queryable, for each CPU second."""
        return self.interactions / sum(self.cpu.values())

    @property
    def bytes_a_million(self) -> float:
        """Bytes of the table, of a million interactions."""
        return self.stored_bytes / self.interactions * 1e6

    def to_plain(self) -> dict[str, Any]:
        """As it is written."""
        told = {"interactions_a_cpu_second": self.a_cpu_second, "bytes_a_million_interactions": self.bytes_a_million}
        return {**asdict(self), **told}


@dataclass(frozen=True)
class Queryable:
    """Both sides, of the same population."""

    headcount: Side
    usual: Side
    versions: dict[str, str]

    @property
    def ratio(self) -> float:
        """Interactions for each CPU second, Headcount's of the usual way's."""
        return self.headcount.a_cpu_second / self.usual.a_cpu_second

    @property
    def same(self) -> bool:
        """Whether both say the same."""
        return self.headcount.active == self.usual.active and self.headcount.joined == self.usual.joined


def queryable(
    days: Sequence[DeviceDay], customers: int, folder: Path, cores: Sequence[str], *, usual_days: int
) -> Queryable:
    """Send the days to Headcount and as many of them as ``usual_days`` to the usual way, which takes far longer.

    What both say is compared for the days that both took, so those go to a Headcount of their own first.
    """
    both = days[:usual_days]
    with on_cores(cores[1:] or cores):
        usual = _usual(both, folder, cores[0])
        small = _headcount(both, customers, folder / "headcount-both", cores[0])
        whole = _headcount(days, customers, folder / "headcount", cores[0]) if len(days) > len(both) else small
    if whole is not small:
        assert small.active == usual.active, (small.active, usual.active)
        whole.active, whole.joined = small.active, small.joined
    return Queryable(whole, usual, _versions())


def _headcount(days: Sequence[DeviceDay], customers: int, folder: Path, core: str) -> Side:
    folder.mkdir()
    keys = [new_key("live") for _ in range(customers)]
    (folder / "catalog.toml").write_text(CATALOG_FILE.read_text("utf-8"))
    (folder / "organisation.toml").write_text(organisation(catalog(), keys), "utf-8")
    bodies = [(keys[day.customer - 1], day.body) for day in days]
    side = Side("headcount", sum(day.interactions for day in days), len(days))
    side.cpu["edge"] = _warm_edge(bodies, folder, core)
    with edges.edge(folder, [core]) as (worker,):
        tally = run(sent_whole, worker.port, ReportRequests(bodies, once=True), CONNECTIONS)
        side.memory_bytes = worker.memory_bytes
    if tally.taken != len(days):
        raise SystemExit(f"headcount: {dict(tally.answers)}, {dict(tally.failures)}")
    command = ["taskset", "-c", core, sys.executable, "-m", "benchmarks.peers.centre", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, cwd=ROOT)
    if done.returncode:
        raise SystemExit(done.stderr)
    counted = json.loads(done.stdout.splitlines()[-1])
    side.cpu |= {"load": counted["load_cpu"], "roll up": counted["roll_up_cpu"], "release": counted["release_cpu"]}
    side.seconds, side.requests = tally.seconds, tally.taken
    side.wire_bytes = sum(len(day.body) for day in days)
    side.stored_bytes, side.rows = counted["stored_bytes"], counted["rows"]
    side.sealed_bytes = counted["release_bytes"]
    side.memory_bytes += counted["memory_bytes"]
    side.active, side.joined = counted["active"], counted["joined"]
    return side


def _warm_edge(bodies: Sequence[tuple[str, bytes]], folder: Path, core: str) -> float:
    """CPU seconds of a worker that has been at work before: it takes everything twice, and the second time counts.

    Its reports are not loaded: those that are go to a worker that takes each once.
    """
    place = folder / "warm"
    place.mkdir()
    for name in ("catalog.toml", "organisation.toml"):
        (place / name).write_bytes((folder / name).read_bytes())
    with edges.edge(place, [core]) as (worker,):
        run(sent_whole, worker.port, ReportRequests(bodies, once=True), CONNECTIONS)
        before = worker.cpu_seconds
        run(sent_whole, worker.port, ReportRequests(bodies, once=True), CONNECTIONS)
        return worker.cpu_seconds - before


def _usual(days: Sequence[DeviceDay], folder: Path, core: str) -> Side:
    side = Side("usual way", 0, len(days))

    def requests() -> Iterator[bytes]:
        for events, body in event_requests(days, random.Random(1)):
            side.interactions += events
            side.wire_bytes += len(body)
            yield post("/events", body, gzipped=True)

    Stored.write(folder / "requests", requests())  # before anything is measured: making them takes longer than sending
    with (
        servers.clickhouse(folder / "clickhouse", core) as house,
        servers.usual_way(folder, core, house.port) as collector,
    ):
        client = Client("127.0.0.1", house.port)
        before = collector.cpu_seconds, house.cpu_seconds
        tally = run(sent_whole, collector.port, Stored(folder / "requests"), CONNECTIONS)
        _await_settled(collector.port, client, side.interactions)
        side.cpu = {"collector": collector.cpu_seconds - before[0], "clickhouse": house.cpu_seconds - before[1]}
        side.memory_bytes = collector.memory_bytes + house.memory_bytes
        side.seconds, side.requests = tally.seconds, tally.taken
        client.execute("OPTIMIZE TABLE events FINAL")
        stored = "SELECT sum(rows), sum(bytes_on_disk) FROM system.parts WHERE active AND table = 'events'"
        ((side.rows, side.stored_bytes),) = client.execute(stored)
        active = "SELECT customer, uniqExact(device) FROM events WHERE event = 'active' GROUP BY customer"
        joined = "SELECT customer, count() FROM events WHERE event = 'meeting.joined' GROUP BY customer"
        side.active = {str(customer): people for customer, people in client.execute(active)}
        side.joined = {str(customer): meetings for customer, meetings in client.execute(joined)}
        side.query_ms = {what: _asked(client, question) for what, question in QUESTIONS.items()}
        client.disconnect()
    if side.rows != side.interactions:
        raise SystemExit(f"usual way: {side.rows} rows of {side.interactions} events, {dict(tally.answers)}")
    return side


def _await_settled(port: int, client: Client, events: int) -> None:
    """Until every event is written and no merge runs."""
    deadline = time.monotonic() + SETTLE_SECONDS
    calm = 0
    while calm < 5 and time.monotonic() < deadline:
        state = json.loads(servers.asked(port, "/state"))
        ((merges,),) = client.execute("SELECT count() FROM system.merges")
        calm = calm + 1 if state["written"] == events and not merges else 0
        time.sleep(0.2)


def _asked(client: Client, question: str) -> float:
    took = []
    for _ in range(ASKED):
        began = time.perf_counter()
        client.execute(question)
        took.append(1e3 * (time.perf_counter() - began))
    return statistics.median(took)


def _versions() -> dict[str, str]:
    import aiohttp
    import clickhouse_driver
    import orjson

    server = servers.package_version("clickhouse-server")
    modules = {"aiohttp": aiohttp, "orjson": orjson}
    told = {name: str(module.__version__) for name, module in modules.items()}
    return {"clickhouse": server, **told, "clickhouse-driver": ".".join(map(str, clickhouse_driver.VERSION))}
