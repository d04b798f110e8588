"""The edge against a bare aiohttp handler that only reads the same body: one core, one run, a ratio.

``python -m benchmarks.bench_edge``. Each server is a process of its own on the first core; the load comes
from this process on the second. The two take turns, so that a busy machine slows both. Rates are
answers per second; cost is the server's own CPU time per answer, which a neighbour disturbs least.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gzip
import multiprocessing
import os
import secrets
import socket
import statistics
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from headcount_ingest.settings import EdgeSettings
from headcount_ingest.worker import run
from headcount_wire import codec, days
from headcount_wire.app_key import fingerprint, new_key
from headcount_wire.clock import SystemClock
from headcount_wire.report import Report, ReportDay, Tally

MEASURES = 20
CLOCK_TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")


def catalog_text() -> str:
    """A catalog of 20 measures, as in the population of the comparisons."""
    measure = '[measures."area.thing{n}"]\ncode = {n}\nkind = "counter"\npurpose = "usage"\n'
    measure += 'description = "It happened."\nowner = "team@example.org"\ncap = 1000\n'
    labelled = measure + 'label = {{ key = "entry", values = ["link", "room", "menu"] }}\n'
    lines = ['[catalog]\nname = "bench"\nversion = 1\n[purposes.usage]\nsentence.en = "Count what is used."']
    lines += ['[purposes.context]\nsentence.en = "Tell the system."\n[context]\nos = "context"\nlanguage = "context"']
    lines += ['time_zone = "context"\napp_version = "context"\n[measures."active"]\ncode = 1\nkind = "active"']
    lines += ['purpose = "usage"\ndescription = "Used."\nowner = "team@example.org"']
    lines += [(labelled if n % 3 == 0 else measure).format(n=n) for n in range(2, MEASURES + 1)]
    return "\n".join(lines)


def device_day(today: int) -> bytes:
    """The gzipped JSON of one device-day that touched every measure."""
    tallies = [Tally(1, 0, 4, 1, 1), Tally(1, 0, 5, 12, 1), Tally(1, 0, 6, 1, 1), Tally(1, 0, 7, 2, 1)]
    for n in range(2, MEASURES + 1):
        labels = (2, 3, 4) if n % 3 == 0 else (0,)
        tallies += [Tally(n, label, 1, 0, 7 * n % 60 + 1) for label in labels]
        tallies += [Tally(n, label, 2, 0, 1) for label in {0, *labels}]
    purposes = {"usage": 1, "context": 1}
    context = {"os": "ios", "language": "de", "time_zone": "Europe/Berlin", "app_version": "4.2.1"}
    days_told = (ReportDay(today, tuple(tallies)),)
    return gzip.compress(codec.encode_json(Report("python/0.1.0", 1, 1, today, purposes, days_told, context)))


def organisation_text(key: str) -> str:
    """One Customer, one app, one key."""
    return (
        '[operator]\nname = "Bench"\n[customers.acme]\ncode = 1\n[customers.acme.policy]\nversion = 1\n'
        'purposes = ["usage", "context"]\n[apps.meet]\ncode = 1\ncatalogs = ["catalog.toml"]\n'
        f'[[keys]]\nfingerprint = "{fingerprint(key)}"\ncustomer = "acme"\napp = "meet"\n'
    )


def serve_bare(port: int) -> None:
    """The yardstick: read the body, answer 202."""

    async def take(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=202, body=b'{"admitted":1}', content_type="application/json")

    app = web.Application()
    app.router.add_post("/v1/reports/{report_id}", take)
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None)


def serve_edge(settings: EdgeSettings) -> None:
    """The whole edge, synced answers included."""
    sys.exit(run(settings, SystemClock()))


class Connection(asyncio.Protocol):
    """Sends one report after another, each under a fresh id, and counts the answers."""

    def __init__(self, head: bytes, rest: bytes, tally: Tallied) -> None:
        self._head = head
        self._rest = rest
        self._tally = tally
        self._buffer = b""
        self._began = 0.0
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
        if len(rest) < length:
            return
        self._buffer = b""
        self._tally.answers[head[9:12].decode()] = self._tally.answers.get(head[9:12].decode(), 0) + 1
        self._tally.seconds.append(self._loop.time() - self._began)
        if self._tally.open:
            self._send()

    def close(self) -> None:
        self._transport.close()

    def _send(self) -> None:
        self._began = self._loop.time()
        self._transport.write(self._head + secrets.token_hex(16).encode() + self._rest)


@dataclass
class Tallied:
    """What one round saw."""

    answers: dict[str, int]
    seconds: list[float]
    open: bool = True


async def load(port: int, key: str, body: bytes, connections: int, seconds: float) -> Tallied:
    """Keep so many connections busy for so long."""
    tally = Tallied({}, [])
    rest = f" HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
    rest += f"Content-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
    loop = asyncio.get_running_loop()
    made = [
        (
            await loop.create_connection(
                lambda: Connection(b"POST /v1/reports/", rest.encode() + body, tally), "127.0.0.1", port
            )
        )[1]
        for _ in range(connections)
    ]
    await asyncio.sleep(seconds)
    tally.open = False
    await asyncio.sleep(0.2)
    for connection in made:
        connection.close()
    return tally


def cpu_seconds(pid: int) -> float:
    """User and system time a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * CLOCK_TICK_SECONDS


def free_port() -> int:
    """A port nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Return when somebody listens."""
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return


def main() -> None:
    """Run the rounds and print the ratio."""
    parser = argparse.ArgumentParser(prog="benchmarks.bench_edge", description=__doc__)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--connections", type=int, default=64)
    arguments = parser.parse_args()
    key, ports = new_key("live"), (free_port(), free_port(), free_port())
    body = device_day(days.utc_day(SystemClock().now()))
    with tempfile.TemporaryDirectory(prefix="headcount-bench-") as name:
        folder = Path(name)
        (folder / "catalog.toml").write_text(catalog_text())
        (folder / "organisation.toml").write_text(organisation_text(key))
        settings = EdgeSettings(
            organisation=folder / "organisation.toml",
            spool=folder / "spool",
            worker="w0",
            port=ports[1],
            admin_port=ports[2],
            disk_floor_bytes=0,
            key_per_minute=100_000_000,
            address_per_minute=100_000_000,
        )
        start = multiprocessing.get_context("fork").Process
        servers = {
            "bare": start(target=serve_bare, args=(ports[0],)),
            "edge": start(target=serve_edge, args=(settings,)),
        }
        cores = sorted(os.sched_getaffinity(0))
        for server in servers.values():
            server.start()
            os.sched_setaffinity(server.pid or 0, cores[:1])
        os.sched_setaffinity(0, cores[1:] or cores)
        try:
            for port in ports[:2]:
                wait_for(port)
            compare(servers, dict(zip(servers, ports, strict=False)), key, body, arguments)
        finally:
            for server in servers.values():
                server.terminate()
                server.join()


def compare(
    servers: Mapping[str, multiprocessing.process.BaseProcess],
    ports: dict[str, int],
    key: str,
    body: bytes,
    arguments: argparse.Namespace,
) -> None:
    """Let the two take turns, and say how they did."""
    print(f"{len(body)} bytes a report, {arguments.connections} connections, {os.cpu_count()} cores")
    rates: dict[str, list[float]] = {name: [] for name in servers}
    costs: dict[str, list[float]] = {name: [] for name in servers}
    for number in range(arguments.rounds + 1):
        for name, server in servers.items():
            before = cpu_seconds(server.pid or 0)
            tally = asyncio.run(load(ports[name], key, body, arguments.connections, arguments.seconds))
            total = sum(tally.answers.values())
            if tally.answers.keys() != {"202"}:
                raise SystemExit(f"{name}: {tally.answers}")
            if number == 0:
                continue  # warm
            rates[name].append(total / arguments.seconds)
            costs[name].append((cpu_seconds(server.pid or 0) - before) / total * 1e6)
            p50, p99 = (sorted(tally.seconds)[int(len(tally.seconds) * share)] * 1e3 for share in (0.5, 0.99))
            print(
                f"{name}: {rates[name][-1]:7.0f}/s {costs[name][-1]:6.1f} us CPU  p50 {p50:5.1f} ms  p99 {p99:5.1f} ms"
            )
    ratio = statistics.median(rates["edge"]) / statistics.median(rates["bare"])
    share = statistics.median(costs["bare"]) / statistics.median(costs["edge"])
    print(f"edge / bare: {ratio:.2f} of the rate (median), {share:.2f} by CPU per answer")


if __name__ == "__main__":
    main()
