"""A day's tallies, out of what a device sent, as a record holds them: ten bytes each, one behind the other."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import chain
from struct import Struct
from typing import Annotated

import msgspec
from headcount_wire import limits
from headcount_wire.segment import TALLY
from msgspec import Meta

from headcount_ingest import scan

Numbers = tuple[int, int, int, int, int]
"""Measure, label, fact, slot and n."""

Tally = tuple[
    Annotated[int, Meta(ge=1, le=limits.CODE_MAX)],
    Annotated[int, Meta(ge=0, le=limits.LABELS_PER_MEASURE + 1)],
    Annotated[int, Meta(ge=1, le=255)],
    Annotated[int, Meta(ge=0, le=limits.BUCKET_MAX)],
    Annotated[int, Meta(ge=1, le=limits.CAP_MAX)],
]
Tallies = Annotated[list[Tally], Meta(min_length=1, max_length=limits.TALLIES_PER_REPORT)]

TALLY_BYTES = TALLY.size
PACKED_AT_ONCE = 64
"""So many are packed in one call; the form of each number of them is remembered, 8 kB for the largest."""

SCANS = not scan.__file__.endswith(".py")
"""Whether texts are scanned: that is faster than the typed decoder where it is compiled, and only there."""

_read_json = msgspec.json.Decoder(Tallies).decode
_read_msgpack = msgspec.msgpack.Decoder(Tallies).decode


def json_tallies(told: bytes) -> bytes:
    """A day's tallies out of their JSON; raises ``msgspec.MsgspecError`` or ``RecursionError``."""
    return (scan.scanned(told) if SCANS else b"") or packed(_read_json(told))


def msgpack_tallies(told: bytes) -> bytes:
    """The same out of MessagePack."""
    return packed(_read_msgpack(told))


def json_tallies_or_none(told: bytes) -> bytes | None:
    """A day's tallies out of a text that may be none of tallies."""
    try:
        return json_tallies(told)
    except (msgspec.MsgspecError, RecursionError):
        return None


def packed(tallies: list[Numbers]) -> bytes:
    """Tallies as a record holds them."""
    parts = [tallies[at : at + PACKED_AT_ONCE] for at in range(0, len(tallies), PACKED_AT_ONCE)]
    return b"".join([_form(len(part)).pack(*chain.from_iterable(part)) for part in parts])


def numbers_of(tallies: bytes) -> Iterable[Numbers]:
    """The five numbers of each."""
    return TALLY.iter_unpack(tallies)


@lru_cache(maxsize=PACKED_AT_ONCE)
def _form(many: int) -> Struct:
    return Struct("<" + TALLY.format.removeprefix("<") * many)
