"""``headcount up`` as whoever runs it meets it: one process that starts everything, or a sentence that says why not."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from headcount.demo.ground import prepare
from headcount.settings import load_settings
from headcount.stack import free_port


def settings_file(folder: Path, **changes: object) -> Path:
    """A settings file beside the demo's organisation, on free ports."""
    prepare(folder)
    ports = {name: free_port() for name in ("edge_port", "admin_port", "dashboard_port")}
    plain = {"organisation": "organisation.toml", "data": "data", "workers": 1, **ports, **changes}
    lines = [f"{name} = {value!r}" for name, value in plain.items()]
    (folder / "headcount.toml").write_text("\n".join(lines).replace("'", '"'))
    return folder / "headcount.toml"


def command(config: Path) -> list[str]:
    return [sys.executable, "-c", "from headcount.command import main; main()", "up", "--config", str(config)]


def refused(config: Path) -> str:
    """What a run that cannot start says; nothing of it is a traceback, and nothing is on stdout."""
    ended = subprocess.run(command(config), capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    return ended.stderr.strip()


@contextmanager
def running(config: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A run, and what it said when it was ready."""
    process = subprocess.Popen(command(config), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline() + process.stdout.readline()
    finally:
        process.terminate()
        process.communicate(timeout=60)


@pytest.mark.parametrize("name", ["edge_port", "admin_port", "dashboard_port"])
@pytest.mark.parametrize("shared", [False, True])
def test_a_taken_port_is_one_sentence(tmp_path: Path, name: str, shared: bool) -> None:
    """A port that something listens on, also one that could be shared, is named with the setting; nothing starts."""
    with socket.socket() as taken:
        if shared:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refused(settings_file(tmp_path, **{name: port}))
    assert said == f"{name}: 127.0.0.1, port {port}: something listens there; stop it, or name another port."
    assert not (tmp_path / "data/store.json").exists()


def test_ports_that_meet_are_one_sentence(tmp_path: Path) -> None:
    """Two settings that want one port, or workers that run out of ports, are told before anything starts."""
    port = free_port()
    said = refused(settings_file(tmp_path, edge_port=port, dashboard_port=port))
    assert said == f"dashboard_port: {port} is wanted for edge_port too; name another."
    assert "there are 65535" in refused(settings_file(tmp_path, admin_port=65_535, workers=2))


def test_no_port_is_chosen_twice() -> None:
    """Servers that are still to start get different ports, however many they are."""
    drawn = [free_port() for _ in range(200)]
    assert len(set(drawn)) == len(drawn)


def test_a_certificate_that_cannot_be_served_is_one_sentence(tmp_path: Path) -> None:
    """A certificate that is not there is named with its setting and the file, beside the settings; nothing starts."""
    said = refused(settings_file(tmp_path, tls_certificate="certificate.pem", tls_key="key.pem"))
    files = f"{tmp_path}/certificate.pem, or {tmp_path}/key.pem"
    assert said == f"tls_certificate: {files}: cannot be read (No such file or directory)."


def test_a_house_that_runs_says_how_to_sign_in_and_keeps_its_folder(tmp_path: Path) -> None:
    """The dashboard's line shows what a reader's link looks like; a second run on the same data is turned away."""
    config = settings_file(tmp_path)
    with running(config) as (process, said):
        assert "/?token=<a reader's token>" in said
        other = tmp_path / "other"
        other.mkdir()
        second = settings_file(other, data=str(tmp_path / "data"))
        assert refused(second) == f"data: {tmp_path / 'data'} is in use by another headcount; stop it, or name another."
    assert process.returncode == 0


def test_sigterm_while_starting_stops_everything(tmp_path: Path) -> None:
    """Told to stop before it is ready, a run ends by itself, with 0, and leaves no process behind."""
    config = settings_file(tmp_path)
    process = subprocess.Popen(command(config), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    lock = tmp_path / "data/lock"
    while not lock.exists():  # from here on processes are started
        assert process.poll() is None
    os.kill(process.pid, signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, "Traceback" in err, "dashboard" in out) == (0, False, False)
    with running(config) as (_, said):
        assert "dashboard" in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "nope.toml: cannot be read (No such file or directory)."),
        (b"workers = ", "nope.toml: is not valid TOML: "),
        (b"# caf\xe9", "nope.toml: is not valid TOML: "),
        (b"workers = 0", "nope.toml: workers: "),
        (b"data = 5", "nope.toml: data: "),
        (b"wrokers = 2", "nope.toml: wrokers: unknown setting"),
        (b"trusted_proxies = ['10.0.0.1/8']", "nope.toml: trusted_proxies: "),
        (b"tls_key = 'key.pem'", "nope.toml: tls_certificate and tls_key go together"),
    ],
)
def test_settings_that_cannot_be_are_told_with_their_file(tmp_path: Path, text: bytes | None, words: str) -> None:
    """A settings file that is not there or cannot be used is named, with what is wrong with it."""
    if text is not None:
        (tmp_path / "nope.toml").write_bytes(text)
    assert words in refused(tmp_path / "nope.toml")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("HEADCOUNT_WORKERS", "0", "HEADCOUNT_WORKERS: "),
        ("HEADCOUNT_TRUSTED_PROXIES", "10.0.0.1", 'HEADCOUNT_TRUSTED_PROXIES: is no JSON, such as ["127.0.0.1/32"]'),
    ],
)
def test_a_fault_of_the_environment_is_told_with_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    """What the environment sets wrong is looked for there, and not in the settings file, by the doctor too."""
    config = settings_file(tmp_path)
    monkeypatch.setenv(name, value)
    assert refused(config).startswith(words)
    doctor = [sys.executable, "-c", "from headcount.command import main; main()", "doctor", "--config", str(config)]
    asked = subprocess.run([*doctor, "--json"], capture_output=True, text=True, timeout=60, check=False)
    assert json.loads(asked.stdout)["checks"][0]["found"].startswith(words)


def test_a_process_that_cannot_start_says_so_in_a_sentence(tmp_path: Path) -> None:
    """Started beside another, an edge, a store and a web process each end with a sentence and no traceback."""
    config = settings_file(tmp_path)
    settings = load_settings(config).model_dump_json()
    with running(config):
        for role in ("edge", "store", "web"):
            started = [sys.executable, "-m", "headcount.role", role, "--settings", settings]
            ended = subprocess.run(started, capture_output=True, text=True, timeout=60, check=False)
            assert ended.returncode == 2
            lines = ended.stderr.splitlines()
            assert lines[-1].startswith(f"{role}: ")
            assert len(lines) <= 2  # the engine of the store's tables has a line of its own
