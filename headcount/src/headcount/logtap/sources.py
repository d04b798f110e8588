"""Where whole lines come from: a log that is followed, or a stream such as standard input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from headcount.logtap.position import LINE_BYTES, Position

CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole lines, each with its line feed; how many were too long; where the next piece begins, if one can say."""

    lines: bytes
    too_long: int = 0
    position: Position | None = None


class Source(Protocol):
    """Something that lines are read from, in order, each once."""

    ended: bool
    """Whether nothing will come any more."""

    position: Position | None

    def read(self) -> Piece | None:
        """The next piece; ``None`` where there is none now."""
        ...

    def wait(self, seconds: float) -> None:
        """Let at most so much time pass until it is worth while to read again."""
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...


@dataclass(frozen=True, slots=True)
class Cut:
    """Bytes as lines: ``whole`` lines, ``used`` bytes, the rest waits; ``skipping``: the next bytes are thrown away."""

    whole: bytes
    used: int
    too_long: int
    skipping: bool


def cut(data: bytes, skipping: bool) -> Cut:
    """The whole lines of some bytes. A line that is too long is thrown away up to its end, and counted there."""
    begin, too_long = 0, 0
    if skipping:
        begin = data.find(b"\n") + 1
        if not begin:
            return Cut(b"", len(data), 0, True)
        too_long = 1
    end = data.rfind(b"\n") + 1
    if end <= begin:
        if len(data) - begin > LINE_BYTES:
            return Cut(b"", len(data), too_long, True)
        return Cut(b"", begin, too_long, False)
    whole, more = _without_long(data[begin:end])
    return Cut(whole, end, too_long + more, False)


def _without_long(lines: bytes) -> tuple[bytes, int]:
    """Whole lines without those that are too long, and how many these were."""
    kept: list[bytes] = []
    begin = at = 0
    while len(lines) - at > LINE_BYTES + 1:
        end = lines.rfind(b"\n", at, at + LINE_BYTES + 1)
        if end >= 0:
            at = end + 1  # all up to here are short enough
        else:
            kept.append(lines[begin:at])
            begin = at = lines.find(b"\n", at) + 1
    return (b"".join((*kept, lines[begin:])), len(kept)) if kept else (lines, 0)
