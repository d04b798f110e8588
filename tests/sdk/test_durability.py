"""What was recorded survives; what was withdrawn does not; whatever write the app dies at."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from headcount_sdk.client import Headcount
from headcount_sdk.health import Surprise
from headcount_sdk.storage import Storage
from headcount_sdk.testing import ManualClock, MemoryTransport, accepted

from tests.sdk.conftest import CATALOG, CATALOG_TEXT, DAY, START, MakeClient

KEY = "hc_live_" + "k" * 43


class PowerCut(BaseException):
    """The process dies here."""


class DyingStorage(Storage):
    """Dies at the k-th durable operation, before or after it; a write may be half done."""

    def __init__(self, directory: str, at: int) -> None:
        super().__init__(directory)
        self.at = at
        self.step = 0

    def _hit(self) -> None:
        self.step += 1
        if self.step == self.at:
            raise PowerCut

    def sync(self, fd: int) -> None:
        self._hit()
        super().sync(fd)
        self._hit()

    def rename(self, source: str, target: str) -> None:
        self._hit()
        super().rename(source, target)
        self._hit()


def client_on(folder: Path, storage: Storage | None = None, network: MemoryTransport | None = None) -> Headcount:
    client = Headcount(
        KEY,
        "https://edge.example",
        CATALOG,
        directory=folder,
        clock=ManualClock(START),
        transport=network or MemoryTransport(),
        utc_offset=lambda _: 0.0,
        storage=storage,
    )
    client.start(thread=False)
    return client


def grant(client: Headcount) -> None:
    client.consent.grant("usage", "diagnostics")


def withdraw(client: Headcount) -> None:
    client.consent.withdraw("usage")


def flush(client: Headcount) -> None:
    client.flush()


def switch(client: Headcount) -> None:
    client.consent.switch("os", False)


def restrict(client: Headcount) -> None:
    client.consent.restrict(True)


def reset(client: Headcount) -> None:
    client.reset()


def counted(client: Headcount) -> dict[str, int]:
    """Sums held for the day, by measure: sealed and not sealed."""
    found: dict[str, int] = {}
    state = client._device.state
    parts = [part for held in state.days.values() for part in held.parts]
    parts += [part for _, part in state.sealed.days] if state.sealed else []
    for part in parts:
        for (measure, label, fact, _), n in part.sums.items():
            found[f"{measure}/{label}/{fact}"] = found.get(f"{measure}/{label}/{fact}", 0) + n
    return found


@pytest.mark.parametrize("action", [grant, withdraw, flush], ids=lambda action: action.__name__)
def test_dying_at_any_write_leaves_before_or_after(tmp_path: Path, action: Callable[[Headcount], None]) -> None:
    """At whatever durable step the app dies, the next start finds the state before or after, never a third."""
    step = 0
    while True:
        step += 1
        folder = tmp_path / f"{step}"
        client = client_on(folder)
        client.consent.grant("usage", "diagnostics")
        client.track("meeting.joined", entry="link")
        client.measure("join.time", 7)
        client.shutdown()
        network = MemoryTransport()
        storage = DyingStorage(str(folder), 0)
        client = client_on(folder, storage, network)
        before = counted(client)
        assert storage.step == 0, "a start that has nothing to change writes nothing"
        storage.at = step
        try:
            action(client)
        except PowerCut:
            pass
        else:
            assert step > 4, "the action made no durable step"
            return
        storage.close()

        again = client_on(folder, network=network)
        after = counted(again)
        assert not again.health.counts
        if action is withdraw:
            held = {key: n for key, n in before.items() if key.startswith("4/")}
            assert after in (before, held)
            if again.consent.status()["usage"].value == "denied":
                assert after == held
                files = b"".join(path.read_bytes() for path in folder.iterdir() if path.name != "journal")
                assert b"[2,2,1,0,1]" not in files
        else:
            sums_sent = {tuple(t) for report in network.reports for d in report.days for t in d.tallies}
            assert after == before or (action is flush and not after and sums_sent)
        again.flush()
        assert len({request.url for request in network.requests if request.method == "POST"}) <= 1
        again.shutdown()


@pytest.mark.parametrize("action", [switch, restrict, reset], ids=lambda action: action.__name__)
def test_dying_while_erasing_leaves_before_or_nothing(tmp_path: Path, action: Callable[[Headcount], None]) -> None:
    """A switch, restricted mode and a reset happen entirely or not at all, whatever write the app dies at."""
    for step in range(1, 40):
        folder = tmp_path / f"{step}"
        client = client_on(folder)
        client.consent.grant("usage", "diagnostics", "context")
        client.track("meeting.joined", entry="link")
        client.flush()
        client.track("share.used")
        client.shutdown()
        storage = DyingStorage(str(folder), 0)
        client = client_on(folder, storage)
        before = counted(client)
        storage.at = storage.step + step
        try:
            action(client)
        except PowerCut:
            done = False
        else:
            done = True
        storage.close()
        again = client_on(folder)
        after = counted(again)
        refused = again.consent.refused_by("usage") is not None
        off = not again.consent.switches()["os"]
        assert not again.health.counts
        if action is switch:
            assert after == before
            contexts = [dict(part.context) for day in again._device.state.days.values() for part in day.parts]
            assert off == all("os" not in context for context in contexts)
        else:
            assert after in (before, {})
            assert action is reset or refused == (after == {})
        again.shutdown()
        if done:
            assert step > 3
            return
    raise AssertionError("the action never ended")


KILLED = """
import os, signal, sys
from headcount_sdk import Headcount
from headcount_sdk.storage import Storage
from headcount_sdk.testing import ManualClock, MemoryTransport

class Killing(Storage):
    left = 0
    def hit(self):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    def sync(self, fd):
        self.hit(); super().sync(fd); self.hit()
    def rename(self, source, target):
        self.hit(); super().rename(source, target); self.hit()
    def unlink(self, path):
        self.hit(); super().unlink(path); self.hit()

storage = Killing(sys.argv[1])
client = Headcount("hc_live_" + "k" * 43, "https://edge.example", sys.argv[2], directory=sys.argv[1], storage=storage,
    clock=ManualClock(20_000 * 86_400.0 + 43_200.0), transport=MemoryTransport(), utc_offset=lambda _: 0.0)
client.start(thread=False)
storage.left = int(sys.argv[4])
{"withdraw": lambda: client.consent.withdraw("usage"), "flush": client.flush, "erase": client.erase,
 "grant": lambda: client.consent.grant("context"), "reset": client.reset}[sys.argv[3]]()
"""


@pytest.mark.parametrize("action", ["withdraw", "flush", "erase", "grant", "reset"])
def test_sigkill_at_any_durable_step_leaves_before_or_after(tmp_path: Path, action: str) -> None:
    """A real process that kills itself at each durable step in turn: what is found is what was, or what was to be."""
    for step in range(1, 60):
        folder = tmp_path / f"{step}"
        client = client_on(folder)
        client.consent.grant("usage", "diagnostics")
        client.track("share.used")
        client.flush()
        client.track("meeting.joined", entry="link")
        client.measure("join.time", 7)
        before = counted(client)
        client.shutdown()
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(folder), CATALOG_TEXT, action, str(step)], check=False, timeout=60
        )
        network = MemoryTransport()
        again = client_on(folder, network=network)
        after, status = counted(again), again.consent.status()
        diagnostics = {key: n for key, n in before.items() if key.startswith("4/")}
        expected = {"withdraw": diagnostics, "flush": before, "erase": {}, "grant": before, "reset": {}}[action]
        assert after in ([before, expected] if action != "flush" else [before, {}])
        assert not again.health.counts
        if action == "withdraw":
            assert (after == diagnostics) == (status["usage"].value == "denied")
        if action == "erase":
            assert (after == {}) == (status["usage"].value == "not_decided")
            assert after or {path.name for path in folder.iterdir()} <= {"lock"}
        again.shutdown()
        if done.returncode == 0:
            assert step > 2
            return
        assert done.returncode == -signal.SIGKILL
    raise AssertionError("the action never ended")


def test_recording_survives_sigkill(tmp_path: Path) -> None:
    """An app killed right after track() returns has lost nothing that was recorded."""
    program = (
        "import os, signal, sys\n"
        "from headcount_sdk import Headcount\n"
        "from headcount_sdk.testing import MemoryTransport\n"
        f"client = Headcount({KEY!r}, 'https://edge.example', sys.argv[2], directory=sys.argv[1],\n"
        "    transport=MemoryTransport(), utc_offset=lambda _: 0.0)\n"
        "client.start(thread=False)\n"
        "client.consent.grant('usage', 'diagnostics')\n"
        "for n in range(9): client.measure('join.time', n)\n"
        "client.track('meeting.joined', entry='room')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(tmp_path / "state"), CATALOG_TEXT], check=False)
    assert ended.returncode == -signal.SIGKILL
    sums = counted(client_on(tmp_path / "state"))
    assert sum(n for key, n in sums.items() if key == "4/0/8") == 9
    assert sums["2/3/1"] == 1


def test_a_full_journal_becomes_a_checkpoint(make: MakeClient, clock: ManualClock) -> None:
    """More recordings than the journal holds lose nothing and keep the files bounded."""
    client = make()
    client.consent.grant("usage", "diagnostics")
    for _ in range(40):
        clock.advance(DAY)
        for n in range(10):
            client.measure("join.time", n)
            client.track("meeting.joined", entry="link")
            client.track("share.used")
            client.active()
    folder = client._device._storage.directory
    assert sum(Path(folder, name).stat().st_size for name in Path(folder).iterdir()) < 2**18
    before = counted(client)
    client.shutdown()
    assert counted(make()) == before
    assert before["4/0/8"] == 400


def test_a_corrupt_state_is_set_aside(make: MakeClient) -> None:
    """Garbage in the file is set aside and counted; the app goes on, undecided."""
    client = make()
    client.consent.grant("usage")
    client.shutdown()
    path = Path(client._device._storage.path("state"))
    path.write_bytes(path.read_bytes()[:-3])
    again = make()
    assert again.health.counts[Surprise.STATE_CORRUPT] == 1
    assert again.consent.status()["usage"].value == "not_decided"
    assert path.with_name("state.bad").exists()


def test_state_is_private_to_the_app(make: MakeClient) -> None:
    """Every file is readable by its owner only."""
    client = make()
    client.consent.grant("usage")
    folder = Path(client._device._storage.directory)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_a_full_disk_turns_the_client_off(tmp_path: Path) -> None:
    """When the disk refuses, the client is off and the app is spared."""

    class FullDisk(Storage):
        def sync(self, fd: int) -> None:
            raise OSError(28, "No space left on device")

    client = client_on(tmp_path / "s", FullDisk(str(tmp_path / "s")))
    assert client.consent.grant("usage") is False
    client.track("share.used")
    client.flush()
    assert client.health.counts[Surprise.DISK] == 1
    assert accepted().status == 202
