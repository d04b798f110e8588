"""Consent: what outside signals, switches, restricted mode and a new notice do, and what the receipt says."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

import pytest
from headcount_sdk import Status, Surprise
from headcount_sdk.testing import ManualClock, MemoryTransport
from headcount_sdk.transport import NoAnswer
from headcount_wire.facts import Fact

from tests.sdk.conftest import DAY, CountingFacts, MakeFull, sums


class Switch:
    """A signal as a platform has it: on, off, or broken."""

    name = "platform limit"

    def __init__(self, *refused: str) -> None:
        self.refused: Collection[str] = refused
        self.broken = False

    def denied(self, purposes: Collection[str]) -> Collection[str]:
        if self.broken:
            raise OSError("the platform has no such setting")
        return self.refused


def bytes_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_a_signal_that_says_no_wins_and_erases(full: MakeFull, clock: ManualClock, network: MemoryTransport) -> None:
    """A yes of the user is refused while the signal says no, what was held is gone, and counting restarts tomorrow."""
    switch = Switch()
    client = full("usage", "diagnostics", signals=(switch,))
    client.track("share.used")
    switch.refused = ["usage"]
    client.on_foreground()
    assert client.consent.status()["usage"] is Status.REFUSED
    assert client.consent.refused_by("usage") == "platform limit"
    assert client.export()["last_sent_day"] == {}
    client.track("share.used")
    switch.refused = []
    client.on_foreground()
    client.track("share.used")
    client.flush()
    assert not [key for key in sums(network) if key[1] == 3]
    clock.advance(DAY)
    client.track("share.used")
    client.flush()
    assert [key[0] for key in sums(network) if key[1:4] == (3, 0, Fact.DEVICES)] == [20_001]


def test_a_signal_that_cannot_be_read_says_no(full: MakeFull) -> None:
    """A setting that cannot be read counts as a no to everything."""
    switch = Switch()
    switch.broken = True
    client = full("usage", signals=(switch,))
    assert client.consent.status()["usage"] is Status.REFUSED
    assert client.health.counts[Surprise.SIGNAL] == 1


def test_a_signal_before_any_decision_leaves_no_byte(full: MakeFull, tmp_path: Path) -> None:
    """Heeding signals alone writes nothing; restricted mode, which somebody chose, is remembered."""
    client = full(signals=(Switch("usage"),))
    assert not (tmp_path / "state").exists()
    client.consent.restrict(True)
    client.shutdown()
    again = full("usage")
    assert again.consent.status()["usage"] is Status.REFUSED
    assert again.consent.refused_by("usage") == "restricted mode"
    again.consent.restrict(False)
    assert again.consent.status()["usage"] is Status.GRANTED


def test_restricted_mode_denies_and_erases_all(full: MakeFull, network: MemoryTransport) -> None:
    """For minors: whatever was granted, nothing is held and nothing is sent."""
    client = full("usage", "diagnostics", "context")
    client.track("share.used")
    client.measure("join.time", 5)
    client.consent.restrict(True)
    client.track("share.used")
    assert client.export()["waiting"] == {}
    client.flush()
    assert network.requests == []


def test_a_switch_keeps_one_field_from_being_read(
    full: MakeFull, network: MemoryTransport, facts: CountingFacts
) -> None:
    """A field switched off is erased from what is held, even from a queued report, and not read again."""
    client = full("usage", "context")
    network.answer = lambda _: None  # nothing comes back
    client.track("share.used")
    client.flush()
    client.track("meeting.joined", entry="link")
    client.consent.switch("os", False)
    facts.read.clear()
    client.track("meeting.joined", entry="link")
    network.answer = None
    network.requests.clear()
    client.flush()
    assert facts.read == ["app_version"]
    assert all(dict(report.context) == {"app_version": "3.1"} for report in network.reports)
    assert network.reports
    assert all("os" not in (report.origin or {}) for report in network.reports)
    client.shutdown()
    assert full().consent.switches() == {"os": False, "app_version": True}


@pytest.mark.parametrize("attempted", [False, True])
def test_a_queued_report_is_erased_with_its_purpose(
    full: MakeFull, network: MemoryTransport, tmp_path: Path, attempted: bool
) -> None:
    """A report that waits, tried or not, is gone when withdraw returns: no byte of it is held, and it is never sent."""
    client = full("usage", "diagnostics")
    client.track("share.used")
    client.measure("join.time", 40)
    if attempted:
        network.answer = lambda _: None
        client.flush()
        assert client.export()["report_under_way"]
    else:
        client._sender.delivery._outbox.attempt = lambda *_: False  # type: ignore[method-assign]  # the network is never reached
        client.flush()
        assert client._device.state.sealed is not None
        del client._sender.delivery._outbox.attempt
    sealed = client._device.state.sealed
    assert sealed is not None
    report_id = sealed.report_id
    client.consent.withdraw("usage")
    network.requests.clear()
    network.answer = None
    held = bytes_in(tmp_path / "state")
    assert report_id.encode() not in held
    assert client._device.state.sealed is None
    client.flush()
    assert {tally.measure for report in network.reports for day in report.days for tally in day.tallies} <= {4}
    assert not any(report_id in request.url for request in network.requests)
    assert client.export()["last_sent_day"] == {}


def test_what_was_sent_is_erased_with_a_withdrawal(full: MakeFull, tmp_path: Path) -> None:
    """The log of sent reports, and a state set aside, go with any withdrawal."""
    client = full("usage", "diagnostics")
    client.track("share.used")
    client.flush()
    assert client.export()["sent"][0]["outcome"] == "accepted"
    (tmp_path / "state/state.bad").write_bytes(b"an old state")
    client.consent.withdraw("diagnostics")
    assert client.export()["sent"] == []
    assert not (tmp_path / "state/state.bad").exists()
    assert not (tmp_path / "state/sent").exists()


def test_a_new_notice_puts_every_purpose_back_to_not_decided(
    full: MakeFull, clock: ManualClock, network: MemoryTransport
) -> None:
    """An app that shows version 2 of its notice asks anew; the listener is told, and nothing old is sent."""
    client = full("usage", policy=1)
    client.consent.withdraw("diagnostics")
    client.track("share.used")
    client.shutdown()
    heard: list[dict[str, Status]] = []
    client = full(policy=2, start=False)
    client.consent.listen(heard.append)
    client.start(thread=False)
    assert set(client.consent.status().values()) == {Status.NOT_DECIDED}
    assert heard
    client.consent.grant("usage")
    clock.advance(DAY)
    client.flush()
    assert not [key for key in sums(network) if key[1] == 3]


def test_the_receipt_names_every_change(full: MakeFull, clock: ManualClock) -> None:
    """The consent record has the standard's field names, the sentences, and each change with its time."""
    client = full()
    client.consent.grant("usage", language="de")
    clock.advance(60)
    client.consent.withdraw("usage")
    receipt = client.consent.receipt("Example Ltd", "privacy@example.org")
    assert json.loads(json.dumps(receipt)) == receipt
    assert {"schema_version", "party", "privacy_notice", "purposes"} == set(receipt)
    purposes = receipt["purposes"]
    assert isinstance(purposes, list)
    usage = next(purpose for purpose in purposes if purpose["purpose"] == "usage")
    assert [(event["event_state"], event["notice_language"]) for event in usage["event"]] == [
        ("granted", "de"),
        ("denied", ""),
    ]
    assert usage["event"][0]["event_time"].startswith("2024-10-04T12:00:00")
    assert usage["purpose_description"]["de"] == "Funktionen zählen."


def test_no_listener_signal_or_purpose_can_harm_the_app(full: MakeFull) -> None:
    """A listener that raises, a purpose that is not declared, a field that is not declared: counted."""
    client = full()

    def listener(_: object) -> None:
        raise NoAnswer

    client.consent.listen(listener)
    assert client.consent.grant("usage")
    assert not client.consent.grant("marketing")
    assert not client.consent.switch("model", False)
    assert client.health.counts[Surprise.CALLBACK] == 1
    assert client.health.counts[Surprise.UNKNOWN_PURPOSE] == 1
    assert client.health.counts[Surprise.UNKNOWN_FIELD] == 1
