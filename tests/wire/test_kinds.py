"""The kinds beyond counters and timings: what they need, what they allow, and how their faults are named."""

from __future__ import annotations

import pytest
from headcount_wire.catalog import SESSION_ENDS, Catalog, Step
from headcount_wire.catalog_file import parse_catalog
from headcount_wire.errors import CatalogError
from headcount_wire.facts import FACTS_OF_KIND, KIND_SENTENCES, WHOLE, Fact, Kind

HEAD = """\
[catalog]
name = "meet"
version = 1
[purposes.usage]
sentence.en = "Count features."
[purposes.diagnostics]
sentence.en = "Measure."
"""
BODY = """\
description = "Something."
owner = "p@x.example"
"""
KINDS = {
    "screen.viewed": (
        'kind = "screen"\ncap = 50\njourneys = true\nlabel = { key = "screen", values = ["home", "lobby"] }'
    ),
    "meeting.joined": 'kind = "counter"\ncap = 5\nlabel = { key = "entry", values = ["link", "room"] }',
    "microphone.used": 'kind = "flag"',
    "meeting.setup": (
        'kind = "funnel"\nsteps = ["screen.viewed=lobby", "meeting.joined", "microphone.used"]\nwindow_minutes = 30'
    ),
    "session": 'kind = "session"\ncap = 20',
    "session.end": 'kind = "crash_free"\ncap = 20',
    "problem.reported": 'kind = "problem"\ncap = 3\nlabel = { key = "category", values = ["audio", "video"] }',
    "rooms": 'kind = "quantity"\ncap = 10000\nunit = "rooms"',
}


def text_of(**changes: str) -> str:
    kinds = {**KINDS, **{name.replace("__", "."): text for name, text in changes.items()}}
    tables = [
        f'[measures."{name}"]\ncode = {code}\npurpose = "usage"\n{BODY}{text}\n'
        for code, (name, text) in enumerate(kinds.items(), 1)
    ]
    return HEAD + "".join(tables)


def parsed() -> Catalog:
    return parse_catalog(text_of())


def allowed(name: str) -> set[tuple[int, Fact]]:
    measure = parsed().measures[name]
    return {(label, fact) for label in range(5) for fact in Fact if measure.allows(label, fact)}


def test_every_kind_has_its_facts_and_its_sentence() -> None:
    """The lists of kinds, of their facts and of their sentences are one list."""
    assert set(FACTS_OF_KIND) == set(KIND_SENTENCES) == set(Kind)
    assert all(kind.sentence.endswith(".") for kind in Kind)


def test_a_funnel_names_its_steps_in_order() -> None:
    """A step is a measure of the file, under one label or any; the furthest is one of them."""
    funnel = parsed().measures["meeting.setup"]
    assert funnel.steps == (Step(1, 3), Step(2, WHOLE), Step(3, WHOLE))
    assert (funnel.window_minutes, list(funnel.slots(Fact.STEP))) == (30, [1, 2, 3])
    assert allowed("meeting.setup") == {(WHOLE, Fact.STEP)}


def test_moves_go_from_one_declared_screen_to_another() -> None:
    """A move stands under the screen shown, its slot is the screen before: none, other, or a declared one."""
    screens = parsed().measures["screen.viewed"]
    assert list(screens.slots(Fact.MOVE)) == [0, 1, 2, 3]
    assert {label for label, fact in allowed("screen.viewed") if fact is Fact.MOVE} == {1, 2, 3}
    quiet = parse_catalog(text_of(screen__viewed=KINDS["screen.viewed"].replace("journeys = true\n", "")))
    assert not quiet.measures["screen.viewed"].allows(2, Fact.MOVE)


def test_sessions_end_clean_or_crashed() -> None:
    """The ends of sessions are declared by the house, their length by the second."""
    ends = parsed().measures["session.end"]
    assert ends.label is SESSION_ENDS
    assert parsed().only(Kind.CRASH_FREE) == ends
    assert parsed().measures["session"].unit == "s"
    assert allowed("session") == {(WHOLE, fact) for fact in (Fact.BUCKET, Fact.DEVICES, Fact.CLIPPED)}


def test_a_quantity_is_a_value_and_a_device() -> None:
    """A quantity says its value up to its cap, and that an instance reported at all."""
    assert allowed("rooms") == {(WHOLE, Fact.VALUE), (WHOLE, Fact.DEVICES)}


def test_a_problem_has_a_category_a_severity_and_a_screen() -> None:
    """All three stand under the category; what is about the device stands alone."""
    under = {fact for label, fact in allowed("problem.reported") if label == 2}
    assert under == {Fact.COUNT, Fact.DEVICES, Fact.SEVERITY, Fact.SCREEN}
    assert list(parsed().measures["problem.reported"].slots(Fact.SEVERITY)) == [1, 2, 3]


FAULTS = [
    ("meeting__setup", "window_minutes = 30", "", "window_minutes is missing"),
    ("meeting__setup", "window_minutes = 30", "window_minutes = 100000", "must be from 1 to 10080"),
    ("meeting__setup", '"microphone.used"]', '"camera.used"]', "is no declared counter, flag, screen or timing"),
    ("meeting__setup", '"microphone.used"]', '"session"]', "is no declared counter, flag, screen or timing"),
    ("meeting__setup", "screen.viewed=lobby", "screen.viewed=cellar", "is no declared label value of screen.viewed"),
    ("meeting__setup", '"screen.viewed=lobby", "meeting.joined", ', "", "must name 2 to 16 measures"),
    ("session", "cap = 20", 'cap = 20\nlabel = { key = "end", values = ["bad"] }', "has no label"),
    ("screen__viewed", 'label = { key = "screen", values = ["home", "lobby"] }', "", "needs a label, such as"),
    ("rooms", 'unit = "rooms"', "", "unit is missing"),
    ("rooms", 'unit = "rooms"', 'unit = "rooms"\nreach = true', "is not known here"),
    ("session__end", 'kind = "crash_free"', 'kind = "session"', "only one measure can be of kind session"),
]


@pytest.mark.parametrize(("name", "before", "after", "words"), FAULTS)
def test_a_fault_of_a_kind_is_named(name: str, before: str, after: str, words: str) -> None:
    """What a kind needs and lacks, or has and may not, is said in words."""
    declared = KINDS[name.replace("__", ".")]
    assert before in declared
    with pytest.raises(CatalogError) as caught:
        parse_catalog(text_of(**{name: declared.replace(before, after)}))
    assert any(words in finding.fault for finding in caught.value.findings), str(caught.value)


def test_a_funnel_and_its_steps_are_for_one_purpose() -> None:
    """A funnel never joins what was granted for different purposes."""
    text = text_of().replace('code = 3\npurpose = "usage"', 'code = 3\npurpose = "diagnostics"')
    with pytest.raises(CatalogError, match="is counted for diagnostics, the funnel for usage"):
        parse_catalog(text)
