"""docs/logtap.md lists what the code lists, and its snippets are read by the servers they are for."""

from __future__ import annotations

import re
import subprocess
import sys
from enum import StrEnum
from pathlib import Path

import pytest
from headcount.logtap.combined import SKIP, UNIT_OF
from headcount.logtap.declaration import SETTINGS, parse
from headcount.logtap.outcomes import Delivery, LineOutcome, Trouble
from headcount.logtap.run import Exit
from headcount.logtap.tap import STOP_SECONDS

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/logtap.md").read_text("utf-8")
ROWS = re.findall(r"^\| `([a-z_.]+)` \| (.*) \|$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("listed", [LineOutcome, Delivery, Trouble], ids=lambda listed: listed.__name__)
def test_every_entry_of_a_closed_list_stands_in_the_page(listed: type[StrEnum]) -> None:
    """Each outcome, delivery and trouble has its row, with its sentence, in the order of the code."""
    expected = [(entry.value, entry.sentence) for entry in listed]  # type: ignore[attr-defined]  # each list has it
    at = ROWS.index(expected[0])
    assert ROWS[at : at + len(expected)] == expected


def test_every_exit_code_and_setting_stands_in_the_page() -> None:
    """Exit codes and settings are those of the code, with their sentences."""
    assert re.findall(r"^\| (\d) \| (.*) \|$", PAGE, re.MULTILINE) == [(str(e.value), e.sentence) for e in Exit]
    assert [row for row in ROWS if "." in row[0] and row[0] in SETTINGS] == list(SETTINGS.items())


def test_every_word_for_what_follows_the_agent_is_explained() -> None:
    """The words that ``after`` may name are those of the table."""
    table = PAGE.partition("| word | is |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`([a-z_]+)`", table)) == {*UNIT_OF, SKIP}


def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    """systemd finds no fault with the tap's unit, rates it well closed in, and leaves it time to stop."""
    text = (ROOT / "deploy/systemd/headcount-logtap.service").read_text("utf-8")
    unit = tmp_path / "headcount-logtap.service"
    unit.write_text(text.replace("/opt/headcount/bin/headcount", sys.executable))
    verified = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (verified.returncode, verified.stderr) == (0, "")
    rated = ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit)]
    found = subprocess.run(rated, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout
    settings = dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))
    assert float(settings["TimeoutStopSec"]) > STOP_SECONDS
    assert settings["RestartPreventExitStatus"] == f"{Exit.MISDECLARED} {Exit.UNREADABLE}"


def test_the_declarations_of_the_page_are_sound() -> None:
    """Every TOML of the page is read as it is."""
    found = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert len(found) == 2
    for text in found:
        parse(text, Path("/etc/headcount/logtap.toml"))
