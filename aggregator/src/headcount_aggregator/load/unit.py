"""Units: the sums of some segments, committed once. The rename to ``N.unit`` is the only commit point.

::

    N.ids    the ids this unit counted: 16 bytes + creation day u16 each; each forgotten with its window
    N.debug  what debug keys sent, in RowBinary; forgotten after a day
    N.rows   the rows in RowBinary, block after block
    N.unit   a JSON line (header), a JSON line (state); N.done once its blocks are stored

The header names the sources, so that a restart skips and removes what is already counted, and the blocks:
each is one insert of bounded size. The state is everything the next unit carries on: small groups, how often each
app version was lately reported, and the newest segment of each worker. Up to version 3 the rows stood in ``N.unit``,
as one block.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from headcount_aggregator.load import numbering, versions
from headcount_aggregator.load.account import Account
from headcount_aggregator.load.disk import Disk
from headcount_aggregator.load.groups import Groups, from_plain, to_plain
from headcount_aggregator.load.numbering import Newest
from headcount_aggregator.load.rows import Block
from headcount_aggregator.load.versions import Versions

_ID = struct.Struct("<16sH")
VERSION, READS = 4, (2, 3, 4)
"""The form that is written, and those that are read: version 2 knew app versions by app alone."""
_LAST_WITH_ROWS_INSIDE = 3


class UnitCorrupt(Exception):
    """A unit file is not what was written; nothing may be built on it."""


@dataclass(frozen=True, slots=True)
class Header:
    """What one unit is. ``account``: what became of the reports it read (``account.Account``)."""

    number: int
    load_day: int
    sources: tuple[str, ...]
    records: int
    duplicates: int
    blocks: tuple[Block, ...] = ()
    debug: tuple[Block, ...] = ()
    account: Account = field(default_factory=Account)

    @property
    def rows(self) -> int:
        """Rows of all blocks."""
        return sum(block.rows for block in self.blocks)

    @property
    def total(self) -> int:
        """The sum of all blocks."""
        return sum(block.total for block in self.blocks)

    @property
    def checksum(self) -> int:
        """The checksum of all blocks."""
        return sum(block.checksum for block in self.blocks) % 2**64


@dataclass(frozen=True, slots=True)
class Unit:
    """One committed unit: its header, and what the next unit carries on."""

    header: Header
    carry: Groups = field(default_factory=dict)
    versions: Versions = field(default_factory=dict)
    newest: Newest = field(default_factory=dict)


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
        for suffix in (".ids", ".debug", ".rows"):
            for number in self._with(suffix):
                if number not in committed:
                    self._disk.remove(self._path(number, suffix))

    def write_rows(self, number: int, blocks: Iterable[tuple[Block, bytes]], *, debug: bool = False) -> list[Block]:
        """Write a unit's blocks before its commit; returns each with its place in the file."""
        written: list[Block] = []
        at = 0

        def parts() -> Iterator[bytes]:
            nonlocal at
            for block, data in blocks:
                sha256 = hashlib.sha256(data).hexdigest()
                place = {"at": at, "length": len(data), "sha256": sha256}
                written.append(Block(**{**asdict(block), **place}))
                at += len(data)
                yield data

        path = self._path(number, ".debug" if debug else ".rows")
        self._disk.write_parts(path, parts())
        if not written:
            self._disk.remove(path)
        return written

    def commit(self, unit: Unit, ids: Iterable[tuple[bytes, int]]) -> None:
        """Commit a unit whose rows are written: from the rename on, its sources are counted, and never again."""
        number = unit.header.number
        self._disk.write(self._path(number, ".ids"), b"".join(_ID.pack(*found) for found in ids))
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
        """A unit's header, without its state; raises ``UnitCorrupt``."""
        with self._kept(number).open("rb") as file:
            return _header(number, file.readline())[0]

    def headers(self) -> Iterator[Header]:
        """The header of every unit that is kept, oldest first."""
        return (self.header(number) for number in self.numbers())

    def read(self, number: int) -> Unit:
        """A unit and what it carries on; raises ``UnitCorrupt``."""
        head, _, rest = self._kept(number).read_bytes().partition(b"\n")
        header, sha256, version = _header(number, head)
        if hashlib.sha256(rest).hexdigest() != sha256:
            raise UnitCorrupt(f"unit {number} is corrupt")
        plain = json.loads(rest.partition(b"\n")[0] if version <= _LAST_WITH_ROWS_INSIDE else rest)
        newest = numbering.from_plain(plain.get("newest", {}))  # older units know of none
        return Unit(header, from_plain(plain["carry"]), versions.from_plain(plain["versions"]), newest)

    def rows(self, header: Header) -> Iterator[tuple[Block, bytes]]:
        """Each block of a unit with its bytes; raises ``UnitCorrupt``."""
        return ((block, self.block(header.number, block)) for block in header.blocks)

    def debug_rows(self, header: Header) -> Iterator[bytes]:
        """The debug rows of a unit, unless they were forgotten."""
        path = self._path(header.number, ".debug")
        if path.exists():
            yield from (self._part(path, header.number, block) for block in header.debug)

    def block(self, number: int, block: Block) -> bytes:
        """One block's bytes; raises ``UnitCorrupt``."""
        path = self._path(number, ".rows")
        if not path.exists() and not block.sha256:  # of a unit up to version 3
            self.read(number)
            return self._kept(number).read_bytes().split(b"\n", 2)[2]
        return self._part(path, number, block)

    def ids(self) -> Iterator[tuple[bytes, int]]:
        """Every id that is remembered, with its creation day."""
        for number in self._with(".ids"):
            yield from self.ids_of(number)

    def ids_of(self, number: int) -> Iterator[tuple[bytes, int]]:
        """The ids of one unit that are remembered; none once they are forgotten."""
        path = self._path(number, ".ids")
        if path.exists():
            yield from _ID.iter_unpack(path.read_bytes())

    def count_ids(self, number: int) -> int:
        """How many ids of a unit are remembered."""
        path = self._path(number, ".ids")
        return path.stat().st_size // _ID.size if path.exists() else 0

    def forget_ids(self, before: int) -> None:
        """Forget every id created before a day, also those that stand beside younger ones."""
        for number in self._with(".ids"):
            path = self._path(number, ".ids")
            found = list(self.ids_of(number))
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

    def strip(self, through: int) -> None:
        """Leave of stored units, up to a load day, what the next start needs: ids, sources; the newest one's state."""
        newest = max(self.numbers(), default=0)
        for number in self._with(".done"):
            header = self.header(number)
            if header.load_day > through:
                continue
            if number != newest:
                bare = Unit(replace(header, blocks=(), debug=()))
                self._disk.write(self._path(number, ".new"), _encode(bare))
                self._disk.rename(self._path(number, ".new"), self._path(number, ".done"))
            self._disk.remove(self._path(number, ".rows"))
            self._disk.remove(self._path(number, ".debug"))

    def forget_units(self, may_go: Callable[[Header], bool]) -> None:
        """Remove stored units that may go; the newest stays, because the next is built on it."""
        with_ids = set(self._with(".ids"))
        newest = max(self.numbers(), default=0)
        for number in self._with(".done"):
            if number not in with_ids and number != newest and may_go(self.header(number)):
                self._disk.remove(self._path(number, ".done"))
                self._disk.remove(self._path(number, ".rows"))

    def _part(self, path: Path, number: int, block: Block) -> bytes:
        if not block.sha256:  # of a unit up to version 3, whose file holds nothing else
            return path.read_bytes()
        try:
            with path.open("rb") as file:
                file.seek(block.at)
                data = file.read(block.length)
        except FileNotFoundError:
            raise UnitCorrupt(f"the rows of unit {number} are not there") from None
        if hashlib.sha256(data).hexdigest() != block.sha256:
            raise UnitCorrupt(f"the rows of unit {number} are corrupt")
        return data

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
        "newest": numbering.to_plain(unit.newest),
    }
    rest = json.dumps(state, separators=(",", ":")).encode()
    head = {
        "v": VERSION,
        "sha256": hashlib.sha256(rest).hexdigest(),
        **asdict(unit.header),
        "account": unit.header.account.to_plain(),
    }
    return json.dumps(head, separators=(",", ":")).encode() + b"\n" + rest


def _header(number: int, line: bytes) -> tuple[Header, str, int]:
    try:
        plain: dict[str, Any] = json.loads(line)
        version, sha256 = plain.pop("v"), plain.pop("sha256")
        header = _older(plain) if version <= _LAST_WITH_ROWS_INSIDE else _newest(plain)
    except (ValueError, KeyError, TypeError):
        raise UnitCorrupt(f"unit {number} is corrupt") from None
    if version not in READS or header.number != number:
        raise UnitCorrupt(f"unit {number} is corrupt or of another version")
    return header, str(sha256), version


def _newest(plain: dict[str, Any]) -> Header:
    blocks, debug = (tuple(Block(**one) for one in plain[name]) for name in ("blocks", "debug"))
    account = Account.from_plain(plain["account"])
    return Header(**{**plain, "sources": tuple(plain["sources"]), "blocks": blocks, "debug": debug, "account": account})


def _older(plain: dict[str, Any]) -> Header:
    load_day, debug_rows = plain["load_day"], plain.get("debug_rows", 0)
    block = Block(*(plain[name] for name in ("unit", "load_day", "rows", "total", "checksum")))
    debug = Block(plain["unit"], load_day, debug_rows, 0, 0)
    told = (plain["number"], load_day, tuple(plain["sources"]), plain["records"], plain["duplicates"])
    return Header(*told, (block,) if block.rows else (), (debug,) if debug_rows else ())
