"""What mypyc compiles is listed in one place for each distribution, and nothing in it loses its meaning by that."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMPILED = ("wire", "ingest", "aggregator")


def listed(folder: str) -> list[str]:
    """The modules of a distribution that are compiled where somebody asks for it."""
    plain = tomllib.loads((ROOT / folder / "pyproject.toml").read_text("utf-8"))
    hook = plain["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["mypyc"]
    assert hook["enable-by-default"] is False
    names: list[str] = hook["include"]
    return names


LISTED = [f"{folder}/{name}" for folder in COMPILED for name in listed(folder)]


@pytest.mark.parametrize("folder", COMPILED)
def test_the_list_is_sorted_and_of_modules_that_are_there(folder: str) -> None:
    """Nobody compiles what was renamed."""
    names = listed(folder)
    assert sorted(set(names)) == names
    assert [name for name in names if not (ROOT / folder / name).is_file()] == []


@pytest.mark.parametrize("name", LISTED)
def test_no_class_has_options_that_compiling_drops(name: str) -> None:
    """A struct's options go to its metaclass, and mypyc passes none on: they are inherited (``step.py``).

    Nor is one of its annotations a ``ClassVar``: compiled, it would be a field. A named tuple stays interpreted;
    on a report's way at the edge there is none.
    """
    for node in ast.walk(ast.parse((ROOT / name).read_text("utf-8"))):
        if isinstance(node, ast.ClassDef):
            bases = {ast.unparse(base) for base in node.bases}
            assert not bases & {"msgspec.Struct", "Struct"}, node.name
            assert "NamedTuple" not in bases or not name.startswith("ingest/"), node.name
            if "Step" in bases:
                assert {word.arg for word in node.keywords} <= {"frozen"}, node.name
                assert not [
                    one for one in node.body if isinstance(one, ast.AnnAssign) and "ClassVar" in ast.unparse(one)
                ]
