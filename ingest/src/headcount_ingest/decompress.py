"""Bodies as they were before compression, never more than the limit, whatever a header says."""

from __future__ import annotations

import zlib

import zstandard
from headcount_wire import limits

_ZSTD_WINDOW_BYTES = 8 * 1024 * 1024
_ZSTD_FED_BYTES = 64
"""A block of four bytes can stand for 128 KiB, so this many bytes for at most 2 MiB."""


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
    # The library's own max_output_size is ignored when a frame states a size, and its stream reader does
    # not tell a frame that was cut short: so little is fed at a time that little can come out.
    stream = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES).decompressobj()
    chunks: list[bytes] = []
    size = 0
    try:
        for at in range(0, len(body), _ZSTD_FED_BYTES):
            chunk = stream.decompress(body[at : at + _ZSTD_FED_BYTES])
            size += len(chunk)
            if size > limits.DECODED_BYTES:
                raise TooLarge
            chunks.append(chunk)
            if stream.eof and (stream.unused_data or at + _ZSTD_FED_BYTES < len(body)):
                raise Undecodable
    except zstandard.ZstdError:
        raise Undecodable from None
    if not stream.eof:
        raise Undecodable
    return b"".join(chunks)
