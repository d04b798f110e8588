"""A sealed segment that vanished is a loss that is counted; whatever else happens to a spool is none."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from headcount_aggregator.load.loader import Loader
from headcount_aggregator.load.numbering import PROCESSES_KEPT, Newest, missing, taken
from headcount_aggregator.load.spool_reader import sealed
from headcount_aggregator.warehouse import Warehouse
from headcount_ingest.disk import Disk
from headcount_ingest.spool import SegmentWriter
from headcount_wire.clock import ManualClock
from headcount_wire.organisation import Organisation

from tests.aggregator.test_spool_reader import NOON, framed

ROUNDS = 60


class FullNowAndThen(Disk):
    """A disk on which now and then there is no room, at whatever call is made."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw

    def _hit(self) -> None:
        if self._draw.random() < 0.06:
            raise OSError(errno.ENOSPC, "injected")

    def open(self, path: Path, flags: int) -> int:
        self._hit()
        return super().open(path, flags)

    def write(self, fd: int, data: bytes) -> int:
        self._hit()
        return super().write(fd, data)

    def sync(self, fd: int) -> None:
        self._hit()
        super().sync(fd)

    def rename(self, source: Path, target: Path) -> None:
        self._hit()
        super().rename(source, target)


class House:
    """A worker's folder, a loader on it, and processes that come and go."""

    def __init__(self, folder: Path, organisation: Organisation, warehouse: Warehouse) -> None:
        self.folder = folder
        self.spool = folder / "spool"
        self.clock = ManualClock(NOON)
        self.lost = 0
        self._loaded = (organisation, warehouse)
        self.loader = self._new_loader()

    def process(self, disk: Disk | None = None) -> SegmentWriter:
        """The worker's process begins, as each does: with what an earlier one left."""
        self.clock.advance(1)
        writer = SegmentWriter(self.spool / "w0", self.clock, disk or Disk())
        with contextlib.suppress(OSError):
            writer.recover()
        return writer

    def write(self, writer: SegmentWriter, segments: int, records: int = 1) -> list[Path]:
        """A process seals so many segments; returns them."""
        before = set(sealed(self.spool))
        for _ in range(segments):
            self.clock.advance(1)
            writer.commit(b"".join(framed(random.getrandbits(64)) for _ in range(records)))
            writer.seal()
        return [path for path in sealed(self.spool) if path not in before]

    def load(self) -> None:
        """The loader loads what there is, and what it counts as lost is added up."""
        self.lost += self.loader.load_once().lost

    def restart_loader(self) -> None:
        """The loader ends, and the next one knows what the units tell it."""
        self.loader.close()
        self.loader = self._new_loader()

    def _new_loader(self) -> Loader:
        organisation, warehouse = self._loaded
        return Loader(self.spool, self.folder / "units", organisation, warehouse, self.clock)


@contextmanager
def house_in(folder: Path, organisation: Organisation, warehouse: Warehouse) -> Iterator[House]:
    house = House(folder, organisation, warehouse)
    try:
        yield house
    finally:
        house.loader.close()


@pytest.fixture
def house(tmp_path: Path, organisation: Organisation, warehouse: Warehouse) -> Iterator[House]:
    with house_in(tmp_path, organisation, warehouse) as found:
        yield found


@pytest.mark.parametrize("loader", ["goes on", "starts again", "starts again after weeks"])
@pytest.mark.parametrize("gone", [(0,), (3,), (0, 1), (1, 3)])
def test_a_segment_that_vanished_is_counted_and_logged(
    house: House, capfd: pytest.CaptureFixture[str], gone: tuple[int, ...], loader: str
) -> None:
    """Each one that is missing before a later one of its process is a record that was lost, or more, and told once."""
    writer = house.process()
    house.write(writer, 3)
    house.load()
    if loader == "starts again after weeks":
        house.clock.advance(30 * 86_400.0)
        house.loader.forget()
    if loader != "goes on":
        house.restart_loader()
    made = house.write(writer, 5)
    for number in gone:
        made[number].unlink()
    house.load()
    house.load()
    house.restart_loader()
    house.load()
    assert house.lost == len(gone)
    assert capfd.readouterr().out.count("segments_missing") == 1
    writer.close()


def test_the_first_segments_of_a_new_process_are_missed(house: House) -> None:
    """A process begins with 1: where only its second is found, its first vanished."""
    house.write(first := house.process(), 2)
    first.close()
    house.load()
    second = house.process()
    house.write(second, 2)[0].unlink()
    house.load()
    assert house.lost == 1
    second.close()


def test_the_last_ones_of_a_process_are_missed_by_nobody(house: House) -> None:
    """Behind them is nothing to tell by: this is what docs/limitations.md says, and no more than that."""
    house.write(first := house.process(), 3)[2].unlink()
    first.close()
    house.write(second := house.process(), 2)
    house.load()
    second.close()
    assert house.lost == 0


def happen(house: House, draw: random.Random) -> None:
    """All that may happen to a spool without a loss, in an order that is drawn."""
    writer = house.process(FullNowAndThen(draw))
    for _ in range(ROUNDS):
        match draw.randrange(9):
            case 0 | 1 | 2:
                with contextlib.suppress(OSError):
                    house.write(writer, draw.randint(1, 3))
            case 3 | 4:
                house.load()
            case 5:
                house.restart_loader()
            case 6 if draw.random() < 0.5:
                house.clock.set_now(house.clock.now() + draw.choice((-3_600.0, 12 * 86_400.0)))
                house.loader.forget()
            case 7:
                for path in sealed(house.spool)[:1]:
                    path.write_bytes(b"damaged")
            case _:
                for path in (house.spool / "w0").glob("*.bad"):
                    path.rename(path.with_suffix(".seg"))
        if writer.broken or draw.random() < 0.05:
            with contextlib.suppress(OSError):
                writer.close()
            writer = house.process(FullNowAndThen(draw))
    with contextlib.suppress(OSError):
        writer.close()
    house.load()


@pytest.mark.parametrize("seed", range(12))
def test_nothing_is_missed_where_nothing_vanished(house: House, seed: int) -> None:
    """Full disks at any call, deaths, idle weeks, clocks set back, damage and files put back: no loss is made up."""
    happen(house, random.Random(seed))
    assert house.lost == 0


def test_a_number_that_no_record_was_written_under_is_given_again(tmp_path: Path) -> None:
    """A segment that could not be begun leaves no gap: the next one has its number, in the name and in the header."""

    class Refuses(Disk):
        refusing = False

        def sync(self, fd: int) -> None:
            if self.refusing:
                raise OSError(errno.ENOSPC, "injected")
            super().sync(fd)

    disk = Refuses()
    writer = SegmentWriter(tmp_path, ManualClock(NOON), disk)
    for refusing in (False, True, True, False):
        disk.refusing = refusing
        with contextlib.suppress(OSError):
            writer.commit(framed(1))
        writer.seal()
    writer.close()
    assert sorted(path.name[-10:] for path in tmp_path.glob("*.seg")) == ["000001.seg", "000002.seg"]


def test_one_that_escaped_the_first_look_is_not_missed(tmp_path: Path) -> None:
    """A file that is renamed while a folder is listed may not be in the list: it is looked for again, by any suffix."""
    names = [f"{int(NOON) + n:020d}-{'a' * 16}-{n:06d}" for n in range(1, 6)]
    there = [tmp_path / "w0" / f"{name}.seg" for name in names]
    there[0].parent.mkdir()
    for path in there:
        path.touch()
    listed = [there[0], there[4]]
    assert missing(listed, {}) == 0
    there[1].rename(there[1].with_suffix(".2.bad"))
    there[2].rename(there[2].with_suffix(".orphan"))
    assert missing(listed, {}) == 0
    there[3].unlink()
    assert missing(listed, {}) == 1


def test_what_was_put_back_by_hand_misses_nothing(tmp_path: Path) -> None:
    """Files of a process that is long forgotten come out of a drawer, and what lay between them was loaded then."""
    (tmp_path / "w0").mkdir()
    new, old = ([tmp_path / f"w0/{begun + n:020d}-{str(begun) * 16}-{n:06d}.seg" for n in (3, 7)] for begun in (9, 1))
    for path in (*new, *old):
        path.touch()
    newest = taken(new[:1], {})
    assert missing(old, newest) == 0
    assert missing(new, newest) == 3


def test_what_is_carried_on_stays_small(tmp_path: Path) -> None:
    """Of each folder a few processes are remembered, however often its worker starts again."""
    newest: Newest = {}
    for n in range(100):
        newest = taken([tmp_path / "w0" / f"{n:020d}-{n:016x}-000003.seg", tmp_path / "w0/stray.seg"], newest)
    assert [*newest["w0"]] == [f"{n:016x}" for n in range(100 - PROCESSES_KEPT, 100)]


def test_a_unit_of_before_is_read(house: House) -> None:
    """A unit that tells of no segments is followed by one that does, and what lies between is taken as it comes."""
    house.write(writer := house.process(), 3)
    house.load()
    (path,) = (house.folder / "units").glob("*.done")
    head, state = map(json.loads, path.read_bytes().splitlines())
    del state["newest"]
    rest = json.dumps(state).encode()
    head["sha256"] = hashlib.sha256(rest).hexdigest()
    path.write_bytes(json.dumps(head).encode() + b"\n" + rest)
    house.write(writer, 3)[0].unlink()
    house.restart_loader()
    house.load()
    assert house.lost == 0
    house.write(writer, 3)[0].unlink()
    house.load()
    assert house.lost == 1
    writer.close()
