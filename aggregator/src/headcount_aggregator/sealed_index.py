"""What sealed files say, where a question finds it: one small database an app, beside the releases.

It is derived: made from files that were found to be what was sealed, and made again from them
whenever anything about it is not right. Numbers stand in chunks: those of one statistic, period,
measure, breakdown and label, of a month of days, compressed together. A question reads the chunks
it asks of, and nothing else. Each chunk carries a checksum and is never decoded when it is damaged;
which chunks there are, and of which files, is held against a digest when the index is opened.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import weakref
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from pathlib import Path

import msgspec
import zstandard

from headcount_aggregator.released import Number, Question, ReleaseHeader, Statistic

FORMAT = 2
STRETCH_DAYS = 32
"""The days of one chunk. A year's question reads a dozen of each series; a new day rewrites one."""

CACHE_KIB = 512
CHUNKS_KEPT = 2048
"""So many chunks are kept as numbers, of all apps: a page asks of the same ones several times, and so does the next."""
BUSY_SECONDS = 10.0
_ANY = (0, 2**62)

_TABLES = """
create table file (
    name text primary key, hash text not null, changed integer not null, size integer not null,
    inode integer not null, header blob not null
) without rowid;
create table chunk (
    statistic text, period text, measure integer, breakdown integer, label integer, stretch integer,
    numbers blob not null, primary key (statistic, period, measure, breakdown, label, stretch)
) without rowid;
create table digest (digest blob not null);
"""
_HELD = (
    "select statistic, period, measure, breakdown, label, stretch, length(numbers) from chunk",
    "select name, hash, header from file",
)
_FIND = """
select numbers from chunk
where statistic = ? and period = ? and measure = ? and breakdown = ? and label = ? and stretch = ?
"""
_ASK = """
select stretch, numbers from chunk
where statistic = ? and period = ? and measure between ? and ? and breakdown between ? and ?
and label between ? and ? and stretch between ? and ?
"""
_ORDER = attrgetter("period", "first", "measure", "label", "breakdown", "slot", "value1", "value2")
_ORDER_OF_ONE = attrgetter("first", "slot", "value1", "value2")
"""The same order where all are of one period, measure, label and breakdown: a page asks of hardly anything else."""
_OF_COHORTS = (Statistic.RETENTION_DAY, Statistic.RETENTION_WEEK)
_DECODER = msgspec.msgpack.Decoder(tuple[Number, ...])
Key = tuple[str, str, int, int, int, int]


class DamagedIndexError(Exception):
    """An index is not what was written, or of another make: it is made again from the files."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the file system says of a file: as long as it says the same, the file is not read again.

    A change to as many bytes within a tick of its clock (milliseconds) after the file was read is not told: then the
    numbers that were sealed are served from the index, and not those of the change.
    """

    changed: int
    size: int
    inode: int

    @classmethod
    def of(cls, stat: os.stat_result) -> Stamp:
        """That of a file; by when the system changed it, which no program can put back."""
        return cls(stat.st_ctime_ns, stat.st_size, stat.st_ino)


@dataclass(frozen=True, slots=True)
class Indexed:
    """One sealed file that is in the index: its header, its hash with it, and its stamp when it was read."""

    header: ReleaseHeader
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class Sealed:
    """One sealed file that was found to be what was sealed, to be added."""

    name: str
    stamp: Stamp
    header: ReleaseHeader
    numbers: Sequence[Number]


class SealedIndex:
    """The index of one app. Used by one thread at a time; several processes may share its file.

    ``path``: its file, made when it is not there; ``None`` keeps it in memory.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._header = msgspec.msgpack.Decoder(ReleaseHeader)
        self._encode = msgspec.msgpack.Encoder().encode
        self._compress = zstandard.ZstdCompressor(level=3, write_checksum=True).compress
        self._open()

    def close(self) -> None:
        """Let go of the file; no use after it."""
        self._closing()

    def begin_anew(self) -> None:
        """Throw everything away."""
        self.close()
        if self._path:
            forget(self._path)
        self._open()

    def files(self) -> dict[str, Indexed]:
        """The sealed files whose numbers are here, by name."""
        with _damage():
            rows = self._db.execute("select name, changed, size, inode, header from file order by name").fetchall()
            return {name: Indexed(self._header.decode(header), Stamp(*stamp)) for name, *stamp, header in rows}

    def restamp(self, name: str, stamp: Stamp) -> None:
        """A file was read again and is the same."""
        with _damage(), self._changing() as db:
            db.execute(
                "update file set changed = ?, size = ?, inode = ? where name = ?",
                (stamp.changed, stamp.size, stamp.inode, name),
            )

    def add(self, sealed: Sequence[Sealed]) -> None:
        """Add files with their numbers, all or none; one that is there already stays as it is."""
        with _damage(), self._changing() as db:
            there = {name for (name,) in db.execute("select name from file")}
            chunks: defaultdict[Key, list[Number]] = defaultdict(list)
            for file in sealed:
                if file.name in there:
                    continue
                for number in file.numbers:
                    chunks[_key_of(number)].append(number)
                stamp = file.stamp.changed, file.stamp.size, file.stamp.inode
                row = (file.name, file.header.hash, *stamp, self._encode(file.header))
                db.execute("insert into file values (?, ?, ?, ?, ?, ?)", row)
            for key, numbers in chunks.items():
                found = db.execute(_FIND, key).fetchone()
                before = _numbers_of(found[0]) if found else ()
                blob = self._compress(self._encode([*before, *numbers]))
                db.execute("insert or replace into chunk values (?, ?, ?, ?, ?, ?, ?)", (*key, blob))
            db.execute("update digest set digest = ?", (_digest(db),))

    def select(self, question: Question) -> list[Number]:
        """The numbers a question asks of, in order of period, first day, measure, label, breakdown, slot."""
        stretches = question.first // STRETCH_DAYS, question.last // STRETCH_DAYS
        narrowed = [
            bound for asked in (question.measure, question.breakdown, question.label) for bound in _bounds(asked)
        ]
        found: list[Number] = []
        numbers: Sequence[Number]
        with _damage():
            for statistic in question.statistics:
                for period in question.periods:
                    asked = (statistic.value, period.value, *narrowed, *stretches)
                    day_of = attrgetter("first" if statistic in _OF_COHORTS else "last")
                    for stretch, blob in self._db.execute(_ASK, asked):
                        numbers = _numbers_of(blob)
                        if stretch in stretches:  # the others lie within the span
                            first, last = question.first, question.last
                            numbers = [number for number in numbers if first <= day_of(number) <= last]
                        found += numbers
        one = len(question.periods) == 1 and None not in (question.measure, question.breakdown, question.label)
        found.sort(key=_ORDER_OF_ONE if one else _ORDER)
        return found

    def _open(self) -> None:
        try:
            self._db = self._opened()
        except (sqlite3.Error, DamagedIndexError):
            if not self._path:
                raise
            forget(self._path)
            self._db = self._opened()

    def _opened(self) -> sqlite3.Connection:
        where = self._path or ":memory:"
        stamps = _stamps(self._path) if self._path else ()
        db = sqlite3.connect(where, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        self._closing = weakref.finalize(self, db.close)
        try:
            # Whatever a power cut takes from it is read again from the sealed files.
            db.execute("pragma journal_mode = wal")
            db.execute("pragma synchronous = normal")
            db.execute(f"pragma cache_size = -{CACHE_KIB}")
            (version,) = db.execute("pragma user_version").fetchone()
            if version == 0:
                _make(db)
            elif version != FORMAT or not (_known_whole(self._path, stamps) or _is_whole(db)):
                raise DamagedIndexError
            elif self._path:
                _whole[self._path] = stamps
        except (sqlite3.Error, DamagedIndexError):
            self._closing()
            raise
        return db

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        self._db.execute("begin immediate")
        try:
            yield self._db
        except BaseException:  # whatever it was: a half-made change must not stay open
            self._db.execute("rollback")
            raise
        self._db.execute("commit")


def _make(db: sqlite3.Connection) -> None:
    """The empty tables; nothing when another process has made them meanwhile."""
    db.execute("begin immediate")
    if db.execute("pragma user_version").fetchone() == (0,):
        for statement in _TABLES.split(";"):
            db.execute(statement)
        db.execute("insert into digest values (?)", (_digest(db),))
        db.execute(f"pragma user_version = {FORMAT}")
    db.execute("commit")


_whole: dict[Path, tuple[Stamp | None, ...]] = {}
"""What the file system said of each index that this process found whole, its log included: as long as it says the
same, one that is opened again is not looked through again."""


def _stamps(path: Path) -> tuple[Stamp | None, ...]:
    return tuple(_stamp(path.with_name(name)) for name in (path.name, f"{path.name}-wal"))


def _stamp(path: Path) -> Stamp | None:
    try:
        return Stamp.of(path.stat())
    except FileNotFoundError:
        return None


def _known_whole(path: Path | None, stamps: tuple[Stamp | None, ...]) -> bool:
    return path is not None and _whole.get(path) == stamps


def _is_whole(db: sqlite3.Connection) -> bool:
    """Whether the digest is that of what is there, at one moment of it."""
    db.execute("begin")
    found, wanted = db.execute("select digest from digest").fetchall(), _digest(db)
    db.execute("commit")
    return found == [(wanted,)]


def _digest(db: sqlite3.Connection) -> bytes:
    """What stands for all that is in an index but the contents of its chunks."""
    found = hashlib.blake2b(digest_size=16)
    for statement in _HELD:
        for row in db.execute(statement):
            found.update(repr(row).encode())
    return found.digest()


def forget(path: Path) -> None:
    """Remove an index from the disk."""
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(name).unlink()


@contextmanager
def _damage() -> Iterator[None]:
    """Whatever cannot be read of an index says one thing: make it again."""
    try:
        yield
    except sqlite3.OperationalError:
        raise  # it is in use, or the disk is full: nothing about what is in it
    except (sqlite3.DatabaseError, zstandard.ZstdError, msgspec.MsgspecError) as error:
        raise DamagedIndexError from error


@lru_cache(CHUNKS_KEPT)
def _numbers_of(blob: bytes) -> tuple[Number, ...]:
    """The numbers of a chunk, known by its own bytes: a change needs to be told to nobody."""
    return _DECODER.decode(zstandard.decompress(blob))


def _bounds(asked: int | None) -> tuple[int, int]:
    return _ANY if asked is None else (asked, asked)


def _day_of(number: Number) -> int:
    """The day by which a number is asked for: its period's last, for retention its cohort's first."""
    return number.first if number.statistic in _OF_COHORTS else number.last


def _key_of(number: Number) -> Key:
    stretch = _day_of(number) // STRETCH_DAYS
    statistic, period = (
        number.statistic._value_,
        number.period._value_,
    )  # quicker than value: this is asked of each number
    return (statistic, period, number.measure, number.breakdown, number.label, stretch)
