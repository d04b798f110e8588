"""``headcount catalog check`` as whoever writes a catalog meets it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from headcount.command import app
from headcount_wire.app_key import fingerprint, is_key
from headcount_wire.catalog_file import parse_catalog
from headcount_wire.facts import Kind
from headcount_wire.organisation import parse_organisation
from typer.testing import CliRunner

from tests.wire.test_catalog import GOOD as CATALOG
from tests.wire.test_organisation import GOOD

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


def test_the_example_begins_the_sdk_s_first_five_minutes(tmp_path: Path) -> None:
    """The example is sound, and declares what the SDK's README counts with it."""
    printed = CliRunner().invoke(app, ["catalog", "example"])
    assert printed.exit_code == 0
    file = tmp_path / "catalog.toml"
    file.write_bytes(printed.stdout_bytes)
    checked = CliRunner().invoke(app, ["catalog", "check", str(file)], env={"COLUMNS": "200"})
    assert checked.exit_code == 0, checked.output
    catalog = parse_catalog(file.read_text("utf-8"))
    assert set(catalog.purposes) == {"usage", "diagnostics", "context"}
    joined, join_time = catalog.measures["meeting.joined"], catalog.measures["meeting.join_time"]
    assert joined.label is not None
    assert joined.label.key == "entry"
    assert "link" in joined.label.values
    assert (join_time.kind, join_time.purpose) == (Kind.TIMING, "diagnostics")
    assert not [measure for measure in catalog.measures.values() if measure.expires is not None]


@pytest.mark.parametrize("kind", ["live", "debug", "read"])
def test_a_new_key_comes_with_its_block(tmp_path: Path, kind: str) -> None:
    """A key comes with the whole block for the organisation file, which says of a debug key that it is one."""
    result = CliRunner().invoke(app, ["keys", "new", kind])
    assert result.exit_code == 0
    key, block = result.stdout.removeprefix("key  ").split("\n\n")
    assert is_key(key)
    names = iter(["acme", "meet"] if kind != "read" else ["pm", "acme"])
    block = re.sub(r"\.\.\.", lambda _: next(names), block)
    (tmp_path / "catalog.toml").write_text(CATALOG)
    text = GOOD.split("[[keys]]")[0] + block
    found = parse_organisation(text, tmp_path)
    if kind == "read":
        assert found.reader_by_fingerprint[fingerprint(key)].name == "pm"
    else:
        assert found.key_by_fingerprint[fingerprint(key)].debug is (kind == "debug")
    assert CliRunner().invoke(app, ["keys", "new", "admin"]).exit_code == 2


def test_a_fault_s_last_line_says_how_many(tmp_path: Path) -> None:
    """A check writes nothing and does not speak of writing; a file that is no UTF-8 is a fault with its line."""
    broken = tmp_path / "catalog.toml"
    broken.write_bytes(b"# one\n# caf\xe9\n")
    result = CliRunner().invoke(app, ["catalog", "check", str(broken)], env={"COLUMNS": "500"})
    assert result.exit_code == 1
    assert "line 2: the file: holds a byte that is no UTF-8" in result.stderr
    assert result.stderr.splitlines()[-1] == "1 fault(s)."
