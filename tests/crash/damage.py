"""Spools with damage in them: what was written into each file, how it was damaged, and what is read of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

from headcount_aggregator.load.disk import Disk
from headcount_aggregator.load.orphans import take_over
from headcount_aggregator.load.spool_reader import records_of, sealed
from headcount_ingest.spool import SegmentWriter
from headcount_wire import segment
from headcount_wire.clock import ManualClock
from headcount_wire.segment import FRAME_BYTES, Record, encode_record
from headcount_wire.segment_slices import Sliced, slice_payload

from tests.aggregator.conftest import TODAY, record_of
from tests.crash.variants import NeverSyncs

RECORDS_MOST = 12
FILES = 50
"""Files of one spool."""


class Quick(Disk):
    """The loader's disk without its syncs: no power is cut here."""

    def write(self, path: Path, data: bytes) -> None:
        path.write_bytes(data)

    def sync(self, folder: Path) -> None:
        pass

    def truncate(self, path: Path, size: int) -> None:
        with path.open("r+b") as file:
            file.truncate(size)


def flip_a_bit(data: bytearray, draw: random.Random) -> None:
    bit = draw.randrange(len(data) * 8)
    data[bit // 8] ^= 1 << (bit % 8)


def flip_bits(data: bytearray, draw: random.Random) -> None:
    for _ in range(draw.randint(2, 20)):
        flip_a_bit(data, draw)


def zero_a_range(data: bytearray, draw: random.Random) -> None:
    at, size = draw.randrange(len(data)), draw.choice((1, 16, 512, 4096))
    data[at : at + size] = bytes(len(data[at : at + size]))


def cut(data: bytearray, draw: random.Random) -> None:
    del data[draw.randrange(len(data)) :]


def add_garbage(data: bytearray, draw: random.Random) -> None:
    data += draw.choice((bytes, draw.randbytes))(draw.choice((1, 20, 200, 5000)))


def insert(data: bytearray, draw: random.Random) -> None:
    at = draw.randrange(len(data))
    data[at:at] = draw.randbytes(draw.choice((1, 7, 300)))


def remove(data: bytearray, draw: random.Random) -> None:
    at = draw.randrange(len(data))
    del data[at : at + draw.choice((1, 7, 300))]


def repeat_a_range(data: bytearray, draw: random.Random) -> None:
    source, at, size = draw.randrange(len(data)), draw.randrange(len(data)), draw.choice((24, 127, 500))
    data[at : at + size] = data[source : source + size]


DAMAGES: Sequence[Callable[[bytearray, random.Random], None]] = (
    flip_a_bit,
    flip_bits,
    zero_a_range,
    cut,
    add_garbage,
    insert,
    remove,
    repeat_a_range,
)


@dataclass(slots=True)
class Written:
    """One file: the ids of its records in order, those whose bytes are still there, and how it was damaged.

    ``healthy``: what is left is a header and whole records, as if the others had never been there.
    """

    name: str
    ids: Sequence[bytes]
    intact: set[bytes]
    left_open: bool
    damage: str
    healthy: bool


@dataclass(slots=True)
class Findings:
    """What a reading came to. ``wrong``: records that nobody wrote, or not so. ``silent``: losses nobody counted."""

    files: int = 0
    read: int = 0
    wrong: int = 0
    counted_lost: int = 0
    taken_for_torn: int = 0
    taken_out_whole: int = 0
    silent: list[str] = field(default_factory=list)

    def add(self, other: Findings) -> None:
        """Add what another reading came to."""
        for name in fields(self):
            setattr(self, name.name, getattr(self, name.name) + getattr(other, name.name))


def write_spool(folder: Path, draw: random.Random, files: int = FILES) -> tuple[list[Written], Mapping[bytes, Record]]:
    """A spool of sealed segments and of segments left open, every one damaged, and the records that went into it."""
    written: list[Written] = []
    model: dict[bytes, Record] = {}
    for number in range(files):
        records = [(draw.randbytes(16), record_of(draw)) for _ in range(draw.randint(1, RECORDS_MOST))]
        model |= dict(records)
        framed = {one: segment.encode_record(one, record) for one, record in records}
        header = segment.encode_header(segment.Header(draw.randbytes(8), number, TODAY))
        data = bytearray(header + b"".join(framed.values()))
        damage = draw.choice(DAMAGES)
        damage(data, draw)
        left_open = draw.random() < 0.5
        name = f"w{draw.randrange(2)}/{TODAY * 86_400 * 10**9 + number:020d}-{draw.randbytes(8).hex()}-{number:06d}"
        path = folder / f"{name}{'.open' if left_open else '.seg'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        intact = {one for one, bytes_ in framed.items() if bytes_ in data}
        healthy = data == header + b"".join(framed[one] for one in framed if one in intact)
        written.append(Written(name, list(framed), intact, left_open, damage.__name__, healthy))
    return written, model


def swap_and_double(folder: Path, draw: random.Random) -> None:
    """Exchange two sealed files, and put a third there under a second name."""
    first, second, third = draw.sample(sorted(folder.glob("*/*.seg")), 3)
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one)
    third.with_name(f"{third.stem[:-1]}x.seg").write_bytes(third.read_bytes())


def recover(folder: Path) -> None:
    """Worker w0 starts again and recovers; the loader takes over what w1 left."""
    writer = SegmentWriter(folder / "w0", ManualClock(TODAY * 86_400.0), NeverSyncs())
    writer.recover()
    writer.close()
    take_over(folder, Quick())


def read_spool(folder: Path, written: Sequence[Written], model: Mapping[bytes, Record]) -> Findings:
    """Read every segment as the loader does, and hold it against what was written."""
    found: dict[str, tuple[set[bytes], bool]] = {}
    result = Findings(files=len(written))
    for path in sealed(folder):
        read = records_of(path, Quick())
        name = f"{path.parent.name}/{path.stem}"
        if read is None:
            found[name] = set(), True
            continue
        right = {report.report_id for report in read.records if _sliced(report.report_id, model) == report}
        result.read += len(read.records)
        result.wrong += sum(1 for report in read.records if _sliced(report.report_id, model) != report)
        found[name] = right, bool(read.gaps)
    for file in written:
        right, counted = found.get(file.name, (set(), _was_set_aside(folder, file)))
        _account(file, right, counted, result)
    return result


def _sliced(report_id: bytes, model: Mapping[bytes, Record]) -> Sliced | None:
    """A record of the model as the loader reads it."""
    record = model.get(report_id)
    return None if record is None else slice_payload(report_id, encode_record(report_id, record)[FRAME_BYTES:])


def _was_set_aside(folder: Path, file: Written) -> bool:
    return (folder / f"{file.name}.bad").exists()


def _account(file: Written, right: set[bytes], counted: bool, result: Findings) -> None:
    missing = [report_id for report_id in file.ids if report_id not in right]
    at_the_end = missing == list(file.ids[len(file.ids) - len(missing) :])
    if counted:
        result.counted_lost += len(missing)
    elif file.left_open and at_the_end and not file.intact & set(missing):
        result.taken_for_torn += len(missing)
    elif file.healthy:
        result.taken_out_whole += len(missing)
    elif missing:
        result.silent.append(f"{file.damage}: {len(missing)} of {len(file.ids)} lost, open={file.left_open}")
