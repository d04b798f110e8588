"""Segments: every whole record is read, nothing after the first bad one is believed."""

from __future__ import annotations

import pytest
from headcount_wire import segment
from headcount_wire.errors import MalformedSegment
from headcount_wire.segment import Header, Record, Stream
from hypothesis import given
from hypothesis import strategies as st

CONTEXT = ("ios", "17", "de", "Europe/Berlin", "3.1", "phone")
RECORDS = st.builds(
    Record,
    stream=st.sampled_from(Stream),
    created=st.integers(0, 65_535),
    partner=st.integers(0, 2**32 - 1),
    customer=st.integers(1, 2**32 - 1),
    app=st.integers(1, 2**32 - 1),
    catalog=st.integers(1, 1_000_000),
    context=st.just(CONTEXT),
    origin=st.none() | st.just(("unknown",) * 6),
    tallies=st.lists(
        st.tuples(
            st.integers(0, 65_535),
            st.integers(1, 65_535),
            st.integers(0, 65),
            st.integers(1, 255),
            st.integers(0, 511),
            st.integers(1, 1_000_000),
        ),
        max_size=20,
    ).map(tuple),
)
HEADER = Header(b"workerid", 7, 20_000)


def written(records: list[Record]) -> bytes:
    framed = (segment.encode_record(bytes([n]) * 16, record) for n, record in enumerate(records))
    return segment.encode_header(HEADER) + b"".join(framed)


@given(st.lists(RECORDS, max_size=5))
def test_records_survive_their_bytes(records: list[Record]) -> None:
    """What is written is read, in order, each under its id."""
    data = written(records)
    assert segment.decode_header(data) == HEADER
    assert list(segment.records(data)) == [(bytes([n]) * 16, record) for n, record in enumerate(records)]
    assert segment.whole_bytes(data) == len(data)


@given(st.lists(RECORDS, min_size=1, max_size=3), st.data())
def test_a_torn_tail_loses_only_itself(records: list[Record], data: st.DataObject) -> None:
    """Wherever a write stops, the records before it are whole and nothing else is read."""
    whole = written(records)
    cut = data.draw(st.integers(segment.HEADER_BYTES, len(whole) - 1))
    read = list(segment.records(whole[:cut]))
    assert [record for _, record in read] == records[: len(read)]
    assert segment.whole_bytes(whole[:cut]) <= cut
    assert list(segment.records(whole[: segment.whole_bytes(whole[:cut])])) == read


@given(st.lists(RECORDS, min_size=1, max_size=3), st.data())
def test_a_flipped_bit_never_makes_a_wrong_record(records: list[Record], data: st.DataObject) -> None:
    """With any one bit flipped, what is read is a prefix of what was written, or nothing."""
    whole = bytearray(written(records))
    bit = data.draw(st.integers(0, len(whole) * 8 - 1))
    whole[bit // 8] ^= 1 << (bit % 8)
    try:
        read = [record for _, record in segment.records(bytes(whole))]
    except MalformedSegment:
        return
    assert read == records[: len(read)]


def test_a_newer_version_is_refused_loudly() -> None:
    """A reader never skips what a newer writer left: it says so."""
    data = bytearray(segment.encode_header(HEADER))
    data[5] = 3
    import struct
    import zlib

    data[-4:] = struct.pack("<I", zlib.crc32(bytes(data[:-4])))
    with pytest.raises(MalformedSegment, match="version 3 is not known"):
        segment.decode_header(bytes(data))


def test_a_record_beyond_the_bound_is_refused() -> None:
    """A writer cannot make a record that a reader would take for garbage."""
    record = Record(Stream.LIVE, 1, 1, 1, 1, 1, CONTEXT, None, ((1, 1, 0, 1, 0, 1),) * 20_000)
    with pytest.raises(MalformedSegment, match="larger"):
        segment.encode_record(b"i" * 16, record)


@given(st.lists(RECORDS, min_size=1, max_size=5), st.data())
def test_damage_costs_the_record_it_hit(records: list[Record], data: st.DataObject) -> None:
    """A byte changed anywhere behind the header costs one record; what stands behind it is found again."""
    whole = bytearray(written(records))
    at = data.draw(st.integers(segment.HEADER_BYTES, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    found = segment.salvage(bytes(whole))
    assert (len(found.records), found.gaps) == (len(records) - 1, 1)
    assert {(report_id[0], record) for report_id, record in found.records} <= set(enumerate(records))
    assert segment.salvage(written(records)) == (list(segment.records(written(records))), 0, 0)


@given(st.lists(RECORDS, min_size=2, max_size=4), st.data())
def test_only_a_write_that_was_cut_off_is_not_kept(records: list[Record], data: st.DataObject) -> None:
    """Of an open segment all is kept where a whole record stands behind damage, and else what is whole."""
    whole = written(records)
    ends = [len(written(records[:n])) for n in range(len(records) + 1)]
    cut = data.draw(st.integers(segment.HEADER_BYTES, len(whole)))
    assert segment.kept_bytes(whole[:cut]) == max(end for end in ends if end <= cut)
    damaged = bytearray(whole)
    at = data.draw(st.integers(segment.HEADER_BYTES, len(whole) - 1))
    damaged[at] ^= data.draw(st.integers(1, 255))
    assert segment.kept_bytes(bytes(damaged)) == (len(whole) if at < ends[-2] else ends[-2])
