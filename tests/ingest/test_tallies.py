"""Tallies scanned, and a day judged at a glance: the short ways say exactly what the long ones do."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest
from headcount_ingest import tallies
from headcount_ingest.admission import Admission, Allowance
from headcount_ingest.admit import Dropping, of_day, one_by_one
from headcount_ingest.counted import Counts, Sum, Times
from headcount_ingest.scan import scanned
from headcount_ingest.tallies import (
    SCANS,
    Numbers,
    json_tallies,
    json_tallies_or_none,
    msgpack_tallies,
    numbers_of,
    packed,
)
from headcount_wire import limits
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


def strictly(told: bytes) -> bytes | None:
    """What the typed decoder reads, packed one by one; ``None``: nothing."""
    try:
        return b"".join(pack_tally(*one) for one in msgspec.json.decode(told, type=tallies.Tallies))
    except (msgspec.MsgspecError, RecursionError):
        return None


EDGES = st.sampled_from(
    sorted(
        {
            end + step
            for end in (0, 1, 255, 65, limits.BUCKET_MAX, limits.CODE_MAX, limits.CAP_MAX, 2**31, 2**32, 2**64)
            for step in (-1, 0, 1)
        }
    )
)
ANY_NUMBERS = st.one_of(NUMBERS, st.tuples(EDGES, EDGES, EDGES, EDGES, EDGES))


@given(st.lists(ANY_NUMBERS, max_size=4), st.data())
def test_a_text_is_scanned_as_the_decoder_reads_it(numbers: list[Numbers], data: st.DataObject) -> None:
    """Whatever is cut out of tallies, or put between them, scanning finds what the decoder does, or nothing."""
    told = canonical([(1, 0, 1, 0, 1), (2, 0, 1, 0, 1), *numbers])
    for _ in range(data.draw(st.integers(0, 3))):
        at, until = sorted(data.draw(st.tuples(st.integers(0, len(told)), st.integers(0, len(told)))))
        if data.draw(st.booleans()):
            until = at
        told = (
            told[:at]
            + data.draw(st.sampled_from((b"", b" ", b'"', b"[", b"]", b"],[", b",", b"0", b"1", b"-", b".0", b"\x00")))
            + told[until:]
        )
    expected = strictly(told)
    assert json_tallies_or_none(told) == expected
    assert scanned(told) in (b"", expected)


@given(st.lists(st.tuples(*[st.integers(0, 70)] * 5), min_size=1, max_size=200))
def test_canonical_tallies_are_scanned(numbers: list[Numbers]) -> None:
    """What an SDK writes needs no decoder, if it is in bounds; in either form it comes to the same."""
    told = canonical(numbers)
    expected = strictly(told)
    assert scanned(told) == (expected or b"")
    if expected:
        assert msgpack_tallies(msgspec.msgpack.encode(numbers)) == expected
        assert list(numbers_of(expected)) == numbers


def test_as_many_are_scanned_as_a_report_may_have() -> None:
    """One more, and it is no report."""
    most = [(1, 0, 1, 0, 1)] * limits.TALLIES_PER_REPORT
    assert scanned(canonical(most)) == strictly(canonical(most)) == json_tallies_or_none(canonical(most))
    assert scanned(canonical([*most, most[0]])) == b""
    assert json_tallies_or_none(canonical([*most, most[0]])) is None


@pytest.mark.parametrize(
    "told",
    [
        b'"[1,0,1,0,1]"',
        b"[1,0,1,0,1]",
        b"[[1,0,1,0,1]",
        b"[1,0,1,0,1]]",
        b"[[1,0,1,0,1],[]]",
        b"[[]]",
        b"[]",
        b"[",
        b"",
    ],
)
def test_what_only_looks_like_tallies_is_refused(told: bytes) -> None:
    """A text around tallies, a bracket too few, an empty tally: no report."""
    assert scanned(told) == b""
    with pytest.raises(msgspec.MsgspecError):
        json_tallies(told)


def allowed() -> Allowance:
    admission = Admission(parse_catalog(CATALOG, "catalog.toml"))
    return admission.allowance({"usage": None}, (None,), 20_000)


@given(st.lists(st.tuples(st.just(1), st.integers(1, 3), st.just(1), st.just(0), st.integers(1, 5)), max_size=5))
def test_caps_are_held_exactly(said: list[Numbers]) -> None:
    """A day's tallies that share a cap are counted in their order as long as they fit, and the rest is over the cap."""
    drops: Dropping = {}
    found = of_day(packed(said), allowed(), drops)
    kept, total = [], 0
    for numbers in said:
        if total + numbers[4] <= 5:
            total += numbers[4]
            kept.append(numbers[4])
    assert [one[4] for one in numbers_of(found)] == kept
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


@given(st.lists(st.sampled_from(SAYABLE), max_size=12), st.booleans(), st.booleans())
def test_a_day_is_judged_alike_at_a_glance_and_one_by_one(said: list[Numbers], rising: bool, granted: bool) -> None:
    """A day that holds at a glance, by either way of looking, is one of which nothing would be dropped."""
    admission = Admission(parse_catalog(MANY_KINDS, "catalog.toml"))
    verdict = None if granted else Dropped.CONSENT_OLD
    allowance = admission.allowance({"usage": verdict}, (verdict,), 20_000)
    told = packed(sorted(said) if rising else said)
    drops: Dropping = {}
    kept = one_by_one(told, allowance, drops)
    if allowance.holds(told):
        assert (kept, drops) == (told, {})
    if not SCANS:
        looked = [look(told, bytes([granted])) for look in (admission.bounds.scan, admission.bounds.look_up)]
        assert looked == [allowance.holds(told)] * 2


def test_a_usual_day_holds_at_a_glance() -> None:
    """In an SDK's order, within its caps: else the quick look would be good for nothing."""
    usual = [(1, 0, 2, 0, 1), (1, 2, 1, 0, 1), (1, 2, 2, 0, 1), (2, 0, 2, 0, 1), (2, 0, 8, 3, 2), (3, 0, 4, 2, 1)]
    allowance = Admission(parse_catalog(MANY_KINDS, "catalog.toml")).allowance({"usage": None}, (None,), 20_000)
    assert allowance.holds(packed(usual))
    for wrong in (
        usual[::-1],
        [*usual, usual[-1]],
        [*usual, (9, 0, 1, 0, 1)],
        [(1, 2, 1, 0, 3), (1, 3, 1, 0, 3)],
        [(2, 0, 8, 3, 4), (2, 0, 8, 4, 3)],
    ):
        assert not allowance.holds(packed(wrong))


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
