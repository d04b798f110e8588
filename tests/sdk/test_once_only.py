"""Each day, each device and each person counts once: against clocks, forks, kills, new notices and large days."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from headcount_sdk import Surprise
from headcount_sdk.testing import ManualClock, MemoryTransport, accepted
from headcount_sdk.transport import Answer, Request
from headcount_wire.facts import Fact, First

from tests.sdk.conftest import CATALOG_TEXT, DAY, MakeClient, MakeFull, policy, sums

D = 20_000


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
    client._before_send.remove(hook)
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
