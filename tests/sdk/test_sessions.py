"""Sessions: when one begins and ends, and that a crash is told from a quiet end in the background."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from headcount_sdk.sessions import CLEAN, CRASHED
from headcount_sdk.testing import ManualClock, MemoryTransport
from headcount_wire.buckets import bucket_of
from headcount_wire.facts import Fact

from tests.sdk.conftest import FULL_TEXT, MakeFull, sums
from tests.sdk.test_durability import PowerCut

LENGTH, END = 7, 8


def sessions(network: MemoryTransport) -> dict[int, int]:
    """Ended sessions by the bucket of their length."""
    return {slot: n for (_, m, _, fact, slot), n in sums(network).items() if (m, fact) == (LENGTH, Fact.BUCKET)}


def ends(network: MemoryTransport) -> dict[int, int]:
    """Ended sessions by how they ended."""
    return {label: n for (_, m, label, fact, _), n in sums(network).items() if (m, fact) == (END, Fact.COUNT)}


def test_a_pause_of_half_an_hour_ends_a_session(full: MakeFull, clock: ManualClock, network: MemoryTransport) -> None:
    """A session lasts from its first to its last recording; what comes after 30 minutes is another one."""
    client = full("usage", "diagnostics")
    client.track("share.used")
    clock.advance(29 * 60)
    client.track("share.used")
    clock.advance(29 * 60)
    client.track("share.used")
    clock.advance(30 * 60)
    client.flush()
    assert sessions(network) == {bucket_of(58 * 60): 1}
    client.track("share.used")
    clock.advance(31 * 60)
    client.flush()
    assert sessions(network) == {bucket_of(58 * 60): 1, 0: 1}
    assert ends(network) == {CLEAN: 2}


def test_a_wall_clock_that_jumps_neither_ends_nor_lengthens_a_session(
    full: MakeFull, clock: ManualClock, network: MemoryTransport
) -> None:
    """Sessions follow the monotonic clock only."""
    client = full("usage", "diagnostics")
    client.track("share.used")
    clock.advance(60)
    clock.set_now(clock.now() + 3 * 3600)
    client.track("share.used")
    clock.set_now(clock.now() - 3 * 3600)
    client.shutdown()
    full().flush()
    assert sessions(network) == {bucket_of(60): 1}


def test_a_session_ends_clean_with_the_process(full: MakeFull, clock: ManualClock, network: MemoryTransport) -> None:
    """Shutdown ends the session, and its length runs until then."""
    client = full("usage", "diagnostics")
    client.track("share.used")
    clock.advance(100)
    client.shutdown()
    full().flush()
    assert (sessions(network), ends(network)) == ({bucket_of(100): 1}, {CLEAN: 1})


def test_dying_in_the_background_is_clean(full: MakeFull, clock: ManualClock, network: MemoryTransport) -> None:
    """The system may end an app that nobody sees: its session ended when it went to the background."""
    client = full("usage", "diagnostics")
    client.track("share.used")
    clock.advance(100)
    client.on_background()
    clock.advance(20)
    client._device.close()  # as SIGKILL leaves it
    full().flush()
    assert (sessions(network), ends(network)) == ({bucket_of(100): 1}, {CLEAN: 1})


def test_a_short_look_elsewhere_is_the_same_session(
    full: MakeFull, clock: ManualClock, network: MemoryTransport
) -> None:
    """Background and back within 30 minutes goes on; dying after that, in the foreground, is a crash."""
    client = full("usage", "diagnostics")
    client.on_background()
    clock.advance(60)
    client.on_foreground()
    clock.advance(60)
    client._device.close()
    full().flush()
    assert (sessions(network), ends(network)) == ({}, {CRASHED: 1})


def test_each_part_of_a_session_is_for_its_own_purpose(
    full: MakeFull, clock: ManualClock, network: MemoryTransport
) -> None:
    """Who granted only diagnostics is counted among ends, not among lengths; a withdrawal forgets the session."""
    client = full("diagnostics")
    client.track("share.used")
    clock.advance(3600)
    client.flush()
    assert (sessions(network), ends(network)) == ({}, {CLEAN: 1})
    client.on_foreground()
    client.consent.withdraw("diagnostics")
    client._device.close()
    again = full()
    again.consent.grant("diagnostics")
    clock.advance(86_400)
    again.flush()
    assert ends(network) == {CLEAN: 1}


SCRIPT = """
import sys
from headcount_sdk import Headcount
client = Headcount("hc_live_" + "k" * 43, "http://127.0.0.1:9", sys.argv[1], directory=sys.argv[2])
client.start(thread=False)
client.consent.grant("usage", "diagnostics")
client.track("share.used")
client.on_foreground()
exec(sys.argv[3])
"""


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        ("pass", {CLEAN: 1}),
        ("sys.exit(3)", {CLEAN: 1}),
        ("raise KeyboardInterrupt", {CLEAN: 1}),
        ("raise ValueError('of the app')", {CRASHED: 1}),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", {CRASHED: 1}),
        ("client.on_background(); import os, signal; os.kill(os.getpid(), signal.SIGKILL)", {CLEAN: 1}),
        ("import os\nif os.fork() == 0: client.track('share.used'); raise ValueError\nos.wait()", {CLEAN: 1}),
    ],
)
def test_how_a_process_ends_is_how_its_session_ends(
    full: MakeFull, network: MemoryTransport, tmp_path: Path, ending: str, expected: dict[int, int]
) -> None:
    """A real process that ends, raises, is killed in front or in the back, or forks: told at the next start."""
    catalog = tmp_path / "catalog.toml"
    catalog.write_text(FULL_TEXT, "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(catalog), str(tmp_path / "state"), ending],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if "of the app" in ending:
        assert "ValueError: of the app" in done.stderr  # the app's own traceback is still printed
    client = full(clock=None, utc_offset=None, facts=None)
    client.flush()
    assert ends(network) == expected


def test_ending_a_session_never_adds_a_crash(full: MakeFull, clock: ManualClock, network: MemoryTransport) -> None:
    """To die between a session's end and its count costs the session; it does not become a crash."""
    client = full("usage", "diagnostics")
    client.track("share.used")
    count = client._recorder.sessions._count

    def dies(*_: object) -> None:
        raise PowerCut

    client._recorder.sessions._count = dies
    clock.advance(3600)
    with pytest.raises(PowerCut):
        client._recorder.sessions.lapse(clock.monotonic())
    client._recorder.sessions._count = count
    client._device.close()
    full().flush()
    assert ends(network) == {}
