"""Counts and place in the log are one thing: no death loses a line or doubles it, and no refusal costs one."""

from __future__ import annotations

import contextlib
import os
import random
import threading
from itertools import pairwise
from pathlib import Path

import pytest
from headcount.logtap import ledger as ledgers
from headcount.logtap.follow import Followed
from headcount.logtap.ledger import OLDEST_DAYS, Ledger
from headcount.logtap.outcomes import Delivery, LineOutcome, Trouble, Troubles
from headcount.logtap.position import Position
from headcount.logtap.reading import UNTIMED, Counted
from headcount.logtap.sending import Edge, Sender
from headcount.logtap.sources import Piece
from headcount.logtap.state import Sealed
from headcount.logtap.stream import Stream
from headcount.logtap.tap import Tap
from headcount_sdk.storage import DirectoryBusy, Storage
from headcount_sdk.testing import ManualClock, MemoryTransport, accepted
from headcount_sdk.transport import Answer, Request
from headcount_wire.problems import Problem
from headcount_wire.report import Report, new_report_id

from tests.headcount.logtap.world import DAY, KEY, NOON, Log, coding, declaration, ledger, never, once_facts, reported
from tests.sdk.conftest import policy
from tests.sdk.test_durability import DyingStorage, PowerCut

CODING = coding(declaration(Path("/x")))
HOUR = 3600.0


def problem(found: Problem, **headers: str) -> Answer:
    """An edge's refusal."""
    body = f'{{"type": "{found.uri}"}}'.encode()
    return Answer(found.status, {"content-type": "application/problem+json", **headers}, body)


class Reached(MemoryTransport):
    """An edge that remembers what reached its disk, by report id, as the loader does; some answers get lost."""

    def __init__(self, draw: random.Random | None = None) -> None:
        super().__init__(self._answer)
        self.draw = draw
        self.spooled: dict[str, Report] = {}
        self.next: list[Answer | None] = []
        self.policy: bytes | None = None

    def _answer(self, request: Request) -> Answer | None:
        if request.method == "GET":
            return Answer(200, {}, self.policy) if self.policy else None
        if self.next and (answer := self.next.pop(0)) is not None:
            return answer
        report_id = request.url.rpartition("/")[2]
        (report,) = MemoryTransport.reports.fget(_only(request))  # type: ignore[attr-defined]  # a property's function
        before = self.spooled.setdefault(report_id, report)
        assert before == report, "an id stands for one report"
        return None if self.draw is not None and self.draw.random() < 0.4 else accepted()


def _only(request: Request) -> MemoryTransport:
    found = MemoryTransport()
    found.requests.append(request)
    return found


def live(
    folder: Path,
    network: Reached,
    clock: ManualClock,
    storage: Storage | None = None,
    kind: type[Ledger] = Ledger,
) -> Ledger:
    """One life of the tap: it opens its state, reads all there is, hands over all there is, and ends."""
    found = ledger(folder, storage, kind=kind)
    try:
        troubles, stop = Troubles(print), never()
        position, log = found.state.position, folder / "access.log"
        source = Followed(log, position, troubles, clock.monotonic, stop, from_start=True, once=True)
        edge = Edge("https://edge.example", KEY, HOUR)
        sender = Sender(found, edge, clock, network, random.Random(1), troubles)
        Tap(source, declaration(folder).reader(), found, sender, clock).run(stop, once=True)
    finally:
        found.close()
    return found


def died(folder: Path, step: int, kind: type[Ledger] = Ledger) -> tuple[bool, bool]:
    """Three lives with a rotation, the second ended at a durable step, answers lost, the third a day later.

    Whether the second died, and whether in the end all is as if nobody had.
    """
    folder.mkdir()
    log, network, clock = Log(random.Random(step)), Reached(random.Random(step)), ManualClock(NOON)
    file = folder / "access.log"
    file.write_bytes(log.lines(30))
    live(folder, network, clock, kind=kind)
    with file.open("ab") as out:
        out.write(log.lines(30))
    file.rename(folder / "access.log.1")
    file.write_bytes(log.lines(30))
    storage = DyingStorage(str(folder / "state"), step)
    with contextlib.suppress(PowerCut):
        live(folder, network, clock, storage, kind)
    clock.advance(86_400.0)
    with file.open("ab") as out:
        out.write(log.lines(30))
    network.draw = None
    ended = live(folder, network, clock, kind=kind)
    reports = list(network.spooled.values())
    whole = (
        reported(reports, CODING) == log.expected
        and set(once_facts(reports).values()) == {1}
        and sum(ended.state.lines.values()) == ended.state.requests[Delivery.ACCEPTED] == log.requests
    )
    return storage.step >= step, whole


def test_dying_at_any_write_loses_no_line_and_doubles_none(tmp_path: Path) -> None:
    """Whatever durable step it dies at, with answers lost: what reached the edge is what was written."""
    step, alive = 0, False
    while not alive:
        step += 1
        reached, whole = died(tmp_path / f"{step}", step)
        assert whole, step
        alive = not reached
    assert step > 12


class ForgetsDoubt(Ledger):
    """Planted: does not note that a report may arrive."""

    def attempt(self, sealed: Sealed) -> None:
        """Do nothing."""


class NewIds(Ledger):
    """Planted: draws a new id for each attempt."""

    def attempt(self, sealed: Sealed) -> None:
        """Note it, under another id."""
        sealed.report_id = new_report_id()
        super().attempt(sealed)


class PlaceBehind(Ledger):
    """Planted: keeps the counts with the place of the checkpoint before."""

    before: Position | None = None

    def save(self) -> None:
        """Replace the file, with the place of the last time."""
        now, self.state.position = self.state.position, self.before
        try:
            super().save()
        finally:
            self.state.position = self.before = now


@pytest.mark.parametrize("planted", [ForgetsDoubt, NewIds, PlaceBehind])
def test_planted_bugs_are_caught(tmp_path: Path, planted: type[Ledger]) -> None:
    """The same deaths show each of three bugs that lose or double: the test can tell."""
    assert not all(died(tmp_path / f"{step}", step, planted)[1] for step in range(1, 25))


def test_a_pipe_is_emptied_when_the_tap_is_told_to_stop(tmp_path: Path) -> None:
    """What its writer has already written lies in the pipe, and nobody writes it again: it counts."""
    log, stop, clock = Log(random.Random(1)), threading.Event(), ManualClock(NOON)
    read, write = os.pipe()
    os.write(write, log.lines(100))
    stop.set()
    found = ledger(tmp_path)
    Tap(Stream(read), declaration(tmp_path).reader(), found, None, clock).run(stop)
    assert found.state.lines == {LineOutcome.COUNTED: log.requests}
    found.close()
    assert ledger(tmp_path).waits() == log.requests, "and is kept"
    os.close(read)
    os.close(write)


@pytest.fixture
def tap(tmp_path: Path) -> Ledger:
    return ledger(tmp_path)


@pytest.fixture
def network() -> Reached:
    return Reached()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def sender(tap: Ledger, network: Reached, clock: ManualClock) -> Sender:
    return sender_of(tap, network, clock)


def sender_of(tap: Ledger, network: Reached, clock: ManualClock, key: str = KEY) -> Sender:
    return Sender(tap, Edge("https://edge.example", key, HOUR), clock, network, random.Random(1), tap._troubles)


def take(tap: Ledger, *lines: tuple[int, int, int, int], times: int = 1, today: int = DAY) -> None:
    """Count some lines as if they had been read."""
    tap.take(Counted(dict.fromkeys(lines, times), unreadable=1), Piece(b"", too_long=2), today)


def test_each_line_has_one_outcome(tap: Ledger) -> None:
    """Days outside the window, missing latencies and lines without room are told apart, and add up to all lines."""
    take(tap, (DAY, 0, 3, 7), (DAY - OLDEST_DAYS, 0, 3, 7), (DAY + 1, 0, 3, 7))
    take(tap, (DAY, 1, 3, UNTIMED), (DAY - OLDEST_DAYS - 1, 0, 3, 7), (DAY + 2, 0, 3, 7))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledgers, "BUCKETS_MOST", tap.state.waiting.buckets)
        take(tap, (DAY, 0, 3, 7), (DAY, 0, 3, 8))
    assert tap.state.lines == {
        LineOutcome.COUNTED: 4,
        LineOutcome.UNTIMED: 1,
        LineOutcome.TOO_OLD: 1,
        LineOutcome.AHEAD: 1,
        LineOutcome.CROWDED: 1,
        LineOutcome.UNREADABLE: 3,
        LineOutcome.TOO_LONG: 6,
    }
    assert tap.waits() == sum(n for outcome, n in tap.state.lines.items() if outcome.counts)


def test_what_was_kept_is_there_after_a_restart(tmp_path: Path, tap: Ledger, sender: Sender, network: Reached) -> None:
    """Sums, what was said once, the report under way, policy, pauses and totals come back as they were."""
    network.policy = policy(consent_since={"service": 1}, version=3)
    take(tap, (DAY, 0, 3, 7), (DAY, 2, 9, UNTIMED), times=5)
    network.next = [problem(Problem.OVERLOADED, **{"retry-after": "7"})]
    sender.pump(now=True)
    take(tap, (DAY, 1, 3, 9))
    assert tap.checkpoint()
    with pytest.raises(DirectoryBusy):
        ledger(tmp_path)
    tap.close()
    again = ledger(tmp_path)
    assert again.state == tap.state
    assert again.state.sealed is not None
    assert again.state.policy is not None


@pytest.mark.parametrize("damage", [b"", b"headcount-logtap 1 00000000\n{}", b"headcount-logtap 9 0\n", b"\xff" * 9])
def test_a_damaged_state_is_set_aside(tmp_path: Path, tap: Ledger, damage: bytes) -> None:
    """A state that cannot be read is kept aside and said; counting begins anew."""
    take(tap, (DAY, 0, 3, 7))
    tap.checkpoint()
    tap.close()
    (tmp_path / "state/state").write_bytes(damage)
    again = ledger(tmp_path)
    assert again.waits() == 0
    assert again._troubles.counts == {Trouble.STATE_UNREADABLE: 1}
    assert (tmp_path / "state/state.bad").read_bytes() == damage


def test_a_disk_that_is_full_costs_no_count(tap: Ledger, sender: Sender, network: Reached, tmp_path: Path) -> None:
    """While the state cannot be written nothing is sent; counting goes on, and all is sent once it can be."""
    tap._storage.directory = str(tmp_path / "gone")  # type: ignore[union-attr]  # it has one
    take(tap, (DAY, 0, 3, 7))
    assert not tap.checkpoint()
    sender.pump(now=True)
    assert not network.spooled
    assert tap.state.sealed is not None
    assert not tap.state.sealed.doubtful
    assert tap._troubles.counts[Trouble.STATE_UNWRITABLE] == 2
    (tmp_path / "gone").mkdir()
    sender.pump(now=True)
    assert len(network.spooled) == 1
    assert tap.state.requests[Delivery.ACCEPTED] == 1


# -- what an answer does ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "refusal", [Problem.KEY_UNKNOWN, Problem.PAUSED, Problem.POLICY_OLD, Problem.NOTHING_ADMISSIBLE, Problem.MALFORMED]
)
def test_what_was_refused_waits_until_it_is_mended(
    tap: Ledger, sender: Sender, network: Reached, clock: ManualClock, refusal: Problem
) -> None:
    """A refusal is no loss: the counts go back, new ones join them, and an hour later all go as a new report."""
    take(tap, (DAY, 0, 3, 7))
    network.next = [problem(refusal)]
    sender.pump(now=True)
    take(tap, (DAY, 0, 3, 7))
    assert tap.waits() == 2
    sender.pump()
    assert not network.spooled, "not before the hour is over"
    clock.advance(HOUR + 1)
    sender.pump()
    (report,) = network.spooled.values()
    assert [tally.n for tally in report.days[0].tallies if tally.fact == 1] == [2]
    assert set(once_facts([report]).values()) == {1}
    assert tap.state.requests == {Delivery.ACCEPTED: 2}
    assert tap._troubles.counts == {Trouble.REFUSED: 1}


def test_a_report_that_may_have_arrived_is_never_made_anew(
    tap: Ledger, network: Reached, clock: ManualClock, sender: Sender
) -> None:
    """After a lost answer the same bytes go again, whatever is answered since; after 7 days its fate is unknown."""
    take(tap, (DAY, 0, 3, 7))
    network.draw = random.Random()
    network.draw.random = lambda: 0.0  # type: ignore[method-assign]  # every answer gets lost
    sender.pump(now=True)
    (first,) = network.spooled
    for refusal in (Problem.KEY_REVOKED, Problem.OVERLOADED, Problem.STORAGE, Problem.TOO_LARGE):
        network.next = [problem(refusal)]
        clock.advance(86_400.0)
        sender.pump(now=True)
    assert {request.url.rpartition("/")[2] for request in network.requests if request.method == "POST"} == {first}
    clock.advance(4 * 86_400.0)
    take(tap, (DAY, 0, 3, 7), today=DAY + 8)
    network.draw = None
    sender.pump(now=True)
    assert len(network.spooled) == 2
    assert tap.state.requests == {Delivery.FATE_UNKNOWN: 1, Delivery.ACCEPTED: 1}
    assert set(once_facts(list(network.spooled.values())).values()) == {1}, "said once, wherever it went"


def test_a_report_that_is_too_large_is_divided(tap: Ledger, sender: Sender, network: Reached) -> None:
    """413 halves what goes into a report; the parts add up."""
    for bucket in range(100):
        take(tap, (DAY, bucket % 4, 3, bucket))
    network.next = [problem(Problem.TOO_LARGE)] * 8
    sender.pump(now=True)
    assert len(network.spooled) > 2
    assert sum(reported(list(network.spooled.values()), CODING).values()) == 200
    assert tap.state.requests == {Delivery.ACCEPTED: 100}


def test_a_report_of_yesterday_that_never_left_is_stamped_anew(
    tap: Ledger, sender: Sender, network: Reached, clock: ManualClock
) -> None:
    """A report sealed and surely not sent goes with the counts that came since, under today's date."""
    take(tap, (DAY, 0, 3, 7))
    sealed = tap.seal(DAY, 4096)
    assert sealed is not None
    clock.advance(86_400.0)
    take(tap, (DAY, 0, 3, 7), today=DAY + 1)
    sender.pump(now=True)
    (report,) = network.spooled.values()
    assert report.created == DAY + 1
    assert tap.state.requests[Delivery.ACCEPTED] == 2


def test_days_that_could_not_be_handed_over_expire(tap: Ledger, sender: Sender, clock: ManualClock) -> None:
    """A day that waited too long is dropped and its requests are counted as that."""
    take(tap, (DAY, 0, 3, 7), times=3)
    clock.advance((OLDEST_DAYS + 1) * 86_400.0)
    sender.pump(now=True)
    assert tap.state.requests == {Delivery.EXPIRED: 3}
    assert tap.waits() == 0


def test_tallies_that_the_edge_dropped_are_said(tap: Ledger, sender: Sender, network: Reached) -> None:
    """An edge with another catalog drops tallies of an accepted report; that is a trouble, with their number."""
    take(tap, (DAY, 0, 3, 7))
    network.next = [accepted(1, dropped=5)]
    sender.pump(now=True)
    assert tap._troubles.counts == {Trouble.TALLIES_DROPPED: 5}


# -- the Customer's policy ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "erased"),
    [
        ({"consent_since": {"usage": 1}}, True),
        ({"consent_since": {"service": 2}, "version": 2}, True),
        ({"consent_since": {"service": 1}, "paused": True}, False),
        ({"consent_since": {"service": 1}, "minimum_sdk": "99"}, False),
    ],
)
def test_a_policy_that_does_not_allow_stops_counting(
    tap: Ledger, sender: Sender, network: Reached, clock: ManualClock, changes: dict[str, object], erased: bool
) -> None:
    """What is not allowed any more is erased and not counted; during a pause what was counted waits."""
    take(tap, (DAY, 0, 3, 7))
    network.policy = policy(**changes)
    sender.pump(now=True)
    take(tap, (DAY, 0, 3, 7))
    assert not network.spooled
    assert tap.state.lines[LineOutcome.NOT_ALLOWED] == 1
    assert tap.waits() == (0 if erased else 1)
    assert tap.state.requests[Delivery.ERASED] == (1 if erased else 0)
    network.policy = policy(consent_since={"service": 1}, version=3)
    clock.advance(HOUR)
    sender.pump(now=True)
    take(tap, (DAY, 0, 3, 7))
    sender.pump(now=True)
    reports = list(network.spooled.values())
    assert sum(n for (*_, fact, _), n in reported(reports, CODING).items() if fact == 1) == (1 if erased else 2)
    assert {(report.policy, *report.purposes.items()) for report in reports} == {(3, ("service", 1))}


# -- when ---------------------------------------------------------------------------------------------


def test_counts_are_handed_over_every_hour(tap: Ledger, sender: Sender, network: Reached, clock: ManualClock) -> None:
    """A tap hands over once an hour, at a minute of its own, whatever it counts in between, and after a restart too."""
    at: list[float] = []
    for _ in range(6 * 60):
        take(tap, (DAY, 0, 3, 7))
        before = len(network.spooled)
        sender_of(tap, network, clock).pump() if len(at) == 2 else sender.pump()
        at += [clock.now()] * (len(network.spooled) - before)
        clock.advance(60.0)
    assert len(at) == 6
    assert {round(later - earlier, 3) for earlier, later in pairwise(at)} == {HOUR}


def test_a_debug_key_hands_over_at_once(tap: Ledger, network: Reached, clock: ManualClock) -> None:
    """A developer sees the first number within seconds."""
    sender = sender_of(tap, network, clock, "hc_debug_" + "k" * 43)
    sender.pump()
    take(tap, (DAY, 0, 3, 7))
    sender.pump()
    assert len(network.spooled) == 1


@pytest.mark.parametrize("error", [RuntimeError("secret"), KeyError("secret")], ids=lambda error: type(error).__name__)
def test_nothing_that_fails_inside_stops_the_sender_or_is_repeated(
    tap: Ledger, clock: ManualClock, error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    """A fault of the program is counted by its kind; its text, which can hold anything, is not said."""

    def failing(request: Request) -> Answer:
        raise error

    network = Reached()
    network.answer = failing
    sender_of(tap, network, clock).pump(now=True)
    assert tap._troubles.counts == {Trouble.INTERNAL: 1}
    assert "secret" not in capsys.readouterr().out
