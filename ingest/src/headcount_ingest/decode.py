"""The fourth step: bytes into a typed report. Only declared fields survive; nothing is echoed.

The types are those of the protocol, decoded by msgspec; the frozen vectors hold this decoder and
the reference codec of ``headcount_wire`` to the same verdicts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

import msgspec
from headcount_wire import days, limits
from headcount_wire.dimensions import DIMENSIONS
from headcount_wire.problems import Problem

from headcount_ingest.around import Arounds, parted
from headcount_ingest.arrive import Arrived
from headcount_ingest.body import NAME, SDK, VALUE, Around, read_json, read_msgpack
from headcount_ingest.decompress import TooLarge, Undecodable, decompress
from headcount_ingest.outcomes import Refused
from headcount_ingest.said import Said
from headcount_ingest.single_keys import json_keys_are_single, msgpack_keys_are_single
from headcount_ingest.tallies import TALLY_BYTES, json_tallies, json_tallies_or_none, msgpack_tallies
from headcount_ingest.terms import Account

TEXTS_MOST = 4096
"""Texts of one kind that are remembered; then all are forgotten."""
SAID_MOST = 4096
"""What is said around tallies, some 3.5 kB each at most; then all is forgotten."""


class _Texts:
    """Texts of one pattern: devices say the same few again and again."""

    def __init__(self, pattern: str) -> None:
        self._match = re.compile(pattern).match
        self._known: set[str] = set()

    def hold(self, texts: Collection[str]) -> bool:
        """Whether all of them match."""
        if self._known.issuperset(texts):
            return True
        if not all(map(self._match, texts)):
            return False
        if len(self._known) + len(texts) > TEXTS_MOST:
            self._known.clear()
        self._known.update(texts)
        return True


_names, _values, _sdks = map(_Texts, (NAME, VALUE, SDK))
_REQUIRED = 7
_day = lru_cache(maxsize=1024)(days.parse)
_Reads = tuple[Callable[[bytes], Around[msgspec.Raw]], Callable[[bytes], bytes]]
_BY_MEDIA: dict[str, _Reads] = {
    "json": (read_json, json_tallies),
    "msgpack": (read_msgpack, msgpack_tallies),
}
"""By media: what reads a body, and what reads a day's tallies in it."""


class Plain:
    """A report's body, read. ``days``: each as a number, with its tallies as a record holds them.

    ``tallies``: how many, all days together.
    """

    __slots__ = ("days", "said", "tallies")

    def __init__(self, said: Said, days: list[tuple[int, bytes]], tallies: int) -> None:
        self.said: Final = said
        self.days: Final = days
        self.tallies: Final = tallies

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Plain):
            return NotImplemented
        return self.said.is_like(other.said) and self.days == other.days and self.tallies == other.tallies


_arounds: Arounds[tuple[int, Said]] = Arounds()
"""Of a report of one day: the day, and what else it says."""
_saids: dict[tuple[object, ...], Said] = {}


class Decoded:
    """A report as it was sent: well formed, and nothing else is known of it yet."""

    __slots__ = ("account", "report", "report_id")

    def __init__(self, report_id: bytes, account: Account, report: Plain) -> None:
        self.report_id: Final = report_id
        self.account: Final = account
        self.report: Final = report


class Malformed(Exception):
    """The bytes are no report."""


def decode(arrived: Arrived) -> Decoded | Refused:
    """The report in a body, or why it is none."""
    try:
        plain = decompress(arrived.body, arrived.coding)
        report = decode_body(plain, arrived.media)
    except TooLarge:
        return Refused(Problem.TOO_LARGE)
    except (Undecodable, Malformed):
        return Refused(Problem.MALFORMED)
    return Decoded(arrived.report_id, arrived.account, report)


def decode_body(plain: bytes, media: str) -> Plain:
    """The report in a body of media ``json`` or ``msgpack``; raises ``Malformed``, which holds no value of it."""
    if len(plain) > limits.DECODED_BYTES:
        raise TooLarge
    if media != "json" or (parts := parted(plain)) is None:
        return _decode(plain, media)
    around, told = parts
    known = _arounds.get(around)
    if known is not None and (tallies := json_tallies_or_none(told)) is not None:
        day, said = known
        return Plain(said, [(day, tallies)], len(tallies) // TALLY_BYTES)
    found = _decode(plain, media)
    if known is not None:
        return Plain(known[1], found.days, found.tallies)
    if len(found.days) == 1:  # nothing else in a sound report is an array in an array: what was parted is its tallies
        _arounds.learn(around, (found.days[0][0], found.said))
    return found


def _decode(plain: bytes, media: str) -> Plain:
    """The same by the typed decoder, whatever was met before."""
    try:
        body_of, tallies_of = _BY_MEDIA[media]
        body = body_of(plain)
        created = _day(body.created)
        found = [(_day(day), tallies_of(bytes(told))) for day, told in body.days]
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise Malformed from None
    tallies = sum(len(told) for _, told in found) // TALLY_BYTES
    if tallies > limits.TALLIES_PER_REPORT or any(later[0] <= earlier[0] for earlier, later in pairwise(found)):
        raise Malformed
    context = {} if body.context is msgspec.UNSET else body.context
    origin = None if body.origin is msgspec.UNSET else body.origin
    if not (_sdks.hold((body.sdk,)) and _names.hold(body.purposes) and _values.hold(context.values())):
        raise Malformed
    if origin and not _values.hold(origin.values()):
        raise Malformed
    if not context.keys() <= DIMENSIONS.keys() or (origin and not origin.keys() <= DIMENSIONS.keys()):
        raise Malformed
    if not _keys_are_single(plain, media, body):
        raise Malformed
    return Plain(_said(body, created, context, origin), found, tallies)


def _said(
    body: Around[msgspec.Raw], created: int, context: Mapping[str, str], origin: Mapping[str, str] | None
) -> Said:
    """What a body says around its days, the one object for all that say the same, in whatever form."""
    whence = None if origin is None else tuple(origin.items())
    purposes, where = tuple(body.purposes.items()), tuple(context.items())
    key = (body.catalog, body.policy, purposes, created, where, whence, body.sdk)
    said = _saids.get(key)
    if said is None:
        if len(_saids) >= SAID_MOST:
            _saids.clear()
        said = _saids[key] = Said(body.catalog, body.policy, body.purposes, created, context, origin, body.sdk)
    return said


def _keys_are_single(plain: bytes, media: str, body: Around[msgspec.Raw]) -> bool:
    maps: dict[str, dict[str, Any]] = {"purposes": body.purposes}
    if body.context is not msgspec.UNSET:
        maps["context"] = body.context
    if body.origin is not msgspec.UNSET:
        maps["origin"] = body.origin
    fields = _REQUIRED + len(maps) - 1
    if media == "json":
        return json_keys_are_single(plain, fields + sum(map(len, maps.values())))
    return msgpack_keys_are_single(plain, fields, maps)
