"""One sealed file: its header and its numbers, as they were sealed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import msgspec
import orjson

from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.released import Number, ReleaseHeader

COLUMNS = tuple(column.name for column in fields(Number))
"""The columns of the table of numbers in a sealed file."""


def parse_release(data: bytes) -> tuple[ReleaseHeader, list[Number]]:
    """A sealed file's header and numbers. Raises ``ValueError``, ``KeyError`` or ``TypeError`` when it is none."""
    plain = orjson.loads(data)
    return header_of(plain, hashlib.sha256(data).hexdigest()), numbers_of(plain["columns"], plain["numbers"])


def header_of(plain: Mapping[str, Any], digest: str) -> ReleaseHeader:
    """The header in a sealed file's plain data; ``digest`` is the hash of its bytes."""
    return ReleaseHeader(
        release=plain["release"],
        customer=plain["customer"],
        app=plain["app"],
        period=PeriodKind(plain["period"]),
        first=plain["first"],
        last=plain["last"],
        sealed_on=plain["sealed_on"],
        rule=plain["rule"],
        k=plain["k"],
        numbers=len(plain["numbers"]),
        hidden=plain["hidden"],
        late_dropped=plain["late_dropped"],
        previous=plain["previous"],
        hash=digest,
        noise=plain.get("noise", ""),
        promise=plain.get("promise", ""),
        missing=plain.get("missing", {}),
    )


def numbers_of(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[Number]:
    """The numbers in the rows of a table; a file of an older make has fewer columns. Raises ``ValueError``."""
    try:
        return msgspec.convert([dict(zip(columns, row, strict=True)) for row in rows], list[Number])
    except msgspec.ValidationError as error:
        raise ValueError("not the numbers of a release") from error
