"""The reports of all devices that will send, made before the load begins: nothing is made while time is taken."""

from __future__ import annotations

import math
import os
import random
import secrets
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from headcount_wire.catalog import Catalog

from headcount.loadgen.devices import INTERACTIONS_MEAN, Devices, Said, fits
from headcount.loadgen.target import Target

CHUNK = 500
AGAIN_MOST = 20_000
"""Devices that report again and again, at most: the busiest ones."""
ADDRESSES = 2**24


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many devices, by which catalog, with consents of which policy version, from which day, by which seed.

    ``mean``: of how many interactions their days are.
    """

    catalog: Catalog
    devices: int
    policy: int
    today: int
    seed: int
    msgpack: bool
    mean: float = INTERACTIONS_MEAN

    def made(self, first: int, last: int, *, again: bool) -> list[Said]:
        """What the devices of a range say: their closed days, or more of the open one."""
        devices = Devices(self.catalog, self.policy, self.today, self.seed, msgpack=self.msgpack, mean=self.mean)
        say = devices.open_day if again else devices.closed_days
        return [said for said in (say(number) for number in range(first, last)) if fits(said)]


@dataclass(frozen=True, slots=True)
class Made:
    """Reports ready to send: ``first`` is each device's first one, ``again`` what the busiest say later."""

    first: Sequence[Said]
    again: Sequence[Said]

    @property
    def mean_bytes(self) -> float:
        """Bytes of a first report's body."""
        return sum(len(said.body) for said in self.first) / max(1, len(self.first))

    @property
    def mean_days(self) -> float:
        """Days in a first report."""
        return sum(said.days for said in self.first) / max(1, len(self.first))


def make(crowd: Crowd, expected: float, progress: Callable[[int, int], None]) -> Made:
    """As many devices' reports as a load of so many will need, on all cores; tells how many of how many are made."""
    # Four standard deviations above the mean of a Poisson draw: never fewer than leave.
    needed = math.ceil(expected + 4 * math.sqrt(expected) + 10)
    first = min(crowd.devices, needed)
    again = min(crowd.devices, AGAIN_MOST, needed - first) if needed > first else 0
    ranges = [(at, min(at + CHUNK, first), False) for at in range(0, first, CHUNK)]
    ranges += [(at, min(at + CHUNK, again), True) for at in range(0, again, CHUNK)]
    found: tuple[list[Said], list[Said]] = ([], [])
    for number, (_, _, later), said in _in_order(crowd, ranges):
        found[later].extend(said)
        progress(number + 1, len(ranges))
    return Made(*found)


def _in_order(
    crowd: Crowd, ranges: Sequence[tuple[int, int, bool]]
) -> Iterator[tuple[int, tuple[int, int, bool], list[Said]]]:
    if len(ranges) < 4:
        for number, one in enumerate(ranges):
            yield number, one, crowd.made(one[0], one[1], again=one[2])
        return
    workers = min(len(ranges), len(os.sched_getaffinity(0)))
    with ProcessPoolExecutor(workers, get_context("spawn"), _let_the_parent_stop) as pool:
        asked = [pool.submit(crowd.made, first, last, again=again) for first, last, again in ranges]
        try:
            for number, (one, future) in enumerate(zip(ranges, asked, strict=True)):
                yield number, one, future.result()
        finally:
            for future in asked:
                future.cancel()


def _let_the_parent_stop() -> None:
    """A terminal's Ctrl-C goes to all processes: the one that asks for devices says what becomes of it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@dataclass(slots=True)
class Sending:
    """One report on its way. ``due``: when it should leave, by the loop's time; ``first_due``: when at first."""

    report_id: str
    data: bytes
    due: float
    first_due: float
    tries: int = 0
    accepted: bool = False
    doubtful: bool = False

    def __lt__(self, other: Sending) -> bool:
        return self.due < other.due


class Reports:
    """Reports without end, each under a new id: every device's first one in turn, then the busiest ones' later ones.

    ``keys``: app keys; a few Customers have most devices. ``each``: a connection for each, as phones have.
    ``addresses``: each names another address in ``X-Forwarded-For``, as a proxy would.
    """

    def __init__(
        self, made: Made, target: Target, keys: Sequence[str], draw: random.Random, *, each: bool, addresses: bool
    ) -> None:
        self._made = made
        self._keys = keys
        self._weights = [1 / (rank + 1) for rank in range(len(keys))]
        self._draw = draw
        self._addresses = addresses
        self._head = f" HTTP/1.1\r\nHost: {target.named}\r\nUser-Agent: headcount-load\r\nContent-Encoding: gzip\r\n"
        self._head += "Connection: close\r\n" * each
        self._at = 0
        # Random, as the protocol has it, and drawn once: ids of one load follow each other.
        self._number = secrets.randbits(120)

    def next(self, due: float) -> Sending:
        """The next report, due at a moment."""
        if self._at < len(self._made.first):
            said = self._made.first[self._at]
        else:
            later = self._made.again or self._made.first
            said = later[int(len(later) * self._draw.random() ** 2)]
        self._at += 1
        self._number += 1
        report_id = f"{self._number % 2**128:032x}"
        return Sending(report_id, self.request(report_id, said.media, said.body), due, due)

    def request(self, report_id: str, media: str, body: bytes, key: str | None = None) -> bytes:
        """The bytes of a request; ``key``: another one than a Customer's."""
        key = self._draw.choices(self._keys, self._weights)[0] if key is None else key
        head = f"POST /v1/reports/{report_id}{self._head}Authorization: Bearer {key}\r\nContent-Type: {media}\r\n"
        if self._addresses:
            number = self._draw.randrange(ADDRESSES)
            head += f"X-Forwarded-For: 10.{number >> 16}.{number >> 8 & 255}.{number & 255}\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    @property
    def any_body(self) -> Said:
        """Some device's report."""
        return self._made.first[self._draw.randrange(len(self._made.first))]
