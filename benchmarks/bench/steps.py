"""What each step of the edge's path costs by itself, in this process: CPU time, the least of some rounds.

No socket, no loop, no disk: what a worker spends beyond the sum is the system's calls, the event loop, the group
commit, and what neighbours take out of its caches.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from headcount_ingest.admit import Admitted, admit
from headcount_ingest.answer import answer
from headcount_ingest.arrive import Arrived
from headcount_ingest.authenticate import Authentic, authenticate
from headcount_ingest.decode import Decoded, decode
from headcount_ingest.decompress import decompress
from headcount_ingest.fleet import FleetShare
from headcount_ingest.head import Head
from headcount_ingest.keyring import Keyring
from headcount_ingest.metrics import Metrics
from headcount_ingest.outcomes import NO_DROPS, Accepted
from headcount_ingest.own import Owned, own
from headcount_ingest.rates import Rates
from headcount_ingest.receive import Received, receive
from headcount_ingest.strip import strip
from headcount_wire import days as calendar
from headcount_wire.app_key import new_key
from headcount_wire.clock import SystemClock

from benchmarks.bench.chapter import Sheet
from benchmarks.edge import servers
from benchmarks.edge.population import Population
from benchmarks.edge.servers import NO_LIMIT
from benchmarks.peers.population import DeviceDay

Step = TypeVar("Step")

ROUNDS, CALLS = 5, 2_000


def steps(people: Sequence[DeviceDay], folder: Path) -> Sheet:
    """A report's way, step by step, over different reports."""
    clock = SystemClock()
    today = calendar.utc_day(clock.now())
    key = new_key("live")
    folder.mkdir()
    servers.prepare(folder, Population(key, tuple(day.body for day in people)))
    metrics = Metrics()
    keyring = Keyring(folder / "organisation.toml", metrics)
    fleet = FleetShare(folder, "", keyring.organisation.fleet, today)
    rates = Rates(NO_LIMIT, NO_LIMIT, (), clock.monotonic)
    told = {b"authorization": f"Bearer {key}".encode(), b"content-type": b"application/json"}
    told[b"content-encoding"] = b"gzip"
    client = rates.peer("127.0.0.1")(b"")
    paths = (f"/v1/reports/{secrets.token_hex(16)}".encode() for _ in range(CALLS))
    heads = [Head(b"POST", path, told, client) for path in paths]
    bodies = [people[number % len(people)].body for number in range(CALLS)]
    received = [_made(receive(head, rates), Received) for head in heads]
    authentic = [_made(authenticate(one, keyring, rates), Authentic) for one in received]
    pairs = zip(authentic, bodies, strict=True)
    arrived = [Arrived(one.report_id, one.account, one.media, one.coding, body) for one, body in pairs]
    decoded = [_made(decode(one), Decoded) for one in arrived]
    owned = [_made(own(one, fleet, today), Owned) for one in decoded]
    admitted = [_made(admit(one, today), Admitted) for one in owned]
    accepted = Accepted(1, 40, NO_DROPS)
    now = clock.now()
    timed = {
        "receive": _cost(lambda at: receive(heads[at], rates)),
        "authenticate": _cost(lambda at: authenticate(received[at], keyring, rates)),
        "decode": _cost(lambda at: decode(arrived[at])),
        "  of which inflating": _cost(lambda at: decompress(bodies[at], "gzip")),
        "own": _cost(lambda at: own(decoded[at], fleet, today)),
        "admit": _cost(lambda at: admit(owned[at], today)),
        "strip": _cost(lambda at: strip(admitted[at])),
        "answer": _cost(lambda _: answer(accepted, now)),
        "count": _cost(lambda at: _count(metrics, at)),
    }
    total = sum(took for name, took in timed.items() if not name.startswith(" "))
    rows = [(name, f"{took:.1f}") for name, took in {**timed, "together": total}.items()]
    return Sheet("The edge's path by itself: CPU microseconds a report of 40 tallies", ("step", "us"), rows)


def _count(metrics: Metrics, at: int) -> None:
    metrics.outcomes.by["accepted"] += 1
    metrics.admitted.total += 40
    metrics.skew(0)
    metrics.seconds.observe(at * 1e-6)


def _cost(step: Callable[[int], object]) -> float:
    found: list[float] = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for at in range(CALLS):
            step(at)
        found.append((time.process_time() - began) / CALLS * 1e6)
    return min(found)


def _made(value: object, kind: type[Step]) -> Step:
    if not isinstance(value, kind):
        raise SystemExit(f"the path refused a report of the population: {value}")
    return value
