"""Classes of named fields for what an app embeds: like ``dataclass``, and nothing is compiled to make one.

``dataclasses`` writes the methods of each class as text and compiles them whenever it is imported: 10 to 16 kB and
half a millisecond a class, in every app, and the module brings ``inspect`` along. A ``Record`` has one set of methods
for all. It is slower to make, by a microsecond or two, so none is made for each recording or request; what is never
changed and keeps nothing besides its fields is better a ``NamedTuple``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn, Self, TypeVar, cast, dataclass_transform

T = TypeVar("T")


class _Made:
    """A default that is made anew for each record."""

    def __init__(self, factory: Callable[[], object]) -> None:
        self.make = factory


def made(*, factory: Callable[[], T]) -> T:
    """A field whose default is made anew for each record."""
    return cast("T", _Made(factory))


@dataclass_transform(field_specifiers=(made,))
class Fields(type):
    """Takes a class's fields out of its annotations. ``slots=False`` for one that caches what follows from them."""

    _fields: tuple[str, ...]
    _field_defaults: dict[str, Any]

    def __new__(
        mcs, name: str, bases: tuple[type, ...], space: dict[str, Any], *, frozen: bool = False, slots: bool = True
    ) -> Fields:
        """``frozen``: the fields cannot be set again, and there is a hash."""
        fields = tuple(space.get("__annotations__", ()))
        defaults = {field: space.pop(field) for field in fields if field in space}
        if slots:
            space["__slots__"] = fields
        space |= {"_fields": fields, "_field_defaults": defaults, "__match_args__": fields}
        space |= {"__setattr__": _refuse, "__hash__": _hash} if frozen else {"__hash__": None}
        return super().__new__(mcs, name, bases, space)


class Record(metaclass=Fields):
    """The base of a class of named fields. ``uncompared``: those in which two equal records may differ."""

    uncompared = frozenset[str]()

    def __init__(self, *values: Any, **named: Any) -> None:
        kind = type(self)
        given = dict(zip(kind._fields, values, strict=False))
        wrong = sorted(given.keys() & named.keys() | named.keys() - {*kind._fields})
        given = {**kind._field_defaults, **given, **named}
        if wrong or len(values) > len(kind._fields) or len(given) < len(kind._fields):
            raise TypeError(f"{kind.__name__} takes {', '.join(kind._fields)}, each of them once: {wrong or [*given]}")
        for field, value in given.items():
            object.__setattr__(self, field, value.make() if isinstance(value, _Made) else value)

    def replaced(self, **changes: Any) -> Self:
        """The same, but for some fields."""
        return type(self)(**{**{field: getattr(self, field) for field in type(self)._fields}, **changes})

    def compared(self) -> Iterator[object]:
        """The fields that make two records equal."""
        return (getattr(self, field) for field in type(self)._fields if field not in self.uncompared)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record) or type(other) is not type(self):
            return NotImplemented
        return all(mine == theirs for mine, theirs in zip(self.compared(), other.compared(), strict=True))

    def __repr__(self) -> str:
        inside = ", ".join(f"{field}={getattr(self, field)!r}" for field in type(self)._fields)
        return f"{type(self).__name__}({inside})"


def _hash(record: Record) -> int:
    return hash(tuple(record.compared()))


def _refuse(record: Record, name: str, _: object) -> NoReturn:
    raise AttributeError(f"{name}: a {type(record).__name__} is not changed")
