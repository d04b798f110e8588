"""A load's result: everything about it in one JSON file, and what ``compare`` reads back of it."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from hdrh.codec import HdrCookieException, HdrHistogramSettingsException, HdrLengthException

from headcount.loadgen.account import Account, AtCentre, AtEdge, Check
from headcount.loadgen.measured import Latency, Measured

FORM = 1
"""The version of a result's form."""
NO_HISTOGRAM = (
    HdrCookieException,
    HdrHistogramSettingsException,
    HdrLengthException,
    IndexError,
    OverflowError,
    zlib.error,
)
MOST = 2.0**53
"""No count and no number of milliseconds in a result is larger."""


@dataclass(frozen=True)
class Result:
    """One load. ``settings`` hold no key. ``edge`` and ``centre`` are empty where they could not be looked at."""

    settings: dict[str, Any]
    account: Account
    edge: AtEdge | None
    centre: AtCentre | None
    checks: Sequence[Check]
    measured: Measured

    @property
    def balances(self) -> bool:
        """Whether every line of the account adds up."""
        return all(check.holds for check in self.checks)

    def to_plain(self) -> dict[str, Any]:
        """As it is written."""
        return {
            "form": FORM,
            "settings": self.settings,
            "balances": self.balances,
            "checks": [asdict(check) for check in self.checks],
            "account": _plain(self.account),
            "edge": asdict(self.edge) if self.edge else None,
            "centre": asdict(self.centre) if self.centre else None,
            **self.measured.to_plain(),
        }

    def write(self, file: Path) -> None:
        """Write it as JSON."""
        file.write_text(json.dumps(self.to_plain(), indent=1) + "\n", "utf-8")


def _plain(account: Account) -> dict[str, Any]:
    values = {one.name: getattr(account, one.name) for one in fields(account)}
    return {name: dict(value) if isinstance(value, Counter) else value for name, value in values.items()}


@dataclass(frozen=True)
class Earlier:
    """What ``compare`` asks of a result that was written: the plain map, and its latencies."""

    name: str
    plain: dict[str, Any]
    intended: Latency
    served: Latency


def read(file: Path) -> Earlier:
    """A result that was written; raises ``OSError``, or ``ValueError`` when it is none."""
    try:
        plain: dict[str, Any] = json.loads(file.read_bytes(), parse_constant=_no_number)
        msgspec.convert(plain, _Form)
        intended, served = (Latency.decoded(plain["histograms"][name]) for name in ("intended", "served"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, msgspec.MsgspecError, *NO_HISTOGRAM):
        raise ValueError(f"{file}: is not a result of headcount load") from None
    return Earlier(file.stem, plain, intended, served)


def _no_number(name: str) -> None:
    raise ValueError(name)


_Count = Annotated[int, msgspec.Meta(ge=0, le=int(MOST))]
_Number = Annotated[float, msgspec.Meta(ge=0, le=MOST)]


class _Counts(msgspec.Struct):
    sent: _Count
    refused: dict[str, _Count]
    failed: dict[str, _Count]


class _Second(msgspec.Struct):
    at: _Number
    accepted: _Count
    p50: _Number
    p99: _Number


class _Edge(msgspec.Struct):
    builds: tuple[str, ...] = ()


class _Form(msgspec.Struct):
    """What ``compare`` looks at in a result."""

    form: Literal[1]
    settings: dict[str, Any]
    balances: bool
    took_seconds: _Number
    account: _Counts
    histograms: dict[str, str]
    seconds: list[_Second]
    edge: _Edge | None = None
