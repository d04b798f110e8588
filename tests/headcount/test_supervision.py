"""The house under a service manager and as a container's first process: told, telling, and gone in time."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import pty
import re
import select
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from headcount.demo.ground import prepare
from headcount.notify import Notifier
from headcount.settings import Settings, load_settings
from headcount.stack import free_port
from headcount.supervisor import STOP_SECONDS

from tests.headcount.test_up import settings_file
from tests.ingest.test_tls import AUTHORITY, ENDS, pair

ROOT = Path(__file__).parents[2]
MANAGER_SECONDS = 120


@dataclass
class Manager:
    """A service manager's socket, a real one, and what it was told."""

    told: socket.socket
    heard: list[str]

    def until(self, word: str) -> None:
        """Return when a line was told, now or before."""
        deadline = time.monotonic() + MANAGER_SECONDS
        while word not in self.heard:
            self.told.settimeout(max(0.1, deadline - time.monotonic()))
            self.heard += self.told.recv(4096).decode().splitlines()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(tmp_path / "notify"))
        yield Manager(told, [])


@contextlib.contextmanager
def started(arguments: list[str], manager: Manager | None = None, **changes: Any) -> Iterator[subprocess.Popen[str]]:
    """A house under a manager, its log piped; ended with the block."""
    environment = {**os.environ, **changes.pop("environment", {})}
    if manager:
        environment |= {"NOTIFY_SOCKET": manager.told.getsockname(), "WATCHDOG_USEC": "400000"}
    piped = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(arguments, env=environment, **(piped | changes))
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        process.communicate(timeout=60)


def readyz(settings: Settings, worker: int = 0) -> dict[str, Any]:
    url = f"http://{settings.admin_host}:{settings.admin_port + worker}/readyz"
    with urllib.request.urlopen(url, timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def doctor(config: Path, check: str) -> tuple[str, str]:
    """The verdict and the finding of one check, while the house runs."""
    arguments = [HEADCOUNT, "doctor", "--json", "--config", str(config)]
    ended = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
    (found,) = (result for result in json.loads(ended.stdout)["checks"] if result["check"] == check)
    return found["verdict"], found["found"]


def served_until(port: int) -> float:
    """When the certificate ends that an edge serves now."""
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as wrapped,
    ):
        certificate = wrapped.getpeercert()
    assert certificate
    return ssl.cert_time_to_seconds(str(certificate["notAfter"]))


def logged(process: subprocess.Popen[str], event: str, times: int = 1) -> list[dict[str, Any]]:
    """The log's entries of one event, once there are so many."""
    assert process.stderr is not None
    found: list[dict[str, Any]] = []
    while len(found) < times:
        line = process.stderr.readline()
        assert line, f"the log ended without {event}"
        if line.startswith("{") and (entry := json.loads(line))["event"] == event:  # a line is one whole object
            found.append(entry)
    return found


UNIT = ROOT / "deploy/systemd/headcount.service"
CONTAINER = ROOT / "deploy/container/Containerfile"
HEADCOUNT = str(Path(sys.executable).with_name("headcount"))


def of_unit(name: str) -> str:
    """The one value of a name in the systemd unit."""
    (value,) = re.findall(rf"^{name}=(.*)$", UNIT.read_text("utf-8"), re.MULTILINE)
    return str(value)


def test_a_manager_hears_of_the_whole_life(tmp_path: Path, manager: Manager) -> None:
    """What the unit starts is ready when everything answers, says that it lives, reloads on SIGHUP, says that it stops.

    A new certificate is served without a restart by every worker; a faulty one is told, and changes nothing. A
    worker that was killed is started again, also when nobody reads the log any more.
    """
    certificate, key = pair(tmp_path)
    config = settings_file(tmp_path, workers=2, tls_certificate=str(certificate), tls_key=str(key))
    settings = load_settings(config)
    arguments = of_unit("ExecStart").split()
    assert (arguments[0], arguments[-1]) == ("/opt/headcount/bin/headcount", "/etc/headcount/headcount.toml")
    with started([HEADCOUNT, *arguments[1:-1], str(config)], manager) as process:
        manager.until("READY=1")
        assert readyz(settings, 1)["ready"]
        for _ in range(2):
            manager.heard.clear()
            manager.until("WATCHDOG=1")
        assert doctor(config, "ports") == ("ok", "this house answers")

        before = served_until(settings.edge_port)
        pair(tmp_path, ends=ENDS + dt.timedelta(days=1))
        process.send_signal(signal.SIGHUP)
        logged(process, "certificate_taken", times=2)
        after = served_until(settings.edge_port)
        assert after == before + 86_400
        key.write_text("no key")
        process.send_signal(signal.SIGHUP)
        faulty = logged(process, "certificate_faulty", times=2)
        assert {(line["role"], line["worker"]) for line in faulty} == {("edge", f"worker-{n}") for n in (0, 1)}
        for worker in (0, 1):
            assert "tls_faulty" in {found["reason"] for found in readyz(settings, worker)["warnings"]}
        assert served_until(settings.edge_port) == after
        assert "worker 1: tls_faulty" in doctor(config, "readiness")[1]

        edges = children(process.pid, 4)[:2]
        assert process.stderr is not None
        process.stderr.close()  # who read the log is gone
        os.kill(edges[0], signal.SIGKILL)
        while edges[0] in (now := children(process.pid, 4)):
            pass
        assert edges[1] in now, "only the one that was killed is another"
        process.send_signal(signal.SIGTERM)
        manager.until("STOPPING=1")
        assert process.wait(60) == 0


def test_a_house_whose_supervisor_was_killed_ends_and_can_start_again(tmp_path: Path) -> None:
    """SIGKILL of the supervisor leaves nobody behind: its processes stop, and the next house has the folder."""
    config = settings_file(tmp_path)
    with started([HEADCOUNT, "up", "--config", str(config)]) as process:
        assert process.stdout is not None
        while "dashboard" not in process.stdout.readline():
            pass
        ours = [os.pidfd_open(child) for child in children(process.pid, 3)]
        process.kill()
        ends = select.poll()
        for one in ours:
            ends.register(one, select.POLLIN)
        for one in ours:
            assert ends.poll(60_000)
            ends.unregister(one)
            os.close(one)
    with started([HEADCOUNT, "up", "--config", str(config)]) as process:
        assert process.stdout is not None
        while "dashboard" not in (line := process.stdout.readline()):
            assert line, "the second house did not start"


def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    """systemd finds no fault with the unit, rates it well closed in, and leaves it longer to stop than it can take."""
    unit = tmp_path / "headcount.service"
    unit.write_text(UNIT.read_text("utf-8").replace("/opt/headcount/bin/headcount", HEADCOUNT))
    verified = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (verified.returncode, verified.stderr) == (0, "")
    rated = ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit)]
    found = subprocess.run(rated, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout
    drain = Settings.model_json_schema()["properties"]["drain_seconds"]["maximum"]
    assert float(of_unit("TimeoutStopSec")) > 3 * STOP_SECONDS > 3 * drain
    assert (of_unit("KillSignal"), of_unit("LimitCORE"), of_unit("NoNewPrivileges")) == ("SIGTERM", "0", "yes")


@pytest.mark.skipif(os.geteuid() != 0 and "CI" not in os.environ, reason="a process namespace needs root")
def test_it_is_a_good_first_process(tmp_path: Path) -> None:
    """What the container starts, as its first process and by environment alone, reaps what others leave and stops.

    A SIGHUP while it starts harms no process, and its log is JSON on stderr.
    """
    prepare(tmp_path)
    text = CONTAINER.read_text("utf-8")
    (cmd,) = re.findall(r"^CMD (.*)$", text, re.MULTILINE)
    environment = dict(re.findall(r"^ENV (HEADCOUNT_\w+)=(.*)$", text, re.MULTILINE))
    ports = {name: str(free_port()) for name in ("EDGE", "ADMIN", "DASHBOARD")}
    environment |= {f"HEADCOUNT_{name}_PORT": port for name, port in ports.items()}
    environment |= {"HEADCOUNT_ORGANISATION": f"{tmp_path}/organisation.toml", "HEADCOUNT_DATA": f"{tmp_path}/data"}
    inside = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", HEADCOUNT, *json.loads(cmd)[1:]]
    said_so = tmp_path / "log"  # a file: a pipe that nobody reads yet is full after some hundred reloads
    with (
        said_so.open("w") as log,
        started(inside, environment=environment, stdin=subprocess.DEVNULL, stderr=log) as outer,
        ended(children(outer.pid, 1)[0]) as first,
    ):
        assert outer.stdout is not None
        said = select.poll()
        said.register(outer.stdout, select.POLLIN)
        while not said.poll(10):
            os.kill(first, signal.SIGHUP)
        ours = children(first, 3)
        os.mkfifo(tmp_path / "gate")
        orphan = f"(read line < {tmp_path}/gate) & exit 0"
        subprocess.run(["nsenter", "-t", str(first), "-p", "sh", "-c", orphan], check=True)
        children(first, 4)
        with (tmp_path / "gate").open("w") as gate:
            gate.write("end\n")
        assert children(first, 3) == ours
        os.kill(first, signal.SIGTERM)
        out, _ = outer.communicate(timeout=60)
    assert outer.returncode == 0
    assert "dashboard" in out
    lines = said_so.read_text("utf-8").splitlines()
    events = [json.loads(line)["event"] for line in lines]  # each line is one whole object
    assert events.count("reload_asked") >= 1
    assert "role_ended" not in events
    assert events.count("edge_stopped") == int(Settings().workers)


@contextlib.contextmanager
def ended(pid: int) -> Iterator[int]:
    """A process that whoever started it does not stop, killed if the block fails."""
    try:
        yield pid
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        raise


def children(pid: int, count: int) -> list[int]:
    """A process's children, once there are so many of them, those that nobody reaped included."""
    deadline = time.monotonic() + MANAGER_SECONDS
    while time.monotonic() < deadline:
        tasks = [task.read_text().split() for task in Path(f"/proc/{pid}/task").glob("*/children")]
        if len(found := sorted(int(child) for task in tasks for child in task)) == count:
            return found
    raise AssertionError(f"{found} instead of {count}")


def test_a_terminal_that_goes_takes_the_house_with_it(tmp_path: Path) -> None:
    """Started in a terminal that is closed, the house stops in order and leaves no process; it is no reload then."""
    config = settings_file(tmp_path)
    terminal, inner = pty.openpty()
    with (tmp_path / "log").open("wb") as log:
        arguments = ["setsid", "--ctty", HEADCOUNT, "up", "--config", str(config)]
        process = subprocess.Popen(arguments, stdin=inner, stdout=inner, stderr=log)
    os.close(inner)
    said = b""
    while b"dashboard" not in said:
        said += os.read(terminal, 4096)
    processes = [process.pid, *children(process.pid, 3)]
    os.close(terminal)
    assert process.wait(60) == 0
    assert not any(Path(f"/proc/{found}").exists() for found in processes)
    assert "reload_asked" not in (tmp_path / "log").read_text()


def test_without_a_manager_nothing_is_told(tmp_path: Path) -> None:
    """Where nobody asked, or has gone away, telling is nothing and harms nothing; the abstract address works too."""
    Notifier({}).ready("fine")
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).ready("fine")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind("")
        name = told.getsockname()[1:].decode()
        environment = {"NOTIFY_SOCKET": f"@{name}", "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1"}
        notifier = Notifier(environment)
        assert environment == {}, "no process of the house inherits the address"
        notifier.alive()  # the watchdog is somebody else's
        notifier.stopping()
        assert told.recv(4096).startswith(b"STOPPING=1\n")


ALONE = """
import sys
from headcount.supervisor import Role, Supervisor
from headcount.told import Told

class Faulty(Supervisor):
    def _look_after(self, role):
        raise RuntimeError("a fault of the supervisor")

told = Told(lambda: None)
supervisor = Faulty([Role("edge-0", ["--help"], stop_order=0)])
supervisor.start()
assert told.wait(60)
supervisor.stop()
sys.exit(7 if supervisor.failed else 0)
"""


def test_a_house_that_nobody_looks_after_ends() -> None:
    """A supervisor that fails ends its process, with a code that has it started anew; it does not go on blind."""
    ended = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, timeout=100, check=False)
    assert ended.returncode == 7, ended.stderr


TWICE = """
import os, signal
from headcount.told import Told

reloads = []
told = Told(lambda: reloads.append(1))
for _ in range(200):
    os.kill(os.getpid(), signal.SIGHUP)
    assert not told.wait(0)
os.kill(os.getpid(), signal.SIGHUP)
os.kill(os.getpid(), signal.SIGTERM)
assert told.wait(60)
assert len(reloads) == 201, len(reloads)
"""


def test_signals_that_come_close_together_are_all_heard() -> None:
    """None is missed that comes before a wait begins, and a reload does not hide the end that comes with it."""
    ended = subprocess.run(["setsid", sys.executable, "-c", TWICE], capture_output=True, timeout=100, check=False)
    assert ended.returncode == 0, ended.stderr


def test_a_manager_that_does_not_listen_holds_nothing_up(manager: Manager) -> None:
    """When its queue is full, what lives goes on living untold, and what is told once is waited for only so long."""
    notifier = Notifier({"NOTIFY_SOCKET": manager.told.getsockname(), "WATCHDOG_USEC": "1"})
    for _ in range(2_000):
        notifier.alive()
    began = time.monotonic()
    notifier.stopping()
    assert time.monotonic() - began < 30
    manager.until("WATCHDOG=1")
