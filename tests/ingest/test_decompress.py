"""Compressed bodies: read whole or refused, at a bounded price."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
import zstandard
from headcount_ingest.decompress import TooLarge, Undecodable, decompress
from headcount_wire import limits
from hypothesis import given
from hypothesis import strategies as st

CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.compress,
}
RLE_BLOCKS = b"\x28\xb5\x2f\xfd\x00\x58" + bytes((0x02, 0x00, 0x10, 0x41)) * 16_000
"""A zstd frame of blocks that each stand for 128 KiB, and that states no size."""

NO_SIZE = zstandard.ZstdCompressor(write_content_size=False)
BOMBS = {
    "gzip": ("gzip", gzip.compress(bytes(60 * 2**20), mtime=0)),
    "deflate": ("deflate", zlib.compress(bytes(60 * 2**20))),
    "zstd_stated": ("zstd", zstandard.compress(bytes(2**28))),
    "zstd_unstated": ("zstd", NO_SIZE.compress(bytes(2**28))),
    "zstd_blocks": ("zstd", RLE_BLOCKS),
}


@pytest.mark.parametrize("coding", CODINGS)
@given(body=st.binary(max_size=5_000))
def test_what_was_packed_is_unpacked(coding: str, body: bytes) -> None:
    """Each coding gives back the bytes that went in."""
    assert decompress(CODINGS[coding](body), coding) == body


@pytest.mark.parametrize("coding", CODINGS)
def test_the_limit_is_exact(coding: str) -> None:
    """As many bytes as a report may have pass; one more does not."""
    assert len(decompress(CODINGS[coding](bytes(limits.DECODED_BYTES)), coding)) == limits.DECODED_BYTES
    with pytest.raises(TooLarge):
        decompress(CODINGS[coding](bytes(limits.DECODED_BYTES + 1)), coding)


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_costs_little(name: str) -> None:
    """A body that would unpack to hundreds of megabytes is refused for less than 5 MB."""
    coding, bomb = BOMBS[name]
    assert len(bomb) <= limits.BODY_BYTES
    tracemalloc.start()
    with pytest.raises((TooLarge, Undecodable)):
        decompress(bomb, coding)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.parametrize("coding", CODINGS)
@given(cut=st.integers(1, 200), body=st.binary(min_size=1, max_size=100))
def test_a_part_or_more_than_the_whole_is_neither(coding: str, cut: int, body: bytes) -> None:
    """A body that was cut short, or that something follows, is refused."""
    packed = CODINGS[coding](body)
    for damaged in (packed[:-cut], packed + b"x", packed + packed, b""):
        with pytest.raises(Undecodable):
            decompress(damaged, coding)


@pytest.mark.parametrize("coding", CODINGS)
@given(st.binary(max_size=300))
def test_noise_is_refused_without_a_word(coding: str, body: bytes) -> None:
    """Random bytes raise one error, and it carries nothing of them."""
    said = ""
    try:
        decompress(body, coding)
    except Undecodable as error:
        said = str(error)
    assert said == ""
