"""Combined lines: what is taken of them, whatever else stands in them."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

import pytest
from headcount.logtap.combined import Combined
from headcount.logtap.labels import ANSWER, label_of
from headcount.logtap.reading import UNTIMED
from headcount.logtap.routes import RouteClass, Routes
from headcount_wire import days
from headcount_wire.buckets import bucket_of
from headcount_wire.facts import FIRST_LABEL, OTHER
from hypothesis import given
from hypothesis import strategies as st

ROUTES = Routes([RouteClass("avatar", ("/api/users/*/avatar",)), RouteClass("home", ("/",))])
DAY = days.parse("2026-10-08")
BEFORE = b"203.0.113.9 - - [08/Oct/2026:10:00:00 +0200] "
GET_2XX, POST_5XX = (FIRST_LABEL + ANSWER.values.index(value) for value in ("get_2xx", "post_5xx"))

timed = Combined(ROUTES, ("request_time",), "request_time")
plain = Combined(ROUTES)


def one(reader: Combined, line: bytes) -> tuple[int, int, int, int] | None:
    """What one line counts as; ``None`` for one that is unreadable."""
    counted = reader.count(line + b"\n")
    assert counted.unreadable + sum(counted.lines.values()) == 1
    return next(iter(counted.lines), None)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            BEFORE + b'"GET /api/users/7/avatar?token=x HTTP/1.1" 200 12 "-" "a" 0.250',
            (DAY, 1, GET_2XX, bucket_of(250)),
        ),
        (
            BEFORE + b'"POST / HTTP/2.0" 502 - "https://x.example/?q=\\x22" "a \\"b\\" c" 1',
            (DAY, 2, POST_5XX, bucket_of(1000)),
        ),
        (BEFORE + b'"GET / HTTP/1.1" 200 12', (DAY, 2, GET_2XX, UNTIMED)),
        (BEFORE + b'"GET / HTTP/1.1" 200 12 "-" "a" -', (DAY, 2, GET_2XX, UNTIMED)),
        (BEFORE + b'"GET / HTTP/1.1" 200 12 "-" "a" "198.51.100.7"', (DAY, 2, GET_2XX, UNTIMED)),
        (b"[" + BEFORE + b'"GET /" 200 1 "-" "-" 0.000', (DAY, 2, GET_2XX, 0)),
        (
            b"www.x.example:443 ::1 - jo [at] x [08/Oct/2026:00:00:00 -1130] " + b'"GET / HTTP/1.1" 200 1',
            (DAY, 2, GET_2XX, UNTIMED),
        ),
        (BEFORE + rb'"GET /api/users/\x22/avatar HTTP/1.1" 200 1 "-" "-" 0.001', (DAY, 1, GET_2XX, 1)),
        (BEFORE + rb'"GET /api/users/7/avatar\x22 HTTP/1.1" 200 1 "-" "-" 0.001', (DAY, 0, GET_2XX, 1)),
        (BEFORE + rb'"\x16\x03\x01" 400 157 "-" "-" 0.1', (DAY, 0, label_of(b"", b"4"), bucket_of(100))),
        (BEFORE + b'"-" 408 - "-" "-"', (DAY, 0, label_of(b"", b"4"), UNTIMED)),
        (BEFORE + b'"" 000 0 "-" "-" 0.000', (DAY, 0, OTHER, 0)),
        (BEFORE + b'"PROPFIND / HTTP/1.1" 207 9 "-" "-" 0.002', (DAY, 2, label_of(b"PROPFIND", b"2"), 2)),
        (BEFORE + b'"GET / HTTP/1.1" 200 1 "-" "-" 0.001\r', (DAY, 2, GET_2XX, 1)),
        (b"", None),
        (b"junk", None),
        (BEFORE.replace(b"08/Oct", b"31/Feb") + b'"GET / HTTP/1.1" 200 1', None),
        (BEFORE.replace(b"08/Oct", b"08/Okt") + b'"GET / HTTP/1.1" 200 1', None),
        (BEFORE + b'"GET / HTTP/1.1" 20 1', None),
        (BEFORE + b'"GET / HTTP/1.1" 200', None),
        (BEFORE + b'"GET / HTTP/1.1 200 1', None),
    ],
)
def test_what_a_line_counts_as(line: bytes, expected: tuple[int, int, int, int] | None) -> None:
    """Whole and broken lines, as servers and attackers write them, count as what they are, or are unreadable."""
    assert one(timed, line) == expected


def test_the_times_that_follow_are_read_by_their_place() -> None:
    """The declared time counts, in its unit; several upstreams are added up; what is skipped may be in quotes."""
    line = BEFORE + b'"GET / HTTP/1.1" 200 1 "-" "-" "x, y" 0.010 0.020, 0.030 : - 1500'
    after = ("skip", "request_time", "upstream_time", "microseconds")
    found = [one(Combined(ROUTES, after, name), line) for name in after[1:]]
    assert found == [(DAY, 2, GET_2XX, bucket) for bucket in (10, 50, 2)]
    milliseconds = Combined(ROUTES, ("milliseconds",), "milliseconds")
    assert one(milliseconds, BEFORE + b'"GET / HTTP/1.1" 200 1 "-" "-" 33') == (DAY, 2, GET_2XX, 33)


def escaped(text: str) -> str:
    """A text as nginx writes it into a log."""
    return "".join(
        c if " " <= c <= "~" and c not in '"\\' else "".join(f"\\x{b:02X}" for b in c.encode()) for c in text
    )


any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30).map(escaped)


@dataclass(frozen=True)
class Entry:
    """What a server knows of a request when it writes a line."""

    address: IPv4Address | IPv6Address
    user: str
    day: int
    clock: dt.time
    offset: str
    method: str
    path: tuple[str, int]
    query: str
    status: int
    size: int
    referrer: str
    agent: str
    milliseconds: int | None

    def written(self) -> str:
        """The line, as nginx writes it."""
        after = "-" if self.milliseconds is None else f"{self.milliseconds / 1000:.3f}"
        date = f"{days.to_date(self.day):%d/%b/%Y}:{self.clock:%H:%M:%S} {self.offset}"
        request = f"{self.method} {self.path[0]}?{self.query.replace(' ', '+')} HTTP/1.1"
        rest = f'{self.status} {self.size} "{self.referrer}" "{self.agent}" {after}'
        return f'{self.address} - {self.user} [{date}] "{request}" {rest}'


entries = st.builds(
    Entry,
    address=st.ip_addresses(),
    user=any_text,
    day=st.integers(0, 40_000),
    clock=st.times(),
    offset=st.sampled_from(["+0000", "-1130", "+1400"]),
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"]),
    path=st.sampled_from([("/", 2), ("/api/users/a@x.example/avatar", 1), ("/x", 0), ("*", 0)]),
    query=any_text,
    status=st.integers(100, 599),
    size=st.integers(0, 10**12),
    referrer=any_text,
    agent=any_text,
    milliseconds=st.none() | st.integers(0, 10**6),
)
junk = st.sampled_from(["", "junk", '"', "[", "\\", " "])


@given(st.lists(entries | junk, max_size=10))
def test_each_line_counts_as_what_it_says(found: list[Entry | str]) -> None:
    """Whatever address, user, query, referrer and agent hold, a line counts by its five values."""
    expected: Counter[tuple[int, int, int, int]] = Counter()
    for one in found:
        if isinstance(one, Entry):
            bucket = UNTIMED if one.milliseconds is None else bucket_of(one.milliseconds)
            label = label_of(one.method.encode(), str(one.status).encode())
            expected[one.day, one.path[1], label, bucket] += 1
    lines = [one.written() if isinstance(one, Entry) else one for one in found]
    counted = timed.count("".join(f"{line}\n" for line in lines).encode())
    assert counted.lines == expected
    assert counted.unreadable == sum(isinstance(one, str) for one in found)


@given(st.lists(st.binary(max_size=200) | st.sampled_from([BEFORE + b'"GET / HTTP/1.1" 200 1 "-" "-" 0.1'])))
def test_every_line_has_one_outcome(lines: list[bytes]) -> None:
    """Any bytes at all: the lines that count and those that are unreadable are all lines there are."""
    data = b"".join(line + b"\n" for line in lines)
    for reader in (timed, plain):
        counted = reader.count(data)
        assert counted.unreadable + sum(counted.lines.values()) == data.count(b"\n")
        assert counted.unreadable >= 0


@pytest.mark.parametrize(
    "hostile", [b"[", b'"', b"\\", b'\\"', b" ", b"GET ", b'" "', b"[08/Oct/2026:", b"0.1, ", b"\x00"]
)
def test_no_line_is_slow(hostile: bytes) -> None:
    """Half a megabyte made to have an expression try again and again is read in one go; else it would take days."""
    for start in (
        b"",
        BEFORE,
        BEFORE + b'"',
        BEFORE + b'"GET / HTTP/1.1" 200 1 "',
        BEFORE + b'"GET / HTTP/1.1" 200 1 "-" "-" ',
    ):
        counted = timed.count(start + hostile * (500_000 // len(hostile)) + b"\n")
        assert counted.unreadable + sum(counted.lines.values()) == 1
