"""Reports as bytes: canonical out, strict in, the same in JSON and msgpack."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from headcount_wire import codec, limits
from headcount_wire.dimensions import DIMENSIONS
from headcount_wire.errors import MalformedReport
from headcount_wire.report import Report, ReportDay, Tally, new_report_id
from hypothesis import given
from hypothesis import strategies as st

TALLIES = st.builds(
    Tally,
    st.integers(1, limits.CODE_MAX),
    st.integers(0, limits.LABELS_PER_MEASURE + 1),
    st.integers(1, 255),
    st.integers(0, limits.BUCKET_MAX),
    st.integers(1, limits.CAP_MAX),
)
NAMES = st.from_regex(r"\A[a-z][a-z0-9_]{0,12}\Z")
CONTEXT = st.dictionaries(st.sampled_from(sorted(DIMENSIONS)), st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._+/-]{0,20}\Z"))
REPORT_DAYS = st.dictionaries(st.integers(0, 40_000), st.lists(TALLIES, min_size=1, max_size=5), min_size=1, max_size=4)
REPORTS = st.builds(
    Report,
    sdk=st.just("python/0.1.0"),
    catalog=st.integers(1, limits.VERSION_MAX),
    policy=st.integers(1, limits.VERSION_MAX),
    created=st.integers(0, 40_000),
    purposes=st.dictionaries(NAMES, st.integers(1, limits.VERSION_MAX), max_size=4),
    days=REPORT_DAYS.map(lambda found: tuple(ReportDay(day, tuple(found[day])) for day in sorted(found))),
    context=CONTEXT,
    origin=st.none() | CONTEXT,
)
PAIRS: list[tuple[Callable[[Report], bytes], Callable[[bytes], Report]]] = [
    (codec.encode_json, codec.decode_json),
    (codec.encode_msgpack, codec.decode_msgpack),
]


@pytest.mark.parametrize(("encode", "decode"), PAIRS)
@given(report=REPORTS)
def test_a_report_survives_its_bytes(
    encode: Callable[[Report], bytes], decode: Callable[[bytes], Report], report: Report
) -> None:
    """What is encoded is decoded to the same report, and encodes to the same bytes again."""
    body = encode(report)
    assert decode(body) == report
    assert encode(decode(body)) == body


@given(st.binary(max_size=200))
def test_noise_is_refused_and_nothing_else_happens(body: bytes) -> None:
    """Random bytes raise MalformedReport and never anything else."""
    for decode in (codec.decode_json, codec.decode_msgpack):
        with pytest.raises(MalformedReport):
            decode(body)


def test_a_refusal_never_repeats_what_was_there() -> None:
    """The message of a refusal holds nothing that the device sent."""
    plain = codec.to_plain(Report("x/1", 1, 1, 20_000, {"usage": 1}, (ReportDay(20_000, (Tally(1, 0, 4, 1, 1),)),)))
    for key in plain:
        spoilt = json.dumps({**plain, key: "jane@example.org"}).encode()
        with pytest.raises(MalformedReport) as caught:
            codec.decode_json(spoilt)
        assert "jane" not in str(caught.value)


def test_report_ids_are_fresh() -> None:
    """A report id is 128 random bits, new each time."""
    assert len({new_report_id() for _ in range(1000)}) == 1000
    assert all(len(new_report_id()) == 32 for _ in range(10))
