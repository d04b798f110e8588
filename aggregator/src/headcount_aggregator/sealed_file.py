"""One sealed file: its header and its numbers, as they were sealed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
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
    header = ReleaseHeader(
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
        hash=hashlib.sha256(data).hexdigest(),
        noise=plain.get("noise", ""),
        promise=plain.get("promise", ""),
        missing=plain.get("missing", {}),
    )
    return header, numbers_of(plain["columns"], plain["numbers"])


def numbers_of(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[Number]:
    """The numbers in the rows of a table; a file of an older make has fewer columns. Raises ``ValueError``."""
    try:
        return msgspec.convert([dict(zip(columns, row, strict=True)) for row in rows], list[Number])
    except msgspec.ValidationError as error:
        raise ValueError("not the numbers of a release") from error
