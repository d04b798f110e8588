"""A no holds, and nothing is kept before a yes: against full disks, hooks, other processes and late answers."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest
from headcount_sdk import Headcount, Status, Surprise
from headcount_sdk.storage import Storage
from headcount_sdk.testing import ManualClock, MemoryTransport, accepted
from headcount_sdk.transport import Answer, HttpTransport, NoAnswer, Request
from headcount_wire.facts import Fact

from tests.sdk.conftest import CATALOG_TEXT, DAY, FULL, CountingFacts, MakeClient, policy, sums

D = 20_000


class FullDisk(Storage):
    """A disk on which nothing more can be written, once it is told to be full; removing still works."""

    full = False

    def replace(self, name: str, data: bytes) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        super().replace(name, data)


@pytest.mark.parametrize("how", ["withdraw", "erase"])
def test_a_full_disk_does_not_undo_a_no(make: MakeClient, tmp_path: Path, network: MemoryTransport, how: str) -> None:
    """With no room for a new state the old one is removed: nothing is granted or held, now or after a restart."""
    disk = FullDisk(str(tmp_path / "state"))
    client = make(storage=disk)
    client.consent.grant("usage", "context")
    client.track("share.used")
    disk.full = True
    if how == "withdraw":
        assert client.consent.withdraw("usage")
    else:
        client.erase()
    assert client.consent.status()["usage"] is not Status.GRANTED
    client.shutdown()
    held = b"".join(path.read_bytes() for path in (tmp_path / "state").iterdir())
    assert not held.strip(b"\0")
    again = make()
    assert again.consent.status()["usage"] is not Status.GRANTED
    again.flush()
    assert network.requests == []


def test_a_pause_ends_when_the_customer_ends_it(make: MakeClient, clock: ManualClock, network: MemoryTransport) -> None:
    """While paused nothing is recorded or sent; the policy is asked for daily, and the day after it all goes on."""
    body = policy(paused=True)
    network.answer = lambda request: Answer(200, {}, body) if request.method == "GET" else accepted()
    client = make()
    client.consent.grant("usage")
    client.track("share.used")
    clock.advance(DAY)
    client.flush()
    client.track("share.used")
    assert network.reports == []
    body = policy()
    clock.advance(DAY)
    client.flush()
    client.track("share.used")
    client.flush()
    assert sorted(key[0] for key in sums(network) if key[1:4] == (3, 0, Fact.DEVICES)) == [D, D + 2]


@pytest.mark.parametrize(("minimum", "taken"), [("0.1", True), ("0.1.0.0", True), ("0.1.1", False), ("9", False)])
def test_an_sdk_older_than_the_policy_takes_behaves_as_if_paused(
    make: MakeClient, clock: ManualClock, network: MemoryTransport, minimum: str, taken: bool
) -> None:
    """Below the minimum nothing is recorded or sent; at it, or above, all goes on."""
    body = policy(minimum_sdk=minimum)
    network.answer = lambda request: Answer(200, {}, body) if request.method == "GET" else accepted()
    client = make()
    client.consent.grant("usage")
    client.track("share.used")
    clock.advance(DAY)
    client.flush()
    client.track("share.used")
    client.flush()
    assert bool(sums(network)) is taken


def test_a_narrower_policy_reaches_what_is_held_and_what_is_read(
    make: MakeClient, clock: ManualClock, network: MemoryTransport, facts: CountingFacts
) -> None:
    """A field the policy drops is erased from what waits, and not read again."""
    client = make()
    client.consent.grant("usage", "context")
    client.track("share.used")
    clock.advance(DAY)
    body = policy(context=frozenset({"os"}))
    network.answer = lambda request: Answer(200, {}, body) if request.method == "GET" else accepted()
    client.flush()
    facts.read.clear()
    client.track("share.used")
    client.flush()
    assert facts.read == ["os"]
    assert all(set(report.context) <= {"os"} for report in network.reports)
    assert all(set(report.origin or {}) <= {"os"} for report in network.reports)


def test_a_policy_that_asks_anew_says_so(make: MakeClient, network: MemoryTransport) -> None:
    """An app whose notice is older than what its Customer asks for is told, in a sentence that names the argument."""
    body = policy(version=4, consent_since={"usage": 4})
    network.answer = lambda request: Answer(200, {}, body) if request.method == "GET" else accepted()
    client = make()
    client.consent.grant("usage")
    client.track("share.used")
    client.flush()
    assert client.consent.status()["usage"] is Status.NOT_DECIDED
    assert client.health.counts[Surprise.POLICY_ASKS_ANEW] == 1
    assert "policy=" in Surprise.POLICY_ASKS_ANEW.sentence


def test_a_late_answer_after_shutdown_writes_nothing(
    make: MakeClient, tmp_path: Path, network: MemoryTransport
) -> None:
    """An upload that outlives its client does not bring back what another process erased meanwhile."""
    client = make()
    client.consent.grant("usage")
    client.track("share.used")
    asked, answered = threading.Event(), threading.Event()

    def slow(request: Request) -> Answer:
        if request.method == "POST":
            asked.set()
            assert answered.wait(30)
        return accepted() if request.method == "POST" else Answer(304)

    network.answer = slow
    upload = threading.Thread(target=client.flush)
    upload.start()
    assert asked.wait(30)
    client.shutdown()
    other = make()
    other.consent.withdraw("usage")
    answered.set()
    upload.join(30)
    other.shutdown()
    again = make()
    assert again.consent.status()["usage"] is Status.DENIED
    assert again.export()["sent"] == []


def test_nothing_leaves_once_the_withdrawal_returned(make: MakeClient) -> None:
    """A connection that stands when the user says no carries nothing: whether to send is asked once more."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        client = make(host=f"http://127.0.0.1:{port}", transport=WithdrawingTransport())
        transport = client._sender.delivery._transport
        assert isinstance(transport, WithdrawingTransport)
        transport.client = client
        client.consent.grant("usage")
        client.track("share.used")
        client.flush()
        server.settimeout(10)
        connection, _ = server.accept()
        connection.settimeout(10)
        assert connection.recv(1) == b""
        connection.close()


class WithdrawingTransport(HttpTransport):
    """The user says no between the connection and the first byte."""

    client: Headcount

    def send(self, request: Request, timeout: float) -> Answer:
        if request.method == "GET":
            raise NoAnswer
        wanted = request.wanted

        def asked() -> bool:
            self.client.consent.withdraw("usage")
            return wanted()

        return super().send(Request("POST", request.url, request.headers, request.body, asked), timeout)


def test_what_a_new_catalog_does_not_declare_is_erased(
    make: MakeClient, network: MemoryTransport, clock: ManualClock
) -> None:
    """A measure or a field an app update dropped belongs to no purpose any more, and nobody could withdraw it."""
    client = make()
    client.consent.grant("usage", "diagnostics", "context")
    client.track("share.used")
    client.measure("join.time", 5)
    client.shutdown()
    smaller = CATALOG_TEXT.replace('code = 3\nkind = "flag"', 'code = 33\nkind = "flag"').replace(
        'os = "context"\n', ""
    )
    client = make(catalog=smaller)
    clock.advance(DAY)
    client.flush()
    assert {key[1] for key in sums(network)} == {1, 4}
    assert all("os" not in report.context for report in network.reports)


def test_consent_is_asked_again_under_the_lock(make: MakeClient, facts: CountingFacts) -> None:
    """A withdrawal between the question and the recording wins: nothing is stored after it returned."""
    client = make()
    client.consent.grant("usage", "context")
    reading = facts.os

    def withdrawn_meanwhile() -> str | None:
        client.consent.withdraw("usage")
        return reading()

    facts.os = withdrawn_meanwhile  # type: ignore[method-assign]  # the moment between question and recording
    client.track("share.used")
    assert client.export()["waiting"] == {}


def test_threads_that_record_and_decide_leave_nothing_behind(make: MakeClient, network: MemoryTransport) -> None:
    """Threads record, export and flush while the user says yes and no: after each no, nothing is held."""
    client = make(catalog=FULL)
    stop = threading.Event()
    failed: list[BaseException] = []

    def run(action: object) -> None:
        try:
            while not stop.is_set():
                action()  # type: ignore[operator]  # one of the lambdas below
        except BaseException as error:  # the test must see what a thread died of
            failed.append(error)

    actions = [
        lambda: client.track("meeting.joined", entry="link"),
        lambda: client.screen("lobby"),
        client.export,
        client.flush,
    ]
    threads = [threading.Thread(target=run, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for _ in range(60):
        client.consent.grant("usage", "context")
        client.consent.withdraw("usage", "context")
        assert client.export()["waiting"] == {}
        assert client._device.state.sealed is None
    stop.set()
    for thread in threads:
        thread.join(30)
    assert not failed
    assert client.health.counts[Surprise.INTERNAL] == 0


def test_a_decision_before_start_keeps_what_is_stored(make: MakeClient) -> None:
    """A consent screen that comes before start reads what an earlier run stored, and changes only what it decides."""
    client = make()
    client.consent.grant("usage")
    client.consent.withdraw("diagnostics")
    client.track("share.used")
    client.shutdown()
    client = make(start=False)
    assert client.consent.status()["usage"] is Status.GRANTED
    client.consent.grant("context")
    client.start(thread=False)
    assert [status.value for status in client.consent.status().values()] == ["granted", "denied", "granted"]
    assert client.export()["waiting"]


def test_an_empty_directory_stays_empty_before_consent(make: MakeClient, tmp_path: Path) -> None:
    """A directory that exists is no reason to write into it."""
    (tmp_path / "state").mkdir()
    client = make()
    client.track("share.used")
    client.flush()
    assert list((tmp_path / "state").iterdir()) == []


def test_what_was_recorded_before_a_yes_is_not_sent_after_it(make: MakeClient, network: MemoryTransport) -> None:
    """Before start too: what is recorded while nothing is granted is not kept, nor what an erasure followed."""
    for undone in ("nothing", "withdraw", "reset"):
        client = make(start=False, directory=make_folder(make, undone))
        if undone != "nothing":
            client.consent.grant("usage")
        client.track("meeting.joined", entry="room")
        if undone == "withdraw":
            client.consent.withdraw()
        if undone == "reset":
            client.reset()
        client.consent.grant("usage")
        client.start(thread=False)
        client.flush()
        assert not [key for key in sums(network) if key[1] == 2], undone
        client.shutdown()


def make_folder(make: MakeClient, name: str) -> Path:
    """A directory of its own beside the fixture's."""
    client = make(start=False)
    return Path(client._device._storage.directory).with_name(name)


@pytest.mark.parametrize("how", ["withdraw", "switch"])
def test_a_no_from_within_a_hook_wins(make: MakeClient, network: MemoryTransport, how: str) -> None:
    """A hook that makes the user's no come true while it is asked: what it was asked about does not go."""
    client = make()
    client.consent.grant("usage", "context")
    client.track("share.used")

    @client.before_send
    def hook(_: object) -> bool:
        if how == "withdraw":
            client.consent.withdraw("usage")
        else:
            client.consent.switch("os", False)
        return True

    client.flush()
    assert all("os" not in report.context for report in network.reports)
    assert how == "switch" or network.reports == []


def test_a_signal_without_a_name_still_says_no(make: MakeClient) -> None:
    """What an app hands over as a signal, however it is made, can only say no, and raises nothing."""

    class Nameless:
        def denied(self, purposes: object) -> object:
            return purposes

    client = make(signals=(Nameless(), object()))
    client.consent.grant("usage")
    client.on_foreground()
    assert client.consent.status()["usage"] is Status.REFUSED


def test_a_catalog_that_changes_its_mind_takes_nothing_along(
    make: MakeClient, clock: ManualClock, network: MemoryTransport
) -> None:
    """What was counted under a code goes when the code stands for another measure, kind or purpose."""
    client = make()
    client.consent.grant("usage", "diagnostics")
    client.track("share.used")
    client.measure("join.time", 3)
    client.shutdown()
    moved = CATALOG_TEXT.replace('[measures."share.used"]', '[measures."other.used"]')
    moved = moved.replace('kind = "timing"\npurpose = "diagnostics"', 'kind = "timing"\npurpose = "usage"')
    client = make(catalog=moved)
    clock.advance(DAY)
    client.flush()
    assert {key[1] for key in sums(network)} == {1}


class Grip(Storage):
    """A folder, once told, in which nothing can be made or taken away; the files in it can be written."""

    grips = False

    def replace(self, name: str, data: bytes) -> None:
        if self.grips:
            raise PermissionError(13, "Permission denied")
        super().replace(name, data)

    def unlink(self, path: str) -> None:
        if self.grips:
            raise PermissionError(13, "Permission denied")
        super().unlink(path)


def test_a_folder_that_lets_nothing_go_keeps_no_yes(make: MakeClient, tmp_path: Path, network: MemoryTransport) -> None:
    """Where nothing can be replaced or removed a withdrawal empties the files: nothing is granted or sent after it."""
    folder = Grip(str(tmp_path / "state"))
    client = make(storage=folder)
    client.consent.grant("usage", "context")
    client.track("share.used")
    folder.grips = True
    assert client.consent.withdraw("usage")
    assert client.consent.status()["usage"] is not Status.GRANTED
    client.shutdown()
    assert not b"".join(path.read_bytes() for path in (tmp_path / "state").iterdir()).strip(b"\0")
    again = make()
    assert again.consent.status()["usage"] is Status.NOT_DECIDED
    again.flush()
    assert network.requests == []
