"""The five distributions and the one checkout say the same."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from headcount.command import app
from headcount_wire.version import VERSION
from typer.testing import CliRunner

ROOT = Path(__file__).parents[2]
MEMBERS = ("wire", "sdk", "ingest", "aggregator", "headcount")


def project(folder: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / folder / "pyproject.toml").read_text("utf-8"))


def third_party(requirements: list[str]) -> set[str]:
    names = {re.split(r"[<>=!;\[ ]", requirement)[0] for requirement in requirements}
    return {name for name in names if not name.startswith("headcount")}


def test_the_checkout_installs_what_the_members_need() -> None:
    """The root's dependencies are the union of the members', msgpack of the extra included."""
    needed = {requirement for member in MEMBERS for requirement in project(member)["project"]["dependencies"]}
    union = third_party(sorted(needed)) | {"msgpack"}
    assert third_party(project(".")["project"]["dependencies"]) == union


def test_the_checkout_holds_every_member() -> None:
    """The root wheel lists each member's package, and the workspace each member."""
    root = project(".")
    packages = root["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert set(root["tool"]["uv"]["workspace"]["members"]) == set(MEMBERS)
    for member in MEMBERS:
        (package,) = project(member)["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
        assert f"{member}/{package}" in packages
        assert (ROOT / member / package / "py.typed").is_file()
        assert (ROOT / member / "README.md").is_file()


@pytest.mark.parametrize("member", ["wire", "sdk"])
def test_device_distributions_need_nothing(member: str) -> None:
    """wire and sdk have no dependency outside the project: phones have no wheels for most."""
    assert third_party(project(member)["project"]["dependencies"]) == set()


def test_versions_move_together() -> None:
    """All five distributions carry one version, and pin each other to it."""
    versions = {project(member)["project"]["version"] for member in (*MEMBERS, ".")}
    assert len(versions) == 1
    (version,) = versions
    assert version == VERSION, "the code says the same one"
    assert version == project(".")["tool"]["towncrier"]["version"]
    for member in MEMBERS:
        for requirement in project(member)["project"]["dependencies"]:
            if requirement.startswith("headcount"):
                assert requirement.endswith(f"=={version}"), requirement


def test_the_command_says_its_version() -> None:
    """``headcount --version``, and nothing else."""
    said = CliRunner().invoke(app, ["--version"])
    assert (said.exit_code, said.output) == (0, f"headcount {VERSION}\n")
