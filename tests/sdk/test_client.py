"""The client as an app meets it: asks first, counts on the device, never raises."""

from __future__ import annotations

from pathlib import Path

import pytest
from headcount_sdk.consent import Status
from headcount_sdk.health import Surprise
from headcount_sdk.testing import ManualClock, MemoryTransport
from headcount_wire.facts import Fact
from headcount_wire.report import Report, Tally

from tests.sdk.conftest import DAY, CountingFacts, MakeClient


def tallies(report: Report) -> list[Tally]:
    return [tally for day in report.days for tally in day.tallies]


def test_nothing_happens_before_consent(
    tmp_path: Path, make: MakeClient, network: MemoryTransport, facts: CountingFacts, clock: ManualClock
) -> None:
    """Without a grant no fact is read, no byte is written and no request is made."""
    client = make()
    client.track("meeting.joined", entry="link")
    with client.timer("join.time"):
        clock.advance(1)
    clock.advance(3 * DAY)
    client.pump()
    client.flush()

    assert facts.read == []
    assert network.requests == []
    assert not (tmp_path / "state").exists()
    assert client.consent.status() == dict.fromkeys(("usage", "diagnostics", "context"), Status.NOT_DECIDED)


def test_a_refusal_is_remembered_and_nothing_else(tmp_path: Path, make: MakeClient, network: MemoryTransport) -> None:
    """A no is stored as a no; recording after it stores nothing."""
    client = make()
    client.consent.withdraw("usage")
    size = (tmp_path / "state/state").stat().st_size
    client.track("share.used")
    client.flush()
    assert (tmp_path / "state/state").stat().st_size == size
    assert network.requests == []
    client.shutdown()
    assert make().consent.status()["usage"] is Status.DENIED


def test_a_day_is_one_report_of_tallies(make: MakeClient, network: MemoryTransport, clock: ManualClock) -> None:
    """A closed day goes out once, as sums under labels, with its gap, age and first-in-period facts."""
    client = make()
    client.consent.grant("usage")
    for _ in range(3):
        client.track("meeting.joined", entry="link")
    client.track("meeting.joined", entry="by carrier pigeon")
    client.track("share.used")
    client.track("share.used")
    clock.advance(DAY)
    client.pump()
    clock.advance(5 * 3600)
    client.pump()

    (report,) = network.reports
    assert [day.day for day in report.days] == [20_000]
    assert set(tallies(report)) == {
        Tally(1, 0, Fact.GAP, 31, 1),
        Tally(1, 0, Fact.AGE, 0, 1),
        *(Tally(1, 0, Fact.FIRST, slot, 1) for slot in (1, 2, 3, 4)),
        Tally(1, 0, Fact.WEEK_AGE, 0, 1),
        Tally(2, 2, Fact.COUNT, 0, 3),
        Tally(2, 1, Fact.COUNT, 0, 1),
        Tally(2, 0, Fact.DEVICES, 0, 1),
        Tally(2, 1, Fact.DEVICES, 0, 1),
        Tally(2, 2, Fact.DEVICES, 0, 1),
        Tally(2, 0, Fact.GAP, 31, 1),
        Tally(3, 0, Fact.DEVICES, 0, 1),
    }
    assert dict(report.purposes) == {"usage": 1}
    assert dict(report.context) == {}
    assert client.health.counts[Surprise.UNKNOWN_LABEL] == 1


def test_parts_of_a_day_add_up(make: MakeClient, network: MemoryTransport, clock: ManualClock) -> None:
    """A day sent in two parts: counts are deltas, once-a-day facts go with the first part only."""
    client = make()
    client.consent.grant("usage")
    client.track("meeting.joined", entry="link")
    client.flush()
    client.track("meeting.joined", entry="link")
    client.track("meeting.joined", entry="room")
    clock.advance(DAY)
    client.flush()

    first, second = network.reports
    assert Tally(2, 2, Fact.COUNT, 0, 1) in tallies(first)
    assert set(tallies(second)) == {
        Tally(2, 2, Fact.COUNT, 0, 1),
        Tally(2, 3, Fact.COUNT, 0, 1),
        Tally(2, 3, Fact.DEVICES, 0, 1),
    }


def test_the_daily_cap_holds_over_all_parts(make: MakeClient, network: MemoryTransport) -> None:
    """However often a day is sent, a measure never exceeds its cap, and says that it was clipped."""
    client = make()
    client.consent.grant("usage")
    for _ in range(4):
        client.track("meeting.joined", entry="link")
    client.flush()
    for _ in range(4):
        client.track("meeting.joined", entry="room")
    client.flush()

    sums = {(t.label, t.fact): t.n for report in network.reports for t in tallies(report) if t.measure == 2}
    assert sums[2, Fact.COUNT] == 4
    assert sums[3, Fact.COUNT] == 1
    assert sums[0, Fact.CLIPPED] == 1


def test_context_is_read_only_when_granted(make: MakeClient, network: MemoryTransport, facts: CountingFacts) -> None:
    """Fields are read with their purpose's grant, and gone from what is held with its withdrawal."""
    client = make()
    client.consent.grant("usage")
    client.track("share.used")
    assert facts.read == []
    client.consent.grant("context")
    client.track("meeting.joined", entry="link")
    assert set(facts.read) == {"os", "app_version"}
    client.consent.withdraw("context")
    client.flush()
    assert all(not report.context for report in network.reports)


def test_another_context_is_another_report(
    make: MakeClient, network: MemoryTransport, facts: CountingFacts, clock: ManualClock
) -> None:
    """An upgrade splits the report; age facts keep the context of first use beside the new one."""
    client = make()
    client.consent.grant("usage", "context")
    client.track("share.used")
    facts.version = "3.2"
    clock.advance(DAY)
    client.on_foreground()
    client.track("share.used")
    client.flush()

    before, after = network.reports
    assert before.context == {"os": "ios", "app_version": "3.1"}
    assert before.origin is None
    assert after.context == {"os": "ios", "app_version": "3.2"}
    assert after.origin == {"os": "ios", "app_version": "3.1"}
    assert Tally(1, 0, Fact.GAP, 1, 1) in tallies(after)
    assert Tally(1, 0, Fact.AGE, 1, 1) in tallies(after)


def test_withdrawal_erases_and_counting_restarts_tomorrow(
    make: MakeClient, network: MemoryTransport, clock: ManualClock
) -> None:
    """After a withdrawal nothing of the purpose is held; a new grant counts from the next local day, as new."""
    client = make()
    client.consent.grant("usage", "diagnostics")
    client.track("meeting.joined", entry="link")
    client.measure("join.time", 800)
    client.consent.withdraw("usage")
    held = client.export()
    assert held["last_sent_day"] == {}
    assert held["first_use"] is None
    assert "[2," not in str(held["waiting"])

    client.consent.grant("usage")
    client.track("meeting.joined", entry="link")
    client.flush()
    assert {tally.measure for report in network.reports for tally in tallies(report)} == {4}
    clock.advance(DAY)
    client.track("meeting.joined", entry="link")
    client.flush()
    last = tallies(network.reports[-1])
    assert Tally(1, 0, Fact.GAP, 31, 1) in last
    assert Tally(1, 0, Fact.AGE, 0, 1) in last


def test_days_only_go_forward(make: MakeClient, network: MemoryTransport, clock: ManualClock) -> None:
    """A clock set back counts under the last active day, so that nothing is counted on a day twice."""
    client = make()
    client.consent.grant("usage")
    client.track("share.used")
    clock.set_now(clock.now() - 3 * DAY)
    client.track("share.used")
    client.track("meeting.joined", entry="link")
    assert list(client.export()["waiting"]) == ["2024-10-04"]


@pytest.mark.parametrize("name", ["no.such.measure", "join.time"])
def test_misuse_is_counted_and_never_raised(make: MakeClient, name: str) -> None:
    """A wrong name or kind is counted; it raises only where the developer asked for it."""
    client = make()
    client.consent.grant("usage")
    client.track(name)
    client.measure("join.time", float("nan"))
    assert sum(client.health.counts.values()) == 2
    with pytest.raises(ValueError):
        make(directory=client._device._storage.directory + "2", debug=True).track(name)


def test_two_processes_cannot_share_a_directory(make: MakeClient) -> None:
    """A second client on one directory is off, says so once, and leaves the first alone."""
    first = make()
    first.consent.grant("usage")
    second = make()
    second.track("share.used")
    assert second.health.counts[Surprise.DIRECTORY_BUSY] == 1
    first.track("share.used")
    assert not first.health.counts


def test_export_erase_and_reset(tmp_path: Path, make: MakeClient, network: MemoryTransport) -> None:
    """The user can see all of it, and erase it; a reset keeps only the decision."""
    client = make()
    client.consent.grant("usage")
    client.track("share.used")
    assert client.export()["waiting"]
    client.reset()
    assert client.consent.status()["usage"] is Status.GRANTED
    assert not client.export()["waiting"]
    client.track("share.used")
    client.erase()
    assert client.consent.status()["usage"] is Status.NOT_DECIDED
    client.flush()
    assert network.reports == []
    assert {path.name for path in (tmp_path / "state").iterdir()} == {"lock"}
