"""Reports by the text around their tallies: the short way says exactly what the long one does."""

from __future__ import annotations

import pytest
from headcount_ingest import around, decode
from headcount_ingest.around import AROUND_BYTES, Arounds, parted
from headcount_ingest.decode import Malformed, Plain, decode_body
from headcount_wire import codec, limits
from headcount_wire.report import Tally
from hypothesis import given
from hypothesis import strategies as st

from tests.ingest.conftest import report

TALLIES = [Tally(1 + n % 3, 0, 1 + n // 3, 0, 1) for n in range(9)]
SOUND = [
    codec.encode_json(report(*TALLIES)),
    codec.encode_json(report(*TALLIES[:1], context={"os": "android", "language": "de"})),
    codec.encode_json(report(*TALLIES[2:], origin={"os": "android"}, context={})),
]
CUTS = (
    b"",
    b" ",
    b'"',
    b"[",
    b"]",
    b"],[",
    b",[[",
    b"]]]]",
    b",",
    b":",
    b"0",
    b"1",
    b"{",
    b"}",
    b"[[1,0,1,0,1]]",
    b'"v":1,',
)


def told(plain: bytes) -> Plain | None:
    try:
        return decode_body(plain, "json")
    except Malformed:
        return None


def told_at_length(plain: bytes) -> Plain | None:
    """By the typed decoder, whatever was met before."""
    try:
        return decode._decode(plain, "json")
    except Malformed:
        return None


@given(st.sampled_from(SOUND), st.sampled_from(SOUND), st.data())
def test_known_reports_are_read_as_the_decoder_reads_them(one: bytes, other: bytes, data: st.DataObject) -> None:
    """Whatever is cut out of known reports, put into them or taken from another, both ways read the same or nothing."""
    for sound in SOUND:
        assert told(sound) == told(sound) == told_at_length(sound) is not None
    plain = one
    for _ in range(data.draw(st.integers(1, 3))):
        at, until = sorted(data.draw(st.tuples(st.integers(0, len(plain)), st.integers(0, len(plain)))))
        if data.draw(st.booleans()):
            until = min(until, at + 3)
        begin, end = sorted(data.draw(st.tuples(st.integers(0, len(other)), st.integers(0, len(other)))))
        put = data.draw(st.one_of(st.sampled_from(CUTS), st.just(other[begin:end])))
        plain = plain[:at] + put + plain[until:]
    expected = told_at_length(plain)
    assert told(plain) == expected
    assert told(plain) == expected


@given(st.lists(st.sampled_from(TALLIES), min_size=1, max_size=12), st.sampled_from(SOUND))
def test_other_tallies_in_a_known_report_are_theirs(tallies: list[Tally], sound: bytes) -> None:
    """A known text with other known tallies in it says them, and nothing of those it was met with."""
    told(sound)
    (before, behind), _ = parted(sound) or pytest.fail("not parted")
    lines = b",".join(b"[%d,%d,%d,%d,%d]" % (t.measure, t.label, t.fact, t.slot, t.n) for t in tallies)
    plain = before + b"[" + lines + b"]" + behind
    found = told(plain)
    assert found == told_at_length(plain)
    assert found is not None
    assert found.tallies == len(tallies)


def test_too_many_known_tallies_are_no_report() -> None:
    """As many as a report may have are read, and one more is refused, however well known each of them is."""
    (before, behind), _ = parted(SOUND[0]) or pytest.fail("not parted")
    told(SOUND[0])
    for number, sound in ((limits.TALLIES_PER_REPORT, True), (limits.TALLIES_PER_REPORT + 1, False)):
        plain = before + b"[" + b",".join([b"[1,0,1,0,1]"] * number) + b"]" + behind
        assert (told(plain) is not None) is sound


def test_what_is_remembered_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many texts devices make up, so many are remembered at most, and none that is long."""
    monkeypatch.setattr(around, "AROUND_MOST", 8)
    kept: Arounds[int] = Arounds()
    for n in range(100):
        kept.learn((b"%d" % n, b""), n)
        assert kept.get((b"%d" % n, b"")) == n
        assert len(kept._said) <= 8
    kept.learn((bytes(AROUND_BYTES - 1), b"x"), 1)
    assert kept.get((bytes(AROUND_BYTES - 1), b"x")) == 1
    kept.learn((bytes(AROUND_BYTES), b"x"), 1)
    assert kept.get((bytes(AROUND_BYTES), b"x")) is None
