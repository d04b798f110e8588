"""What both decoders and the decompressor promise of any bytes at all; ``keep`` raises where one is broken."""

from __future__ import annotations

import contextlib
import gzip
import time
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import replace

import zstandard
from headcount_ingest.decode import Malformed, Plain, decode_body
from headcount_ingest.decompress import TooLarge, Undecodable, decompress
from headcount_wire import codec, limits
from headcount_wire.errors import MalformedReport

from tests.contracts.test_vectors import reference, said
from tests.fuzz.mutations import Body

MOST_BYTES = 5_000_000
WHOLE: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj(read_across_frames=False).decompress(data),
}
"""What the libraries make of a packed body, without bounds."""


class Broken(Exception):
    """A promise that does not hold for some bytes."""


def keep(body: Body) -> Plain | None:
    """Hold a body to every promise; the report in it, or ``None`` where it is refused. Raises ``Broken``."""
    if not body.coding:
        return keep_decoded(body)
    plain = keep_unpacked(body)
    return None if plain is None else keep_decoded(replace(body, data=plain, coding=""))


def keep_decoded(body: Body) -> Plain | None:
    """A plain body is a report or ``Malformed``, both decoders agree, and no error says anything of it."""
    found = expected = None
    try:
        found = by_edge(body)
    except (Malformed, TooLarge) as error:
        _hold(not str(error), "an error says something")
        _hold(isinstance(error, TooLarge) == (len(body.data) > limits.DECODED_BYTES), "too large is something else")
    if len(body.data) <= limits.DECODED_BYTES:
        with contextlib.suppress(MalformedReport):
            expected = said(reference(body.media, body.data))
        _hold(found == expected, "the two decoders disagree")
    return found


def keep_unpacked(body: Body) -> bytes | None:
    """A packed body becomes what its library makes of it, within the limit, or is refused with one of two errors."""
    try:
        plain = decompress(body.data, body.coding)
    except (TooLarge, Undecodable) as error:
        _hold(not str(error), "an error says something")
        return None
    _hold(len(plain) <= limits.DECODED_BYTES, "more came out than may")
    _hold(plain == WHOLE[body.coding](body.data), "the library reads something else")
    return plain


def _hold(promise: bool, otherwise: str) -> None:
    if not promise:
        raise Broken(otherwise)


def by_edge(body: Body) -> Plain:
    """What the edge's decoder reads."""
    return decode_body(body.data, "json" if body.media == codec.JSON else "msgpack")


def run(body: Body) -> None:
    """Take a body as the edge does, whatever comes of it."""
    with contextlib.suppress(Malformed, TooLarge, Undecodable):
        by_edge(replace(body, data=decompress(body.data, body.coding), coding=""))


def peak_of(body: Body) -> int:
    """The most memory that taking a body held at once, in bytes."""
    tracemalloc.start()
    try:
        run(body)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def cpu_of(body: Body) -> int:
    """Nanoseconds of processor that taking a body costs: the least of three, for others use the machine too."""
    found = []
    for _ in range(3):
        began = time.thread_time_ns()
        run(body)
        found.append(time.thread_time_ns() - began)
    return min(found)
