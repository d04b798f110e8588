"""What a device says: one report, of one device, in one context, over one or more local days."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

PROTOCOL = 1
"""The version of the report's shape, in its field ``v``."""

REPORT_ID_BYTES = 16


class Tally(NamedTuple):
    """One line of one measure's result for one local day on one device.

    ``measure`` and ``label`` are the catalog's codes, ``fact`` is a ``Fact``; what ``slot``
    and ``n`` mean is the fact's rule. A measure's result is one tally or several.
    """

    measure: int
    label: int
    fact: int
    slot: int
    n: int


@dataclass(frozen=True, slots=True)
class ReportDay:
    """The tallies of one local day; ``day`` counts days since 1970-01-01."""

    day: int
    tallies: tuple[Tally, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """One upload.

    ``created``: the UTC day the report was sealed. ``policy``: the policy version the device
    knows. ``purposes``: each granted purpose with the policy version it was granted under.
    ``context``: granted context fields only, name to value. ``origin``: the same fields as they
    were at first use, given only when they differ. No field names a device or a person.
    """

    sdk: str
    catalog: int
    policy: int
    created: int
    purposes: Mapping[str, int]
    days: tuple[ReportDay, ...]
    context: Mapping[str, str] = field(default_factory=dict)
    origin: Mapping[str, str] | None = None


def new_report_id() -> str:
    """A fresh random report id: 32 lower-case hexadecimal digits, for idempotency only."""
    return os.urandom(REPORT_ID_BYTES).hex()
