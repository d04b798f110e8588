"""A real activity log, and what every customer of it becomes: one device, drawn by seed."""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from headcount_sdk.facts import DeviceFacts
from headcount_wire import days

_SYSTEMS = ("android", "ios", "windows", "macos")
_PLACES = (
    ("en", "America/New_York", -5),
    ("en", "America/Los_Angeles", -8),
    ("de", "Europe/Berlin", 1),
    ("ja", "Asia/Tokyo", 9),
)


@dataclass(frozen=True, slots=True)
class LogDevice:
    """One customer of the log. Days are day numbers; ``offline`` is a half-open span of them."""

    number: int
    activity: dict[int, int]
    consents: bool
    shares_context: bool
    withdraws: int | None
    offline: tuple[int, int]
    sends_twice: bool
    system: str
    language: str
    time_zone: str
    offset_hours: int


class LogFacts(DeviceFacts):
    """What the SDK may read on such a device."""

    def __init__(self, device: LogDevice) -> None:
        super().__init__()
        self._device = device

    def os(self) -> str | None:
        return self._device.system

    def language(self) -> str | None:
        return self._device.language

    def time_zone(self) -> str | None:
        return self._device.time_zone


def read_log(path: Path, seed: int, most_days: int = 10**9) -> list[LogDevice]:
    """The devices of a CSV file with the columns ``customer`` and ``date`` (YYYY-MM-DD), of its first so many days."""
    activity: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            activity[row["customer"]][days.parse(row["date"])] += 1
    last = min((min(held) for held in activity.values()), default=0) + most_days
    within = ({day: times for day, times in held.items() if day < last} for held in activity.values())
    return [_device(number, held, seed) for number, held in enumerate(held for held in within if held)]


def _device(number: int, activity: dict[int, int], seed: int) -> LogDevice:
    draw = random.Random(f"{seed}/{number}")
    first, last = min(activity), max(activity)
    language, zone, offset = draw.choice(_PLACES)
    gone = draw.randrange(first, last + 30)
    return LogDevice(
        number=number,
        activity=activity,
        consents=draw.random() < 0.85,
        shares_context=draw.random() < 0.8,
        withdraws=draw.randrange(first, last + 60) if draw.random() < 0.06 else None,
        offline=(gone, gone + draw.randrange(1, 20)) if draw.random() < 0.25 else (0, 0),
        sends_twice=draw.random() < 0.15,
        system=draw.choice(_SYSTEMS),
        language=language,
        time_zone=zone,
        offset_hours=offset,
    )
