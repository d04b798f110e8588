"""``headcount up --dev``: from a catalog to a number on the debug page, with nothing else declared."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest
from headcount.command import app
from headcount.dev import prepare
from headcount.stack import free_port
from headcount_wire.errors import CatalogError
from headcount_wire.organisation import load_organisation
from typer.testing import CliRunner

README = Path(__file__).parents[2] / "sdk/README.md"


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    file = tmp_path / "catalog.toml"
    file.write_bytes(CliRunner().invoke(app, ["catalog", "example"]).stdout_bytes)
    return file


def snippets() -> list[str]:
    """The Python of the SDK's README, block by block."""
    found: list[str] = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    return found


def ran(code: str, folder: Path) -> str:
    """What a program printed that a newcomer runs in a folder."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_keys_are_those_of_last_time(catalog: Path) -> None:
    """A second start finds the same keys, in a file of the owner's alone; the organisation is sound."""
    first, second = prepare(catalog), prepare(catalog)
    assert first == second
    assert (catalog.parent / "headcount-dev/keys.json").stat().st_mode & 0o777 == 0o600
    found = load_organisation(first.settings.organisation)
    assert sorted(key.debug for key in found.key_by_fingerprint.values()) == [False, True]
    catalog.write_text("[catalog]\n")
    with pytest.raises(CatalogError):
        prepare(catalog)


def test_a_developer_s_first_number_stands_on_the_debug_page(catalog: Path) -> None:
    """What sdk/README.md says of the first five minutes, with its own snippet and real processes."""
    ports = {f"HEADCOUNT_{name}_PORT": str(free_port()) for name in ("EDGE", "ADMIN", "DASHBOARD")}
    process = subprocess.Popen(
        [sys.executable, "-c", "from headcount.command import main; main()", "up", "--dev", str(catalog)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **ports},
    )
    watchdog = threading.Timer(120, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        said: dict[str, str] = {}
        for line in process.stdout:
            if match := re.match(r"(edge|debug key|live key|dashboard) +(\S+)$", line):
                said[match[1]] = match[2]
            if "dashboard" in said:
                break
        first, _ = snippets()
        assert "hc_debug_..." in first
        assert '"http://127.0.0.1:8700"' in first
        first = first.replace("hc_debug_...", said["debug key"]).replace("http://127.0.0.1:8700", said["edge"])
        assert "Fate.ACCEPTED" in ran(first, catalog.parent)
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        opener.open(said["dashboard"], timeout=30).close()
        debug = said["dashboard"].partition("?")[0] + "c/dev/meet/debug"
        page = ""
        while "entry: link" not in page:
            with opener.open(debug, timeout=30) as answer:
                page = answer.read().decode()
        assert "No debug key has reported" not in page
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        watchdog.cancel()
        assert process.stdout is not None
        process.stdout.close()
    assert process.returncode == 0


def test_the_readme_s_unit_test_holds(catalog: Path) -> None:
    """The example for an app's own tests is one that passes."""
    ran(snippets()[1], catalog.parent)


def test_config_and_dev_do_not_go_together(catalog: Path) -> None:
    """Two ways to say what to run are one too many."""
    result = CliRunner().invoke(app, ["up", "--dev", str(catalog), "--config", "x.toml"])
    assert result.exit_code == 2
    assert "do not go together" in result.stderr
    missing = CliRunner().invoke(app, ["up", "--dev", "no.toml"])
    assert (missing.exit_code, "cannot be read" in missing.stderr) == (2, True)
