"""What was found by trying to break the SDK, each kept from coming back."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from headcount_sdk import Headcount, Status, Surprise
from headcount_sdk.storage import Storage
from headcount_sdk.testing import ManualClock, MemoryTransport, accepted
from headcount_sdk.transport import Answer, HttpTransport, NoAnswer, Request
from headcount_wire.facts import Fact, First
from headcount_wire.policy import Policy, encode_policy

from tests.sdk.conftest import CATALOG_TEXT, DAY, FULL, CountingFacts, MakeClient, MakeFull, sums

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


def test_the_journal_has_its_room_before_anything_is_recorded(make: MakeClient, tmp_path: Path) -> None:
    """The mapped file has no hole: a disk that fills up later cannot end the process through it."""
    make().consent.grant("usage")
    stat = (tmp_path / "state/journal").stat()
    assert stat.st_blocks * 512 >= stat.st_size


def policy(**changes: object) -> bytes:
    plain: dict[str, object] = {
        "version": 1,
        "consent_since": {"usage": 1, "context": 1},
        "context": frozenset({"os", "app_version"}),
        **changes,
    }
    return encode_policy(Policy(**plain))  # type: ignore[arg-type]  # a test names the fields it changes


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
        transport = client._sender._transport
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


def test_a_dripping_answer_is_ended_as_a_whole() -> None:
    """An edge that sends a byte now and then holds an upload no longer than its time."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            connection.settimeout(10)
            ended = threading.Event()
            try:
                while not ended.wait(0.05):
                    connection.sendall(b"H")
            except OSError:
                connection.close()

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        began = time.monotonic()
        with pytest.raises(NoAnswer):
            HttpTransport().send(Request("GET", f"http://127.0.0.1:{server.getsockname()[1]}/", {}), 0.5)
        assert time.monotonic() - began < 8
        thread.join(10)


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


def test_a_day_that_was_sent_is_never_begun_again(
    make: MakeClient, clock: ManualClock, network: MemoryTransport
) -> None:
    """A zone or a clock that goes forward and back: the day counts once, whatever is recorded after the return."""
    client = make()
    client.consent.grant("usage")
    client.track("share.used")
    clock.set_now(clock.now() + DAY)
    client.flush()
    clock.set_now(clock.now() - DAY)
    client.track("share.used")
    clock.advance(2 * DAY)
    client.flush()
    days = [key[0] for key in sums(network) if key[1:4] == (1, 0, Fact.GAP)]
    assert len(days) == len(set(days))
    assert sum(n for key, n in sums(network).items() if key[1:] == (1, 0, Fact.AGE, 0)) == 1
    assert sum(n for key, n in sums(network).items() if key[1:] == (1, 0, Fact.FIRST, First.YEAR)) == 1


def test_a_clock_that_was_far_ahead_is_put_right_by_the_server(
    make: MakeClient, clock: ManualClock, network: MemoryTransport
) -> None:
    """One recording 400 days ahead does not put the days after it there: the server's date corrects it."""

    def dated(request: Request) -> Answer:
        from email.utils import formatdate

        headers = {"date": formatdate(clock.now(), usegmt=True)}
        if request.method == "GET":
            return Answer(200, headers, policy())
        return Answer(202, {**headers, **accepted().headers}, accepted().body)

    network.answer = dated
    client = make()
    client.consent.grant("usage")
    right = clock.now()
    clock.set_now(right + 400 * DAY)
    client.track("share.used")
    clock.set_now(right)
    for _ in range(10):
        client.track("share.used")
        clock.advance(DAY)
        client.pump()
        clock.advance(5 * 3600.0)
        client.pump()
    days = {key[0] for key in sums(network)}
    assert max(days) < D + 15
    assert len(days) >= 8
    assert client.health.counts[Surprise.CLOCK_RESET] == 1


def test_a_withdrawal_under_a_wrong_clock_does_not_last_for_years(
    make: MakeClient, clock: ManualClock, network: MemoryTransport
) -> None:
    """Counting restarts on the day after the withdrawal, by the server's calendar."""
    from email.utils import formatdate

    right = clock.now()
    network.answer = lambda request: (
        Answer(200, {"date": formatdate(right, usegmt=True)}, policy()) if request.method == "GET" else accepted()
    )
    client = make()
    client.consent.grant("usage")
    clock.set_now(right + 3000 * DAY)
    client.consent.withdraw("usage")
    client.consent.grant("usage")
    clock.set_now(right)
    client.flush()
    clock.advance(2 * DAY)
    client.track("share.used")
    assert client.export()["waiting"]


def test_a_day_larger_than_a_report_goes_in_pieces(make: MakeClient, network: MemoryTransport) -> None:
    """A day of more tallies than a report may have is divided: everything arrives, each once-a-day fact once."""
    timings = "".join(
        f'[measures."t{n}.time"]\ncode = {100 + n}\nkind = "timing"\npurpose = "usage"\ndescription = "T."\n'
        f'owner = "p@x.example"\ncap = 10000\nreach = true\n'
        for n in range(12)
    )
    client = make(catalog=CATALOG_TEXT + timings)
    client.consent.grant("usage")
    from headcount_wire.buckets import UPPER

    for n in range(12):
        for bucket in range(400):
            client.measure(f"t{n}.time", UPPER[bucket])
    client.flush()
    found = sums(network)
    assert len(network.reports) > 1
    assert all(sum(len(day.tallies) for day in report.days) <= 4096 for report in network.reports)
    assert sum(n for key, n in found.items() if key[3] == Fact.BUCKET) == 12 * 400
    assert all(n == 1 for key, n in found.items() if key[3] in (Fact.DEVICES, Fact.GAP, Fact.AGE))
    assert client.export()["waiting"] == {}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_counts_and_sends_nothing(make: MakeClient, network: MemoryTransport, tmp_path: Path) -> None:
    """After a fork the client goes on in the parent only, and the parent's lock is not the child's."""
    script = (
        "import os, sys\n"
        "from headcount_sdk import Headcount\n"
        "from headcount_sdk.testing import MemoryTransport\n"
        "network = MemoryTransport()\n"
        "c = Headcount('hc_live_' + 'k' * 43, 'https://e.example', sys.argv[1], directory=sys.argv[2],"
        " transport=network)\n"
        "c.start(thread=False); c.consent.grant('usage'); c.track('share.used')\n"
        "if os.fork() == 0:\n"
        "    c.track('share.used'); c.flush(); c.shutdown()\n"
        "    os._exit(len(network.requests))\n"
        "_, status = os.wait()\n"
        "c.flush()\n"
        "print(os.waitstatus_to_exitcode(status), len(network.reports))\n"
    )
    catalog = tmp_path / "catalog.toml"
    catalog.write_text(CATALOG_TEXT, "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", script, str(catalog), str(tmp_path / "state")],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split() == ["0", "1"]


def test_a_label_may_be_called_name_or_value(make: MakeClient, network: MemoryTransport) -> None:
    """Whatever a catalog calls its label, it can be passed."""
    for key in ("name", "value", "self"):
        client = make(catalog=CATALOG_TEXT.replace('key = "entry"', f'key = "{key}"'))
        client.consent.grant("usage")
        client.track("meeting.joined", **{key: "link"})
        client.flush()
        client.shutdown()
    assert sums(network)[D, 2, 2, Fact.COUNT, 0] == 3


def test_an_empty_directory_stays_empty_before_consent(make: MakeClient, tmp_path: Path) -> None:
    """A directory that exists is no reason to write into it."""
    (tmp_path / "state").mkdir()
    client = make()
    client.track("share.used")
    client.flush()
    assert list((tmp_path / "state").iterdir()) == []


def test_a_client_can_be_started_again(make: MakeClient, network: MemoryTransport) -> None:
    """After shutdown nothing is done, and said; start begins again, uploads and all."""
    client = make()
    client.consent.grant("usage")
    client.shutdown()
    assert not client.consent.grant("context")
    assert client.flush() == []
    client.track("share.used")
    assert client.health.counts[Surprise.SHUT_DOWN] >= 1
    other = make()
    assert other.consent.status()["usage"] is Status.GRANTED
    other.shutdown()
    client.start(thread=True)
    client.track("share.used")
    client.flush()
    assert sums(network)[D, 3, 0, Fact.DEVICES, 0] == 1
    assert client._background._thread is not None
    assert client._background._thread.is_alive()


def test_shutdown_from_a_listener_on_the_clients_own_thread(make: MakeClient) -> None:
    """An app may stop the client from a callback."""
    client = make()
    stopped = threading.Event()

    def stop() -> None:
        client.shutdown()
        stopped.set()

    client._background._pump = stop
    client._background.start()
    client._background.wake()
    assert stopped.wait(10)
    assert not client._guard.usable


def test_two_devices_that_do_the_same_send_the_same_bytes(tmp_path: Path, make: MakeClient, clock: ManualClock) -> None:
    """Nothing in a report tells apart two devices that did the same; only the id of an upload is new each time."""
    bodies, ids = [], []
    for n in range(32):
        network = MemoryTransport()
        client = make(directory=tmp_path / str(n), transport=network)
        client.consent.grant("usage", "context")
        client.track("meeting.joined", entry="link")
        client.flush()
        (request,) = [request for request in network.requests if request.method == "POST"]
        bodies.append(request.body)
        ids.append(int(request.url.rsplit("/", 1)[1], 16))
    assert len(set(bodies)) == 1
    always, never = ids[0], ids[0]
    for one in ids:
        always &= one
        never |= one
    assert always == 0
    assert never == 2**128 - 1


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


def test_hooks_that_call_back_hang_nothing(make: MakeClient, network: MemoryTransport) -> None:
    """A hook that flushes, records or waits for another thread that records: the client and the app go on."""
    client: Headcount = make(may_upload=lambda: client.flush() == [])
    client.consent.grant("usage")
    client.track("share.used")

    @client.before_send
    def hook(_: object) -> bool:
        client.flush()
        client.track("meeting.joined", entry="link")
        other = threading.Thread(target=client.track, args=("meeting.joined",), kwargs={"entry": "room"})
        other.start()
        other.join(10)
        return not other.is_alive()

    done = threading.Thread(target=client.flush, daemon=True)
    done.start()
    done.join(20)
    assert not done.is_alive()
    assert client.consent.withdraw("usage")
    assert client.health.counts[Surprise.CALLBACK] >= 1


def test_a_hook_that_ends_the_program_loses_nothing(
    make: MakeClient, clock: ManualClock, network: MemoryTransport
) -> None:
    """SystemExit out of a hook leaves what was held where it was."""
    client = make()
    client.consent.grant("usage")
    client.track("share.used")
    hook = client.before_send(lambda _: sys.exit(1))
    with pytest.raises(SystemExit):
        client.flush()
    client._outbox.before_send.remove(hook)
    clock.advance(DAY)
    client.flush()
    assert sums(network)[D, 3, 0, Fact.DEVICES, 0] == 1


FORKING = """
import os, sys, threading
from headcount_sdk import Headcount
from headcount_sdk.testing import MemoryTransport
network = MemoryTransport()
c = Headcount('hc_live_' + 'k' * 43, 'https://e.example', sys.argv[1], directory=sys.argv[2], transport=network)
c.consent.grant('usage')
if sys.argv[3] == 'threads':
    c.start(thread=False)
    stop = threading.Event()
    def run():
        while not stop.is_set():
            c.track('share.used')
    threads = [threading.Thread(target=run, daemon=True) for _ in range(3)]
    for thread in threads: thread.start()
children = []
for _ in range(5):
    pid = os.fork()
    if pid == 0:
        if sys.argv[3] != 'threads':
            c.start(thread=False); c.track('share.used'); c.flush()
        sys.exit(len(network.requests))
    children.append(pid)
codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
if sys.argv[3] == 'threads': stop.set()
print(sum(codes))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize("how", ["threads", "before start"])
def test_children_of_a_fork_end_and_count_nobody(tmp_path: Path, how: str) -> None:
    """A fork while other threads record, or between consent and start: the children end, and send nothing."""
    catalog = tmp_path / "catalog.toml"
    catalog.write_text(CATALOG_TEXT, "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", FORKING, str(catalog), str(tmp_path / "state"), how],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split() == ["0"]


def test_a_new_notice_counts_nobody_twice_on_a_day(
    make: MakeClient, clock: ManualClock, network: MemoryTransport
) -> None:
    """A purpose that a new notice put back, and the user granted again, counts from the next day."""
    client = make(policy=1)
    client.consent.grant("usage")
    client.track("share.used")
    client.flush()
    client.shutdown()
    client = make(policy=2)
    client.consent.grant("usage")
    client.track("share.used")
    client.flush()
    assert sum(n for key, n in sums(network).items() if key[1:] == (1, 0, Fact.AGE, 0)) == 1
    clock.advance(DAY)
    client.track("share.used")
    client.flush()
    assert sums(network)[D + 1, 3, 0, Fact.DEVICES, 0] == 1


def test_a_closed_day_says_its_value_and_step_once(
    full: MakeFull, clock: ManualClock, network: MemoryTransport
) -> None:
    """A clock set back after midnight opens no day again whose quantities and funnels were told."""
    client = full("usage")
    client.quantity("rooms", 5)
    client.screen("lobby")
    clock.advance(DAY)
    client.flush()
    clock.set_now(clock.now() - DAY)
    client.quantity("rooms", 7)
    client.screen("lobby")
    clock.advance(3 * DAY)
    client.flush()
    told = [key[0] for key in sums(network) if key[3] in (Fact.VALUE, Fact.STEP)]
    assert sums(network)[D, 10, 0, Fact.VALUE, 0] == 5
    assert sums(network)[D, 6, 0, Fact.STEP, 1] == 1
    assert len(told) == 4


def test_a_signal_without_a_name_still_says_no(make: MakeClient) -> None:
    """What an app hands over as a signal, however it is made, can only say no, and raises nothing."""

    class Nameless:
        def denied(self, purposes: object) -> object:
            return purposes

    client = make(signals=(Nameless(), object()))
    client.consent.grant("usage")
    client.on_foreground()
    assert client.consent.status()["usage"] is Status.REFUSED


def test_contexts_that_change_and_change_stay_bounded(make: MakeClient, tmp_path: Path) -> None:
    """One part for each context, none for what the cap keeps out, and a file of bounded size."""
    client = make()
    client.consent.grant("usage", "context")
    for n in range(400):
        client.set_context(app_version=f"{n % 3}.0" if n % 3 else "9.0")
        client.track("meeting.joined", entry="link")
    (held,) = client._device.state.days.values()
    assert len(held.parts) <= 3
    for n in range(100):
        client.set_context(app_version=f"{n}.1")
        client.track("share.used")
    assert len(client._device.state.contexts) <= 16
    assert (tmp_path / "state/state").stat().st_size < 20_000


def test_days_are_bounded_also_while_nothing_may_be_sent(make: MakeClient, clock: ManualClock) -> None:
    """An app that holds uploads back for a hundred days holds no more days than would be sent."""
    client = make(may_upload=lambda: False)
    client.consent.grant("usage")
    for _ in range(100):
        client.track("share.used")
        clock.advance(DAY)
        client.pump()
    assert len(client.export()["waiting"]) <= 35


def test_what_ends_in_the_background_is_no_crash(full: MakeFull, clock: ManualClock, network: MemoryTransport) -> None:
    """A session begun in the background, or by the system's own wake-up, ends clean when the system ends it."""
    client = full("diagnostics")
    client.on_background()
    clock.advance(3600)
    client.measure("join.time", 3)
    client._device.close()
    client = full(start=False)
    client.start(thread=False, active=False)
    client.measure("join.time", 3)
    client._device.close()
    full().flush()
    ends = {key[2]: n for key, n in sums(network).items() if key[1] == 8 and key[3] == Fact.COUNT}
    assert set(ends) == {2}


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


@pytest.mark.parametrize(("cut", "kept"), [(10, 0), (22, 1), (70, 3), (200, 6), (22 * 4096 - 1, 6)])
def test_a_journal_that_was_cut_gives_what_stands_whole(make: MakeClient, tmp_path: Path, cut: int, kept: int) -> None:
    """Whole entries before the cut are read, and that the file was damaged is counted."""
    client = make(catalog=CATALOG_TEXT.split('[measures."active"]')[0] + _ONE_COUNTER)
    client.consent.grant("usage")
    for _ in range(6):
        client.track("meeting.joined", entry="link")
    client.shutdown()
    path = tmp_path / "state/journal"
    os.truncate(path, cut)
    again = make(catalog=CATALOG_TEXT.split('[measures."active"]')[0] + _ONE_COUNTER)
    parts = [part for day in again._device.state.days.values() for part in day.parts]
    assert again.health.counts[Surprise.JOURNAL_CORRUPT] == 1
    assert sum(part.sums.get((2, 2, Fact.COUNT, 0), 0) for part in parts) == kept
    assert path.stat().st_size == 22 * 4096


_ONE_COUNTER = """[measures."meeting.joined"]
code = 2
kind = "counter"
purpose = "usage"
description = "Joined."
owner = "p@x.example"
cap = 50
label = { key = "entry", values = ["link", "room"] }
"""


def test_an_object_that_cannot_be_shown_harms_nothing(make: MakeClient) -> None:
    """What an app passes by mistake is named by its type: nothing of it is called, and nothing of it is logged."""

    class Hostile:
        def __repr__(self) -> str:
            raise RuntimeError("of the app")

        __str__ = __repr__

    client = make(catalog=FULL)
    hostile: Any = Hostile()
    client.track(hostile)
    client.screen(hostile)
    client.set_context(os=hostile)
    client.consent.grant(hostile)
    client.report_problem(hostile, hostile, hostile).send()
    assert client.health.counts[Surprise.UNKNOWN_MEASURE] == 1
