"""The declared fleet: every partition has one owner, and a map holds from its day on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from headcount_wire import days
from headcount_wire.errors import OrganisationError
from headcount_wire.fleet import Fleet, from_plain, map_of, to_plain, waited_for
from headcount_wire.organisation import parse_organisation

from tests.sdk.conftest import CATALOG_TEXT

REST = """
[operator]
name = "Example"
[customers.acme]
code = 1
policy = { version = 1, purposes = ["usage"] }
[apps.meet]
code = 1
catalogs = ["catalog.toml"]
"""
TWO = """
[[fleet]]
from = 2026-12-01
[fleet.nodes]
a = { owns = "00-7f", address = "https://a.edge.example/" }
b = { owns = "80-ff", address = "https://b.edge.example" }
"""
THREE = """
[[fleet]]
from = 2026-12-11
[fleet.nodes]
a = { owns = "00-3f, f0-ff", address = "https://a.edge.example" }
b = { owns = "80-ef", address = "https://b.edge.example", gone = 2026-12-20 }
c = { owns = "40-7f", address = "https://c.edge.example" }
"""


def fleet_of(text: str, folder: Path) -> Fleet:
    (folder / "catalog.toml").write_text(CATALOG_TEXT)
    return parse_organisation(text + REST, folder).fleet


def test_the_first_byte_and_the_creation_day_decide(tmp_path: Path) -> None:
    """The owner of an id is that of the newest map that had begun on the report's creation day."""
    fleet = fleet_of(TWO + THREE, tmp_path)
    before, after = map_of(fleet, days.parse("2026-12-10")), map_of(fleet, days.parse("2026-12-11"))
    assert [before.owners[at] for at in (0x00, 0x40, 0x7F, 0x80, 0xFF)] == ["a", "a", "a", "b", "b"]
    assert [after.owners[at] for at in (0x00, 0x40, 0x7F, 0x80, 0xFF)] == ["a", "c", "c", "b", "a"]
    assert map_of(fleet, 0) is fleet[0]
    assert before.nodes["a"].address == "https://a.edge.example"


def test_a_node_that_is_gone_is_not_waited_for(tmp_path: Path) -> None:
    """Releases wait for every declared node, until the day on which it is said to be gone."""
    fleet = fleet_of(TWO + THREE, tmp_path)
    assert waited_for(fleet, days.parse("2026-12-19")) == ("a", "b", "c")
    assert waited_for(fleet, days.parse("2026-12-20")) == ("a", "c")
    assert waited_for((), 0) == ()


def test_a_fleet_survives_being_written_down(tmp_path: Path) -> None:
    """What a node remembers of its maps is what was declared."""
    fleet = fleet_of(TWO + THREE.replace(", gone = 2026-12-20", ""), tmp_path)
    assert from_plain(json.loads(json.dumps(to_plain(fleet)))) == fleet


@pytest.mark.parametrize(
    ("old", "new", "line", "fault"),
    [
        ("80-ff", "90-ff", 4, "nobody owns 80-8f"),
        ("80-ff", "40-ff", 6, "40-7f is owned by a already"),
        ("80-ff", "80-FF", 6, "spans of the first two digits of an id"),
        ("80-ff", "ff-80", 6, "spans of the first two digits of an id"),
        ("https://b.edge.example", "b.edge.example", 6, "must be the node's address"),
        ("b = {", "B = {", 6, "a node's name is a lower-case word"),
        ("from = 2026-12-01", "", 2, "from is missing"),
        ("from = 2026-12-01", 'from = "soon"', 3, "must be a date"),
        ("from = 2026-12-01", "from = 2026-12-01\nnode = 1", 4, "is not known here"),
        ("from = 2026-12-11", "from = 2026-12-01", 2, "must begin after the one before it"),
    ],
)
def test_each_fault_has_a_sentence(tmp_path: Path, old: str, new: str, line: int, fault: str) -> None:
    """A gap, an overlap, a wrong name, address, day or order is told with its line."""
    with pytest.raises(OrganisationError) as found:
        fleet_of((TWO + THREE).replace(old, new, 1), tmp_path)
    assert any(fault in str(finding) for finding in found.value.findings), found.value.findings
    assert line in {finding.line for finding in found.value.findings}
