"""``headcount catalog diff``: what may change in a catalog, and what would make old numbers lie."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from headcount.catalog_diff import changes
from headcount.command import app
from headcount_wire.catalog_file import parse_catalog
from typer.testing import CliRunner

OLD = """\
[catalog]
name = "meet"
version = 4
[purposes.usage]
sentence.en = "Count features."
[purposes.diagnostics]
sentence.en = "Measure speed."
[context]
os = "usage"
[measures."meeting.joined"]
code = 2
kind = "counter"
purpose = "usage"
description = "Joined."
owner = "p@x.example"
cap = 50
expires = 2030-01-31
label = { key = "entry", values = ["link", "room"] }
breakdowns = ["os"]
[measures."meeting.left"]
code = 3
kind = "counter"
purpose = "usage"
description = "Left."
owner = "p@x.example"
cap = 50
[measures."meeting.setup"]
code = 4
kind = "funnel"
purpose = "usage"
description = "In and out."
owner = "p@x.example"
steps = ["meeting.joined=link", "meeting.left"]
window_minutes = 30
[measures."meeting.size"]
code = 5
kind = "distribution"
purpose = "usage"
description = "People."
owner = "p@x.example"
cap = 50
unit = "people"
"""
NEXT = OLD.replace("version = 4", "version = 5")


ENTRY = 'values = ["link", "room"]'
SIZE = NEXT[NEXT.index('[measures."meeting.size"]') :]
LEFT_KIND = 'kind = "counter"\npurpose = "usage"\ndescription = "Left."'
STEPS = '"meeting.joined=link", "meeting.left"'

BREAKS: dict[str, list[tuple[str, str]]] = {
    "code 3, which stands for meeting.left": [('"meeting.left"]\ncode', '"meeting.ended"]\ncode'), ("left", "ended")],
    "has another code, 9 instead of 5": [("code = 5", "code = 9")],
    "kind from counter to timing": [(LEFT_KIND, LEFT_KIND.replace("counter", "timing"))],
    "purpose from usage to diagnostics": [(SIZE, SIZE.replace("usage", "diagnostics"))],
    "unit from people to seats": [('unit = "people"', 'unit = "seats"')],
    "loses label values that have codes: room": [(ENTRY, 'values = ["link"]')],
    "label values in another order": [(ENTRY, 'values = ["room", "link"]')],
    "in another order; new ones go to the end": [(ENTRY, 'values = ["door", "link", "room"]')],
    "calls its label way instead of entry": [('key = "entry"', 'key = "way"')],
    "gains a label": [(SIZE, SIZE + 'label = { key = "a", values = ["b"] }\n')],
    "meeting.joined=room > meeting.left instead of meeting.joined=link": [(STEPS, STEPS.replace("link", "room"))],
    "60 instead of 30 minutes": [("window_minutes = 30", "window_minutes = 60")],
    "is 4; raise it above 4": [("version = 5", "version = 4"), ("cap = 50", "cap = 60")],
    "is 3; raise it above 4": [("version = 5", "version = 3")],
    "another catalog": [('name = "meet"', 'name = "talk"')],
}
ALLOWED: dict[str, list[tuple[str, str]]] = {
    "rises from 4 to 5": [],
    "cap lowered from 50 to 20": [("cap = 50", "cap = 20")],
    "cap raised from 50 to 2,000": [("cap = 50", "cap = 2000")],
    "until 2031-01-31, before until 2030-01-31": [("2030-01-31", "2031-01-31")],
    "is counted without end": [("expires = 2030-01-31\n", "")],
    "counted as other before: door": [(ENTRY, 'values = ["link", "room", "door"]')],
    "its code 5 must never be used": [(SIZE, "")],
    "is new, with the code 6": [(SIZE, SIZE + SIZE.replace("size", "noise").replace("code = 5", "code = 6"))],
    "distinct people over windows from now on": [("cap = 50", "cap = 50\nreach = true")],
    "is not cut by os any more": [('breakdowns = ["os"]\n', "")],
    "for diagnostics instead of usage": [('os = "usage"', 'os = "diagnostics"')],
    "may be read from now on": [('os = "usage"', 'os = "usage"\nlanguage = "usage"')],
    "raise the policy version too": [("Measure speed.", "Measure how fast it is.")],
    "until the user is asked": [("[context]", '[purposes.more]\nsentence.en = "More."\n[context]')],
    'before as "People."': [("People.", "People in it.")],
    "from daily to hourly": [("[purposes.usage]", 'cadence = "hourly"\n[purposes.usage]')],
}


def changed(replaced: list[tuple[str, str]]) -> str:
    """The next version with texts in it replaced, each once."""
    text = NEXT
    for old, new in replaced:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


@pytest.mark.parametrize(("said", "replaced"), BREAKS.items())
def test_what_breaks_numbers_is_refused(said: str, replaced: list[tuple[str, str]]) -> None:
    """A change after which old numbers would mean something else is refused, in words that say what to do."""
    refused = [
        f"{change.place} {change.sentence}"
        for change in changes(parse_catalog(OLD), parse_catalog(changed(replaced)))
        if change.breaks
    ]
    assert len(refused) == 1, refused
    assert said in refused[0]


@pytest.mark.parametrize(("said", "replaced"), ALLOWED.items())
def test_what_breaks_nothing_is_told(said: str, replaced: list[tuple[str, str]]) -> None:
    """A change after which every number keeps its meaning passes, and is told."""
    found = changes(parse_catalog(OLD), parse_catalog(changed(replaced)))
    assert not [change for change in found if change.breaks]
    assert any(said in f"{change.place} {change.sentence}" for change in found), found


def test_a_label_taken_away_is_refused() -> None:
    """A measure that had a label cannot go on without: its days were cut, and would not be."""
    labelled = parse_catalog(changed(BREAKS["gains a label"]))
    found = changes(labelled, parse_catalog(changed([("version = 5", "version = 6")])))
    assert [change.sentence for change in found if change.breaks] == [
        "loses its label: the days before cannot be told apart so; take a new name and code"
    ]


def test_nothing_changed() -> None:
    """The same catalog twice, even with other comments, has no change."""
    assert changes(parse_catalog(OLD), parse_catalog("# another comment\n" + OLD)) == []


def test_the_command_ends_as_it_judges(tmp_path: Path) -> None:
    """0 for what may be, 1 for what breaks numbers, 2 for what is no catalog; with --json the same as data."""
    old, new = tmp_path / "old.toml", tmp_path / "new.toml"
    old.write_text(OLD, "utf-8")

    def ran(text: str, *options: str) -> tuple[int, str]:
        new.write_text(text, "utf-8")
        result = CliRunner().invoke(app, ["catalog", "diff", str(old), str(new), *options], env={"COLUMNS": "300"})
        return result.exit_code, result.output

    assert ran(OLD) == (0, "Nothing changed.\n")
    code, said = ran(changed([("cap = 50", "cap = 20")]))
    assert (code, "sound after" in said) == (0, True)
    code, said = ran(changed(BREAKS["unit from people to seats"]))
    assert (code, "refused: meeting.size changes its unit from people to seats" in said) == (1, True)
    assert "1 of 2 changes" in said
    code, said = ran(changed(BREAKS["unit from people to seats"]), "--json")
    told = json.loads(said)
    assert (code, told["sound"]) == (1, False)
    assert [change["breaks"] for change in told["changes"]] == [False, True]
    code, said = ran(OLD.replace("code = 5", "code = 4"))
    assert (code, bool(re.search(r"line \d+", said))) == (2, True)
