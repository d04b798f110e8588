"""Different devices' days as phones send them: made by the real SDK, gzipped JSON, no two alike.

Most people do little and a few do a lot, so counts are drawn with a heavy tail; most know the app for weeks,
some are new; not everybody grants every purpose. All by seed.
"""

from __future__ import annotations

import logging
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from headcount_sdk import Headcount
from headcount_sdk.facts import DeviceFacts
from headcount_sdk.testing import ManualClock, MemoryTransport
from headcount_wire.app_key import fingerprint
from headcount_wire.catalog import Catalog, Measure
from headcount_wire.catalog_file import parse_catalog
from headcount_wire.facts import Kind

Value = TypeVar("Value")

CATALOG_FILE = Path(__file__).with_name("catalog.toml")
MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108  # devices live in memory for a moment
INTERACTIONS_MEAN = 200
INTERACTIONS_MOST = 3_000
DAY = 86_400.0
SYSTEMS = {"android": 46, "ios": 34, "ipados": 6, "macos": 6, "windows": 8}
PLACES = {
    ("de", "Europe/Berlin"): 34,
    ("en", "Europe/London"): 18,
    ("en", "America/New_York"): 14,
    ("fr", "Europe/Paris"): 14,
    ("es", "Europe/Madrid"): 10,
    ("pl", "Europe/Warsaw"): 5,
    ("ja", "Asia/Tokyo"): 3,
    ("nl", "Europe/Amsterdam"): 2,
}
VERSIONS = {"4.2.1": 60, "4.2.0": 25, "4.1.7": 10, "3.9.2": 4, "4.3.0-beta1": 1}


@dataclass(frozen=True, slots=True)
class Population:
    """The bodies of different device-days, and the key they are sent under."""

    key: str
    bodies: tuple[bytes, ...]

    @property
    def mean_bytes(self) -> float:
        """Bytes of a body as it is sent."""
        return sum(map(len, self.bodies)) / len(self.bodies)


class _Facts(DeviceFacts):
    """What the SDK reads on a drawn device."""

    def __init__(self, draw: random.Random) -> None:
        super().__init__()
        self._os = _weighted(SYSTEMS, draw)
        self._language, self._time_zone = _weighted(PLACES, draw)
        self._version = _weighted(VERSIONS, draw)

    def os(self) -> str | None:
        return self._os

    def language(self) -> str | None:
        return self._language

    def time_zone(self) -> str | None:
        return self._time_zone

    def app_version(self) -> str | None:
        return self._version


def population(devices: int, today: int, key: str, seed: int) -> Population:
    """The reports that so many devices send on a day of the year, each about the day before."""
    catalog = parse_catalog(CATALOG_FILE.read_text("utf-8"), str(CATALOG_FILE))
    memory = MEMORY_FOLDER if MEMORY_FOLDER.is_dir() else None  # devices are made, not measured, here
    with _quiet(), tempfile.TemporaryDirectory(prefix="headcount-devices-", dir=memory) as name:
        draws = (random.Random(f"{seed}/{number}") for number in range(devices))
        folder = Path(name)
        bodies = [_device_day(catalog, key, folder / str(n), today, draw) for n, draw in enumerate(draws)]
    return Population(key, tuple(bodies))


@contextmanager
def _quiet() -> Iterator[None]:
    """The SDK says nothing of caps that are reached: here they are meant to be."""
    log = logging.getLogger("headcount")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


def organisation_text(key: str) -> str:
    """One Customer, one app, one key, all that the catalog asks for allowed."""
    return f"""\
[operator]
name = "Benchmark"
[customers.acme]
code = 1
[customers.acme.policy]
version = 1
purposes = ["usage", "diagnostics", "context"]
[apps.meet]
code = 1
catalogs = ["catalog.toml"]
[[keys]]
fingerprint = "{fingerprint(key)}"
customer = "acme"
app = "meet"
"""


def _device_day(catalog: Catalog, key: str, folder: Path, today: int, draw: random.Random) -> bytes:
    """The last report of one device: it began some time ago, was last used some days ago, and was used yesterday."""
    clock, network = ManualClock(), MemoryTransport()
    client = Headcount(
        key,
        "http://127.0.0.1:1",
        catalog,
        directory=folder,
        clock=clock,
        transport=network,
        facts=_Facts(draw),
        utc_offset=lambda _: 0.0,
        draw=draw,
        spread_hours=0.0,
    )
    clock.set_now(today * DAY + 9 * 3600.0)
    yesterday, age = today - 1, min(int(draw.expovariate(1 / 40)), 300)
    last = yesterday - min(age, 1 + int(draw.expovariate(1 / 2)))
    clock.set_now((yesterday - age) * DAY + 9 * 3600.0)
    client.start(thread=False, active=False)
    granted = [
        purpose for purpose, share in (("usage", 1), ("diagnostics", 0.8), ("context", 0.85)) if draw.random() < share
    ]
    client.consent.grant(*granted)
    for day in sorted({yesterday - age, last} - {yesterday}):
        clock.set_now(day * DAY + 9 * 3600.0)
        client.active()
        client.flush()
    clock.set_now(yesterday * DAY + 7 * 3600.0)
    _use(client, catalog, clock, draw)
    clock.set_now(today * DAY + 9 * 3600.0)
    network.requests.clear()
    client.pump()
    client.shutdown()
    (body,) = [request.body for request in network.requests if request.method == "POST"]
    return body


def _use(client: Headcount, catalog: Catalog, clock: ManualClock, draw: random.Random) -> None:
    """One day of interactions, in sessions; each person has favourites."""
    kinds = (Kind.COUNTER, Kind.FLAG, Kind.TIMING, Kind.SCREEN)
    measures = [measure for measure in catalog.measures.values() if measure.kind in kinds]
    weights = [draw.paretovariate(0.9) * (6 if measure.kind is Kind.SCREEN else 1) for measure in measures]
    count = min(INTERACTIONS_MOST, 1 + int(INTERACTIONS_MEAN * draw.lognormvariate(-0.72, 1.2)))
    client.active()
    for measure in draw.choices(measures, weights, k=count):
        clock.advance(2400.0 if draw.random() < 0.01 else draw.expovariate(1 / 20))
        _interact(client, measure, draw)


def _interact(client: Headcount, measure: Measure, draw: random.Random) -> None:
    label = measure.label
    chosen = label.values[min(int(draw.expovariate(0.8)), len(label.values) - 1)] if label else ""
    if measure.kind is Kind.SCREEN:
        client.screen(chosen)
    elif measure.kind is Kind.TIMING:
        client.measure(measure.name, 400 * draw.lognormvariate(0.0, 0.7))
    else:
        client.track(measure.name, **({label.key: chosen} if label else {}))


def _weighted(values: dict[Value, int], draw: random.Random) -> Value:
    return draw.choices(list(values), list(values.values()))[0]
