"""The SDK as a phone has it: its own wheel, wire's, and the standard library; and the same with MessagePack."""

from __future__ import annotations

import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.contracts.kit.driver import PYTHON
from tests.contracts.kit.table import Check, checks, held

ROOT = Path(__file__).resolve().parents[2]
PLATFORMS = ["android_24_arm64_v8a", "android_24_x86_64", "ios_13_0_arm64_iphoneos", "ios_13_0_arm64_iphonesimulator"]


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheels of wire and sdk, as they would be published."""
    folder = tmp_path_factory.mktemp("wheels")
    for member in ("wire", "sdk"):
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
        subprocess.run(command, cwd=ROOT / member, check=True, capture_output=True, timeout=120)
    return folder


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_sdk_resolves_for_phones(wheels: Path, tmp_path: Path, platform: str) -> None:
    """pip finds everything the SDK needs for a phone's tag among two pure wheels."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--find-links", str(wheels)]
    command += ["--platform", platform, "--python-version", "3.13", "--implementation", "cp"]
    command += ["--only-binary=:all:", "--target", str(tmp_path / "site"), "headcount-sdk"]
    subprocess.run(command, check=True, timeout=120)
    found = {path.name for path in (tmp_path / "site").iterdir() if not path.name.endswith("dist-info")}
    assert found == {"headcount_sdk", "headcount_wire"}


@pytest.fixture(scope="session")
def alone(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The Python driver, run from the two wheels without any other package installed."""
    site = tmp_path_factory.mktemp("site")
    for wheel in wheels.glob("*.whl"):
        zipfile.ZipFile(wheel).extractall(site)
    return f"/usr/bin/env PYTHONPATH={shlex.quote(str(site))} {shlex.quote(sys.executable)} -S -m {PYTHON.split()[-1]}"


@pytest.mark.parametrize("check", checks(), ids=lambda check: check.name)
def test_the_sdk_conforms_with_nothing_but_wire(alone: str, check: Check) -> None:
    """Everything the kit checks holds with the standard library alone."""
    assert held(alone, check) is None


@pytest.mark.parametrize("check", checks(), ids=lambda check: check.name)
def test_the_sdk_conforms_with_messagepack(check: Check) -> None:
    """Everything the kit checks holds where reports go as MessagePack."""
    assert held(f"{PYTHON} --msgpack", check) is None
