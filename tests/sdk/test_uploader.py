"""Verdicts: what is an answer, what it does to the queue, and when the next try comes."""

from __future__ import annotations

import json

import pytest
from headcount_sdk.health import Surprise
from headcount_sdk.pacing import LONGEST_SECONDS
from headcount_sdk.testing import ManualClock, MemoryTransport, accepted
from headcount_sdk.transport import Answer, Request
from headcount_sdk.uploader import Fate, judge
from headcount_wire.facts import Fact
from headcount_wire.policy import Policy, encode_policy
from headcount_wire.problems import Problem, Verdict
from headcount_wire.report import Tally

from tests.sdk.conftest import DAY, MakeClient


def refusal(problem: Problem, *, address: str = "", **headers: str) -> Answer:
    plain = {"type": problem.uri, "title": problem.sentence, "status": problem.status, "address": address}
    body = json.dumps(plain).encode()
    return Answer(problem.status, {"content-type": "application/problem+json", **headers}, body)


NO_ANSWERS = [
    Answer(200, {"content-type": "text/html"}, b"<html>Please log in</html>"),
    Answer(202, {"content-type": "text/html"}, accepted().body),
    Answer(202, {"content-type": "application/json"}, b'{"ok":true}'),
    Answer(302, {"location": "https://portal.example"}),
    Answer(404, {"content-type": "text/html"}, b"not here"),
    Answer(413, {"content-type": "text/html"}, b"too large, says a proxy"),
    Answer(400, {"content-type": "application/problem+json"}, b'{"type":"about:blank"}'),
    Answer(503, {"content-type": "text/plain"}, b""),
]


@pytest.mark.parametrize("answer", NO_ANSWERS)
def test_what_is_no_answer_keeps_the_report(answer: Answer) -> None:
    """A portal, a redirect, a proxy's page: none of them is an answer."""
    assert judge(answer).fate is Fate.NO_ANSWER


@pytest.mark.parametrize("problem", Problem)
def test_each_problem_has_its_fate(problem: Problem) -> None:
    """Every listed problem leads to the fate its verdict names."""
    assert (
        judge(refusal(problem)).fate.name
        in {
            "drop": ["DROPPED"],
            "split": ["SPLIT"],
            "keep": ["KEPT"],
            "keep_a_day": ["KEPT_A_DAY"],
            "resend_elsewhere": ["MOVED"],
        }[problem.verdict.value]
    )


def test_a_retry_is_byte_identical_and_survives_a_restart(
    make: MakeClient, network: MemoryTransport, clock: ManualClock
) -> None:
    """Without an answer the same id and bytes go again, also from a new process."""
    network.answer = lambda _: None
    client = make()
    client.consent.grant("usage")
    client.track("share.used")
    client.flush()
    client.track("meeting.joined", entry="link")
    client.shutdown()
    clock.advance(2 * 3600)
    client = make()
    client.pump()
    posts = [(r.url, r.body) for r in network.requests if r.method == "POST"]
    assert len(posts) == 2
    assert posts[0] == posts[1]
    assert client.health.counts[Surprise.NO_ANSWER] == 1


def test_back_off_is_kept_over_a_restart(make: MakeClient, network: MemoryTransport, clock: ManualClock) -> None:
    """After a 503 with Retry-After nothing is sent before its time, even after a restart."""
    network.answer = lambda _: refusal(Problem.OVERLOADED, **{"retry-after": "600"})
    client = make()
    client.consent.grant("usage")
    client.track("share.used")
    client.flush()
    client.shutdown()
    clock.advance(599)
    client = make()
    client.pump()
    assert len(network.reports) == 1
    clock.advance(1 + LONGEST_SECONDS)
    client.pump()
    assert len(network.reports) == 2


def test_markers_advance_on_acknowledgement_only(
    make: MakeClient, network: MemoryTransport, clock: ManualClock
) -> None:
    """A refused day moves no marker; a day of unknown fate does; an accepted one does."""
    client = make()
    client.consent.grant("usage")
    network.answer = lambda _: refusal(Problem.MALFORMED)
    client.track("share.used")
    client.flush()
    assert client.export()["last_sent_day"] == {}

    clock.advance(DAY)
    network.answer = lambda _: None
    client.track("share.used")
    client.flush()
    clock.advance(9 * DAY)
    network.answer = lambda _: accepted()
    client.track("share.used")
    client.flush()
    assert client.health.counts[Surprise.FATE_UNKNOWN] == 1
    assert Tally(1, 0, Fact.GAP, 9, 1) in network.reports[-1].days[-1].tallies
    assert client.export()["last_sent_day"] == {"active": "2024-10-14"}


REFUSED_NOW = [
    problem
    for problem in Problem
    if problem.verdict in (Verdict.KEEP, Verdict.KEEP_A_DAY) and problem not in (Problem.FAILED, Problem.STORAGE_FAILED)
]


@pytest.mark.parametrize("problem", REFUSED_NOW, ids=lambda problem: problem.slug)
def test_what_was_refused_for_now_is_late_and_not_lost(
    make: MakeClient, network: MemoryTransport, clock: ManualClock, problem: Problem
) -> None:
    """Refused again and again, or once before a month without the app: it comes, as long as its day is taken at all."""
    network.answer = lambda request: refusal(problem) if request.method == "POST" else None
    client = make()
    client.consent.grant("usage")
    client.track("share.used")
    for _ in range(9):
        clock.advance(DAY)
        client.pump()
        clock.advance(5 * 3600)
        client.pump()
        client.shutdown()
        client = make()
    assert len(network.reports) > 3
    clock.advance(20 * DAY)
    network.answer = lambda request: accepted() if request.method == "POST" else None
    client.pump()
    late = network.reports[-1]
    assert late.created == int(clock.now() // DAY)
    assert {Tally(1, 0, Fact.GAP, 31, 1), Tally(3, 0, Fact.DEVICES, 0, 1)} <= set(late.days[0].tallies)
    assert client.health.counts[Surprise.FATE_UNKNOWN] == 0
    assert client.export()["waiting"] == {}


UNSURE: dict[str, list[Problem | None]] = {
    "no answer": [None],
    "no answer, then busy": [None, Problem.OVERLOADED],
    "busy, then no answer": [Problem.OVERLOADED, None, Problem.OVERLOADED],
    "failed": [Problem.FAILED],
    "disk failed": [Problem.STORAGE_FAILED],
}


@pytest.mark.parametrize("answers", UNSURE.values(), ids=UNSURE)
def test_what_an_edge_may_have_goes_under_its_id_or_not_at_all(
    make: MakeClient, network: MemoryTransport, clock: ManualClock, answers: list[Problem | None]
) -> None:
    """One attempt that may have arrived is enough: within the window the same bytes go again, after it nothing does."""
    coming = iter(answers)

    def edge(request: Request) -> Answer | None:
        problem = next(coming) if request.method == "POST" else None
        return refusal(problem) if problem else None

    network.answer = edge
    client = make()
    client.consent.grant("usage")
    client.track("share.used")
    for _ in answers:
        client.flush()
        client.shutdown()
        client = make()
    clock.advance(6 * DAY)
    coming = iter([Problem.OVERLOADED])
    client.flush()
    posts = [(request.url, request.body) for request in network.requests if request.method == "POST"]
    assert len(set(posts)) == 1
    clock.advance(3 * DAY)
    network.answer = lambda request: accepted() if request.method == "POST" else None
    client.flush()
    assert len(network.reports) == len(posts)
    assert client.health.counts[Surprise.FATE_UNKNOWN] == 1


def test_refused_measures_keep_their_markers(make: MakeClient, network: MemoryTransport) -> None:
    """What the edge dropped from an accepted report was not counted there, so its marker stays."""
    network.answer = lambda request: accepted(2) if request.method == "POST" else None
    client = make()
    client.consent.grant("usage")
    client.track("meeting.joined", entry="link")
    client.flush()
    assert client.export()["last_sent_day"] == {"active": "2024-10-04"}
    assert client.health.counts[Surprise.TALLIES_REFUSED] == 1


def test_too_large_is_split(make: MakeClient, network: MemoryTransport, clock: ManualClock) -> None:
    """A 413 sends the days again in smaller parts, under new ids, with the same sums and gaps."""
    client = make()
    client.consent.grant("usage")
    for _ in range(4):
        client.track("share.used")
        clock.advance(DAY)

    def edge(request: Request) -> Answer:
        return refusal(Problem.TOO_LARGE) if len(network.reports[-1].days) > 1 else accepted()

    network.answer = lambda request: edge(request) if request.method == "POST" else None
    client.flush()
    sent = [report for report in network.reports if len(report.days) == 1]
    assert [report.days[0].day for report in sent] == [20_000, 20_001, 20_002, 20_003]
    gaps = [t.slot for report in sent for t in report.days[0].tallies if t.fact == Fact.GAP]
    assert gaps == [31, 1, 1, 1]
    assert len({request.url for request in network.requests if request.method == "POST"}) == len(network.reports)


def test_a_policy_narrows_and_renews(make: MakeClient, network: MemoryTransport) -> None:
    """A purpose the Customer forbids is erased unsent; one that needs a new consent is not decided again."""
    policy = Policy(4, {"usage": 3, "context": 1}, frozenset({"os"}))

    def edge(request: Request) -> Answer:
        return Answer(200, {}, encode_policy(policy)) if request.method == "GET" else accepted()

    network.answer = edge
    client = make(policy=2)
    changes: list[object] = []
    client.consent.listen(changes.append)
    client.consent.grant("usage", "diagnostics", "context")
    client.measure("join.time", 5)
    client.track("share.used")
    client.flush()

    assert {name: status.value for name, status in client.consent.status().items()} == {
        "usage": "not_decided",
        "diagnostics": "granted",
        "context": "granted",
    }
    assert network.reports == []
    assert len(changes) == 2


def test_a_marker_from_a_wrong_clock_is_reset(make: MakeClient, network: MemoryTransport, clock: ManualClock) -> None:
    """A device that was years ahead counts again as soon as the server's date shows it."""
    dated = Answer(202, {**accepted().headers, "date": "Thu, 03 Oct 2024 12:00:00 GMT"}, accepted().body)
    network.answer = lambda request: dated if request.method == "POST" else None
    client = make()
    client.consent.grant("usage")
    clock.advance(900 * DAY)
    client.track("share.used")
    client.flush()
    clock.set_now(clock.now() - 900 * DAY)
    client.track("share.used")
    client.flush()
    assert client.health.counts[Surprise.CLOCK_RESET] >= 1
    assert network.reports[-1].days[-1].day <= 20_001
