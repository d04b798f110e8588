"""Who may import whom: the arrows of ARCHITECTURE.md, held."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "headcount_wire": ROOT / "wire/src/headcount_wire",
    "headcount_sdk": ROOT / "sdk/src/headcount_sdk",
    "headcount_ingest": ROOT / "ingest/src/headcount_ingest",
    "headcount_aggregator": ROOT / "aggregator/src/headcount_aggregator",
    "headcount": ROOT / "headcount/src/headcount",
}
ALLOWED = {
    "headcount_wire": set[str](),
    "headcount_sdk": {"headcount_wire"},
    "headcount_ingest": {"headcount_wire"},
    "headcount_aggregator": {"headcount_wire"},
    "headcount": {"headcount_wire", "headcount_sdk", "headcount_ingest", "headcount_aggregator"},
}
ON_DEVICE = {"msgpack"}
"""What wire and sdk may import beyond the standard library: the one declared extra."""


def _names() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for package, folder in PACKAGES.items():
        for file in sorted(folder.rglob("*.py")):
            name = ".".join((package, *file.relative_to(folder).with_suffix("").parts))
            found[name.removesuffix(".__init__")] = file
    return found


MODULES = _names()
"""Every module of the project, by its dotted name."""


def imports_of(file: Path) -> Iterator[tuple[str, int]]:
    """Every module a file imports, lazily or not, with its line."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: imports are absolute"
            assert node.module
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                yield (submodule if submodule in MODULES else node.module), node.lineno


def modules(package: str) -> list[Path]:
    return sorted(PACKAGES[package].rglob("*.py"))


@pytest.mark.parametrize("package", PACKAGES)
def test_arrows_point_one_way(package: str) -> None:
    """sdk -> wire <- ingest, wire <- aggregator, headcount -> all; nothing else."""
    for file in modules(package):
        for name, line in imports_of(file):
            top = name.split(".")[0]
            if top in PACKAGES and top != package:
                assert top in ALLOWED[package], f"{file}:{line}: {package} may not import {top}"


@pytest.mark.parametrize("package", ["headcount_wire", "headcount_sdk"])
def test_device_code_needs_only_the_standard_library(package: str) -> None:
    """What runs on a phone imports the standard library and wire, and no module a phone lacks."""
    lacking = {"subprocess", "multiprocessing", "curses", "readline", "asyncio.subprocess"}
    for file in modules(package):
        for name, line in imports_of(file):
            top = name.split(".")[0]
            assert top in sys.stdlib_module_names or top in PACKAGES or top in ON_DEVICE, f"{file}:{line}: {name}"
            assert name not in lacking, f"{file}:{line}: {name} is not there on every phone"


def test_there_is_no_import_cycle() -> None:
    """No module imports itself through others; a folder tree with a cycle has no bottom."""
    graph = {
        name: {found for found, _ in imports_of(file) if found in MODULES and found != name}
        for name, file in MODULES.items()
    }
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"import cycle: {' -> '.join((*path[path.index(name) :], name))}"
        if name not in done:
            for found in sorted(graph[name]):
                visit(found, (*path, name))
            done.add(name)

    for name in sorted(graph):
        visit(name, ())


CELL_SIDE = (
    *("warehouse", "load", "cells", "cell_reader", "rollup", "release", "retention", "backup", "debug_publisher"),
    *("store", "store_answers", "settings", "chains", "release_report"),
)
"""The modules of the aggregator that can reach a cell."""


def test_the_api_and_the_dashboard_cannot_reach_cells() -> None:
    """From web, api and dashboard no chain of imports leads to the warehouse, the loader or the cells."""
    roots = [name for name in MODULES if re.match(r"headcount_aggregator\.(web|api|dashboard|store_client)\b", name)]
    reached, waiting = set[str](), list(roots)
    while waiting:
        name = waiting.pop()
        if name in reached:
            continue
        reached.add(name)
        waiting += [found for found, _ in imports_of(MODULES[name]) if found in MODULES]
    for name in sorted(reached):
        part = name.split(".")[1] if "." in name else ""
        assert part not in CELL_SIDE, f"the web process can reach {name}"
        for found, line in imports_of(MODULES[name]):
            assert found.split(".")[0] not in ("chdb", "clickhouse_driver"), f"{name}:{line}: {found}"
