"""What debug keys reported, as the store hands it to the debug page: one small file an app, beside the releases.

Debug keys are developers' own devices: their counts have no threshold, are in no release, and meet no
live number. The file is written anew when something came, and is gone when the rows are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import orjson

FOLDER = "debug"
"""The folder of these files within the releases."""

KEPT_DAYS = 1
"""What arrives on a UTC day is kept through this many days after it."""


@dataclass(frozen=True, slots=True)
class DebugCount:
    """One sum over debug keys: of a local day, a measure, a label and a fact; whole, or cut by one dimension."""

    day: int
    measure: int
    label: int
    fact: int
    slot: int
    breakdown: int
    value: str
    n: int


@dataclass(frozen=True, slots=True)
class DebugCounts:
    """All that is held of an app's debug keys; ``seen``: when the newest of it arrived (seconds since 1970)."""

    seen: float | None = None
    counts: Sequence[DebugCount] = ()


COLUMNS = tuple(column.name for column in fields(DebugCount))


def file_of(releases: Path, customer: int, app: int) -> Path:
    """Where an app's debug counts stand."""
    return releases / FOLDER / f"{int(customer)}-{int(app)}.json"


def encode(found: DebugCounts) -> bytes:
    """The file's bytes."""
    rows = [astuple(count) for count in found.counts]
    return orjson.dumps({"seen": found.seen, "columns": COLUMNS, "counts": rows})


def read(path: Path) -> DebugCounts:
    """What a file holds; nothing when it is not there or cannot be read."""
    try:
        plain = orjson.loads(path.read_bytes())
        return DebugCounts(float(plain["seen"]), [DebugCount(*row) for row in plain["counts"]])
    except (OSError, ValueError, TypeError, KeyError):
        return DebugCounts()
