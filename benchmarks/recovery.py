"""What a fleet of devices does to an edge that comes back after an outage: a simulation by the SDK's own rules.

``python -m benchmarks.recovery`` plays 100,000 devices through outages of 10 minutes, an hour and six hours. The
moments at which a device tries are drawn by the SDK's ``pacing`` and fall on the minutes of its background thread; the
edge takes so many a second and tells the others when to come back by its own ``load_shedding``. Every device's app runs
all the time, which is the worst case: a closed app does not try at all.
"""

from __future__ import annotations

import argparse
import heapq
import json
import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from headcount_ingest.load_shedding import ComeBack
from headcount_sdk import pacing
from headcount_sdk.background import EVERY_SECONDS
from rich.console import Console
from rich.table import Table

HOUR = 3600.0
SPREAD_SECONDS = 4 * HOUR
"""Over which the SDK spreads first tries, unless the app says otherwise."""
OUTAGE_BEGINS = 2 * HOUR
"""After midnight: in the middle of the night's first tries."""
HEADROOM = 1.25
"""What the edge can take, in units of what comes in the busiest hour of an ordinary day (80 % of it is used)."""
AT_ONCE_SECONDS = 5.0
"""How much of its capacity may come at once and be taken all the same: chance makes reports come in clusters."""
OUTAGES = {"10 min": 600.0, "1 h": HOUR, "6 h": 6 * HOUR}
AFTER_SECONDS = 20 * HOUR
BIN_SECONDS = 60.0

Pause = Callable[[int, float, random.Random], float]


class Device:
    """What decides when one device tries to send a closed day. ``began``: when its thread first looks at it."""

    __slots__ = ("_attempts", "_draw", "_not_before", "_pause", "began")

    def __init__(self, began: float, spread: float, draw: random.Random, pause: Pause = pacing.pause) -> None:
        self.began = began
        self._draw = draw
        self._pause = pause
        self._attempts = 0
        self._not_before = pacing.first_try(began, spread, draw)

    @property
    def next_try(self) -> float:
        """The first minute of its thread at which nothing keeps it from trying."""
        return self.began + math.ceil((self._not_before - self.began) / EVERY_SECONDS) * EVERY_SECONDS

    def failed(self, now: float, retry_after: float) -> None:
        """It was refused, or got no answer."""
        self._not_before = now + self._pause(self._attempts, retry_after, self._draw)
        self._attempts += 1

    @property
    def tries(self) -> int:
        """How often it failed."""
        return self._attempts


@dataclass
class Edge:
    """An edge that takes ``rate`` reports a second; ``down``: from when to when it takes none."""

    rate: float
    down: tuple[float, float]
    draw: random.Random
    now: float = 0.0
    taken: int = 0
    refused: int = 0
    reset: int = 0
    _room: float = 0.0
    _polite: float = 0.0

    def __post_init__(self) -> None:
        self._come_back = ComeBack(lambda: self.taken, lambda: self.now, self.draw)

    def take(self, now: float) -> float | None:
        """Seconds to wait by its ``Retry-After`` (0: no answer at all), or ``None``: taken."""
        passed, self.now = now - self.now, now
        if self.down[0] <= now < self.down[1]:
            return 0.0
        self._room = min(self.rate * AT_ONCE_SECONDS, self._room + passed * self.rate)
        self._polite = min(self.rate * AT_ONCE_SECONDS, self._polite + passed * self.rate)
        if self._room >= 1:
            self._room -= 1
            self.taken += 1
            return None
        if self._polite >= 1:  # it refuses as many as it takes; what is more is reset by its system
            self._polite -= 1
            self.refused += 1
            return float(self._come_back.after_overload())
        self.reset += 1
        return 0.0


@dataclass
class Recovery:
    """What came of one outage. ``came``: tries by bin of ``BIN_SECONDS``, from the first midnight on."""

    outage: float
    ordinary: float
    came: list[int]
    devices: int
    delivered: int
    drained: float
    most_tries: int
    refused: int
    reset: int
    seconds: float = field(default=0.0, compare=False)

    @property
    def recovered_bin(self) -> int:
        """The first bin after the outage."""
        return math.ceil((OUTAGE_BEGINS + self.outage) / BIN_SECONDS)

    def load(self, bins: int = 1) -> list[float]:
        """What came after the outage, in steps of so many bins, in units of the busiest hour of an ordinary day."""
        after = self.came[self.recovered_bin :]
        whole = len(after) // bins * bins
        per_step = self.ordinary * BIN_SECONDS * bins
        return [sum(after[at : at + bins]) / per_step for at in range(0, whole, bins)]

    def peak(self, bins: int = 1) -> float:
        """The most that came in so many bins after the outage."""
        return max(self.load(bins))

    def second_wave(self, bins: int = 30) -> float:
        """By how much the load rose again over what it had fallen to, beyond four times what chance makes of it."""
        per_step = self.ordinary * BIN_SECONDS * bins
        lowest, worst = math.inf, 0.0
        for load in self.load(bins):
            chance = 4 * math.sqrt(max(load, 1 / per_step) / per_step)
            worst = max(worst, load - chance - lowest)
            lowest = min(lowest, load + chance)
        return worst


def simulate(
    devices: int,
    outage: float,
    *,
    one_zone: bool,
    seed: int = 1,
    pause: Pause = pacing.pause,
    headroom: float = HEADROOM,
) -> Recovery:
    """Play one outage. ``one_zone``: all days close at the same midnight; else round the clock, all over the world.

    Either way the edge is one for a fleet in one time zone.
    """
    began, draw = time.perf_counter(), random.Random(seed)
    ends = OUTAGE_BEGINS + outage + AFTER_SECONDS
    ordinary = devices / SPREAD_SECONDS
    edge = Edge(ordinary * headroom, (OUTAGE_BEGINS, OUTAGE_BEGINS + outage), random.Random(seed + 1))
    if one_zone:
        fleet = [Device(draw.uniform(0.0, EVERY_SECONDS), SPREAD_SECONDS, draw, pause) for _ in range(devices)]
    else:  # from a day before, so that the night's tries are under way when it begins
        days = (ends + SPREAD_SECONDS) / (24 * HOUR)
        fleet = [
            Device(draw.uniform(-SPREAD_SECONDS, ends), SPREAD_SECONDS, draw, pause) for _ in range(int(devices * days))
        ]
    tries = [(device.next_try, number) for number, device in enumerate(fleet)]
    heapq.heapify(tries)
    came = [0] * math.ceil(ends / BIN_SECONDS)
    delivered = most = 0
    drained = 0.0
    while tries and tries[0][0] < ends:
        now, number = heapq.heappop(tries)
        device = fleet[number]
        if now >= 0.0:
            came[int(now / BIN_SECONDS)] += 1
        wait = edge.take(now) if now >= 0.0 else None
        if wait is None:
            delivered += 1
            most = max(most, device.tries)
            if device.tries and now >= edge.down[1]:
                drained = now - edge.down[1]
        else:
            device.failed(now, wait)
            heapq.heappush(tries, (device.next_try, number))
    late = sum(1 for _, number in tries if fleet[number].tries == 0)  # of the hours that are not simulated
    return Recovery(
        outage,
        ordinary,
        came,
        len(fleet) - late,
        delivered,
        drained,
        most,
        edge.refused,
        edge.reset,
        time.perf_counter() - began,
    )


def before(attempts: int, retry_after: float, draw: random.Random) -> float:
    """The rule that devices had at first: seconds that double up to a quarter of an hour, or what the edge says."""
    return max(retry_after, draw.uniform(0.0, min(900.0, 2.0 ** min(attempts, 20))))


def play(devices: int) -> dict[str, Recovery]:
    """Every outage, for a fleet in one time zone and for one all over the world; the first also by the rule before."""
    found = {}
    for name, seconds in OUTAGES.items():
        found[f"{name}, one zone"] = simulate(devices, seconds, one_zone=True)
        found[f"{name}, all zones"] = simulate(devices, seconds, one_zone=False)
        found[f"{name}, one zone, rule before"] = simulate(devices, seconds, one_zone=True, pause=before)
    return found


def table(found: dict[str, Recovery]) -> Table:
    """The figures, one outage a row."""
    shown = Table("outage", title="After an outage (load in units of the busiest hour of an ordinary day)")
    columns = ("peak, a minute", "peak, 10 min", "rises again by", "drained (h)", "delivered", "most tries")
    for column in columns:
        shown.add_column(column, justify="right")
    for name, recovery in found.items():
        shown.add_row(
            name,
            f"{recovery.peak():.2f}",
            f"{recovery.peak(10):.2f}",
            f"{recovery.second_wave():.2f}",
            f"{recovery.drained / HOUR:.1f}",
            f"{recovery.delivered:,} of {recovery.devices:,}",
            str(recovery.most_tries),
        )
    return shown


def plain(found: dict[str, Recovery]) -> dict[str, dict[str, object]]:
    """The figures as JSON can hold them; loads by 10 minutes."""
    return {
        name: {
            "peak_minute": recovery.peak(),
            "peak_10_minutes": recovery.peak(10),
            "rises_again_by": recovery.second_wave(),
            "drained_hours": recovery.drained / HOUR,
            "delivered": recovery.delivered,
            "devices": recovery.devices,
            "most_tries": recovery.most_tries,
            "refused": recovery.refused,
            "reset": recovery.reset,
            "load_by_10_minutes": [round(load, 3) for load in recovery.load(10)],
        }
        for name, recovery in found.items()
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Play the outages, print the table, write the figures and, where matplotlib is installed, the plot."""
    from benchmarks.edge.report import plot_recovery  # which imports this module

    parser = argparse.ArgumentParser(prog="benchmarks.recovery", description=__doc__)
    parser.add_argument("--devices", type=int, default=100_000)
    parser.add_argument("--report", type=Path, default=Path(__file__).with_name("report"))
    given = parser.parse_args(arguments)
    found = play(given.devices)
    Console().print(table(found))
    given.report.mkdir(exist_ok=True)
    (given.report / "recovery.json").write_text(json.dumps(plain(found), indent=1))
    plot_recovery(found, given.report)


if __name__ == "__main__":
    main()
