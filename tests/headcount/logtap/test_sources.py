"""Bytes become whole lines, however they arrive; what is too long is thrown away and counted."""

from __future__ import annotations

import os

from headcount.logtap.position import LINE_BYTES
from headcount.logtap.sources import cut
from headcount.logtap.stream import Stream
from hypothesis import given
from hypothesis import strategies as st

sizes = st.sampled_from([0, 1, 7, 300, LINE_BYTES - 1, LINE_BYTES, LINE_BYTES + 1, 2 * LINE_BYTES, 5 * LINE_BYTES])


@given(st.lists(sizes, max_size=8), st.lists(st.integers(1, 4 * LINE_BYTES), max_size=8))
def test_lines_are_the_same_in_whatever_pieces_they_come(lengths: list[int], pieces: list[int]) -> None:
    """A line up to the bound is kept and a longer one counted, wherever the pieces begin and end."""
    lines = [bytes([97 + at % 26]) * length + b"\n" for at, length in enumerate(lengths)]
    data, rest, skipping, found, too_long = b"".join(lines), b"", False, b"", 0
    for size in [*pieces, len(data) + 1]:
        rest, data = rest + data[:size], data[size:]
        one = cut(rest, skipping)
        assert one.used <= len(rest)
        rest, skipping, found, too_long = rest[one.used :], one.skipping, found + one.whole, too_long + one.too_long
        assert len(rest) <= LINE_BYTES + size, "what waits is bounded by a line and a piece"
    while rest:
        one = cut(rest, skipping)
        rest, skipping, found, too_long = rest[one.used :], one.skipping, found + one.whole, too_long + one.too_long
    assert found == b"".join(line for line in lines if len(line) <= LINE_BYTES + 1)
    assert too_long == sum(len(line) > LINE_BYTES + 1 for line in lines)
    assert not skipping


def test_a_stream_gives_its_last_line_when_it_ends() -> None:
    """A pipe gives lines as they come, nothing while nothing comes, and at its end what has no line feed."""
    read, write = os.pipe()
    stream = Stream(read)
    assert stream.read() is None
    os.write(write, b"one\ntw")
    stream.wait(60.0)
    piece = stream.read()
    assert piece is not None
    assert piece.lines == b"one\n"
    os.write(write, b"o")
    os.close(write)
    pieces = [stream.read() for _ in range(4)]
    assert b"".join(piece.lines for piece in pieces if piece) == b"two\n"
    assert stream.ended
    assert stream.read() is None
    os.close(read)
