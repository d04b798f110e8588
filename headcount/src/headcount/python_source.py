"""Values written as Python source, laid out as a formatter would."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from headcount_wire.record import Record

WIDTH = 88
INDENT = "    "
POSITIONAL = frozenset({"Breakdown", "Label", "Step"})
"""Classes whose few fields need no names."""
EXPLODED = frozenset({"Catalog", "Measure", "Purpose"})
"""Classes that are always written one field a line, so that a change is a line of a comparison."""


def literal(value: object, depth: int = 0, room: int = 0) -> str:
    """A value as source, to stand at a depth of indentation with ``room`` characters before and after it."""
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, str):
        return text(value)
    if isinstance(value, Mapping):
        items = [(f"{literal(key)}: ", item) for key, item in value.items()]
        return _enclosed("{", items, "}", depth, room, explode=len(items) > 0)
    if isinstance(value, Record) or hasattr(value, "_fields"):
        return _fields(value, depth, room)
    if isinstance(value, tuple):
        if len(value) == 1:
            return f"({literal(value[0], depth, room + 3)},)"
        return _enclosed("(", [("", item) for item in value], ")", depth, room)
    return repr(value)


def text(value: str) -> str:
    """A text in the quotes that need fewer escapes, double ones where that is equal."""
    quote = "'" if value.count('"') > value.count("'") else '"'
    return quote + "".join(f"\\{c}" if c in (quote, "\\") else _escaped(c) for c in value) + quote


def prose(value: str) -> str:
    """A text that can stand in a docstring: one line, printable, nothing that would end it."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in value).split())
    return flat.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')


def docstring(sentences: Sequence[str], depth: int) -> str:
    """A docstring of one paragraph a sentence; it ends in a letter or a full stop, which the caller sees to."""
    pad = INDENT * depth
    paragraphs = [
        textwrap.fill(
            sentence,
            WIDTH,
            initial_indent=pad + ('"""' if not number else ""),
            subsequent_indent=pad,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for number, sentence in enumerate(sentences)
    ]
    return "\n\n".join(paragraphs) + (f'\n{pad}"""' if len(sentences) > 1 else '"""')


def bracketed(start: str, items: Sequence[str], end: str, depth: int, room: int = 0) -> str:
    """Source between brackets: in one line where it fits, else an item a line with a comma after each."""
    line = f"{start}{', '.join(items)}{end}"
    if "\n" not in line and len(INDENT) * depth + room + len(line) <= WIDTH:
        return line
    pad = INDENT * (depth + 1)
    lines = "".join(f"{pad}{item},\n" for item in items)
    return f"{start}\n{lines}{INDENT * depth}{end}"


def _escaped(character: str) -> str:
    return character if character.isprintable() else repr(character)[1:-1]


def _fields(value: Any, depth: int, room: int) -> str:
    """A record or a named tuple: what is not its default, and makes a difference."""
    kind = type(value)
    uncompared = value.uncompared if isinstance(value, Record) else ()
    given = {field: getattr(value, field) for field in kind._fields if field not in uncompared}
    told = {
        field: one
        for field, one in given.items()
        if field not in kind._field_defaults or one != kind._field_defaults[field]
    }
    items = [("" if kind.__name__ in POSITIONAL else f"{field}=", one) for field, one in told.items()]
    return _enclosed(f"{kind.__name__}(", items, ")", depth, room, explode=kind.__name__ in EXPLODED)


def _enclosed(
    start: str, items: Sequence[tuple[str, object]], end: str, depth: int, room: int, *, explode: bool = False
) -> str:
    plain = [label + literal(item) for label, item in items]
    line = bracketed(start, plain, end, depth, room)
    if "\n" not in line and not explode:
        return line
    pad = INDENT * (depth + 1)
    lines = [f"{pad}{label}{literal(item, depth + 1, len(label) + 1)},\n" for label, item in items]
    return f"{start}\n{''.join(lines)}{INDENT * depth}{end}"
