"""Tallies by their texts, and caps by their sum: the short ways say exactly what the long ones do."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest
from headcount_ingest import lines
from headcount_ingest.admission import Admission, Allowance
from headcount_ingest.admit import Dropping, _look_at, _of_day, _one_by_one
from headcount_ingest.counted import Counts, Sum, Times
from headcount_ingest.lines import Line, Numbers, json_lines, msgpack_lines, numbers_of
from headcount_wire.catalog_file import parse_catalog
from headcount_wire.problems import Dropped
from headcount_wire.segment import pack_tally
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, disable_created_metrics, generate_latest

SMALL = st.integers(0, 3)
NUMBERS = st.tuples(SMALL, SMALL, SMALL, SMALL, SMALL)
CATALOG = """\
[catalog]
name = "meet"
version = 1
[purposes.usage]
sentence.en = "Count which features are used."
[measures.joined]
code = 1
kind = "counter"
purpose = "usage"
description = "Joined."
owner = "product@meet.example"
cap = 5
label = { key = "entry", values = ["link", "calendar"] }
"""


def canonical(numbers: list[Numbers]) -> bytes:
    return b"[" + b",".join(b"[%d,%d,%d,%d,%d]" % one for one in numbers) + b"]"


def strictly(told: bytes) -> list[Line] | None:
    """What the typed decoder reads, as lines; ``None``: nothing."""
    try:
        return [pack_tally(*one) for one in msgspec.json.decode(told, type=lines.Tallies)]
    except msgspec.MsgspecError:
        return None


def shortly(told: bytes) -> list[Line] | None:
    try:
        return json_lines(told)
    except msgspec.MsgspecError:
        return None


@given(st.lists(NUMBERS, max_size=4), st.data())
def test_known_texts_are_read_as_the_decoder_reads_them(numbers: list[Numbers], data: st.DataObject) -> None:
    """Whatever is cut out of known tallies, or put between them, both ways read the same or nothing."""
    every = [(1 + n % 3, 0, 1 + n // 3, 0, 1) for n in range(9)]
    json_lines(canonical(every))
    told = canonical([*every[:2], *numbers])
    for _ in range(data.draw(st.integers(0, 3))):
        at, until = sorted(data.draw(st.tuples(st.integers(0, len(told)), st.integers(0, len(told)))))
        if data.draw(st.booleans()):
            until = at
        told = (
            told[:at]
            + data.draw(st.sampled_from((b"", b" ", b'"', b"[", b"]", b"],[", b",", b"0", b"1")))
            + told[until:]
        )
    assert shortly(told) == strictly(told)


@pytest.mark.parametrize(
    "told",
    [b'"[1,0,1,0,1]"', b"[1,0,1,0,1]", b"[[1,0,1,0,1]", b"[1,0,1,0,1]]", b"[[1,0,1,0,1],[]]", b"[[]]", b"[]", b""],
)
def test_what_only_looks_like_known_tallies_is_refused(told: bytes) -> None:
    """A text around known tallies, a bracket too few, an empty tally: no report."""
    assert json_lines(b"[[1,0,1,0,1]]") == [pack_tally(1, 0, 1, 0, 1)]
    with pytest.raises(msgspec.MsgspecError):
        json_lines(told)


def test_what_is_remembered_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many tallies devices make up, in either form, no more are remembered; each is read right all the same."""
    monkeypatch.setattr(lines, "SEEN_MOST", 8)
    lines._seen.clear()
    for n in range(1, 100):
        numbers = (n, 0, 1, 0, 1)
        assert json_lines(canonical([numbers])) == msgpack_lines(msgspec.msgpack.encode([numbers]))
        assert numbers_of(json_lines(canonical([numbers]))[0]) == numbers
        assert len(lines._seen) <= 9


def allowed() -> Allowance:
    admission = Admission(parse_catalog(CATALOG, "catalog.toml"))
    return admission.allowance({"usage": None}, (None,), 20_000)


@given(st.lists(st.tuples(st.just(1), st.integers(1, 3), st.just(1), st.just(0), st.integers(1, 5)), max_size=5))
def test_caps_are_held_exactly(said: list[Numbers]) -> None:
    """A day's tallies that share a cap are counted in their order as long as they fit, and the rest is over the cap."""
    drops: Dropping = {}
    found = _of_day([pack_tally(*one) for one in said], allowed(), drops)
    kept, total = [], 0
    for numbers in said:
        if total + numbers[4] <= 5:
            total += numbers[4]
            kept.append(numbers[4])
    assert [numbers_of(line)[4] for line in found] == kept
    assert drops == ({(1, Dropped.OVER_CAP): len(said) - len(kept)} if len(kept) < len(said) else {})


MANY_KINDS = (
    CATALOG
    + """\
[measures.wait]
code = 2
kind = "timing"
purpose = "usage"
description = "Waited."
owner = "product@meet.example"
cap = 6
[measures.app]
code = 3
kind = "active"
purpose = "usage"
description = "Opened."
owner = "product@meet.example"
"""
)
SAYABLE = [
    (measure, label, fact, slot, n)
    for measure, label, fact in Admission(parse_catalog(MANY_KINDS, "catalog.toml")).rules
    for slot in range(4)
    for n in (1, 2, 3)
]


@given(st.lists(st.sampled_from(SAYABLE), max_size=12), st.booleans())
def test_a_day_is_judged_alike_whether_it_was_met_before(said: list[Numbers], rising: bool) -> None:
    """Known tallies in an SDK's order are counted as the same day is that nobody looked at before, and drop as much."""
    admission = Admission(parse_catalog(MANY_KINDS, "catalog.toml"))
    told = [pack_tally(*one) for one in (sorted(said) if rising else said)]
    met = admission.allowance({"usage": None}, (None,), 20_000)
    for line in told:
        _of_day([line], met, {})
    quick: Dropping = {}
    slow: Dropping = {}
    kept, found = _look_at(told, met, slow)
    assert _of_day(told, met, quick) == _one_by_one(kept, found, met, slow)
    assert quick == slow


@given(st.lists(st.floats(0, 4), max_size=30))
def test_plain_counts_are_shown_as_the_library_s(seconds: list[float]) -> None:
    """A histogram, a sum and counts of plain numbers are written as the library writes its own."""
    plain, own = CollectorRegistry(), CollectorRegistry()
    disable_created_metrics()  # type: ignore[no-untyped-call]  # as the edge does
    times = Times("t", "Took.", (0.5, 1.0, 2.5), plain)
    histogram = Histogram("t", "Took.", buckets=(0.5, 1.0, 2.5), registry=own)
    for one in seconds:
        times.observe(one)
        histogram.observe(one)
    assert generate_latest(plain) == generate_latest(own)
    counts, total = Counts("c", "Counted.", "by", ("a", "b"), plain), Sum("s", "Summed.", plain)
    counts.by["a"] += 2
    total.total += 3
    text = generate_latest(plain).decode()
    assert {'c_total{by="a"} 2.0', 'c_total{by="b"} 0.0', "s_total 3.0"} <= set(text.splitlines())
    assert Counter(text.splitlines()).most_common(1)[0][1] == 1
