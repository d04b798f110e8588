"""What mypyc compiles is listed in one place, and nothing in it loses its meaning by that."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

INGEST = Path(__file__).parents[2] / "ingest"
WHEEL = tomllib.loads((INGEST / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
LISTED: list[str] = WHEEL["hooks"]["mypyc"]["include"]


def test_the_list_is_sorted_and_of_modules_that_are_there() -> None:
    """Nobody compiles what was renamed."""
    assert sorted(set(LISTED)) == LISTED
    assert [name for name in LISTED if not (INGEST / name).is_file()] == []


@pytest.mark.parametrize("name", LISTED)
def test_no_class_has_options_that_compiling_drops(name: str) -> None:
    """A struct's options go to its metaclass, and mypyc passes none on: they are inherited (``step.py``).

    Nor is one of its annotations a ``ClassVar``: compiled, it would be a field.
    """
    for node in ast.walk(ast.parse((INGEST / name).read_text("utf-8"))):
        if isinstance(node, ast.ClassDef):
            bases = {ast.unparse(base) for base in node.bases}
            assert not bases & {"msgspec.Struct", "Struct", "NamedTuple"}, node.name
            if "Step" in bases:
                assert {word.arg for word in node.keywords} <= {"frozen"}, node.name
                assert not [
                    one for one in node.body if isinstance(one, ast.AnnAssign) and "ClassVar" in ast.unparse(one)
                ]
