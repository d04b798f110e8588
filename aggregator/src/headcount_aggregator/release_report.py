"""What can be said of one sealed release: rule, parameters, what is hidden or merged, hashes. Read from its file."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from headcount_aggregator.released import Number, ReleaseHeader, State, Statistic
from headcount_aggregator.sealed_chain import record_of
from headcount_aggregator.sealed_file import parse_release

OTHER = "other"
SHARE_STEP = 5
"""Shares are said in steps of so many percent."""


@dataclass(frozen=True)
class ReleaseReport:
    """One release. ``ledger``: what its rule spent, for rules that spend; ``recorded``: its hash as sealed."""

    folder: str
    header: ReleaseHeader
    states: dict[State, int]
    merged: dict[int, int]
    """Of each measure's counts, the share in percent that no cut says where it belongs: it stands in ``other``."""
    left_out: int
    ledger: dict[str, object]
    recorded: str

    @property
    def as_sealed(self) -> bool:
        """Whether the file is what was sealed, as far as the record goes."""
        return self.recorded in ("", self.header.hash)


def find(releases: Path, name: str) -> list[Path]:
    """The sealed files that a name may mean: ``1-1/000012-day-20530``, ``000012-day-20530``, or the head of a hash."""
    folder, _, release = name.rpartition("/")
    paths = sorted(releases.glob(f"{folder or '*'}/*.json")) if not set("*?[") & set(name) else []
    by_name = [path for path in paths if path.stem == release]
    if by_name or len(release) < 8:
        return by_name
    return [path for path in paths if hashlib.sha256(path.read_bytes()).hexdigest().startswith(release)]


def report(path: Path) -> ReleaseReport:
    """The report of a sealed file; raises ``ValueError`` for one that is no release."""
    data = path.read_bytes()
    try:
        header, numbers = parse_release(data)
    except (KeyError, TypeError):
        raise ValueError("it is no release") from None
    plain = orjson.loads(data)
    try:
        recorded = record_of(path.parent).get(path.name, "")
    except (OSError, ValueError):
        recorded = ""
    return ReleaseReport(
        path.parent.name,
        header,
        dict(Counter(number.state for number in numbers)),
        _merged(numbers),
        sum(number.left_out for number in numbers if not number.label and not number.breakdown),
        {key: plain[key] for key in ("dp", "ledger", "epsilon", "rho") if key in plain},
        recorded,
    )


def _merged(numbers: Sequence[Number]) -> dict[int, int]:
    """The share of each measure's shown counts in ``other``, over all cuts, in steps."""
    whole: Counter[int] = Counter()
    other: Counter[int] = Counter()
    for number in numbers:
        if number.breakdown and number.value and number.statistic in (Statistic.COUNT, Statistic.PEOPLE):
            whole[number.measure] += number.value
            if OTHER in (number.value1, number.value2):
                other[number.measure] += number.value
    return {code: -(-100 * other[code] // n // SHARE_STEP) * SHARE_STEP for code, n in sorted(whole.items())}
