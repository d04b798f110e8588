"""``headcount catalog check`` as whoever writes a catalog meets it."""

from __future__ import annotations

import json
from pathlib import Path

from headcount.command import app
from typer.testing import CliRunner

DEMO = Path(__file__).parents[2] / "headcount/src/headcount/demo/catalog.toml"


def test_the_demo_catalog_is_sound() -> None:
    """The catalog that ships is sound, and its measures are listed."""
    result = CliRunner().invoke(app, ["catalog", "check", str(DEMO)], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    assert "meeting.joined" in result.output
    assert "sound" in result.output


def test_each_fault_comes_with_its_line(tmp_path: Path) -> None:
    """A faulty catalog ends with 1, and its faults name line, place and what to do."""
    broken = tmp_path / "catalog.toml"
    broken.write_text(DEMO.read_text("utf-8").replace("cap = 50", "cpa = 50", 1), "utf-8")
    lines = broken.read_text("utf-8").splitlines()

    result = CliRunner().invoke(app, ["catalog", "check", "--json", str(broken)])

    assert result.exit_code == 1
    faults = json.loads(result.output)["faults"]
    unknown = next(fault for fault in faults if "not known" in fault["fault"])
    assert "cpa" in lines[unknown["line"] - 1]
    assert "cap" in unknown["fault"]


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    """A file that is not there is a clear error, not a traceback."""
    result = CliRunner().invoke(app, ["catalog", "check", str(tmp_path / "no.toml")], env={"COLUMNS": "500"})
    assert result.exit_code == 2
    assert "cannot be read" in result.stderr.replace("\n", " ")


def test_a_new_key_is_shown_once_with_its_fingerprint() -> None:
    """A key comes with the line for the organisation file; an unknown kind is refused."""
    result = CliRunner().invoke(app, ["keys", "new", "live"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert "hc_live_" in result.output
    assert "fingerprint" in result.output
    assert CliRunner().invoke(app, ["keys", "new", "admin"]).exit_code == 2


def test_a_fault_s_last_line_says_how_many(tmp_path: Path) -> None:
    """A check writes nothing and does not speak of writing; a file that is no UTF-8 is a fault with its line."""
    broken = tmp_path / "catalog.toml"
    broken.write_bytes(b"# one\n# caf\xe9\n")
    result = CliRunner().invoke(app, ["catalog", "check", str(broken)], env={"COLUMNS": "500"})
    assert result.exit_code == 1
    assert "line 2: the file: holds a byte that is no UTF-8" in result.stderr
    assert result.stderr.splitlines()[-1] == "1 fault(s)."
