"""The context fields a report may carry, and the closed list of values of each.

A field's value is one of its list, or ``other``; a field that was not granted, or that the
device could not read, is ``unknown``. The only open field is ``app_version``: it has a grammar
and is guarded by ``detectors``.
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import cache

from headcount_wire._names import LANGUAGES, TIME_ZONES
from headcount_wire.detectors import finds_identifier

UNKNOWN = "unknown"
"""The value of a field that was not granted or could not be read."""

OTHER_VALUE = "other"
"""The value of a field that holds something its list does not."""


class Dimension(IntEnum):
    """The context fields, each with its stable code. The order is that of a spool record."""

    OS = 1
    OS_VERSION = 2
    LANGUAGE = 3
    TIME_ZONE = 4
    APP_VERSION = 5
    DEVICE_CLASS = 6

    @property
    def field(self) -> str:
        """The name in a report, a catalog and a dashboard."""
        return self.name.lower()


DIMENSIONS: dict[str, Dimension] = {dimension.field: dimension for dimension in Dimension}


_APP_VERSION = re.compile(r"\A[0-9]{1,4}(\.[0-9]{1,4}){0,3}(-(alpha|beta|rc|dev)(\.?[0-9]{1,3})?)?\Z")

_CLOSED: dict[Dimension, str] = {
    Dimension.OS: " android ios ipados macos windows linux chromeos web ",
    Dimension.OS_VERSION: " " + "".join(f"{major} " for major in range(1, 100)),
    Dimension.LANGUAGE: LANGUAGES,
    Dimension.TIME_ZONE: TIME_ZONES,
    Dimension.DEVICE_CLASS: " phone tablet desktop tv watch car server ",
}
"""Each value between two spaces."""


def canonical(dimension: Dimension, value: str) -> str:
    """The value to count under: one of the field's list, or ``other``."""
    if dimension is Dimension.APP_VERSION:
        return value if _APP_VERSION.match(value) and not finds_identifier(value) else OTHER_VALUE
    return value if " " not in value and f" {value} " in _CLOSED[dimension] else OTHER_VALUE


@cache
def values_of(dimension: Dimension) -> frozenset[str] | None:
    """The closed list of a field's values, or ``None`` for the open one."""
    return None if dimension is Dimension.APP_VERSION else frozenset(_CLOSED[dimension].split())
