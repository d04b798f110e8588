"""Units: the sums of some segments, committed once. The rename to ``N.unit`` is the only commit point.

::

    N.ids    the ids this unit counted: 16 bytes + creation day u16 each; forgotten with the window
    N.unit   a JSON line (header), then the rows in RowBinary; N.done once it is in the warehouse

The header names the sources, so that a restart skips and removes what is already counted, and
carries on everything the next unit needs: small groups and live app versions.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headcount_aggregator.load.disk import Disk
from headcount_aggregator.load.fold import Versions
from headcount_aggregator.load.groups import Groups, from_plain, to_plain

_ID = struct.Struct("<16sH")
VERSION = 1


class UnitCorrupt(Exception):
    """A unit file is not what was written; nothing may be built on it."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One committed unit. ``rows`` and ``total`` are what the warehouse must hold of it."""

    number: int
    unit: bytes
    load_day: int
    sources: tuple[str, ...]
    records: int
    duplicates: int
    rows: int
    total: int
    block: bytes
    carry: Groups = field(default_factory=dict)
    versions: Versions = field(default_factory=dict)


class Units:
    """The units folder."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        self.folder = folder
        self._disk = disk
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def recover(self) -> None:
        """Remove what a crash before a commit left."""
        for path in self.folder.glob("*.new"):
            self._disk.remove(path)
        committed = {number for number, _ in self._files()}
        for path in self.folder.glob("*.ids"):
            if int(path.stem) not in committed:
                self._disk.remove(path)

    def commit(self, unit: Unit, ids: list[tuple[bytes, int]]) -> None:
        """Commit a unit: from the rename on, its sources are counted, and never again."""
        packed = b"".join(_ID.pack(report_id, created) for report_id, created in ids)
        self._disk.write(self.folder / f"{unit.number:012d}.ids", packed)
        header = json.dumps(_plain(unit), separators=(",", ":")).encode()
        temporary = self.folder / f"{unit.number:012d}.new"
        self._disk.write(temporary, header + b"\n" + unit.block)
        self._disk.rename(temporary, self.folder / f"{unit.number:012d}.unit")

    def done(self, number: int) -> None:
        """Note that a unit is in the warehouse."""
        self._disk.rename(self.folder / f"{number:012d}.unit", self.folder / f"{number:012d}.done")

    def pending(self) -> list[int]:
        """Units that are committed and not yet in the warehouse, oldest first."""
        return sorted(number for number, path in self._files() if path.suffix == ".unit")

    def numbers(self) -> list[int]:
        """Every unit that is kept, oldest first."""
        return sorted(number for number, _ in self._files())

    def read(self, number: int) -> Unit:
        """A unit from its file; raises ``UnitCorrupt``."""
        for suffix in (".unit", ".done"):
            path = self.folder / f"{number:012d}{suffix}"
            if path.exists():
                return _parse(number, path.read_bytes())
        raise UnitCorrupt(f"unit {number} is not there")

    def ids(self) -> Iterator[tuple[bytes, int]]:
        """Every id of the window, with its creation day."""
        for path in sorted(self.folder.glob("*.ids")):
            yield from _ID.iter_unpack(path.read_bytes())

    def forget(self, unit_before: int, ids_before: int) -> None:
        """Remove units loaded before a day and ids created before another; the newest unit stays."""
        numbers = self.numbers()
        for number in numbers[:-1]:
            done = self.folder / f"{number:012d}.done"
            ids = self.folder / f"{number:012d}.ids"
            if ids.exists() and all(created < ids_before for _, created in _ID.iter_unpack(ids.read_bytes())):
                self._disk.remove(ids)
            if done.exists() and not ids.exists() and self.read(number).load_day < unit_before:
                self._disk.remove(done)

    def _files(self) -> Iterator[tuple[int, Path]]:
        for path in self.folder.iterdir():
            if path.suffix in (".unit", ".done"):
                yield int(path.stem), path


def _plain(unit: Unit) -> dict[str, Any]:
    return {
        "v": VERSION,
        "unit": unit.unit.hex(),
        "load_day": unit.load_day,
        "sources": unit.sources,
        "records": unit.records,
        "duplicates": unit.duplicates,
        "rows": unit.rows,
        "total": unit.total,
        "sha256": hashlib.sha256(unit.block).hexdigest(),
        "carry": to_plain(unit.carry),
        "versions": [[app, sorted(live.items())] for app, live in sorted(unit.versions.items())],
    }


def _parse(number: int, data: bytes) -> Unit:
    head, _, block = data.partition(b"\n")
    try:
        plain = json.loads(head)
        if plain["v"] != VERSION or plain["sha256"] != hashlib.sha256(block).hexdigest():
            raise UnitCorrupt(f"unit {number} is corrupt or of another version")
        return Unit(
            number,
            bytes.fromhex(plain["unit"]),
            plain["load_day"],
            tuple(plain["sources"]),
            plain["records"],
            plain["duplicates"],
            plain["rows"],
            plain["total"],
            block,
            from_plain(plain["carry"]),
            {app: dict(live) for app, live in plain["versions"]},
        )
    except (ValueError, KeyError, TypeError):
        raise UnitCorrupt(f"unit {number} is corrupt") from None
