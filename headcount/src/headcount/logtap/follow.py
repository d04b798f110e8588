"""A log that is followed across rotation and restarts, by its name; each line of it is read once.

Rotation by renaming: the old file is read to its end, and a while longer, because servers reopen the log only when
they are told; then whatever was rotated in between, then the new file. Rotation by copying and cutting
(``copytruncate``): what was not read before the cut is read from the copy.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from headcount.logtap.outcomes import Trouble, Troubles
from headcount.logtap.position import LINE_BYTES, Position, Rotated, is_at, mark_at, mark_of, rotated, window_of
from headcount.logtap.sources import CHUNK_BYTES, Piece, cut

QUIET_SECONDS = 5.0
"""A log that was put aside is done with once nothing was written to it for so long."""

POLL_SECONDS = 0.25


class Followed:
    """A log by its name.

    ``position``: where an earlier run ended, ``saved_ns`` when that was; without one, lines from now on count, or with
    ``from_start`` those already there too. ``once``: end where the log ends. ``stop``: ends a wait.
    """

    def __init__(
        self,
        log: Path,
        position: Position | None,
        troubles: Troubles,
        monotonic: Callable[[], float],
        stop: threading.Event,
        *,
        saved_ns: int = 0,
        from_start: bool = False,
        once: bool = False,
    ) -> None:
        self._log = log
        self._troubles = troubles
        self._monotonic = monotonic
        self._stop = stop
        self._saved_ns = saved_ns
        self._once = once
        self._fd = -1
        self._seen, self._quiet_since = -1, 0.0
        self.ended = False
        self.unfinished = False
        self.position = position
        if position is not None:
            self._find(position)
        elif self._opened(log):
            self.position = Position(os.fstat(self._fd).st_ino, 0, 0) if from_start or once else self._from_now_on()

    def close(self) -> None:
        """Let go of the log."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def wait(self, seconds: float) -> None:
        """Wait for lines; there is no event for them that every system has."""
        self._stop.wait(min(seconds, POLL_SECONDS))

    def read(self) -> Piece | None:
        """The next whole lines, and the position behind them; ``None`` where there are none now."""
        position = self.position
        if position is None or self._fd < 0:
            if position is not None:
                self._find(position)
            elif self._opened(self._log):
                self.position = Position(os.fstat(self._fd).st_ino, 0, 0)
            self.ended = self._once and self._fd < 0
            return None
        # One reading gives the lines, what stands before them, and so both marks: a cut can come between any two.
        start = window_of(position.offset)
        known = position.offset - start
        read = os.pread(self._fd, known + CHUNK_BYTES, start)
        if len(read) < known or mark_of(read[:known], from_start=start == 0) != position.mark:
            self._lost(position)
            return None
        data = read[known:]
        found = cut(data, position.skipping)
        if not found.used:
            return self._at_end(position, data)
        self._seen = -1
        offset = position.offset + found.used
        window = read[window_of(offset) - start : known + found.used]
        mark = mark_of(window, from_start=window_of(offset) == 0)
        self.position = Position(position.inode, offset, mark, found.skipping)
        return Piece(found.whole, found.too_long, self.position)

    # -- at the end of a file -------------------------------------------------------------------

    def _at_end(self, position: Position, rest: bytes) -> Piece | None:
        """Nothing whole is left: wait, or, in a log that was put aside, go on to the next one."""
        self.unfinished = bool(rest) or position.skipping
        following = self._following()
        if following is None:
            self.ended = self._once
            return None
        # A log that others were rotated after is written to by nobody any more.
        if following == self._log and not self._once and not self._is_quiet(len(rest)):
            return None
        old = self._fd
        if not self._opened(following):
            return None
        os.close(old)
        self.unfinished = False
        self.position = Position(os.fstat(self._fd).st_ino, 0, 0)
        whole = rest + b"\n" if rest and not position.skipping else b""
        return Piece(whole, int(position.skipping), self.position)

    def _is_quiet(self, size: int) -> bool:
        now = self._monotonic()
        if size != self._seen:
            self._seen, self._quiet_since = size, now
        return now - self._quiet_since >= QUIET_SECONDS

    def _following(self) -> Path | None:
        """The file to read after this one: rotated after it, or the log itself once something stands in it."""
        mine = os.fstat(self._fd)
        try:
            live = self._log.stat()
        except OSError:
            return None  # between two steps of a rotation
        if live.st_ino == mine.st_ino:
            return None
        aside = rotated(self._log)
        order = next((one.order for one in aside if one.inode == mine.st_ino), (mine.st_mtime_ns, 1, ""))
        between = [one.path for one in aside if one.order > order and one.inode != mine.st_ino]
        return between[0] if between else self._log if live.st_size or self._once else None

    # -- finding a place again ------------------------------------------------------------------

    def _find(self, position: Position) -> None:
        """Open the file in which a position was taken, whatever it is called now."""
        aside = rotated(self._log)
        paths = [self._log, *(one.path for one in reversed(aside))]
        if self._adopt(paths, position, same_file=True) or self._adopt(paths, position, same_file=False):
            return
        self._begin_anew(position, [one for one in aside if one.order[0] > self._saved_ns])

    def _adopt(self, paths: Iterable[Path], position: Position, *, same_file: bool) -> bool:
        """Go on in the first file that a position is in: the same one, or one with the same lines before it."""
        if not same_file and not position.offset:
            return False
        before = self._fd
        for path in paths:
            if not self._opened(path, quietly=True):
                continue
            inode = os.fstat(self._fd).st_ino
            if (inode == position.inode or not same_file) and is_at(self._fd, position):
                if before >= 0:
                    os.close(before)
                self.position = Position(inode, position.offset, position.mark, position.skipping)
                return True
            os.close(self._fd)
            self._fd = before
        return False

    def _lost(self, position: Position) -> None:
        """The open file is not what it was: it was cut, and what it held is in a copy, or gone."""
        copies = [one.path for one in reversed(rotated(self._log))]
        if not self._adopt(copies, position, same_file=False):
            self._begin_anew(position, [])

    def _begin_anew(self, position: Position, between: Iterable[Rotated]) -> None:
        """The place is in no file there is. Where there is none at all, a disk may be missing: then it is kept."""
        self.close()
        if any(self._opened(path) for path in (*(one.path for one in between), self._log)):
            inode = os.fstat(self._fd).st_ino
            self.position = Position(inode, 0, 0)
            self._troubles.note(Trouble.LOG_CUT if inode == position.inode else Trouble.LOG_GONE)

    def _from_now_on(self) -> Position:
        """The end of the open file, or the beginning of the line that is being written."""
        status = os.fstat(self._fd)
        start = max(0, status.st_size - LINE_BYTES)
        window = os.pread(self._fd, status.st_size - start, start)
        offset = start + window.rfind(b"\n") + 1
        skipping = offset == start and start > 0
        return Position(status.st_ino, offset, mark_at(self._fd, offset), skipping)

    def _opened(self, path: Path, *, quietly: bool = False) -> bool:
        """Whether a file could be opened; it is the one read from then on."""
        with contextlib.suppress(FileNotFoundError):
            try:
                self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                return True
            except FileNotFoundError:
                raise
            except OSError:
                if not quietly:
                    self._troubles.note(Trouble.LOG_UNREADABLE)
        return False
