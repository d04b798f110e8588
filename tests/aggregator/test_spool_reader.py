"""What the loader sees of the spool."""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from headcount_aggregator.load.disk import Disk
from headcount_aggregator.load.loader import Loader
from headcount_aggregator.load.orphans import TakenOver, take_over
from headcount_aggregator.load.spool_reader import drained, forget_set_aside, oldest_day, records_of, sealed
from headcount_aggregator.load.unit import Units
from headcount_aggregator.warehouse.embedded import Embedded
from headcount_ingest.disk import Disk as SpoolDisk
from headcount_ingest.spool import SegmentWriter
from headcount_wire import segment as segment_file
from headcount_wire.clock import ManualClock
from headcount_wire.organisation import Organisation
from headcount_wire.segment import encode_record

from tests.aggregator.conftest import record_of
from tests.aggregator.test_loader import Died, DyingDisk

NOON = 20_000 * 86_400.0 + 43_200.0


def segment(spool: Path, begun: float, suffix: str) -> Path:
    path = spool / "w0" / f"{int(begun * 1e9):020d}-{'0' * 16}-000001{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return path


@pytest.mark.parametrize("suffix", [".open", ".seg"])
def test_a_spool_is_drained_though_newer_segments_wait(tmp_path: Path, suffix: str) -> None:
    """Under load there is always a segment; only those begun up to the moment hold a release back."""
    segment(tmp_path, NOON + 1, suffix)
    assert drained(tmp_path, NOON)
    older = segment(tmp_path, NOON - 1, suffix)
    assert not drained(tmp_path, NOON)
    older.unlink()
    assert drained(tmp_path, NOON)


def test_the_oldest_segment_counts_whoever_holds_it(tmp_path: Path) -> None:
    """A segment that a dead worker left open is as old as its name says; an empty spool has no oldest."""
    assert oldest_day(tmp_path) is None
    segment(tmp_path, NOON, ".seg")
    segment(tmp_path, NOON - 3 * 86_400.0, ".open")
    assert oldest_day(tmp_path) == 19_997


def test_what_was_set_aside_is_forgotten_after_its_window(tmp_path: Path) -> None:
    """A file that could not be read holds stripped records too, so it does not stay for ever."""
    old, new = segment(tmp_path, NOON - 9 * 86_400.0, ".bad"), segment(tmp_path, NOON, ".bad")
    forget_set_aside(tmp_path, 19_993, Disk())
    assert (old.exists(), new.exists()) == (False, True)


def framed(seed: int, day: int = 20_000) -> bytes:
    draw = random.Random(seed)
    return encode_record(draw.randbytes(16), record_of(draw, day=day))


def left_by_a_dead_worker(spool: Path, worker: str, records: bytes, torn: bytes = b"") -> Path:
    """What a worker's process leaves when it is killed: an open segment, and a lock that nobody holds."""
    program = (
        "import os, pathlib, signal, sys\n"
        "from headcount_ingest.disk import Disk\n"
        "from headcount_ingest.spool import SegmentWriter\n"
        "from headcount_wire.clock import ManualClock\n"
        "writer = SegmentWriter(pathlib.Path(sys.argv[1]), ManualClock(float(sys.argv[2])), Disk())\n"
        "writer.commit(sys.stdin.buffer.read())\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(spool / worker), str(NOON)], input=records, check=False)
    assert killed.returncode == -signal.SIGKILL
    (path,) = (spool / worker).glob("*.open")
    with path.open("ab") as file:
        file.write(torn)
    return path


@pytest.mark.parametrize("torn", [b"", framed(99)[:-3], bytes(4096)], ids=["whole", "torn", "zeroes"])
def test_what_a_dead_worker_left_is_loaded(tmp_path: Path, loader: Loader, clock: ManualClock, torn: bytes) -> None:
    """A worker that never starts again leaves nothing behind: its whole records are loaded, and no release waits."""
    path = left_by_a_dead_worker(tmp_path / "spool", "worker-9", b"".join(framed(n) for n in range(40)), torn)
    assert not drained(tmp_path / "spool", clock.now())
    result = loader.load_once()
    assert (result.taken_over, result.records, result.quarantined) == (40, 40, 0)
    assert drained(tmp_path / "spool", clock.now())
    assert not path.exists()


@pytest.mark.parametrize("record", [0, 20, 38])
def test_damage_in_what_a_dead_worker_left_costs_one_record(tmp_path: Path, loader: Loader, record: int) -> None:
    """What stands behind damage in an open segment is loaded, and the damage is counted: it is no write cut off."""
    records = [framed(n) for n in range(40)]
    path = left_by_a_dead_worker(tmp_path / "spool", "worker-9", b"".join(records), framed(99)[:-3])
    data = bytearray(path.read_bytes())
    data[segment_file.HEADER_BYTES + sum(map(len, records[:record])) + 30] ^= 1
    path.write_bytes(data)
    result = loader.load_once()
    assert (result.taken_over, result.records, result.damaged) == (39, 39, 1)
    assert path.with_suffix(".bad").read_bytes() == data


def test_a_take_over_that_was_cut_short_is_finished(tmp_path: Path, loader: Loader) -> None:
    """A crash after the first rename leaves a file that the next look finds."""
    path = left_by_a_dead_worker(tmp_path / "spool", "worker-9", framed(1))
    path.rename(path.with_suffix(".orphan"))
    assert not drained(tmp_path / "spool", NOON + 1)
    assert loader.load_once().taken_over == 1
    assert drained(tmp_path / "spool", NOON + 1)


def test_a_living_worker_keeps_its_segment(tmp_path: Path, loader: Loader) -> None:
    """What a worker writes to is not touched, and holds releases back until it is sealed."""
    writer = SegmentWriter(tmp_path / "spool/w0", ManualClock(NOON), SpoolDisk())
    writer.commit(framed(1))
    assert loader.load_once().taken_over == 0
    assert not drained(tmp_path / "spool", NOON + 1)
    writer.commit(framed(2))
    writer.close()
    assert loader.load_once().records == 2
    assert drained(tmp_path / "spool", NOON + 1)


def test_a_worker_that_starts_waits_for_the_look(tmp_path: Path) -> None:
    """The loader holds a folder's lock for moments only, and a worker that starts then is not turned away."""
    (tmp_path / "w0").mkdir()
    with (tmp_path / "w0/lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        free = threading.Timer(0.2, lambda: fcntl.flock(file, fcntl.LOCK_UN))
        free.start()
        SegmentWriter(tmp_path / "w0", ManualClock(NOON), SpoolDisk()).close()
        free.join()


@pytest.mark.parametrize("suffix", [".open", ".seg"])
@pytest.mark.parametrize("kind", ["file", "folder", "link", "closed"])
def test_a_stray_file_stops_nothing(tmp_path: Path, loader: Loader, suffix: str, kind: str) -> None:
    """Whatever stands in the spool under a segment's suffix is set aside and counted; the rest is loaded.

    What is named as if it were being written waits for that until no worker has its folder.
    """
    worker = SegmentWriter(tmp_path / "spool/w0", ManualClock(NOON), SpoolDisk())
    stray = tmp_path / f"spool/w0/notes{suffix}"
    match kind:
        case "file":
            stray.write_bytes(b"no segment")
        case "folder":
            stray.mkdir()
        case "link":
            stray.symlink_to("me@host.1:1")
        case _:
            stray.write_bytes(b"no segment")
            stray.chmod(0)
    worker.commit(b"".join(framed(n) for n in range(30)))
    worker.seal()
    result = loader.load_once()
    assert (result.quarantined, result.records) == (int(suffix == ".seg"), 30)
    assert drained(tmp_path / "spool", NOON + 1)
    worker.close()
    assert result.quarantined + loader.load_once().quarantined == 1
    assert [path.name for path in (tmp_path / "spool/w0").glob("*.bad")] == ["notes.bad"]
    loader.forget()


@pytest.mark.parametrize("part", range(1, 20))
def test_damage_in_a_sealed_segment_is_not_silent(
    tmp_path: Path, loader: Loader, capfd: pytest.CaptureFixture[str], part: int
) -> None:
    """Where a bit flips, that record is lost, counted and logged; all others are loaded, and the file is kept."""
    writer = SegmentWriter(tmp_path / "spool/w0", ManualClock(NOON), SpoolDisk())
    writer.commit(b"".join(framed(n) for n in range(100)))
    writer.close()
    (path,) = (tmp_path / "spool/w0").glob("*.seg")
    data = bytearray(path.read_bytes())
    data[len(data) * part // 20] ^= 1
    path.write_bytes(data)
    result = loader.load_once()
    assert (result.records, result.lost, result.damaged, result.quarantined) == (99, 1, 1, 1)
    assert path.with_suffix(".bad").read_bytes() == data
    assert "segment_damaged" in capfd.readouterr().out
    assert not path.exists()


def test_what_is_kept_of_a_damaged_segment_survives_a_crash(
    tmp_path: Path, organisation: Organisation, warehouse: Embedded, clock: ManualClock
) -> None:
    """However the loader dies around a damaged segment, the file is kept aside and its records counted once."""
    data = segment_file.encode_header(segment_file.Header(bytes(8), 1, 20_000)) + b"".join(framed(n) for n in range(30))
    path = segment(tmp_path / "spool", NOON, ".seg")
    for step in range(1, 40):
        damaged = bytearray(data)
        damaged[200] ^= 1
        path.write_bytes(damaged)
        kept = path.with_suffix(".bad")
        kept.unlink(missing_ok=True)
        folder = tmp_path / f"units-{step}"
        dying = Loader(tmp_path / "spool", folder, organisation, warehouse, clock, DyingDisk(step))
        with contextlib.suppress(Died):
            dying.load_once()
        dying.close()
        again = Loader(tmp_path / "spool", folder, organisation, warehouse, clock)
        again.load_once()
        again.close()
        assert kept.read_bytes() == damaged
        assert sum(header.records for header in Units(folder, Disk()).headers()) == 29


def test_a_worker_s_millionth_segment_is_loaded_like_its_first(tmp_path: Path, loader: Loader) -> None:
    """A number of seven digits is a worker's own: the open segment stays its writer's, and every record is loaded."""
    spool = tmp_path / "spool"
    writer = SegmentWriter(tmp_path / "spool/w0", ManualClock(NOON), SpoolDisk())
    writer._sequence = 999_997
    numbers = range(4)
    for number in numbers:
        writer.commit(framed(number))
        assert take_over(spool, Disk()) == TakenOver()
        assert len(list(spool.glob("*/*.open"))) == 1, "what a living worker writes to was taken"
        writer.commit(framed(100 + number))
        writer.seal()
    assert [path.name[-11:-4] for path in sealed(spool)] == ["-999998", "-999999", "1000000", "1000001"]
    result = loader.load_once()
    writer.close()
    assert (result.records, result.quarantined, result.damaged) == (2 * len(numbers), 0, 0)


def test_a_dead_worker_s_millionth_segment_is_taken_over(tmp_path: Path, loader: Loader) -> None:
    """What a worker that was killed late in its life left open is loaded, not set aside."""
    path = left_by_a_dead_worker(tmp_path / "spool", "worker-9", framed(1))
    path.rename(path.with_name(path.name.replace("-000001", "-1000000")))
    result = loader.load_once()
    assert (result.taken_over, result.records, result.quarantined) == (1, 1, 0)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def hole(path: Path) -> None:
    """A file of 300 GB of which nothing was ever written."""
    path.touch()
    os.truncate(path, 300 * 10**9)


def elsewhere(path: Path) -> None:
    path.symlink_to("/dev/zero")


ODD: dict[str, Callable[[Path], None]] = {"pipe": pipe, "hole": hole, "folder": Path.mkdir, "link": elsewhere}


@pytest.mark.parametrize("suffix", [".seg", ".open", ".orphan"])
@pytest.mark.parametrize("name", ODD)
def test_what_is_no_file_of_a_segment_holds_up_nothing(tmp_path: Path, loader: Loader, name: str, suffix: str) -> None:
    """A pipe, a hole, a folder or a link named like a segment is set aside unread, and what stands beside is loaded."""
    path = left_by_a_dead_worker(tmp_path / "spool", "worker-9", framed(1))
    odd = path.with_name(f"{int(NOON * 1e9) - 1:020d}-{'0' * 16}-000001{suffix}")
    ODD[name](odd)
    if suffix == ".seg":  # asked first in a thread: where it hangs, only that thread does
        asked = threading.Thread(target=records_of, args=(odd, Disk()), daemon=True)
        asked.start()
        asked.join(20)
        assert not asked.is_alive(), "the loader waits for what never comes"
    result = loader.load_once()
    assert result.records == 1
    assert len(list(path.parent.glob("*.bad"))) == 1
    assert drained(tmp_path / "spool", NOON + 1)


def test_an_odd_name_in_a_living_worker_s_folder_holds_no_release_back(tmp_path: Path, loader: Loader) -> None:
    """What no worker wrote is left alone while a worker has the folder, is no segment, and is set aside behind it."""
    writer = SegmentWriter(tmp_path / "spool/w0", ManualClock(NOON), SpoolDisk())
    (tmp_path / "spool/w0/notes.open").write_text("mine")
    loader.load_once()
    assert drained(tmp_path / "spool", NOON + 1)
    assert (tmp_path / "spool/w0/notes.open").exists()
    writer.close()
    loader.load_once()
    assert (tmp_path / "spool/w0/notes.bad").read_text() == "mine"
