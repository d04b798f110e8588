"""Released numbers side by side: a row for each period, a column for each part, ready to print or to plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from headcount.client.shapes import NumberAnswer

COLUMNS_MOST = 6
WHOLE = "all"


@dataclass(frozen=True, slots=True)
class Column:
    """One series: its name, and its number in each row (``None`` where nothing was released)."""

    name: str
    numbers: tuple[NumberAnswer | None, ...]

    @property
    def values(self) -> list[int | None]:
        """The shown values, ``None`` for what is hidden or not there."""
        return [number["value"] if number else None for number in self.numbers]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Numbers of one measure, statistic and kind of period. ``left``: how many columns are not in it."""

    rows: tuple[str, ...]
    columns: tuple[Column, ...]
    left: int

    @property
    def hidden(self) -> int:
        """How many of its numbers are not shown."""
        return sum(n is not None and n["value"] is None for column in self.columns for n in column.numbers)


def sheet_of(numbers: Sequence[NumberAnswer], most: int = COLUMNS_MOST) -> Sheet:
    """The numbers side by side: the largest columns first, ``other`` last, the whole before all."""
    rows = sorted({(number["first"], number["last"]) for number in numbers})
    found: dict[str, dict[tuple[str, str], NumberAnswer]] = {}
    for number in numbers:
        found.setdefault(part_of(number), {})[number["first"], number["last"]] = number
    ranked = sorted(found, key=lambda name: (name != WHOLE, name == "other", _rank(found[name]), name))
    columns = [Column(name, tuple(found[name].get(row) for row in rows)) for name in ranked[:most]]
    return Sheet(tuple(_period(*row) for row in rows), tuple(columns), max(0, len(ranked) - most))


def _rank(numbers: dict[tuple[str, str], NumberAnswer]) -> int:
    """Where a column stands: percentiles from the lowest up, all else from the largest down."""
    one = next(iter(numbers.values()))
    return one["slot"] if one["statistic"] == "quantile" else -_size(numbers)


def part_of(number: NumberAnswer) -> str:
    """What part of a measure a number is of."""
    slot = number["slot_name"] or (str(number["slot"]) if number["slot"] or "retention" in number["statistic"] else "")
    if number["statistic"] == "quantile":
        slot = f"p{number['slot']}"
    parts = (number["label"], number["value1"], number["value2"], slot)
    return " / ".join(dict.fromkeys(part for part in parts if part)) or WHOLE


def said(number: NumberAnswer | None, k: int) -> str:
    """One number as people read it: its value and interval, or that it is hidden."""
    if number is None:
        return "-"
    if number["value"] is None:
        return {"fewer_than_k": f"under {k}", "fewer_than_20": "under 20"}.get(number["state"], "hidden")
    text = f"{number['value']:,}"
    if number["low"] is not None and number["high"] is not None:
        text += f" ({number['low']:,} to {number['high']:,})"
    return f"{text}…" if number["provisional"] else text


def _size(numbers: dict[tuple[str, str], NumberAnswer]) -> int:
    return sum(number["value"] or 0 for number in numbers.values())


def _period(first: str, last: str) -> str:
    return first if first == last else f"{first} to {last}"
