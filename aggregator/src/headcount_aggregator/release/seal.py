"""Sealing: a release is written once, chained to the one before it, and never changed.

The file is the release: canonical JSON under ``releases/<customer>-<app>/``, named by its place in
the chain. Its rename is the commit point; making it again before that gives the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any

import orjson

from headcount_aggregator.load.disk import Disk
from headcount_aggregator.periods import Period
from headcount_aggregator.release.block import Block
from headcount_aggregator.release.due import name_of
from headcount_aggregator.released import Number, State
from headcount_aggregator.sealed_chain import hash_of, pruned_of, sealed_paths
from headcount_aggregator.sealed_reader import COLUMNS, parse_release

DP = "dp"
"""The rule in the header of a release that noise was added to."""

_row_of = attrgetter(*COLUMNS)


class Chain:
    """The sealed releases of one Customer's app, in the order they were sealed."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        self._folder = folder
        self._disk = disk
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for leftover in folder.glob("*.new"):
            disk.remove(leftover)
        sealed, begins = sealed_paths(folder), pruned_of(folder)
        self._place = begins.place + len(sealed)
        self._previous = hash_of(sealed[-1]) if sealed else begins.hash
        self._paths = {path.stem[7:]: path for path in sealed}
        for name in self._paths:
            disk.remove(self._draft(name))

    @property
    def names(self) -> Iterable[str]:
        """The names of the sealed periods."""
        return self._paths.keys()

    def seal(
        self, header: dict[str, Any], period: Period, numbers: Sequence[Number], blocks: Sequence[Block] = ()
    ) -> str:
        """Seal one period's numbers; returns the release's hash. A sealed period is a programmer's mistake."""
        name = name_of(period)
        if name in self._paths:
            raise ValueError("a period is released once")
        plain = {
            **header,
            "release": f"{self._place:06d}-{name}",
            "period": period.kind.value,
            "first": period.first,
            "last": period.last,
            "hidden": sum(number.state is not State.SHOWN for number in numbers),
            "previous": self._previous,
            "blocks": [_plain_block(block) for block in blocks],
            "columns": COLUMNS,
            "numbers": [_row_of(number) for number in numbers],
        }
        data = orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)
        path = self._folder / f"{self._place:06d}-{name}.json"
        temporary = path.with_suffix(".new")
        self._disk.write(temporary, data)
        self._disk.rename(temporary, path)
        self._place += 1
        self._previous = hashlib.sha256(data).hexdigest()
        self._paths[name] = path
        self._disk.remove(self._draft(name))
        return self._previous

    def draft(self, period: Period) -> bytes | None:
        """What was written to be sealed for a period, if anything was: it was not shown to anybody yet."""
        path = self._draft(name_of(period))
        return path.read_bytes() if path.exists() else None

    def write_draft(self, period: Period, data: bytes) -> None:
        """Have on the disk what will be sealed; from now on nothing else may be."""
        path = self._draft(name_of(period))
        temporary = path.with_suffix(".new")
        self._disk.write(temporary, data)
        self._disk.rename(temporary, path)

    def _draft(self, name: str) -> Path:
        return self._folder / f"{name}.draft"

    def plain(self, name: str) -> dict[str, Any]:
        """A sealed period's file as it is."""
        found: dict[str, Any] = orjson.loads(self._paths[name].read_bytes())
        return found

    def read(self, name: str) -> tuple[Sequence[Number], list[Block]]:
        """A sealed period's numbers and the blocks it added."""
        data = self._paths[name].read_bytes()
        return parse_release(data)[1], [_block(plain) for plain in orjson.loads(data)["blocks"]]

    def exact(self, name: str) -> bool:
        """Whether a sealed period's numbers are what was counted: those of a rule that adds noise are not."""
        return bool(self.plain(name)["rule"] != DP)


def _plain_block(block: Block) -> dict[str, Any]:
    return {
        "measure": block.measure,
        "days": block.days,
        "late": block.late,
        "total": block.total,
        "labels": sorted(block.labels.items()),
        "cuts": [[code, *key, n] for code, cut in sorted(block.cuts.items()) for key, n in sorted(cut.items())],
    }


def _block(plain: dict[str, Any]) -> Block:
    cuts: dict[int, dict[tuple[str, str], int]] = {}
    for code, value1, value2, n in plain["cuts"]:
        cuts.setdefault(code, {})[value1, value2] = n
    return Block(
        plain["measure"], tuple(plain["days"]), plain["late"], plain["total"], dict(map(tuple, plain["labels"])), cuts
    )
