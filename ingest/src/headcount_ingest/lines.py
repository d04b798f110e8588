"""A day's tallies, each as a record holds it: what devices say again and again is looked up, not decoded again.

Devices say the same few thousand tallies. So the text of a tally that was decoded once is remembered, as canonical
JSON writes it; a day whose texts are all known needs no decoding, and any other goes through the typed decoder whole.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from headcount_wire import limits
from headcount_wire.segment import TALLY, pack_tally
from msgspec import Meta

Line = bytes
"""A well-formed tally as a record holds it (``pack_tally``); the same object for the same tally, while it is known."""

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

SEEN_MOST = 65_536
"""Tallies that are remembered, some 250 bytes each; then all are forgotten. A device can make up any number of them."""


class _Seen(dict[bytes | Numbers, Line]):
    """Lines that were decoded, by their text and, of MessagePack, by their numbers."""

    def __missing__(self, key: bytes | Numbers) -> Line:
        if isinstance(key, bytes):
            raise KeyError
        line = self[key] = self.learn(key)
        return line

    def learn(self, numbers: Numbers) -> Line:
        """Well-formed numbers as a line, known by their text from now on."""
        if len(self) >= SEEN_MOST:
            self.clear()
        return self.setdefault(b"%d,%d,%d,%d,%d" % numbers, pack_tally(*numbers))


_seen = _Seen()
_JSON = msgspec.json.Decoder(Tallies)
_MSGPACK = msgspec.msgpack.Decoder(Tallies)


def known_lines(told: bytes) -> list[Line] | None:
    """A day's tallies out of their JSON, where all of them were met before."""
    if told.startswith(b"[[") and told.endswith(b"]]"):
        try:
            return list(map(_seen.__getitem__, told[2:-2].split(b"],[", limits.TALLIES_PER_REPORT - 1)))
        except KeyError:
            pass
    return None


def json_lines(told: bytes) -> list[Line]:
    """A day's tallies out of their JSON; raises ``msgspec.MsgspecError`` or ``RecursionError``."""
    return known_lines(told) or list(map(_seen.learn, _JSON.decode(told)))


def msgpack_lines(told: bytes) -> list[Line]:
    """The same out of MessagePack."""
    return list(map(_seen.__getitem__, _MSGPACK.decode(told)))


def numbers_of(line: Line) -> Numbers:
    """A line's five numbers."""
    measure, label, fact, slot, n = TALLY.unpack(line)
    return measure, label, fact, slot, n
