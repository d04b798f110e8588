"""JSON lines: the declared fields are read, all others are passed over."""

from __future__ import annotations

import json
from typing import Any

import pytest
from headcount.logtap.json_lines import JsonLines
from headcount.logtap.labels import label_of
from headcount.logtap.reading import UNTIMED
from headcount_wire import days
from headcount_wire.buckets import bucket_of
from hypothesis import given
from hypothesis import strategies as st

from tests.headcount.logtap.test_combined import DAY, GET_2XX, POST_5XX, ROUTES

FLAT = {"time": "time", "status": "status", "method": "method", "path": "uri", "latency": "request_time"}
NGINX = JsonLines(ROUTES, FLAT)
NESTED = {"time": "ts", "status": "status", "method": "request.method", "path": "request.uri", "latency": "duration"}
ENTRY = {"time": "2026-10-08T10:00:00+02:00", "status": 200, "method": "GET", "uri": "/?q=1", "request_time": 0.25}


def one(reader: JsonLines, entry: object) -> tuple[int, int, int, int] | None:
    """What one entry counts as; ``None`` when it is unreadable."""
    line = entry if isinstance(entry, bytes) else json.dumps(entry).encode()
    counted = reader.count(line + b"\n")
    assert counted.unreadable + sum(counted.lines.values()) == 1
    return next(iter(counted.lines), None)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (DAY, 2, GET_2XX, bucket_of(250))),
        ({"status": "502", "method": "POST", "request_time": "0.250"}, (DAY, 2, POST_5XX, bucket_of(250))),
        ({"request_time": "-"}, (DAY, 2, GET_2XX, UNTIMED)),
        ({"request_time": None}, (DAY, 2, GET_2XX, UNTIMED)),
        ({"request_time": -1}, (DAY, 2, GET_2XX, UNTIMED)),
        ({"request_time": "0.010, 0.020 : -"}, (DAY, 2, GET_2XX, 30)),
        ({"uri": "/api/users/7/avatar"}, (DAY, 1, GET_2XX, bucket_of(250))),
        ({"uri": None, "method": 7}, (DAY, 0, label_of(b"", b"2"), bucket_of(250))),
        ({"time": "08/Oct/2026:23:59:59 -0700"}, (DAY, 2, GET_2XX, bucket_of(250))),
        ({"time": DAY * 86_400.0 + 1.5}, (DAY, 2, GET_2XX, bucket_of(250))),
        ({"time": DAY * 86_400_000 + 86_399_999}, (DAY, 2, GET_2XX, bucket_of(250))),
        ({"time": f"{DAY * 86_400}.123"}, (DAY, 2, GET_2XX, bucket_of(250))),
        ({"time": "yesterday"}, None),
        ({"time": None}, None),
        ({"time": 1e300}, None),
        ({"time": "2026-02-31T00:00:00Z"}, None),
        ({"status": 20}, None),
        ({"status": True}, None),
        ({"status": {"a": 1}}, None),
        ({"other": {"deep": ["@", {"secret": 1}]}, "time": "2026-10-08"}, (DAY, 2, GET_2XX, bucket_of(250))),
    ],
)
def test_what_an_entry_counts_as(changes: dict[str, Any], expected: tuple[int, int, int, int] | None) -> None:
    """Numbers and texts, written days and moments, missing and wrong fields count as what they are, or not at all."""
    assert one(NGINX, {**ENTRY, **changes}) == expected


@pytest.mark.parametrize(
    "junk", [b"", b"x", b"[]", b"{", b'{"time":"\xff"', b"[" * 100_000, b'{"status":' + b"9" * 9000 + b"}", b"null"]
)
def test_what_is_no_entry_is_unreadable(junk: bytes) -> None:
    """No JSON, wrong JSON, deep JSON, bytes that are no text: counted as unreadable, and nothing is raised."""
    assert one(NGINX, junk) is None


def test_a_path_that_is_no_text_counts_all_the_same() -> None:
    """A client can send any bytes as a path, and a server writes them as they are: the line still counts."""
    entry = json.dumps({**ENTRY, "uri": "/x@"}).encode().replace(b"@", b"\xff\xc3")
    assert one(NGINX, entry) == (DAY, 0, GET_2XX, bucket_of(250))


def test_fields_within_fields_and_a_request_line() -> None:
    """A dotted name is a field within a field; a request line stands for method and path."""
    caddy = JsonLines(ROUTES, NESTED, "s", "UTC")
    entry = {"ts": DAY * 86_400.5, "request": {"method": "GET", "uri": "/", "remote_ip": "192.0.2.1"}, "status": 200}
    assert one(caddy, {**entry, "duration": 0.0021}) == (days.utc_day(DAY * 86_400.5), 2, GET_2XX, 2)
    assert one(caddy, {**entry, "request": None}) == (days.utc_day(DAY * 86_400.5), 0, label_of(b"", b"2"), UNTIMED)
    line = JsonLines(ROUTES, {"time": "t", "status": "s", "request": "r"})
    assert one(line, {"t": "2026-10-08", "s": 200, "r": "GET /?a=b HTTP/1.1"}) == (DAY, 2, GET_2XX, UNTIMED)
    assert one(line, {"t": "2026-10-08", "s": 400, "r": ""}) == (DAY, 0, label_of(b"", b"4"), UNTIMED)
    nanoseconds = JsonLines(ROUTES, FLAT, "ns")
    assert one(nanoseconds, {**ENTRY, "request_time": 7_000_000}) == (DAY, 2, GET_2XX, 7)


def test_a_moment_counts_on_the_day_of_its_zone() -> None:
    """Seconds since 1970 fall on the local day of the declared zone, through the change to winter time too."""
    berlin = JsonLines(ROUTES, FLAT, "s", "Europe/Berlin")
    midnight_utc = days.parse("2026-10-25") * 86_400
    found = {hour: one(berlin, {**ENTRY, "time": midnight_utc + hour * 3600}) for hour in (-3, -2, 22, 23)}
    first = days.parse("2026-10-24")
    assert [day[0] - first for day in found.values() if day] == [0, 1, 1, 2]


@given(st.lists(st.binary(max_size=60) | st.just(json.dumps(ENTRY).encode()), max_size=6))
def test_every_line_has_one_outcome(lines: list[bytes]) -> None:
    """Any bytes at all: the lines that count and those that are unreadable are all lines there are."""
    data = b"".join(line + b"\n" for line in lines)
    counted = NGINX.count(data)
    assert counted.unreadable + sum(counted.lines.values()) == data.count(b"\n")
