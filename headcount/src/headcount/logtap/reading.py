"""What a reader of a log format gives back, and the values that formats share. Pure.

A reader is given whole lines and returns counts: a line's text ends inside it.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass, field
from typing import Protocol
from zoneinfo import ZoneInfo

from headcount_wire import days
from headcount_wire.buckets import bucket_of

UNTIMED = -1
"""In place of a bucket: the line has no latency."""

Line = tuple[int, int, int, int]
"""``(day, route class, label, bucket)``: all that is kept of a line."""

REMEMBERED = 65_536
"""How many texts of times or latencies a reader remembers the meaning of; then it begins anew."""

MILLISECONDS = {"s": 1000.0, "ms": 1.0, "us": 0.001, "ns": 0.000_001}
"""By unit of a latency."""

_MONTHS = {name: at for at, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}
_LATENCY = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,12})?")
_SEPARATORS = re.compile(r", | : |,|:")


@dataclass(slots=True)
class Counted:
    """Lines counted, and how many were no line of the format."""

    lines: dict[Line, int] = field(default_factory=dict)
    unreadable: int = 0

    def add(self, day: int | None, route: int, label: int, bucket: int, times: int) -> None:
        """Count lines that say the same; a day that is none makes them unreadable."""
        if day is None:
            self.unreadable += times
        else:
            line = (day, route, label, bucket)
            self.lines[line] = self.lines.get(line, 0) + times


class Reader(Protocol):
    """Knows one log format."""

    def count(self, lines: bytes) -> Counted:
        """Count whole lines, each ended by a line feed; every line is in the result exactly once."""
        ...


class Latencies(dict[bytes, int]):
    """The bucket of a latency as it stands in the log; those seen are remembered, in bounds.

    Several upstreams (``0.010, 0.020`` or ``0.010 : 0.003``) are added up; what is no time is ``UNTIMED``.
    """

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._milliseconds = MILLISECONDS[unit]

    def __missing__(self, text: bytes) -> int:
        parts = [part for part in _SEPARATORS.split(text.decode("latin-1")) if part != "-"]
        sound = bool(parts) and all(_LATENCY.fullmatch(part) for part in parts)
        bucket = self.bucket(sum(map(float, parts))) if sound else UNTIMED
        if len(self) >= REMEMBERED:
            self.clear()
        self[text] = bucket
        return bucket

    def bucket(self, value: float) -> int:
        """The bucket of a number in this unit."""
        milliseconds = value * self._milliseconds
        return bucket_of(round(milliseconds)) if 0.0 <= milliseconds < 1e15 else UNTIMED


class LogDays(dict[bytes, int | None]):
    """The day in a text such as ``08/Oct/2026``, as it is written there; ``None`` where there is none."""

    def __missing__(self, text: bytes) -> int | None:
        if len(self) >= REMEMBERED:
            self.clear()
        date, month = text.decode("latin-1"), _MONTHS.get(text[3:6].decode("latin-1"), 0)
        self[text] = _day_of(f"{date[7:11]}-{month:02}-{date[:2]}")
        return self[text]


class Moments:
    """The day of a time in JSON: the date as it is written, or, of seconds since 1970, the day in a time zone."""

    def __init__(self, zone: str) -> None:
        # A machine without a time zone database knows this one all the same.
        self._zone: dt.tzinfo = dt.UTC if zone == "UTC" else ZoneInfo(zone)
        self._log_days = LogDays()
        self._quarters: dict[int, int] = {}

    def day(self, time: str | float) -> int | None:
        """Of ``2026-10-08T12:00:00+02:00``, ``08/Oct/2026:12:00:00 +0200``, or a number (milliseconds are large)."""
        if isinstance(time, str):
            if time[4:5] == "-":
                return _day_of(time[:10])
            if time[2:3] == "/":
                return self._log_days[time[:11].encode()]
            try:
                time = float(time)
            except ValueError:
                return None
        if not math.isfinite(time) or time <= 0:
            return None
        seconds = time / 1000.0 if time > 1e11 else time
        return self._day_at(int(seconds // 900)) if seconds < 1e11 else None

    def _day_at(self, quarter: int) -> int:
        """The local day of a quarter of an hour: no zone changes its offset within one."""
        day = self._quarters.get(quarter)
        if day is None:
            if len(self._quarters) >= REMEMBERED:
                self._quarters.clear()
            day = self._quarters[quarter] = _local_day(quarter * 900, self._zone)
        return day


def _local_day(seconds: int, zone: dt.tzinfo) -> int:
    return days.from_date(dt.datetime.fromtimestamp(seconds, zone).date())


def _day_of(text: str) -> int | None:
    try:
        return days.parse(text)
    except ValueError:
        return None
