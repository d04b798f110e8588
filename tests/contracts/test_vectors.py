"""The frozen vectors, held by every implementation of the protocol in this house."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, cast

import msgpack
import pytest
from headcount_ingest.decode import Malformed, Plain, decode_body
from headcount_ingest.said import Said
from headcount_wire import codec, segment
from headcount_wire.errors import MalformedReport, MalformedSegment
from headcount_wire.report import Report, Tally
from headcount_wire.segment import pack_tally
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.test_codec import REPORTS

VECTORS = Path(__file__).parent / "vectors"
GOOD = sorted((VECTORS / "reports/good").glob("*.json"))
LENIENT = sorted((VECTORS / "reports/lenient").glob("*.json"))
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


def by_edge(media: str, body: bytes) -> Plain:
    return decode_body(body, "json" if media == codec.JSON else "msgpack")


def said(report: Report) -> Plain:
    """What the edge reads of a report that the reference has read."""
    said = Said(
        report.catalog,
        report.policy,
        dict(report.purposes),
        report.created,
        dict(report.context),
        None if report.origin is None else dict(report.origin),
        report.sdk,
    )
    days = [(day.day, b"".join(map(_packed, day.tallies))) for day in report.days]
    return Plain(said, days, sum(len(day.tallies) for day in report.days))


def _packed(tally: Tally) -> bytes:
    return pack_tally(tally.measure, tally.label, tally.fact, tally.slot, tally.n)


def test_there_are_vectors() -> None:
    """The folders hold cases: an empty folder would prove nothing."""
    assert len(GOOD) >= 15
    assert len(LENIENT) >= 5
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
    assert by_edge(vector["content_type"], body) == said(report)


@pytest.mark.parametrize("path", LENIENT, ids=lambda path: path.stem)
def test_what_no_sdk_writes_is_read_alike(path: Path) -> None:
    """Both decoders accept bytes that are not canonical, and read the same report in them."""
    vector = read(path)
    body = body_of(vector)
    report = reference(vector["content_type"], body)
    assert codec.to_plain(report) == vector["decoded"]
    assert by_edge(vector["content_type"], body) == said(report)


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


def agree(media: str, body: bytes) -> None:
    """Both decoders refuse the bytes, or read the same report in them."""
    try:
        found: Plain | None = said(reference(media, body))
    except MalformedReport:
        found = None
    try:
        edge: Plain | None = by_edge(media, body)
    except Malformed:
        edge = None
    assert edge == found


ENCODERS = {codec.JSON: codec.encode_json, codec.MSGPACK: codec.encode_msgpack}
MEDIA = st.sampled_from(sorted(ENCODERS))
ODD = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=8)
    | st.binary(max_size=4)
    | st.sampled_from([[], {}, [[]], {"os": "ios"}, {"usage": 1}, "2024-10-04", 0, 1, -1, 1.0, 2**32])
)
KEYS = st.sampled_from(["catalog", "context", "created", "days", "origin", "policy", "purposes", "sdk", "v", "os", "x"])


@given(REPORTS, MEDIA)
def test_both_decoders_read_the_same(report: Report, media: str) -> None:
    """What an SDK writes, both read alike, in either form."""
    body = ENCODERS[media](report)
    assert by_edge(media, body) == said(reference(media, body)) == said(report)


@given(REPORTS, MEDIA, st.data())
def test_both_decoders_agree_on_damaged_bytes(report: Report, media: str, data: st.DataObject) -> None:
    """With bytes changed, inserted or cut out, the two decoders still agree."""
    body = bytearray(ENCODERS[media](report))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, max(0, len(body) - 1)))
        body[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    agree(media, bytes(body))


@given(REPORTS, MEDIA, st.data())
def test_both_decoders_agree_on_changed_reports(report: Report, media: str, data: st.DataObject) -> None:
    """With a value anywhere in it replaced, removed or added, the two decoders still agree."""
    plain: Any = codec.to_plain(report)
    place = plain
    while data.draw(st.booleans()):
        inner = [value for value in (place.values() if isinstance(place, dict) else place) if value and _holds(value)]
        if not inner:
            break
        place = data.draw(st.sampled_from(inner))
    key = data.draw(KEYS if isinstance(place, dict) else st.integers(0, max(0, len(place) - 1)))
    match data.draw(st.sampled_from(["set", "remove", "repeat"])):
        case "set" if isinstance(place, dict) or place:
            place[key] = data.draw(ODD)
        case "remove" if isinstance(place, dict):
            place.pop(key, None)
        case _ if isinstance(place, list):
            place.extend(place[-1:])
    agree(media, _written(plain, media))


def _holds(value: object) -> bool:
    return isinstance(value, dict | list)


def _written(plain: object, media: str) -> bytes:
    if media == codec.MSGPACK:
        return cast("bytes", msgpack.packb(plain, use_bin_type=True))
    return json.dumps(plain, default=lambda raw: raw.decode("latin-1")).encode("utf-8", "surrogatepass")


@given(REPORTS, MEDIA, st.data())
def test_both_decoders_refuse_a_key_that_stands_twice(report: Report, media: str, data: st.DataObject) -> None:
    """A repeated key, of the report or of a map in it, is refused by both in either form."""
    plain = codec.to_plain(report)
    maps = [found for found in (plain, *plain.values()) if isinstance(found, dict) and found]
    chosen = data.draw(st.sampled_from(maps))
    key = data.draw(st.sampled_from(sorted(chosen)))
    body = _twice(plain, chosen, key, media)
    with pytest.raises(MalformedReport):
        reference(media, body)
    with pytest.raises(Malformed):
        by_edge(media, body)


def _twice(value: Any, chosen: dict[str, Any], key: str, media: str) -> bytes:
    """A value's bytes, with one key of the chosen map written a second time."""
    if not isinstance(value, dict):
        return _written(value, media)
    pairs = [*value.items(), *([(key, value[key])] if value is chosen else [])]
    written = [(_written(name, media), _twice(found, chosen, key, media)) for name, found in pairs]
    if media == codec.MSGPACK:
        return bytes((0x80 | len(pairs),)) + b"".join(name + found for name, found in written)
    return b"{" + b",".join(name + b":" + found for name, found in written) + b"}"
