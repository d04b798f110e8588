"""A report's body as the protocol states it, field for field: the decoder holds it to this, OpenAPI is made of it."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

import msgspec
from headcount_wire import limits
from headcount_wire.dimensions import DIMENSIONS
from msgspec import Meta

from headcount_ingest.tallies import Tallies

NAME, VALUE = r"\A[a-z][a-z0-9_]{0,63}\Z", r"\A[A-Za-z0-9][A-Za-z0-9._+/-]{0,39}\Z"
SDK, DAY = r"\A[a-z0-9][a-z0-9._/-]{0,31}\Z", r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\Z"


def _text(pattern: str, longest: int) -> Meta:
    """A text by its pattern. The decoder looks at its length only: devices say the same few again and again, and
    ``decode.py`` remembers them.
    """
    return Meta(max_length=longest, extra_json_schema={"pattern": pattern})


Version = Annotated[int, Meta(ge=1, le=limits.VERSION_MAX)]
Name = Annotated[str, _text(NAME, 64)]
Value = Annotated[str, _text(VALUE, 40)]
DayText = Annotated[str, _text(DAY, 10)]
Fields = Annotated[dict[str, Value], Meta(max_length=len(DIMENSIONS))]
Told = TypeVar("Told")


class Around(msgspec.Struct, Generic[Told], forbid_unknown_fields=True, frozen=True, gc=False):
    """A report's body, field for field, and a day's tallies as they may be told."""

    catalog: Version
    created: DayText
    days: Annotated[list[tuple[DayText, Told]], Meta(min_length=1, max_length=limits.DAYS_PER_REPORT)]
    policy: Version
    purposes: Annotated[dict[Name, Version], Meta(max_length=limits.PURPOSES_PER_REPORT)]
    sdk: Annotated[str, _text(SDK, 32)]
    v: Annotated[int, Meta(ge=1, le=1)]
    context: Fields | msgspec.UnsetType = msgspec.UNSET
    origin: Fields | msgspec.UnsetType = msgspec.UNSET


class Body(Around[Tallies], frozen=True, gc=False):
    """A report's body, field for field, as the protocol states it."""


read_json = msgspec.json.Decoder(Around[msgspec.Raw]).decode
read_msgpack = msgspec.msgpack.Decoder(Around[msgspec.Raw]).decode
"""A body, but for its days' tallies, which stay as they came; raises ``msgspec.MsgspecError`` or ``RecursionError``."""
