"""Any number of requests becomes reports that an edge admits whole: nothing is clipped, nothing said twice."""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from headcount.logtap.coding import catalog_text
from headcount.logtap.labels import ANSWER
from headcount.logtap.reports import BUCKET, COUNT, Key, Waiting
from headcount_ingest.admit import Admitted, admit
from headcount_ingest.decode import Decoded, decode_body
from headcount_sdk.uploader import compress
from headcount_wire import codec, limits
from headcount_wire.app_key import fingerprint
from headcount_wire.facts import OTHER
from headcount_wire.organisation import parse_organisation
from headcount_wire.report import Report, ReportDay
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.headcount.logtap.world import DAY, KEY, coding, declaration, once_facts

CODING = coding(declaration(Path("/x")))
CAPS = {code: measure.cap for code, measure in CODING.by_code.items()}
LABELS = range(OTHER, OTHER + 1 + len(ANSWER.values))
ORGANISATION = f"""\
[operator]
name = "Example"
[customers.acme]
code = 1
policy = {{ version = 1, purposes = ["service"] }}
[apps.meet_logs]
code = 1
catalogs = ["meet-logs.toml"]
[[keys]]
fingerprint = "{fingerprint(KEY)}"
customer = "acme"
app = "meet_logs"
"""

with tempfile.TemporaryDirectory() as _folder:
    (Path(_folder) / "meet-logs.toml").write_text(catalog_text(declaration(Path(_folder))), "utf-8")
    EDGE_KEY = parse_organisation(ORGANISATION, Path(_folder)).key_by_fingerprint[fingerprint(KEY)]

counts = st.tuples(
    st.integers(DAY - 2, DAY), st.sampled_from([m.code for m in CODING.requests]), st.sampled_from(LABELS)
).map(lambda key: (*key, COUNT, 0))
buckets = st.tuples(
    st.integers(DAY - 2, DAY),
    st.sampled_from([m.code for m in CODING.latency]),
    st.sampled_from(LABELS),
    st.just(BUCKET),
    st.integers(0, limits.BUCKET_MAX),
)
amounts = st.integers(1, 50) | st.sampled_from([999_999, 1_000_000, 1_000_001, 7_654_321])


def report_of(days: list[ReportDay]) -> Report:
    """The report that the ledger would make of some days."""
    return Report("logtap/0.1.0", 1, 1, DAY, {"service": 1}, tuple(days))


def admitted(report: Report) -> Admitted:
    """What the edge makes of a report: its own decoder, its own admission."""
    plain = decode_body(codec.encode_json(report), "json")
    found = admit(Decoded(b"i" * 16, EDGE_KEY, plain), DAY)
    assert isinstance(found, Admitted)
    return found


@settings(max_examples=60)
@given(st.dictionaries(counts | buckets, amounts, min_size=1, max_size=40), st.integers(16, 60), st.data())
def test_all_that_waits_is_admitted_whole(sums: dict[Key, int], most: int, data: st.DataObject) -> None:
    """In any amounts, reports of any size, refused or not: the edge drops no tally, and what it admits adds up."""
    waiting = Waiting()
    for key, n in sums.items():
        waiting.add(key, n)
    requests, found, reports = waiting.requests(), Counter[Key](), list[Report]()
    for _ in range(200):
        days = waiting.take(CAPS, most)
        if not days:
            break
        if data.draw(st.booleans()) and len(reports) < 100:
            waiting.give_back(days)
            days = waiting.take(CAPS, most)
        reports.append(report_of(days))
        assert sum(len(day.tallies) for day in days) <= most
        passed = admitted(reports[-1])
        assert not passed.drops
        for day, *rest in passed.tallies:
            if rest[2] in (COUNT, BUCKET):
                found[day, rest[0], rest[1], rest[2], rest[3]] += rest[4]
    assert found == sums
    assert waiting.sums == {}
    assert waiting.buckets == 0
    assert sum(n for key, n in found.items() if key[3] == COUNT) == requests
    assert set(once_facts(reports).values()) == {1}
    assert set(once_facts(reports)) == {(k[0], k[1], label) for k in sums for label in (0, k[2])}


def test_a_busy_day_takes_as_many_reports_as_it_needs() -> None:
    """Nine million requests to one route class on a day are nine reports' worth, and every one of them counts."""
    waiting = Waiting()
    code = CODING.requests[1].code
    for label in LABELS[:3]:
        waiting.add((DAY, code, label, COUNT, 0), 3_000_000)
    reports = []
    while days := waiting.take(CAPS, limits.TALLIES_PER_REPORT):
        reports.append(admitted(report_of(days)))
    assert len(reports) == 9_000_000 // limits.CAP_MAX
    assert not any(report.drops for report in reports)
    assert sum(tally[5] for report in reports for tally in report.tallies if tally[3] == COUNT) == 9_000_000


@pytest.mark.parametrize("seed", range(3))
def test_the_largest_report_fits(seed: int) -> None:
    """A report with as many tallies as there may be, of the longest numbers, is within the edge's bounds."""
    draw, waiting = random.Random(seed), Waiting()
    for measure in CODING.latency:
        for label in LABELS:
            for slot in draw.sample(range(limits.BUCKET_MAX + 1), 60):
                waiting.add((DAY, measure.code, label, BUCKET, slot), draw.randint(1, limits.CAP_MAX // 3000))
    days = waiting.take(CAPS, limits.TALLIES_PER_REPORT)
    assert sum(len(day.tallies) for day in days) > limits.TALLIES_PER_REPORT - 4
    body = codec.encode_json(report_of(days))
    assert len(body) < limits.DECODED_BYTES
    assert len(compress(body)) < limits.BODY_BYTES
    assert not admitted(report_of(days)).drops


def test_old_days_are_forgotten_with_their_number() -> None:
    """What waited on days that are too old is dropped, and how many requests that were is said."""
    waiting = Waiting()
    code, timing = CODING.requests[0].code, CODING.latency[0].code
    for day in (DAY - 2, DAY):
        waiting.add((day, code, OTHER, COUNT, 0), 5)
        waiting.add((day, timing, OTHER, BUCKET, 7), 5)
    waiting.take({code: 1, timing: 1}, 100)
    assert waiting.forget_before(DAY) == 4
    assert {key[0] for key in waiting.sums} == {DAY} == set(waiting.said)
    assert waiting.buckets == 1
