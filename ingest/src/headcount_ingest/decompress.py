"""Bodies as they were before compression, never more than the limit, whatever a header says."""

from __future__ import annotations

import io
import zlib

import zstandard
from headcount_wire import limits

_ZSTD_WINDOW_BYTES = 8 * 1024 * 1024


class TooLarge(Exception):
    """More comes out than a report may have."""


class Undecodable(Exception):
    """The bytes are not of the coding they claim to be."""


def decompress(body: bytes, coding: str) -> bytes:
    """The decoded body; raises ``TooLarge`` or ``Undecodable``."""
    match coding:
        case "gzip":
            return _zlib(body, 16 + zlib.MAX_WBITS)
        case "deflate":
            return _zlib(body, zlib.MAX_WBITS)
        case "zstd":
            return _zstd(body)
        case _:
            return body


def _zlib(body: bytes, bits: int) -> bytes:
    stream = zlib.decompressobj(bits)
    try:
        decoded = stream.decompress(body, limits.DECODED_BYTES + 1)
    except zlib.error:
        raise Undecodable from None
    if len(decoded) > limits.DECODED_BYTES:
        raise TooLarge
    if not stream.eof or stream.unused_data:
        raise Undecodable
    return decoded


def _zstd(body: bytes) -> bytes:
    reader = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES).stream_reader(io.BytesIO(body))
    chunks: list[bytes] = []
    size = 0
    try:
        while chunk := reader.read(limits.DECODED_BYTES + 1 - size):
            chunks.append(chunk)
            size += len(chunk)
            if size > limits.DECODED_BYTES:
                raise TooLarge
    except zstandard.ZstdError:
        raise Undecodable from None
    if not chunks:
        raise Undecodable
    return b"".join(chunks)
