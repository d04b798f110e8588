"""The third step: bytes into a typed report. Only declared fields survive; nothing is echoed.

The types are those of the protocol, decoded by msgspec; the frozen vectors hold this decoder and
the reference codec of ``headcount_wire`` to the same verdicts.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

import msgspec
from headcount_wire import days, limits
from headcount_wire.dimensions import DIMENSIONS
from headcount_wire.organisation import AppKey
from headcount_wire.problems import Problem
from msgspec import Meta

from headcount_ingest.authenticate import Authentic
from headcount_ingest.decompress import TooLarge, Undecodable, decompress
from headcount_ingest.outcomes import Refused

Version = Annotated[int, Meta(ge=1, le=limits.VERSION_MAX)]
Name = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9_]{0,63}\Z")]
Value = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9._+/-]{0,39}\Z")]
DayText = Annotated[str, Meta(pattern=r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]
Tally = tuple[
    Annotated[int, Meta(ge=1, le=limits.CODE_MAX)],
    Annotated[int, Meta(ge=0, le=limits.LABELS_PER_MEASURE + 1)],
    Annotated[int, Meta(ge=1, le=255)],
    Annotated[int, Meta(ge=0, le=limits.BUCKET_MAX)],
    Annotated[int, Meta(ge=1, le=limits.CAP_MAX)],
]
Day = tuple[DayText, Annotated[list[Tally], Meta(min_length=1, max_length=limits.TALLIES_PER_REPORT)]]


class Body(msgspec.Struct, forbid_unknown_fields=True, frozen=True, gc=False):
    """A report's body, field for field."""

    catalog: Version
    created: DayText
    days: Annotated[list[Day], Meta(min_length=1, max_length=limits.DAYS_PER_REPORT)]
    policy: Version
    purposes: Annotated[dict[Name, Version], Meta(max_length=limits.PURPOSES_PER_REPORT)]
    sdk: Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9._/-]{0,31}\Z")]
    v: Annotated[int, Meta(ge=1, le=1)]
    context: Annotated[dict[str, Value], Meta(max_length=len(DIMENSIONS))] = {}
    origin: Annotated[dict[str, Value], Meta(max_length=len(DIMENSIONS))] | None = None


_JSON = msgspec.json.Decoder(Body)
_MSGPACK = msgspec.msgpack.Decoder(Body)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A report as it was sent: well formed, and nothing else is known of it yet."""

    report_id: bytes
    app_key: AppKey
    body: Body
    created: int
    days: tuple[tuple[int, list[tuple[int, int, int, int, int]]], ...]


class Malformed(Exception):
    """The bytes are no report."""


def decode(authentic: Authentic) -> Decoded | Refused:
    """The report in a body, or why it is none."""
    try:
        plain = decompress(authentic.body, authentic.coding)
        body, created, found = decode_body(plain, authentic.media)
    except TooLarge:
        return Refused(Problem.TOO_LARGE)
    except (Undecodable, Malformed):
        return Refused(Problem.MALFORMED)
    return Decoded(authentic.report_id, authentic.app_key, body, created, found)


def decode_body(
    plain: bytes, media: str
) -> tuple[Body, int, tuple[tuple[int, list[tuple[int, int, int, int, int]]], ...]]:
    """The body, its creation day and its days as numbers; raises ``Malformed`` without a value."""
    if len(plain) > limits.DECODED_BYTES:
        raise TooLarge
    try:
        body = _JSON.decode(plain) if media == "json" else _MSGPACK.decode(plain)
        created = days.parse(body.created)
        found = tuple((days.parse(day), tallies) for day, tallies in body.days)
    except (msgspec.MsgspecError, ValueError, RecursionError, UnicodeDecodeError):
        raise Malformed from None
    if sum(len(tallies) for _, tallies in found) > limits.TALLIES_PER_REPORT:
        raise Malformed
    if any(later[0] <= earlier[0] for earlier, later in pairwise(found)):
        raise Malformed
    for fields in (body.context, body.origin or {}):
        if not fields.keys() <= DIMENSIONS.keys():
            raise Malformed
    return body, created, found
