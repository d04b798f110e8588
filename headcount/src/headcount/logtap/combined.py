"""Lines of nginx's and Apache's combined format (and the common one), with times after them or not. Pure.

One expression takes of a line its date, method, path, status class and latency. Address, user, time of day,
query, referrer, user agent and size lie outside its groups: no name ever stands for them. It backs up nowhere
(possessive quantifiers), so that no line can make it slow.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from headcount.logtap.labels import label_of
from headcount.logtap.reading import Counted, Latencies, LogDays
from headcount.logtap.routes import Routes

UNIT_OF = {"request_time": "s", "upstream_time": "s", "seconds": "s", "milliseconds": "ms", "microseconds": "us"}
"""What may stand after the user agent, with its unit."""

SKIP = "skip"
"""One thing after the user agent that is not read: a word, or a text in quotes."""

_DATE = rb"(\d\d/[A-Z][a-z][a-z]/\d{4}):\d\d:\d\d:\d\d [+-]\d{4}\] \""
_BEFORE = rb"[^\[\n]*+(?:\[(?!" + _DATE.replace(b"(", b"").replace(b")", b"") + rb")[^\[\n]*+)*+\["
"""Address, user and whatever stands before the date; a user's name may hold brackets."""

_QUOTED = rb'[^"\\\n]*+(?:\\.[^"\\\n]*+)*+'
_PATH = rb'[^ ?"\\\n]*+(?:\\.[^ ?"\\\n]*+)*+'
_TIME = rb"(?:\d++(?:\.\d++)?|-)"
_TIMES = _TIME + rb"(?:(?:, | : )" + _TIME + rb")*+"
_SKIPPED = rb'(?:"' + _QUOTED + rb'"|[^ "\n]++)'


class Combined:
    """A reader of combined lines. ``after``: what follows the user agent, in order; ``latency``: which of it counts."""

    def __init__(self, routes: Routes, after: Sequence[str] = (), latency: str = "") -> None:
        self._routes = routes
        self._find = re.compile(_pattern(after, latency), re.MULTILINE).findall
        self._days = LogDays()
        self._latencies = Latencies(UNIT_OF.get(latency, "s"))

    def count(self, lines: bytes) -> Counted:
        """Count whole lines; those the expression does not fit are unreadable."""
        found = self._find(lines)
        # Paths are forgotten with the lines they stood in.
        classes, class_of = dict(self._routes.spelled_out), self._routes.class_of
        heads: dict[tuple[bytes, bytes, bytes], tuple[int | None, int]] = {}
        latencies = self._latencies
        seen: dict[tuple[int | None, int, int, int], int] = {}
        for date, method, path, status, latency in found:
            route = classes.get(path)
            if route is None:
                route = classes[path] = class_of(path)
            head = (date, method, status)
            known = heads.get(head)
            if known is None:
                known = heads[head] = (self._days[date], label_of(method, status))
            line = (known[0], route, known[1], latencies[latency])
            seen[line] = seen.get(line, 0) + 1
        counted = Counted(unreadable=lines.count(b"\n") - len(found))
        for (day, route, label, bucket), times in seen.items():
            counted.add(day, route, label, bucket, times)
        return counted


def _pattern(after: Sequence[str], latency: str) -> bytes:
    """The expression, with five groups: date, method, path, first digit of the status, latency."""
    tail = b""
    for name in reversed(after):
        kind = _SKIPPED if name == SKIP else _TIMES
        group = b"(" + kind + b")" if name == latency else kind
        tail = b"(?: " + group + tail + b")?+"
    return (
        rb"^" + _BEFORE + _DATE + rb"(?:([A-Z]++) (" + _PATH + rb")(?=[ ?\"]))?+" + _QUOTED + rb'" (\d)\d\d (?:\d++|-)'
        rb'(?: "'
        + _QUOTED
        + rb'" "'
        + _QUOTED
        + rb'")?+'
        + (tail if latency else tail + b"()")
        + rb"(?![^ \r\n])[^\n]*+$"
    )
