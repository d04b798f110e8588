"""The catalog: what it declares, and how it says what is wrong with it."""

from __future__ import annotations

import pytest
from headcount_wire import facts
from headcount_wire.catalog import Catalog
from headcount_wire.catalog_file import parse_catalog
from headcount_wire.dimensions import Dimension
from headcount_wire.errors import CatalogError
from headcount_wire.facts import Fact, Kind

GOOD = """\
[catalog]
name = "meet"
version = 3

[purposes.usage]
sentence.en = "Count features."

[purposes.context]
sentence.en = "Tell the system."

[context]
os = "context"
app_version = "context"

[measures."active"]
code = 1
kind = "active"
purpose = "usage"
description = "Used."
owner = "p@x.example"
breakdowns = ["os"]

[measures."meeting.joined"]
code = 2
kind = "counter"
purpose = "usage"
description = "Joined."
owner = "p@x.example"
cap = 20
reach = true
expires = 2027-06-30
label = { key = "entry", values = ["link", "calendar"] }
breakdowns = ["os", "os x app_version"]
"""


def parsed() -> Catalog:
    return parse_catalog(GOOD)


def test_a_catalog_says_what_it_declares() -> None:
    """Every declared thing is found again under its name and its code."""
    catalog = parsed()
    joined = catalog.measures["meeting.joined"]

    assert catalog.by_code[2] is joined
    assert catalog.active is catalog.measures["active"]
    assert (joined.kind, joined.cap, joined.purpose) == (Kind.COUNTER, 20, "usage")
    assert [breakdown.name for breakdown in joined.breakdowns] == ["os", "os x app_version"]
    assert catalog.context == {Dimension.OS: "context", Dimension.APP_VERSION: "context"}


def test_label_codes_are_stable_and_other_is_always_there() -> None:
    """Code 1 is other, declared values follow in order, and nothing else names a value."""
    label = parsed().measures["meeting.joined"].label
    assert label
    assert [label.code_of(value) for value in ("link", "calendar", "carrier pigeon")] == [2, 3, 1]
    assert [label.value_of(code) for code in (0, 1, 2, 3, 4)] == [None, "other", "link", "calendar", None]


def test_a_measure_allows_only_the_facts_of_its_kind() -> None:
    """A labelled counter counts under its labels, and contributes under them and as a whole."""
    joined = parsed().measures["meeting.joined"]
    active = parsed().measures["active"]
    allowed = {(label, fact) for label in range(6) for fact in Fact if joined.allows(label, fact)}
    assert allowed == {
        (0, Fact.DEVICES),
        (0, Fact.CLIPPED),
        (0, Fact.GAP),
        *((label, fact) for label in (1, 2, 3) for fact in (Fact.COUNT, Fact.DEVICES)),
    }
    assert {fact for fact in Fact if active.allows(0, fact)} == facts.FACTS_OF_KIND[Kind.ACTIVE]
    assert not joined.allows(0, 99)


def test_a_measure_expires_after_its_day() -> None:
    """The declared day is the last one on which the measure is counted."""
    joined = parsed().measures["meeting.joined"]
    assert joined.expires is not None
    assert not joined.expired(joined.expires)
    assert joined.expired(joined.expires + 1)


FAULTS = [
    ("version = 3", "version = 0", 3, "must be from 1 to"),
    ("version = 3", 'version = "3"', 3, "must be a whole number"),
    ('name = "meet"', "", 1, "name is missing"),
    ("cap = 20", "cpa = 20", 29, "is not known here"),
    ("code = 2", "code = 1", 25, "is already the code of"),
    ('kind = "counter"', 'kind = "couter"', 26, "must be one of"),
    ('purpose = "usage"\ndescription = "Joined."', 'purpose = "use"\ndescription = "Joined."', 27, "not declared"),
    ('"os x app_version"', '"os x app"', 34, "must name one dimension"),
    ('"os x app_version"', '"language"', 34, "no device may read it"),
    ('["link", "calendar"]', '["link", "link"]', 33, "twice"),
    ('["link", "calendar"]', '["link", "other"]', 33, "always there"),
    ('["link", "calendar"]', '["link", "user_id"]', 33, "promises an identifier"),
    ('["link", "calendar"]', '["link", "a1b2c3d4e5f60718"]', 33, "looks like"),
    ('measures."meeting.joined"', 'measures."meeting.email"', 24, "promises an identifier"),
    ('measures."meeting.joined"', 'measures."Meeting Joined"', 24, "lower-case words"),
    ('sentence.en = "Count features."', 'sentence.de = "Zählen."', 5, "in English"),
    ('os = "context"', 'oz = "context"', 12, "is no context field"),
    ("expires = 2027-06-30", 'expires = "soon"', 32, "must be a date"),
    ("reach = true", "reach = 1", 31, "true or false"),
    ("[context]", "[contxt]", 11, "is not known here"),
    ('kind = "counter"', 'kind = "active"', 26, "only one measure can be of kind active"),
]


@pytest.mark.parametrize(("before", "after", "line", "words"), FAULTS)
def test_a_fault_is_named_with_its_line(before: str, after: str, line: int, words: str) -> None:
    """Each fault says what is wrong, and the line it names holds it."""
    assert before in GOOD
    with pytest.raises(CatalogError) as caught:
        parse_catalog(GOOD.replace(before, after, 1))
    matching = [finding for finding in caught.value.findings if words in finding.fault]
    assert matching, str(caught.value)
    assert abs(matching[0].line - line) <= 1, str(matching[0])


def test_all_faults_come_at_once() -> None:
    """Whoever mends a catalog sees every fault in one go."""
    broken = GOOD.replace("cap = 20", "").replace("code = 1", "code = 0").replace('"os"]', '"oz"]')
    with pytest.raises(CatalogError) as caught:
        parse_catalog(broken)
    assert len(caught.value.findings) == 3


def test_text_that_is_no_toml_names_its_line() -> None:
    """A syntax error names its line too."""
    with pytest.raises(CatalogError) as caught:
        parse_catalog(GOOD.replace("cap = 20", "cap = = 20"))
    assert caught.value.findings[0].line == 29
