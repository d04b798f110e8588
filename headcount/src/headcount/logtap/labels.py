"""The label of every measure of the tap: method and status class, a closed list of 40 and ``other``."""

from __future__ import annotations

from headcount_wire.catalog import Label
from headcount_wire.facts import FIRST_LABEL, OTHER

METHODS = ("get", "head", "post", "put", "patch", "delete", "options", "other")
STATUS_CLASSES = (1, 2, 3, 4, 5)
ANSWER = Label("answer", tuple(f"{method}_{status}xx" for method in METHODS for status in STATUS_CLASSES))
"""``get_2xx``, ``post_5xx``, ...: the order stands for ever."""

_KNOWN = {method.upper().encode(): at for at, method in enumerate(METHODS[:-1])}


def label_of(method: bytes, status: bytes) -> int:
    """The label's code: of a method as it is logged, and a status of which the first digit counts."""
    at = status[:1]
    if at not in (b"1", b"2", b"3", b"4", b"5"):
        return OTHER
    return FIRST_LABEL + _KNOWN.get(method, len(METHODS) - 1) * len(STATUS_CLASSES) + int(at) - 1
