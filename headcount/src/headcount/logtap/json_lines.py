"""Lines of JSON, with the names that the log gives its fields. Pure.

The decoder is told the declared fields and passes over all others without making anything of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import msgspec

from headcount.logtap.labels import label_of
from headcount.logtap.reading import UNTIMED, Counted, Latencies, Line, Moments
from headcount.logtap.routes import Routes

FIELDS = ("time", "status", "request", "method", "path", "latency")
"""What can be read of a line: ``request`` is a request line, in place of ``method`` and ``path``."""

Value = int | float | str | None


class JsonLines:
    """A reader of JSON lines.

    ``names``: of each of ``FIELDS`` that the log has, its name; ``a.b`` is ``b`` within ``a``.
    ``unit``: of the latency. ``zone``: whose days count where the time is a number.
    """

    def __init__(self, routes: Routes, names: Mapping[str, str], unit: str = "s", zone: str = "UTC") -> None:
        self._routes = routes
        self._decode = msgspec.json.Decoder(_shape([name.split(".") for name in names.values()])).decode
        self._get = {field: _getter(name.split(".")) for field, name in names.items()}
        self._moments = Moments(zone)
        self._latencies = Latencies(unit)

    def count(self, lines: bytes) -> Counted:
        """Count whole lines; those that are no JSON, or lack the time or the status, are unreadable."""
        counted = Counted()
        seen: dict[Line, int] = {}
        classes = dict(self._routes.spelled_out)
        for text in lines.split(b"\n")[:-1]:
            line = self._read(text, classes)
            if line is None:
                counted.unreadable += 1
            else:
                seen[line] = seen.get(line, 0) + 1
        counted.lines = seen
        return counted

    def _read(self, text: bytes, classes: dict[bytes, int]) -> Line | None:
        """What a line says; ``None`` for one that is unreadable."""
        try:
            return self._line(self._decode(text), classes)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            # Servers write the bytes of a path as they came: those that are no text make it no line less.
            repaired = text.decode(errors="replace").encode()
            return self._read(repaired, classes) if repaired != text else None

    def _line(self, entry: Any, classes: dict[bytes, int]) -> Line | None:
        get = self._get
        time, status = get["time"](entry), get["status"](entry)
        digits = str(status).encode() if isinstance(status, int | str) else b""
        day = self._moments.day(time) if time is not None else None
        if day is None or len(digits) != 3 or not digits.isdigit():
            return None
        method, path = self._request(entry)
        route = classes.get(path)
        if route is None:
            route = classes[path] = self._routes.class_of(path)
        return day, route, label_of(method, digits), self._bucket(entry)

    def _request(self, entry: Any) -> tuple[bytes, bytes]:
        if "request" in self._get:
            method, _, target = _text(self._get["request"](entry)).partition(" ")
            path = target.partition(" ")[0]
        else:
            method, path = (_text(self._get[field](entry)) for field in ("method", "path"))
        return method.encode(errors="replace"), path.partition("?")[0].encode(errors="replace")

    def _bucket(self, entry: Any) -> int:
        if "latency" not in self._get:
            return UNTIMED
        value = self._get["latency"](entry)
        if isinstance(value, str):
            return self._latencies[value.encode(errors="replace")]
        return UNTIMED if value is None else self._latencies.bucket(value)


def _text(value: Value) -> str:
    return value if isinstance(value, str) else ""


def _shape(paths: Sequence[list[str]]) -> type[msgspec.Struct]:
    """A type that has the fields at these paths and nothing else."""
    fields: list[tuple[str, Any, Any]] = []
    for name in dict.fromkeys(path[0] for path in paths):
        below = [path[1:] for path in paths if path[0] == name and len(path) > 1]
        fields.append((_attribute(name), _shape(below) | None if below else Value, None))
    return msgspec.defstruct("Line", fields, rename={_attribute(path[0]): path[0] for path in paths})


def _getter(path: list[str]) -> Callable[[Any], Any]:
    """What gives the value at a path; ``None`` where a part of it is missing."""
    first, *rest = (attrgetter(_attribute(name)) for name in path)
    if not rest:
        return first

    def get(entry: Any) -> Any:
        found = first(entry)
        for one in rest:
            if found is None:
                return None
            found = one(found)
        return found

    return get


def _attribute(name: str) -> str:
    """A field's name as Python can spell it."""
    return f"f{name.encode().hex()}"
