"""Any number of requests becomes reports that an edge admits whole: nothing is clipped, nothing said twice."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from headcount.logtap.labels import ANSWER
from headcount.logtap.reports import BUCKET, COUNT, Key, Waiting
from headcount_sdk.uploader import compress
from headcount_wire import codec, limits
from headcount_wire.clock import ManualClock
from headcount_wire.facts import FACT_RULES, OTHER, Fact
from headcount_wire.report import Report, ReportDay
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.headcount.logtap.processes import DEBUG_KEY, edge_settings, prepared, spooled
from tests.headcount.logtap.world import DAY, NOON, coding, declaration, once_facts
from tests.ingest.conftest import running

CODING = coding(declaration(Path("/x")))
CAPS = {code: measure.cap for code, measure in CODING.by_code.items()}
LABELS = range(OTHER, OTHER + 1 + len(ANSWER.values))

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


def held_to_the_rules(report: Report) -> Report:
    """A report as it arrives, held to the protocol's decoder and the catalog's rules, as any edge does."""
    found = codec.decode_json(codec.encode_json(report))
    for day in found.days:
        used: Counter[tuple[int, int]] = Counter()
        once: Counter[tuple[int, int, int]] = Counter()
        for tally in day.tallies:
            measure, fact = CODING.by_code[tally.measure], Fact(tally.fact)
            assert measure.allows(tally.label, fact)
            assert tally.slot in measure.slots(fact)
            if FACT_RULES[fact].once:
                once[tally.measure, tally.label, fact] += tally.n
            else:
                used[tally.measure, fact] += tally.n
        assert max(once.values(), default=1) == 1
        assert all(n <= CAPS[measure] for (measure, _), n in used.items())
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
        taken = waiting.take(CAPS, most)
        if not taken:
            break
        if data.draw(st.booleans()) and len(reports) < 100:
            waiting.give_back(taken)
            taken = waiting.take(CAPS, most)
        reports.append(report_of(taken))
        assert sum(len(day.tallies) for day in taken) <= most
        for day in held_to_the_rules(reports[-1]).days:
            found.update({(day.day, *tally[:4]): tally.n for tally in day.tallies if tally.fact in (COUNT, BUCKET)})
    assert found == sums
    assert waiting.sums == {}
    assert waiting.buckets == 0
    assert sum(n for key, n in found.items() if key[3] == COUNT) == requests
    assert set(once_facts(reports).values()) == {1}
    assert set(once_facts(reports)) == {(k[0], k[1], label) for k in sums for label in (0, k[2])}


async def test_a_busy_day_takes_as_many_reports_as_it_needs(tmp_path: Path) -> None:
    """Nine million requests to one route class on a day are nine reports, of which a real edge counts every one."""
    prepared(tmp_path)
    worker = await running(edge_settings(tmp_path), clock=ManualClock(NOON))
    waiting, sent = Waiting(), 0
    code = CODING.requests[1].code
    for label in LABELS[:3]:
        waiting.add((DAY, code, label, COUNT, 0), 3_000_000)
    while days := waiting.take(CAPS, limits.TALLIES_PER_REPORT):
        status, body, _ = await worker.post(report_of(days), key=DEBUG_KEY)
        assert (status, body["dropped"]) == (202, 0)
        sent += 1
    await worker.close()
    await worker.session.close()
    assert sent == 9_000_000 // limits.CAP_MAX
    found, once = spooled(tmp_path, CODING)
    assert {key[2]: n for key, n in found.items()} == dict.fromkeys(("other", "get_1xx", "get_2xx"), 3_000_000)
    assert set(once.values()) == {1}


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
    held_to_the_rules(report_of(days))


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
