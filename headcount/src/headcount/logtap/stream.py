"""Lines from a stream, such as standard input. What was read and not yet kept is lost with the process."""

from __future__ import annotations

import os
import select

from headcount.logtap.position import Position
from headcount.logtap.sources import CHUNK_BYTES, Piece, cut


class Stream:
    """An open file descriptor that others write lines to. It has no position: nothing can be read again."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._poll = select.poll()  # select() takes no descriptor above 1023
        self._poll.register(fd, select.POLLIN)
        self._rest = b""
        self._skipping = False
        self.ended = False
        self.unfinished = False
        self.position: Position | None = None

    def close(self) -> None:
        """The descriptor belongs to whoever made it."""

    def wait(self, seconds: float) -> None:
        """Wait until something can be read."""
        self._poll.poll(seconds * 1000)

    def read(self) -> Piece | None:
        """The next whole lines; a last one needs no line feed."""
        if self.ended or not self._poll.poll(0):
            return None
        data = os.read(self._fd, CHUNK_BYTES)
        if not data:
            self.ended = True
            rest, self._rest = self._rest, b""
            return Piece(rest + b"\n" if rest else b"", int(self._skipping))
        data = self._rest + data
        found = cut(data, self._skipping)
        self._rest, self._skipping = data[found.used :], found.skipping
        return Piece(found.whole, found.too_long)
