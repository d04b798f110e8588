"""The frozen vectors, held by every implementation of the protocol in this house."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from headcount_ingest.decode import Malformed, decode_body
from headcount_wire import codec, segment
from headcount_wire.errors import MalformedReport, MalformedSegment
from headcount_wire.report import Report
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.test_codec import REPORTS

VECTORS = Path(__file__).parent / "vectors"
GOOD = sorted((VECTORS / "reports/good").glob("*.json"))
BAD = sorted((VECTORS / "reports/bad").glob("*.json"))
SEGMENTS = sorted((VECTORS / "segments").glob("*.json"))


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def body_of(vector: dict[str, Any]) -> bytes:
    if "body_text" in vector:
        return str(vector["body_text"]).encode()
    return base64.b64decode(vector["body_base64"])


def reference(media: str, body: bytes) -> Report:
    return codec.decode_json(body) if media == codec.JSON else codec.decode_msgpack(body)


def by_edge(media: str, body: bytes) -> None:
    decode_body(body, "json" if media == codec.JSON else "msgpack")


def test_there_are_vectors() -> None:
    """The folders hold cases: an empty folder would prove nothing."""
    assert len(GOOD) >= 15
    assert len(BAD) >= 30
    assert len(SEGMENTS) >= 5


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_good_reports_are_read_and_written_so(path: Path) -> None:
    """Both decoders accept the bytes; the encoder writes exactly them."""
    vector = read(path)
    body = body_of(vector)
    report = reference(vector["content_type"], body)
    assert codec.to_plain(report) == vector["decoded"]
    assert codec.from_plain(vector["decoded"]) == report
    encode = codec.encode_json if vector["content_type"] == codec.JSON else codec.encode_msgpack
    assert encode(report) == body
    by_edge(vector["content_type"], body)


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_bad_reports_are_refused_by_all(path: Path) -> None:
    """Both decoders refuse the bytes, and neither says what was in them."""
    vector = read(path)
    body = body_of(vector)
    with pytest.raises(MalformedReport):
        reference(vector["content_type"], body)
    with pytest.raises(Malformed) as caught:
        by_edge(vector["content_type"], body)
    assert str(caught.value) == ""


@pytest.mark.parametrize("path", SEGMENTS, ids=lambda path: path.stem)
def test_segments_are_read_so(path: Path) -> None:
    """A reader finds exactly the whole records, or refuses the file."""
    vector = read(path)
    data = bytes.fromhex(vector["bytes_hex"])
    if vector["records"] is None:
        with pytest.raises(MalformedSegment):
            list(segment.records(data))
    else:
        assert len(list(segment.records(data))) == vector["records"]


def verdicts(media: str, body: bytes) -> tuple[bool, bool]:
    try:
        reference(media, body)
        first = True
    except MalformedReport:
        first = False
    try:
        by_edge(media, body)
        second = True
    except Malformed:
        second = False
    return first, second


@given(REPORTS, st.data())
def test_both_decoders_agree_on_damaged_reports(report: Report, data: st.DataObject) -> None:
    """With one byte changed, the reference and the edge accept or refuse alike."""
    body = bytearray(codec.encode_json(report))
    at = data.draw(st.integers(0, len(body) - 1))
    body[at] = data.draw(st.integers(32, 126))
    first, second = verdicts(codec.JSON, bytes(body))
    if first != second:
        # JSON lets a key stand twice; the reference refuses that, the edge takes the last.
        assert second
        plain = json.loads(bytes(body))
        assert len(json.dumps(plain, separators=(",", ":"))) < len(body)


@given(REPORTS)
def test_both_decoders_read_the_same(report: Report) -> None:
    """What one decoder reads in JSON, the other reads in msgpack."""
    body, created, found = decode_body(codec.encode_msgpack(report), "msgpack")
    assert codec.decode_json(codec.encode_json(report)) == report
    assert (body.catalog, created, dict(body.purposes), dict(body.context)) == (
        report.catalog,
        report.created,
        dict(report.purposes),
        dict(report.context),
    )
    assert [(day, [tuple(t) for t in lines]) for day, lines in found] == [
        (day.day, [tuple(t) for t in day.tallies]) for day in report.days
    ]
