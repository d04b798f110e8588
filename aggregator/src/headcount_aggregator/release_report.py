"""What can be said of one sealed release: rule, parameters, what is hidden or merged, hashes. Read from its file."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from headcount_wire.organisation import PRESETS

from headcount_aggregator.periods import PeriodKind, period_of
from headcount_aggregator.release.dp.ledger import Ledger, spendings
from headcount_aggregator.release.dp.sealing import LATER_DAYS
from headcount_aggregator.released import Number, ReleaseHeader, State, Statistic
from headcount_aggregator.sealed_chain import record_of
from headcount_aggregator.sealed_file import parse_release

OTHER = "other"
SHARE_STEP = 5
"""Shares are said in steps of so many percent."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What a release cost a device, by purpose, and its calendar month up to it, of ``rho``."""

    release: Mapping[str, float]
    month: int
    """The first day of the calendar month that its last day lies in."""
    month_so_far: float
    rho: float


@dataclass(frozen=True)
class ReleaseReport:
    """One release. ``ledger``: what it spent, where noise was added; ``recorded``: its hash as sealed."""

    folder: str
    header: ReleaseHeader
    states: dict[State, int]
    merged: dict[int, int]
    """Of each measure's counts, the share in percent that no cut says where it belongs: it stands in ``other``."""
    left_out: int
    ledger: Spent | None
    recorded: str
    protection: str
    """The rule that protects Customers, in sums over them."""

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
        _spent(path, header, plain) if header.noise else None,
        recorded,
        plain.get("protection", ""),
    )


def _spent(path: Path, header: ReleaseHeader, plain: Mapping[str, Any]) -> Spent:
    """What the ledger says of a release: it is made of what the sealed releases up to it say they spent."""
    mine, ledger = Ledger(spendings(plain["spent"])), Ledger()
    month = period_of(PeriodKind.MONTH, header.last)
    for sealed in sorted(path.parent.glob("*.json")):
        _, _, since, until = sealed.stem.split("-")
        if sealed.name <= path.name and int(since) <= month.last + LATER_DAYS and int(until) >= month.first:
            for one in spendings(orjson.loads(sealed.read_bytes()).get("spent", ())):
                ledger.record(one)
    here: dict[str, float] = {}
    for at in {at for one in spendings(plain["spent"]) for at in one.months}:
        for purpose, rho in mine.spent(at).items():
            here[purpose] = max(here.get(purpose, 0.0), float(rho))
    so_far = float(sum(ledger.spent(month.first).values()))
    return Spent(dict(here), month.first, so_far, float(PRESETS[header.noise]))


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
