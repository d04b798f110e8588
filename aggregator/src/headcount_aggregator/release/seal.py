"""Sealing: a release is written once, chained to the one before it, and never changed.

The file is the release: canonical JSON under ``releases/<customer>-<app>/``, named by its place in
the chain. Its rename is the commit point; making it again before that gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from headcount_aggregator.load.disk import Disk
from headcount_aggregator.periods import Period
from headcount_aggregator.released import Number, State

GENESIS = "0" * 64


class Chain:
    """The sealed releases of one Customer's app, in the order they were sealed."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        self._folder = folder
        self._disk = disk
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for leftover in folder.glob("*.new"):
            disk.remove(leftover)
        sealed = sorted(folder.glob("*.json"))
        self._place = len(sealed)
        self._previous = hashlib.sha256(sealed[-1].read_bytes()).hexdigest() if sealed else GENESIS
        self.names = {path.stem[7:] for path in sealed}

    def seal(self, header: dict[str, Any], period: Period, numbers: Sequence[Number]) -> str:
        """Seal one period's numbers; returns the release's hash. A sealed period is a programmer's mistake."""
        name = name_of(period)
        if name in self.names:
            raise ValueError("a period is released once")
        plain = {
            **header,
            "release": f"{self._place:06d}-{name}",
            "period": period.kind.value,
            "first": period.first,
            "last": period.last,
            "hidden": sum(number.state is not State.SHOWN for number in numbers),
            "previous": self._previous,
            "numbers": [asdict(number) for number in numbers],
        }
        data = json.dumps(plain, separators=(",", ":"), sort_keys=True).encode()
        path = self._folder / f"{self._place:06d}-{name}.json"
        temporary = path.with_suffix(".new")
        self._disk.write(temporary, data)
        self._disk.rename(temporary, path)
        self._place += 1
        self._previous = hashlib.sha256(data).hexdigest()
        self.names.add(name)
        return self._previous


def name_of(period: Period) -> str:
    """The name of a period's release: its kind and its days."""
    return f"{period.kind.value}-{period.first}-{period.last}"
