"""One device-day of one SDK in this process: ``python -m benchmarks.sdk_peers.day NAME URL FOLDER``.

200 interactions: 150 counts with a label, 30 screens, 20 timings; each call is timed on the caller's thread.
Prints one line of JSON. Each SDK is imported and made here only, so that start-up and memory are its own.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from importlib import import_module
from itertools import repeat
from pathlib import Path
from typing import Any, Protocol

INTERACTIONS = 200
ENTRIES = ("link", "calendar", "room")
CATALOG = """\
[catalog]
name = "meet"
version = 1
[purposes.usage]
sentence.en = "Count what is used."
[purposes.context]
sentence.en = "Tell the system."
[context]
os = "context"
language = "context"
time_zone = "context"
app_version = "context"
[measures."active"]
code = 1
kind = "active"
purpose = "usage"
description = "Used."
owner = "team@example.org"
[measures."meeting.joined"]
code = 2
kind = "counter"
purpose = "usage"
description = "Joined."
owner = "team@example.org"
cap = 1000
label = { key = "entry", values = ["link", "calendar", "room"] }
[measures."screen.viewed"]
code = 3
kind = "screen"
purpose = "usage"
description = "Screens."
owner = "team@example.org"
cap = 1000
journeys = true
label = { key = "screen", values = ["home", "lobby", "meeting"] }
[measures."join.time"]
code = 4
kind = "timing"
purpose = "usage"
description = "Time to join."
owner = "team@example.org"
cap = 1000
[measures."session"]
code = 5
kind = "session"
purpose = "usage"
description = "Sessions."
owner = "team@example.org"
cap = 100
"""


class Sdk(Protocol):
    """What the day asks of an SDK: three verbs, and to have everything sent when it ends."""

    def count(self, entry: str) -> object: ...
    def screen(self, name: str) -> object: ...
    def timing(self, milliseconds: float) -> object: ...
    def end(self) -> object: ...


class OfHeadcount:
    """Headcount, with consent to a purpose and to the context; it reads its catalog's text, and keeps all on disk."""

    def __init__(self, url: str, folder: Path) -> None:
        from headcount_sdk import Headcount

        self._client = Headcount("hc_live_" + "k" * 43, url, CATALOG, directory=folder / "headcount", app_version="4.2")
        self._client.start()
        self._client.consent.grant("usage", "context")

    def count(self, entry: str) -> None:
        self._client.track("meeting.joined", entry=entry)

    def screen(self, name: str) -> None:
        self._client.screen(name)

    def timing(self, milliseconds: float) -> None:
        self._client.measure("join.time", milliseconds)

    def end(self) -> None:
        self._client.flush()
        self._client.shutdown()


class OfPosthog:
    """PostHog, anonymous events without person profiles."""

    def __init__(self, url: str, _: Path) -> None:
        from posthog import Posthog

        self._client: Any = Posthog("phc_benchmark", host=url, gzip=True, disable_geoip=True)

    def _capture(self, event: str, properties: dict[str, object]) -> None:
        self._client.capture(event, distinct_id="device", properties={**properties, "$process_person_profile": False})

    def count(self, entry: str) -> None:
        self._capture("meeting.joined", {"entry": entry})

    def screen(self, name: str) -> None:
        self._capture("$screen", {"$screen_name": name})

    def timing(self, milliseconds: float) -> None:
        self._capture("join.time", {"ms": milliseconds})

    def end(self) -> None:
        self._client.shutdown()


class OfOpenTelemetry:
    """OpenTelemetry metrics over OTLP and HTTP, with attributes; it counts, and keeps nothing on disk."""

    def __init__(self, url: str, _: Path) -> None:
        from opentelemetry.exporter.otlp.proto.http import Compression
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

        exporter = OTLPMetricExporter(f"{url}/v1/metrics", compression=Compression.Gzip)
        self._provider = MeterProvider([PeriodicExportingMetricReader(exporter, 60_000)])
        meter = self._provider.get_meter("meet")
        self._joined = meter.create_counter("meeting.joined")
        self._screens = meter.create_counter("screen.viewed")
        self._time = meter.create_histogram("join.time", "ms")

    def count(self, entry: str) -> None:
        self._joined.add(1, {"entry": entry})

    def screen(self, name: str) -> None:
        self._screens.add(1, {"screen": name})

    def timing(self, milliseconds: float) -> None:
        self._time.record(milliseconds)

    def end(self) -> None:
        self._provider.shutdown()


class OfAptabase:
    """Aptabase's Python client, which is awaited; each call is timed as a caller on the loop waits for it."""

    def __init__(self, url: str, _: Path) -> None:
        from aptabase import Aptabase

        self._loop = asyncio.new_event_loop()
        self._client: Any = Aptabase("A-SH-0000000000", base_url=url, app_version="4.2")
        self._loop.run_until_complete(self._client.start())

    def _track(self, event: str, properties: dict[str, object]) -> Awaitable[None]:
        call: Awaitable[None] = self._client.track(event, properties)
        return call

    def count(self, entry: str) -> Awaitable[None]:
        return self._track("meeting.joined", {"entry": entry})

    def screen(self, name: str) -> Awaitable[None]:
        return self._track("screen", {"name": name})

    def timing(self, milliseconds: float) -> Awaitable[None]:
        return self._track("join.time", {"ms": milliseconds})

    def end(self) -> None:
        async def drain() -> None:
            while self._client._event_queue:
                await self._client.flush()
            await self._client.stop()

        self._loop.run_until_complete(drain())

    def timed(self, calls: Iterator[Callable[[], Any]]) -> list[int]:
        """The calls' times, on the loop."""

        async def run() -> list[int]:
            found = []
            for call in calls:
                began = time.perf_counter_ns()
                await call()
                found.append(time.perf_counter_ns() - began)
            return found

        return self._loop.run_until_complete(run())


SDKS: dict[str, Callable[[str, Path], Sdk]] = {
    "headcount": OfHeadcount,
    "posthog": OfPosthog,
    "opentelemetry": OfOpenTelemetry,
    "aptabase": OfAptabase,
}


IMPORTED = {
    "headcount": "headcount_sdk",
    "posthog": "posthog",
    "opentelemetry": "opentelemetry.sdk.metrics",
    "aptabase": "aptabase",
}


def calls(sdk: Sdk) -> Iterator[Callable[[], object]]:
    """The day's interactions, in order."""
    for n in range(INTERACTIONS):
        if n % 10 == 9:
            yield lambda n=n: sdk.timing(100.0 + n)  # type: ignore[misc]  # bound now
        elif n % 7 == 3:
            yield lambda n=n: sdk.screen(("home", "lobby", "meeting")[n % 3])  # type: ignore[misc]
        else:
            yield lambda n=n: sdk.count(ENTRIES[n % 3])  # type: ignore[misc]


def timed(all_calls: Iterator[Callable[[], object]]) -> list[int]:
    """Nanoseconds of each call on this thread."""
    found = []
    for call in all_calls:
        began = time.perf_counter_ns()
        call()
        found.append(time.perf_counter_ns() - began)
    return found


def plain(name: str, /, **labels: str) -> None:
    """A function with the signature of a count that does nothing: the machine's pace, in this process."""


def plain_calls() -> Iterator[Callable[[], object]]:
    """As many calls of it as a day has interactions."""
    return repeat(lambda: plain("meeting.joined", entry=ENTRIES[0]), INTERACTIONS)


def resident_mb() -> float:
    """This process's memory now, in MB (Linux; elsewhere nothing is said)."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    """Run the day and print what it cost."""
    name, url, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    gc.collect()
    before = resident_mb()
    began = time.perf_counter()
    import_module(IMPORTED[name])
    imported = time.perf_counter() - began
    sdk = SDKS[name](url, folder)
    started = time.perf_counter() - began
    times = sorted((sdk.timed if isinstance(sdk, OfAptabase) else timed)(calls(sdk)))
    disk = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    memory = resident_mb() - before
    pace = sorted(timed(plain_calls()))
    sdk.end()
    gc.collect()
    sent = resident_mb() - before
    found = {
        "median_us": times[len(times) // 2] / 1000,
        "p99_us": times[len(times) * 99 // 100] / 1000,
        "plain_us": pace[len(pace) // 2] / 1000,
        "import_ms": imported * 1000,
        "start_ms": started * 1000,
        "memory_mb": memory,
        "memory_sent_mb": sent,
        "disk_kb": disk / 1024,
    }
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
