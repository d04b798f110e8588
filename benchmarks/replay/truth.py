"""The truth, with ids: what every number must be, from the log and the ledger, by pandas.

Shares no code with the house but the calendar of pandas itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

Named = tuple[tuple[Any, ...], int]
"""A number's name, and its value."""


class Truth:
    """Distinct devices by day, window, week, month, age: counted over ids."""

    def __init__(self, pairs: list[tuple[int, int]]) -> None:
        frame = pd.DataFrame(sorted(set(pairs)), columns=["device", "day"])
        frame["date"] = pd.to_datetime(frame["day"], unit="D")
        iso = frame["date"].dt.isocalendar()
        frame["week"] = iso["year"] * 100 + iso["week"]
        frame["month"] = frame["date"].dt.year * 100 + frame["date"].dt.month
        frame["age"] = frame["day"] - frame.groupby("device")["day"].transform("min")
        self.frame = frame
        self.first, self.last = int(frame["day"].min()), int(frame["day"].max())

    def numbers(self) -> Iterator[Named]:
        """Every number: daily, weekly, monthly, each window of 1 to 31 days, new, returning, retention."""
        frame = self.frame
        for name in ("day", "week", "month"):
            for key, n in frame.groupby(name)["device"].nunique().items():
                yield (name, int(key)), int(n)
        by_day = {day: set(group) for day, group in frame.groupby("day")["device"]}
        for last in range(self.first, self.last + 1):
            seen: set[int] = set()
            for width in range(1, 32):
                seen |= by_day.get(last - width + 1, set())
                yield ("window", last, width), len(seen)
        for day, n in frame[frame["age"] == 0].groupby("day").size().items():
            yield ("new", int(day)), int(n)
        for day, n in frame[frame["age"] > 0].groupby("day").size().items():
            yield ("returning", int(day)), int(n)
        ages = frame[frame["age"] <= 30].copy()
        ages["cohort"] = ages["day"] - ages["age"]
        for (cohort, age), n in ages.groupby(["cohort", "age"]).size().items():
            yield ("retention", int(cohort), int(age)), int(n)
