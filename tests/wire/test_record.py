"""Records: what ``dataclass`` promises, without its price at import."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from headcount_wire.record import Record, made


class Open(Record):
    """Can be changed."""

    name: str
    held: list[int] = made(factory=list)


class Shut(Record, frozen=True, slots=False):
    """Cannot."""

    name: str
    file: str = ""

    uncompared = frozenset({"file"})


def test_a_record_has_its_fields_and_no_others() -> None:
    """By place or by name, each once; a default that is made is each record's own."""
    one, other = Open("a"), Open(name="a")
    one.held.append(1)
    assert (one.name, one.held, other.held) == ("a", [1], [])
    assert repr(one) == "Open(name='a', held=[1])"
    with pytest.raises(AttributeError):
        one.more = 1  # type: ignore[attr-defined]  # that is the claim
    wrong: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        ((), {}),
        (("a", [], 1), {}),
        (("a",), {"name": "b"}),
        (("a",), {"more": 1}),
    ]
    for values, named in wrong:
        with pytest.raises(TypeError):
            Open(*values, **named)


def test_records_are_equal_by_what_is_compared() -> None:
    """A copy is equal, a change is not, another class never is; what is not compared makes no difference."""
    assert deepcopy(Open("a", [1])) == Open("a", [1]) != Open("a", [2])
    assert Shut("a", "x") == Shut("a", "y") != Shut("b", "x")
    assert Open("a") != Shut("a")
    assert hash(Shut("a", "x")) == hash(Shut("a", "y"))
    with pytest.raises(TypeError):
        hash(Open("a"))


def test_a_frozen_record_is_replaced_and_not_changed() -> None:
    """Setting a field is refused; ``replaced`` makes another one."""
    shut = Shut("a", "x")
    with pytest.raises(AttributeError):
        shut.name = "b"  # type: ignore[misc]  # that is the claim
    assert (shut.name, shut.replaced(name="b")) == ("a", Shut("b"))
