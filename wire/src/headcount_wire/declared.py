"""Reading a declared TOML file: typed access, every fault collected, each with its line.

The standard library's TOML reader gives values without positions; ``Declared`` finds the line
again from the path of keys, so that whoever wrote the file is sent to the right place. All
faults of a file are reported at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any, TypeVar, cast

from headcount_wire import limits
from headcount_wire.errors import DeclarationError, Finding

Path = tuple[str | int, ...]

T = TypeVar("T")


FAULTS_MOST = 50
"""Faults of one file that are told; nobody mends more of them at a time."""


class Faults:
    """The faults found in one file, and where its keys stand."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.findings: list[Finding] = []

    def add(self, path: Path, fault: str) -> None:
        """Note a fault at a path of keys; beyond a number of them, only that there are more."""
        if len(self.findings) < FAULTS_MOST:
            self.findings.append(Finding(self.line_of(path), _spell(path) or "the file", fault))
        elif len(self.findings) == FAULTS_MOST:
            more = f"has more faults; these are {FAULTS_MOST} of them"
            self.findings.append(Finding(self._lines.number, "the file", more))

    def line_of(self, path: Path) -> int:
        """The line on which a path is declared, or the nearest one above it (1 when none is)."""
        for length in range(len(path), 0, -1):
            for table_length in range(length, -1, -1):
                line = self._find(path[:table_length], path[table_length:length])
                if line:
                    return line
        return 1

    def _find(self, table: Path, rest: Path) -> int:
        names = tuple(part for part in table if isinstance(part, str))
        index = next((part for part in table if isinstance(part, int)), 0)
        start = 0
        if table:
            headers = self._lines.headers.get(names, ())
            if index >= len(headers):
                return 0
            start = headers[index]
        if not rest:
            return start
        wanted = tuple(part for part in rest if isinstance(part, str))
        keys = self._lines.keys.get(start, ())
        return next((line for named, line in keys if wanted and wanted[: len(named)] == named), 0)

    @cached_property
    def _lines(self) -> Lines:
        return Lines(self._text)


class Lines:
    """On which lines of a TOML text its tables begin, and which keys stand under each; made in one look at it."""

    def __init__(self, text: str) -> None:
        self.headers: dict[tuple[str, ...], list[int]] = {}
        self.keys: dict[int, list[tuple[tuple[str, ...], int]]] = {}
        self.number = 1
        start = 0
        for number, whole in enumerate(text.splitlines(), 1):
            self.number = number
            line = whole.strip()
            if line.startswith("["):
                start = number
                self.headers.setdefault(_split(_between_brackets(line)), []).append(number)
                continue
            key, equals, _ = line.partition("=")
            if equals and "#" not in key and (named := _split(key)):
                self.keys.setdefault(start, []).append((named, number))


def _between_brackets(line: str) -> str:
    """What a table's header names; a bracket inside quotes is a part of a name."""
    quote = ""
    inner = line.lstrip("[")
    for at, character in enumerate(inner):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character == "]":
            return inner[:at]
    return ""


def _split(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(r"\"[^\"]*\"|'[^']*'|[^.\s\"']+", dotted))


def _spell(path: Path) -> str:
    spelled = ""
    for part in path:
        if isinstance(part, int):
            spelled += f"[{part + 1}]"
        else:
            name = part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else f'"{part}"'
            spelled += f".{name}" if spelled else name
    return spelled


class Declared:
    """One table of a declared file. Reading a key marks it; ``close`` reports those nobody read."""

    def __init__(self, table: dict[str, Any], path: Path, faults: Faults) -> None:
        self.path = path
        self.faults = faults
        self._table = table
        self._read: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return key in self._table

    def fault(self, fault: str, *keys: str | int) -> None:
        """Note a fault in this table, or at a key of it."""
        self.faults.add((*self.path, *keys), fault)

    def text(self, key: str, default: str | None = None, *, pattern: str | None = None, form: str = "") -> str:
        """A text; with ``pattern``, one that matches it whole (``form`` says how it looks)."""
        value = self._get(key, str, "a text", default)
        if value is None:
            return ""
        if pattern is not None and not re.fullmatch(pattern, value):
            self.fault(f"must be {form}", key)
            return ""
        return value

    def integer(self, key: str, least: int, most: int, default: int | None = None) -> int:
        """A whole number between two bounds, both included."""
        value = self._get(key, int, "a whole number", default)
        if value is None:
            return least
        if not least <= value <= most:
            self.fault(f"must be from {least} to {most}, but is {value}", key)
            return least
        return value

    def boolean(self, key: str, default: bool) -> bool:
        """``true`` or ``false``."""
        value = self._get(key, bool, "true or false", default)
        return default if value is None else value

    def texts(self, key: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """A list of texts, none of them twice."""
        value = self._get(key, list, "a list of texts", None if default is None else list(default))
        if value is None:
            return ()
        if not all(isinstance(item, str) for item in value):
            self.fault("must be a list of texts", key)
            return ()
        if len(set(value)) != len(value):
            self.fault("must not name anything twice", key)
        return tuple(value)

    def day(self, key: str) -> int | None:
        """A date (``2027-01-31``) as a day number, or ``None`` when it is not given."""
        import datetime as dt

        from headcount_wire import days

        if key not in self._table:
            return None
        self._read.add(key)
        value = self._table[key]
        if isinstance(value, str):
            try:
                return days.parse(value)
            except ValueError:
                pass
        if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
            return days.from_date(value)
        self.fault("must be a date, such as 2027-01-31", key)
        return None

    def table(self, key: str, *, optional: bool = False) -> Declared:
        """A table below this one; an empty one when it is not there."""
        value = self._get(key, dict, "a table", {} if optional else None)
        return Declared(value or {}, (*self.path, key), self.faults)

    def tables(self, key: str, *, optional: bool = False) -> Iterator[tuple[str, Declared]]:
        """The named tables below a table: ``[key.name]``."""
        parent = self.table(key, optional=optional)
        for name, value in parent._table.items():
            if isinstance(value, dict):
                yield name, Declared(cast("dict[str, Any]", value), (*parent.path, name), self.faults)
            else:
                parent.fault("must be a table", name)

    def items(self, key: str) -> Iterator[Declared]:
        """The tables of a list of tables: ``[[key]]``."""
        value = self._get(key, list, "a list of tables", [])
        for index, item in enumerate(value or []):
            if isinstance(item, dict):
                yield Declared(cast("dict[str, Any]", item), (*self.path, key, index), self.faults)
            else:
                self.fault("must be a list of tables", key)

    def names(self) -> tuple[str, ...]:
        """The keys this table holds."""
        return tuple(self._table)

    def close(self) -> None:
        """Report every key that was not read: a misspelt setting must not pass in silence."""
        for key in [key for key in self._table if key not in self._read]:
            known = ", ".join(sorted(self._read))
            self.fault(f"is not known here (known: {known})", key)

    def _get(self, key: str, kind: type[T], form: str, default: T | None) -> T | None:
        self._read.add(key)
        if key not in self._table:
            if default is None:
                self.fault(f"{key} is missing")
            return default
        value = self._table[key]
        if type(value) is not kind:
            self.fault(f"must be {form}", key)
            return default
        return value


def read_toml(text: str, file: str, error: type[DeclarationError]) -> Declared:
    """The root table of a TOML text; raises ``error`` when it is no TOML at all."""
    if len(text.encode(errors="replace")) > limits.CATALOG_BYTES:
        raise error(file, [Finding(1, "the file", f"is larger than {limits.CATALOG_BYTES} bytes")])
    import tomllib  # an app that ships its catalog as Python never needs this

    try:
        table = tomllib.loads(text)
    except RecursionError:
        raise error(file, [Finding(1, "the file", "is nested too deeply")]) from None
    except ValueError as fault:  # no TOML, or a number that Python does not read
        where = re.search(r"\(at line (\d+), column \d+\)", str(fault))
        line = int(where.group(1)) if where else max(1, len(text.splitlines()))
        what = re.sub(r"\s*\(at .*\)$", "", str(fault))
        raise error(file, [Finding(line, "the file", f"is not valid TOML: {what}")]) from None
    return Declared(table, (), Faults(text))
