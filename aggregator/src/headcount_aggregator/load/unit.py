"""Units: the sums of some segments, committed once. The rename to ``N.unit`` is the only commit point.

::

    N.ids    the ids this unit counted: 16 bytes + creation day u16 each; each forgotten with its window
    N.debug  what debug keys sent, in RowBinary; forgotten after a day
    N.unit   a JSON line (header), a JSON line (state), the rows in RowBinary; N.done once they are stored

The header names the sources, so that a restart skips and removes what is already counted. The
state is everything the next unit carries on: small groups, and how often each app version was lately reported.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from headcount_aggregator.load import versions
from headcount_aggregator.load.disk import Disk
from headcount_aggregator.load.groups import Groups, from_plain, to_plain
from headcount_aggregator.load.versions import Versions

_ID = struct.Struct("<16sH")
VERSION, READS = 3, (2, 3)
"""The form that is written, and those that are read: version 2 knew app versions by app alone."""


class UnitCorrupt(Exception):
    """A unit file is not what was written; nothing may be built on it."""


@dataclass(frozen=True, slots=True)
class Header:
    """What one unit is. ``rows``, ``total`` and ``checksum`` are what the warehouse must hold of it."""

    number: int
    unit: str
    load_day: int
    sources: tuple[str, ...]
    records: int
    duplicates: int
    rows: int
    total: int
    checksum: int
    debug_rows: int = 0


@dataclass(frozen=True, slots=True)
class Unit:
    """One committed unit: its header, its rows, and what the next unit carries on."""

    header: Header
    block: bytes
    debug: bytes = b""
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
        committed = set(self.numbers())
        for suffix in (".ids", ".debug"):
            for number in self._with(suffix):
                if number not in committed:
                    self._disk.remove(self._path(number, suffix))

    def commit(self, unit: Unit, ids: Iterable[tuple[bytes, int]]) -> None:
        """Commit a unit: from the rename on, its sources are counted, and never again."""
        number = unit.header.number
        self._disk.write(self._path(number, ".ids"), b"".join(_ID.pack(*found) for found in ids))
        if unit.debug:
            self._disk.write(self._path(number, ".debug"), unit.debug)
        self._disk.write(self._path(number, ".new"), _encode(unit))
        self._disk.rename(self._path(number, ".new"), self._path(number, ".unit"))

    def done(self, number: int) -> None:
        """Note that a unit is in the warehouse."""
        self._disk.rename(self._path(number, ".unit"), self._path(number, ".done"))

    def pending(self) -> list[int]:
        """Units that are committed and not yet in the warehouse, oldest first."""
        return self._with(".unit")

    def numbers(self) -> list[int]:
        """Every unit that is kept, oldest first."""
        return sorted([*self._with(".unit"), *self._with(".done")])

    def header(self, number: int) -> Header:
        """A unit's header, without its rows; raises ``UnitCorrupt``."""
        with self._kept(number).open("rb") as file:
            return _header(number, file.readline())[0]

    def headers(self) -> Iterator[Header]:
        """The header of every unit that is kept, oldest first."""
        return (self.header(number) for number in self.numbers())

    def read(self, number: int) -> Unit:
        """A unit from its files; raises ``UnitCorrupt``. Debug rows that were forgotten are empty."""
        head, _, rest = self._kept(number).read_bytes().partition(b"\n")
        state, _, block = rest.partition(b"\n")
        header, sha256 = _header(number, head)
        if hashlib.sha256(state + b"\n" + block).hexdigest() != sha256:
            raise UnitCorrupt(f"unit {number} is corrupt")
        plain = json.loads(state)
        debug = self._path(number, ".debug")
        return Unit(
            header,
            block,
            debug.read_bytes() if debug.exists() else b"",
            from_plain(plain["carry"]),
            versions.from_plain(plain["versions"]),
        )

    def ids(self) -> Iterator[tuple[bytes, int]]:
        """Every id that is remembered, with its creation day."""
        for number in self._with(".ids"):
            yield from _ID.iter_unpack(self._path(number, ".ids").read_bytes())

    def forget_ids(self, before: int) -> None:
        """Forget every id created before a day, also those that stand beside younger ones."""
        for number in self._with(".ids"):
            path = self._path(number, ".ids")
            found = list(_ID.iter_unpack(path.read_bytes()))
            kept = [pair for pair in found if pair[1] >= before]
            if not kept:
                self._disk.remove(path)
            elif len(kept) < len(found):
                self._disk.write(self._path(number, ".new"), b"".join(_ID.pack(*pair) for pair in kept))
                self._disk.rename(self._path(number, ".new"), path)

    def forget_debug(self, before: int) -> None:
        """Forget the debug rows of units loaded before a day."""
        for number in self._with(".debug"):
            if self.header(number).load_day < before:
                self._disk.remove(self._path(number, ".debug"))

    def forget_units(self, may_go: Callable[[Header], bool]) -> None:
        """Remove stored units that may go; the newest stays, because the next is built on it."""
        with_ids = set(self._with(".ids"))
        for number in self._with(".done"):
            if number not in with_ids and number != self.numbers()[-1] and may_go(self.header(number)):
                self._disk.remove(self._path(number, ".done"))

    def _path(self, number: int, suffix: str) -> Path:
        return self.folder / f"{number:012d}{suffix}"

    def _kept(self, number: int) -> Path:
        for suffix in (".unit", ".done"):
            if (path := self._path(number, suffix)).exists():
                return path
        raise UnitCorrupt(f"unit {number} is not there")

    def _with(self, suffix: str) -> list[int]:
        return sorted(int(path.stem) for path in self.folder.glob(f"*{suffix}"))


def _encode(unit: Unit) -> bytes:
    state = {
        "carry": to_plain(unit.carry),
        "versions": versions.to_plain(unit.versions),
    }
    rest = json.dumps(state, separators=(",", ":")).encode() + b"\n" + unit.block
    head = {"v": VERSION, "sha256": hashlib.sha256(rest).hexdigest(), **asdict(unit.header)}
    return json.dumps(head, separators=(",", ":")).encode() + b"\n" + rest


def _header(number: int, line: bytes) -> tuple[Header, str]:
    try:
        plain: dict[str, Any] = json.loads(line)
        version, sha256 = plain.pop("v"), plain.pop("sha256")
        header = Header(**{**plain, "sources": tuple(plain["sources"])})
    except (ValueError, KeyError, TypeError):
        raise UnitCorrupt(f"unit {number} is corrupt") from None
    if version not in READS or header.number != number:
        raise UnitCorrupt(f"unit {number} is corrupt or of another version")
    return header, str(sha256)
