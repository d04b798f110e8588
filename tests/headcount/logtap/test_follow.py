"""A followed log: each line once, in order, whatever rotation and death do in between."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from headcount.logtap.follow import QUIET_SECONDS, Followed
from headcount.logtap.outcomes import Trouble, Troubles
from headcount.logtap.position import LINE_BYTES, Position, mark_at
from headcount_wire.clock import ManualClock
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.headcount.logtap.world import never


class Server:
    """Writes numbered lines, all of one length, as a server does: to the file it has open."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "access.log"
        self.written: list[bytes] = []
        self.reopen()

    def reopen(self) -> None:
        self.out = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def write(self, lines: int, *, torn: bool = False) -> None:
        for _ in range(lines):
            number = len(self.written)
            clock = f"{number // 1200 % 24:02}:{number // 20 % 60:02}:{number * 3 % 60:02}"
            line = b"192.0.2.1 - - [08/Oct/2026:%b +0000] %08d\n" % (clock.encode(), number)
            self.written.append(line[:-1])
            os.write(self.out, line)
        if torn:
            os.write(self.out, b"192.0.2.1 - - [08/Oct")

    def shift(self) -> None:
        """Give the logs put aside the next number."""
        for number in range(40, 0, -1):
            if (old := self.log.with_name(f"access.log.{number}")).exists():
                old.rename(self.log.with_name(f"access.log.{number + 1}"))

    def rename(self, *, reopen: bool = True) -> None:
        self.shift()
        self.log.rename(self.log.with_name("access.log.1"))
        os.close(os.open(self.log, os.O_WRONLY | os.O_CREAT))
        if reopen:
            self.reopen()

    def copy_and_cut(self) -> None:
        self.shift()
        shutil.copyfile(self.log, self.log.with_name("access.log.1"))
        os.truncate(self.log, 0)


class Tail:
    """Follows the log as the tap does, and keeps what it read with the position behind it."""

    def __init__(self, log: Path) -> None:
        self.log, self.clock, self.troubles = log, ManualClock(), Troubles(print)
        self.read: list[bytes] = []
        self.too_long = 0
        self.saved_ns = 0
        self.followed = self._follow(None, from_start=True)
        self.position = self.followed.position
        self.keep()

    def _follow(self, position: Position | None, **options: bool) -> Followed:
        clock, stop = self.clock.monotonic, never()
        return Followed(self.log, position, self.troubles, clock, stop, saved_ns=self.saved_ns, **options)

    def step(self) -> bool:
        piece = self.followed.read()
        if piece is not None:
            self.read += piece.lines.split(b"\n")[:-1]
            self.too_long += piece.too_long
            self.position = piece.position
        return piece is not None

    def catch_up(self) -> None:
        """Read until nothing more comes, the time that a server may take to reopen its log included."""
        idle = 0
        for _ in range(300):
            idle = 0 if self.step() else idle + 1
            self.clock.advance(QUIET_SECONDS)
            if idle == 4:
                return
        raise AssertionError("the log has no end")

    def keep(self) -> None:
        """What a checkpoint does; its file is written after all that was read."""
        self.kept = (len(self.read), self.position)
        with tempfile.NamedTemporaryFile(dir=self.log.parent) as state:
            self.saved_ns = Path(state.name).stat().st_mtime_ns

    def die(self) -> None:
        """SIGKILL and a new start: only what was kept is known."""
        self.followed.close()
        kept, self.position = self.kept
        del self.read[kept:]
        self.followed = self._follow(self.position, from_start=True)


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


@pytest.fixture
def tail(server: Server) -> Tail:
    return Tail(server.log)


def test_a_renamed_log_is_read_to_its_end(server: Server, tail: Tail) -> None:
    """What a server writes to the old file before it reopens the log is read, and read first."""
    server.write(3)
    tail.step()
    server.rename(reopen=False)
    server.write(2)
    tail.step()
    assert not tail.step(), "the new file is empty: there is nothing to go on to"
    server.reopen()
    os.write(server.out, b"")
    server.write(1)
    assert not tail.step(), "the old one may still be written to"
    tail.catch_up()
    assert tail.read == server.written


def test_a_last_line_without_an_end_counts_once_its_file_is_done(server: Server, tail: Tail) -> None:
    """A torn line waits while it can still be finished, and is one line when its log was put aside."""
    server.write(1, torn=True)
    tail.catch_up()
    assert tail.read == server.written
    assert tail.followed.unfinished
    server.rename()
    server.write(1)
    tail.catch_up()
    assert tail.read == [server.written[0], b"192.0.2.1 - - [08/Oct", server.written[1]]


@pytest.mark.parametrize("rotate", [Server.rename, Server.copy_and_cut], ids=["renamed", "copied"])
@pytest.mark.parametrize("times", [1, 3])
def test_a_log_that_was_rotated_while_nobody_read(
    server: Server, tail: Tail, rotate: Callable[[Server], None], times: int
) -> None:
    """After a death the rest of the old file, those rotated in between, and the new one are read, in this order."""
    server.write(5)
    tail.step()
    tail.keep()
    for _ in range(times):
        server.write(4)
        rotate(server)
    server.write(30)
    tail.die()
    tail.catch_up()
    assert tail.read == server.written
    assert not tail.troubles.counts


def test_a_log_that_grew_beyond_the_old_place_after_a_cut(server: Server, tail: Tail) -> None:
    """A log that was cut, and is longer than before when it is looked at again, is known to be another."""
    server.write(5)
    tail.step()
    server.write(2)
    server.copy_and_cut()
    server.write(50)
    tail.catch_up()
    assert tail.read == server.written


@pytest.mark.parametrize("name", ["access.log-20261008", "access-20261008.log", "access.log.2026-10-08"])
def test_logs_that_are_put_aside_by_date(server: Server, tail: Tail, name: str) -> None:
    """The names that rotation by date gives are found as well; compressed logs and other files are not read."""
    server.write(5)
    tail.step()
    tail.keep()
    server.write(5)
    for other in ("access.log.2.gz", "access.log.bak", "access.log.d", "other.log.1", "access.log.20261008.xz"):
        shutil.copyfile(server.log, server.log.with_name(other))
    server.log.rename(server.log.with_name(name))
    server.reopen()
    server.write(5)
    tail.die()
    tail.catch_up()
    assert tail.read == server.written


def test_a_log_that_is_gone_is_said_and_the_new_one_read(server: Server, tail: Tail) -> None:
    """What cannot be read any more is a trouble of its own kind, and costs nothing else."""
    server.write(5)
    tail.step()
    tail.keep()
    server.write(5)
    server.log.unlink()
    server.reopen()
    server.write(5)
    server.rename()
    server.write(2)
    tail.die()
    tail.catch_up()
    assert tail.read == server.written[:5] + server.written[10:]
    assert tail.troubles.counts == {Trouble.LOG_GONE: 1}


def test_a_place_is_kept_while_no_log_is_there(server: Server, tail: Tail) -> None:
    """A folder that is missing for a while, as a disk can be, is waited for; the log goes on where it was."""
    server.write(5)
    tail.step()
    tail.keep()
    server.write(5)
    away = server.log.with_name("away")
    server.log.rename(away)
    tail.die()
    tail.catch_up()
    assert tail.followed.position == tail.kept[1]
    away.rename(server.log)
    tail.catch_up()
    assert tail.read == server.written
    assert not tail.troubles.counts


def test_a_log_that_is_emptied_is_said_and_read_on(server: Server, tail: Tail) -> None:
    """A log cut without a copy is followed on from its start."""
    server.write(5)
    tail.step()
    os.truncate(server.log, 0)
    server.write(2)
    tail.catch_up()
    assert tail.read == server.written
    assert tail.troubles.counts == {Trouble.LOG_CUT: 1}


def test_an_inode_that_is_used_again_is_another_file(server: Server, tail: Tail) -> None:
    """The same number of an inode, with other lines before the place, is not taken for the same log."""
    server.write(5)
    tail.step()
    kept = tail.followed.position
    assert kept is not None
    server.write(15)
    other = server.log.with_name("other")
    other.write_bytes(server.log.read_bytes()[kept.offset :])
    with other.open("rb") as file:
        assert mark_at(file.fileno(), kept.offset) != kept.mark
        assert mark_at(file.fileno(), 10**6) == -1
        assert mark_at(file.fileno(), 0) == 0


def test_a_mark_holds_lengths_and_seconds_only(tmp_path: Path) -> None:
    """Lines with other addresses, users, paths and agents of the same length have the same mark: none goes into it."""
    marks = []
    for letter in (b"a", b"b"):
        file = tmp_path / letter.decode()
        line = letter * 9 + b" - " + letter * 5 + b" [08/Oct/2026:10:11:12 +0000] " + letter * 200 + b"\n"
        file.write_bytes(line * 50)
        with file.open("rb") as opened:
            marks.append(mark_at(opened.fileno(), len(line) * 50))
    assert marks[0] == marks[1] != 0


def test_a_line_that_is_too_long_is_thrown_away(server: Server, tail: Tail) -> None:
    """A line beyond the bound is counted, takes no room, and costs no other line; also across a death."""
    server.write(1)
    os.write(server.out, b"x" * (LINE_BYTES + 1))
    tail.step()
    while tail.step():
        pass
    assert tail.position is not None
    assert tail.position.skipping
    tail.keep()
    tail.die()
    os.write(server.out, b"y" * 3 * LINE_BYTES)
    tail.catch_up()
    os.write(server.out, b"\n")
    server.write(1)
    tail.catch_up()
    assert tail.read == server.written
    assert tail.too_long == 1


def test_lines_from_now_on(server: Server) -> None:
    """A first start without a wish counts no line that was there, and the one that is being written whole."""
    server.write(3, torn=True)
    followed = Followed(server.log, None, Troubles(print), ManualClock().monotonic, never())
    assert followed.read() is None
    os.write(server.out, b"\n")
    piece = followed.read()
    assert piece is not None
    assert piece.lines == b"192.0.2.1 - - [08/Oct\n"
    followed.close()


def test_a_log_that_comes_later(tmp_path: Path) -> None:
    """A log that is not there yet is waited for, and read from its start; one that cannot be opened is said."""
    troubles = Troubles(print)
    followed = Followed(tmp_path / "log/access.log", None, troubles, ManualClock().monotonic, never())
    assert followed.read() is None
    (tmp_path / "log").mkdir()
    (tmp_path / "log/access.log").symlink_to("access.log")
    assert followed.read() is None
    assert troubles.counts == {Trouble.LOG_UNREADABLE: 1}
    (tmp_path / "log/access.log").unlink()
    (tmp_path / "log/access.log").write_bytes(b"a\n")
    assert followed.read() is None
    piece = followed.read()
    assert piece is not None
    assert piece.lines == b"a\n"
    followed.close()


class Rotation(RuleBasedStateMachine):
    """Any order of writing, both kinds of rotation, reading, keeping and dying."""

    @initialize(mode=st.sampled_from(["rename", "copy"]))
    def begin(self, mode: str) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.mode, self.late = mode, False
        self.server = Server(self.folder)
        self.tail = Tail(self.server.log)

    @rule(lines=st.integers(1, 50))
    def write(self, lines: int) -> None:
        self.server.write(lines)

    @rule(reopen=st.booleans())
    @precondition(lambda self: self.mode == "rename" and not self.late)
    def rename(self, reopen: bool) -> None:
        self.server.rename(reopen=reopen)
        self.late = not reopen

    @rule()
    @precondition(lambda self: self.mode == "rename" and self.late)
    def reopen(self) -> None:
        self.server.reopen()
        self.late = False

    @rule()
    @precondition(lambda self: self.mode == "copy" and self.known())
    def copy_and_cut(self) -> None:
        self.server.copy_and_cut()

    def known(self) -> bool:
        """A copy is known by the lines before a place: some must stand before the last one, and the kept one."""
        places = (self.tail.followed.position, self.tail.kept[1])
        return all(place is not None and place.offset > 0 for place in places)

    @rule()
    def read(self) -> None:
        self.tail.step()

    @rule()
    def wait(self) -> None:
        self.tail.clock.advance(QUIET_SECONDS)

    @rule()
    def keep(self) -> None:
        self.tail.keep()

    @rule()
    def die(self) -> None:
        self.tail.die()

    def teardown(self) -> None:
        if hasattr(self, "tail"):
            self.tail.catch_up()
            assert self.tail.read == self.server.written
            assert not self.tail.troubles.counts
            self.tail.followed.close()
            shutil.rmtree(self.folder)


TestRotation = Rotation.TestCase
TestRotation.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
