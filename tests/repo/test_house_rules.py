"""The rules of STYLE.md that a machine can check, each with its reason."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("wire", "sdk", "ingest", "aggregator", "headcount")
SOURCES = sorted(file for folder in FOLDERS for file in (ROOT / folder / "src").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
BROAD_EXCEPT = re.compile(r"except\s+(Exception|BaseException)\b(?!.*#)")


def named(file: Path) -> str:
    return str(file.relative_to(ROOT))


def functions(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("file", SOURCES, ids=named)
def test_a_module_fits_in_a_sitting(file: Path) -> None:
    """At most 400 lines: the files that projects regret all began as one more function."""
    assert len(file.read_text("utf-8").splitlines()) <= 400


@pytest.mark.parametrize("file", SOURCES, ids=named)
def test_a_function_fits_on_a_screen(file: Path) -> None:
    """At most 70 lines a function."""
    for function in functions(file):
        assert (function.end_lineno or 0) - function.lineno < 70, f"{file}:{function.lineno} {function.name}"


@pytest.mark.parametrize("file", SOURCES, ids=named)
def test_a_module_says_what_it_is(file: Path) -> None:
    """Every module opens with a sentence, and is named after its subject."""
    text = file.read_text("utf-8")
    assert ast.get_docstring(ast.parse(text)), "no module docstring"
    assert file.stem not in {"util", "utils", "helpers", "common", "misc"}
    assert file.stem.strip("_") not in sys.stdlib_module_names - {"select"} or file.stem.startswith("__"), (
        "named after a module of the standard library"
    )


@pytest.mark.parametrize("file", SOURCES, ids=named)
def test_public_functions_say_what_they_do(file: Path) -> None:
    """Public functions and classes of public modules carry a docstring, except one-line protocol methods."""
    tree = ast.parse(file.read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{file}:{node.lineno}: {node.name} has no docstring"


@pytest.mark.parametrize("file", SOURCES, ids=named)
def test_broad_excepts_are_explained(file: Path) -> None:
    """``except Exception`` stands only with a comment beside it that says why."""
    for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        assert not BROAD_EXCEPT.search(line), f"{file}:{number}: say why on the same line"


@pytest.mark.parametrize("file", SOURCES, ids=named)
def test_time_is_an_argument(file: Path) -> None:
    """Only the clocks read the system's time; everything else is given a clock."""
    if file.name in ("clock.py", "file_clock.py"):
        return
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in (
            "time.time",
            "datetime.now",
            "dt.datetime.now",
            "dt.date.today",
            "datetime.utcnow",
            "dt.datetime.utcnow",
        ):
            pytest.fail(f"{file}:{node.lineno}: take a clock as an argument")


@pytest.mark.parametrize("file", TESTS, ids=named)
def test_a_test_states_its_claim(file: Path) -> None:
    """Every test has a docstring: the claim it proves."""
    for function in functions(file):
        if function.name.startswith("test_"):
            assert ast.get_docstring(function), f"{file}:{function.lineno}: {function.name} states no claim"


@pytest.mark.parametrize("file", [*SOURCES, *TESTS], ids=named)
def test_no_sleep(file: Path) -> None:
    """Nothing sleeps to wait for something that can be awaited."""
    if "benchmarks" in file.parts:
        return
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("time.sleep", "asyncio.sleep", "sleep"):
            argument = ast.unparse(node.args[0]) if node.args else ""
            assert argument == "0", f"{file}:{node.lineno}: await the event instead"
