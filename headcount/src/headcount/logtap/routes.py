"""Route classes: declared patterns, the first that matches gives the class, ``other`` is the rest.

A class is a word of the declaration. What a path was is not known any more once its class is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from headcount_wire.declared import Declared
from headcount_wire.detectors import finds_identifier, finds_reserved_name

REST = "other"
CLASSES_MOST = 100
CLASS_CHARACTERS = 40
PATTERNS_PER_CLASS = 32
_WORD = r"[a-z][a-z0-9_]*"
_SHAPE = re.compile(r"(?:/[A-Za-z0-9._~!$&'()+,;=:@%-]*\*?[A-Za-z0-9._~!$&'()+,;=:@%-]*)*(?:/\*\*)?", re.ASCII)
_QUAD = re.compile(r"(?<!\d)\d{1,3}(?:\.\d{1,3}){3}(?!\d)", re.ASCII)
"""The detector lets small ones pass, which may be versions; in a path they are none."""

_SAMPLE = "\x7f"
"""Stands in for ``*`` when a pattern is held against earlier ones: no declared letter is one."""


@dataclass(frozen=True, slots=True)
class RouteClass:
    """One class and its patterns: ``*`` is one segment or a part of it, ``/**`` at the end is all that follows."""

    name: str
    patterns: tuple[str, ...]


class Routes:
    """From a path to the number of its class; 0 is ``other``, the declared ones follow in their order."""

    def __init__(self, classes: Sequence[RouteClass]) -> None:
        self.names = (REST, *(one.name for one in classes))
        alternatives = ("|".join(_regex(pattern) for pattern in one.patterns) for one in classes)
        self._match = re.compile("|".join(f"({found})" for found in alternatives).encode() or b"(?!)", re.DOTALL).match
        # Paths that are spelled out need no search, whatever stands before them: their class is worked out here.
        plain = {p.encode() for one in classes for p in one.patterns if "*" not in p}
        self.spelled_out = {path: self.class_of(path) for path in plain}

    def class_of(self, path: bytes) -> int:
        """The class of a path without its query, as it stands in the log."""
        found = self._match(path)
        return found.lastindex or 0 if found else 0


def declared_classes(root: Declared) -> tuple[RouteClass, ...]:
    """The classes under ``[[routes]]``; what cannot be one, or looks like an identifier, is a fault with its line."""
    found: list[RouteClass] = []
    for table in root.items("routes"):
        name = table.text("class", pattern=_WORD, form="a lower-case word of letters, digits and _")
        patterns = table.texts("patterns")
        table.close()
        _look_at_name(name, {one.name for one in found}, table)
        if not 1 <= len(patterns) <= PATTERNS_PER_CLASS:
            table.fault(f"must list 1 to {PATTERNS_PER_CLASS} patterns", "patterns")
        for number, pattern in enumerate(patterns, 1):
            _look_at_pattern(pattern, number, found, table)
        sound = tuple(pattern for pattern in patterns if _SHAPE.fullmatch(pattern))
        found.append(RouteClass(name, sound))
    if len(found) > CLASSES_MOST:
        root.fault(f"must list at most {CLASSES_MOST} classes", "routes")
    return tuple(found)


def _look_at_name(name: str, taken: set[str], table: Declared) -> None:
    if name == REST:
        table.fault(f'"{REST}" is always there and is not declared', "class")
    elif name in taken:
        table.fault(f'"{name}" is declared twice; list all its patterns in one place', "class")
    elif len(name) > CLASS_CHARACTERS:
        table.fault(f"must be at most {CLASS_CHARACTERS} characters", "class")
    elif finds_reserved_name(name):
        table.fault(f'"{name}" promises an identifier, and Headcount counts none', "class")
    elif kind := finds_identifier(name):
        table.fault(f'"{name}" looks like {kind}, and Headcount counts no identifier', "class")


def _look_at_pattern(pattern: str, number: int, before: Sequence[RouteClass], table: Declared) -> None:
    place = f"pattern {number}"
    if not pattern or not _SHAPE.fullmatch(pattern):
        table.fault(f"{place} must be a path such as /api/users/*/avatar or /static/** (no query)", "patterns")
    elif kind := "an IP address" if _QUAD.search(pattern) else finds_identifier(pattern):
        table.fault(f"{place} holds what looks like {kind}; write * in its place", "patterns")
    else:
        sample = re.sub(r"\*+", _SAMPLE, pattern)
        earlier = next((one.name for one in before if any(_matches(p, sample) for p in one.patterns)), None)
        if earlier is not None:
            table.fault(f"{place} is never reached: {earlier}, which stands before it, takes all of it", "patterns")


def _matches(pattern: str, path: str) -> bool:
    return re.match(_regex(pattern), path, re.DOTALL) is not None


def _regex(pattern: str) -> str:
    """A pattern as an expression for whole paths, ``/`` at the end or not; it takes a time linear in the path."""
    rest = pattern.endswith("/**")
    segments = (pattern[:-3] if rest else pattern.rstrip("/")).split("/")[1:]
    whole = "".join("/" + (r"[^/]++" if one == "*" else re.escape(one).replace(r"\*", "[^/]*")) for one in segments)
    if not whole:
        return r"/.*\Z" if rest else r"//?\Z"
    return f"{whole}(?:/.*)?\\Z" if rest else f"{whole}/?\\Z"
