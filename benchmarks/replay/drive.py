"""Drives the log's devices through the real SDK, one virtual day after the other."""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from headcount.file_clock import FileClock
from headcount_sdk.client import Headcount
from headcount_sdk.transport import Answer, HttpTransport, Request
from headcount_wire import codec, days
from headcount_wire.catalog import Catalog

from benchmarks.replay.log import LogDevice, LogFacts

DAY = 86_400.0
NIGHT_HOURS = (26.0, 31.0)
CANARY = "CANARY4c1e"
"""Planted in headers of every request; found nowhere afterwards."""


@dataclass(slots=True)
class Ledger:
    """Outside the house: which local day of which device was acknowledged, and on which UTC day."""

    acknowledged: dict[tuple[int, int], int] = field(default_factory=dict)
    requests: int = 0
    doubled: int = 0


class LedgerTransport:
    """Real HTTP that notes acknowledgements; now and then an answer is lost and the request repeated."""

    def __init__(self, device: LogDevice, ledger: Ledger, clock: FileClock, draw: random.Random) -> None:
        self._device = device
        self._ledger = ledger
        self._clock = clock
        self._draw = draw
        self._http = HttpTransport()

    def send(self, request: Request, timeout: float) -> Answer:
        planted = {"User-Agent": f"{CANARY}-{self._device.number}", "X-Device-Id": f"{CANARY}-{self._device.number}"}
        request = Request(request.method, request.url, {**request.headers, **planted}, request.body)
        if request.method == "POST":
            self._ledger.requests += 1
            if self._draw.random() < 0.05:
                self._ledger.doubled += 1
                self._http.send(request, timeout)
        answer = self._http.send(request, timeout)
        if request.method == "POST" and answer.status == 202:
            report = codec.decode_json(gzip.decompress(request.body))
            today = days.utc_day(self._clock.now())
            for day in report.days:
                if any(tally.measure == 1 for tally in day.tallies):
                    self._ledger.acknowledged.setdefault((self._device.number, day.day), today)
        return answer


class Replay:
    """Opens a device's client only while there is something for it to do, as a phone would."""

    def __init__(
        self, devices: list[LogDevice], catalog: Catalog, key: str, host: str, folder: Path, clock: FileClock, seed: int
    ) -> None:
        self._devices = devices
        self._catalog = catalog
        self._key = key
        self._host = host
        self._folder = folder
        self._clock = clock
        self._draw = random.Random(seed)
        self._pending: set[int] = set()
        self.ledger = Ledger()
        self.folders: dict[int, Path] = {device.number: folder / str(device.number) for device in devices}

    def run(self) -> Iterator[int]:
        """Live through the log and the weeks after it; yields each day when its night is over."""
        first = min(min(device.activity) for device in self._devices)
        last = max(max(device.activity) for device in self._devices)
        by_number = {device.number: device for device in self._devices}
        for day in range(first, last + 60):
            for device in self._devices:
                if day in device.activity or device.withdraws == day:
                    self._clock.set_now(day * DAY + (12 - device.offset_hours) * 3600.0)
                    self._live(device, day)
            for hours in NIGHT_HOURS:
                self._clock.set_now(day * DAY + hours * 3600.0)
                for number in sorted(self._pending):
                    self._upload(by_number[number], day)
            yield day

    def _live(self, device: LogDevice, day: int) -> None:
        client = self._open(device)
        if device.consents and day == min(device.activity):
            client.consent.grant("usage", *(("context",) if device.shares_context else ()))
        for _ in range(device.activity.get(day, 0)):
            client.track("purchase.made")
        if device.withdraws == day:
            client.consent.withdraw("usage", "context")
            self._pending.discard(device.number)
        elif device.consents:
            self._pending.add(device.number)
            if device.sends_twice and not device.offline[0] <= day < device.offline[1]:
                client.flush()
        client.shutdown()

    def _upload(self, device: LogDevice, day: int) -> None:
        if device.offline[0] <= day < device.offline[1]:
            return
        client = self._open(device)
        client.pump()
        held = client.export()
        if not held["report_under_way"] and not held["waiting"]:
            self._pending.discard(device.number)
        client.shutdown()

    def _open(self, device: LogDevice) -> Headcount:
        client = Headcount(
            self._key,
            self._host,
            self._catalog,
            directory=self.folders[device.number],
            clock=self._clock,
            transport=LedgerTransport(device, self.ledger, self._clock, self._draw),
            facts=LogFacts(device),
            utc_offset=lambda _: device.offset_hours * 3600.0,
            draw=self._draw,
        )
        client.start(thread=False, active=False)
        return client
