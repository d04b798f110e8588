"""``headcount doctor``: what is wrong with a machine or its settings is found, and nothing is made up."""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from headcount.demo.ground import prepare
from headcount.doctor import declared, house, machine, storage
from headcount.doctor.checks import Check, Result, Verdict
from headcount.settings import Settings
from headcount.stack import free_port
from headcount_wire.clock import ManualClock, SystemClock
from headcount_wire.version import VERSION

from tests.headcount.test_up import settings_file
from tests.ingest.test_tls import pair

HEADCOUNT = str(Path(sys.executable).with_name("headcount"))
OF_THE_MACHINE = {Check.CLOCK, Check.SYNC, Check.DISK_FREE, Check.WORKERS, Check.FILE_SYSTEM, Check.DESCRIPTORS}
"""What may be wrong with the machine that runs the tests."""


def examined(*arguments: str, config: Path, **environment: str) -> tuple[int, dict[Check, dict[str, str]]]:
    """What the command finds, check by check, and its exit code."""
    command = [*arguments, HEADCOUNT, "doctor", "--json", "--config", str(config)]
    ended = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, check=False)
    assert ended.stderr == ""
    found: dict[str, Any] = json.loads(ended.stdout)
    assert found["version"] == VERSION
    assert found["healthy"] is (ended.returncode == 0)
    return ended.returncode, {Check[result["check"].upper()]: result for result in found["checks"]}


def settings(folder: Path, **changes: Any) -> Settings:
    prepare(folder)
    ports = {name: free_port() for name in ("edge_port", "admin_port", "dashboard_port")}
    plain: dict[str, Any] = {
        "organisation": folder / "organisation.toml",
        "data": folder / "data",
        "workers": 1,
        **ports,
    }
    return Settings(**plain | changes)


@contextmanager
def answering(port: int, said: bytes) -> Iterator[None]:
    """Somebody else's server on a port of this house."""

    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # as its base names it
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Other) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield
        server.shutdown()
        thread.join()


def failed(result: Result, words: str) -> None:
    assert result.verdict is Verdict.FAIL
    assert words in result.found


def warned(result: Result, words: str) -> None:
    assert result.verdict is Verdict.WARN
    assert words in result.found


def test_a_sound_house_is_found_sound(tmp_path: Path) -> None:
    """Nothing is wrong with settings that are right: every check of the list is shown, none failed."""
    (tmp_path / "data").mkdir(mode=0o700)
    code, found = examined(config=settings_file(tmp_path, trusted_proxies=["127.0.0.1/32"]))
    assert list(found) == list(Check)
    bad = {check: result["found"] for check, result in found.items() if result["verdict"] != "ok"}
    assert set(bad) <= OF_THE_MACHINE, bad
    assert code == 0
    assert "200 times" in found[Check.SYNC]["found"]
    assert list((tmp_path / "data").iterdir()) == []


def test_what_the_process_is_given_is_found_out(tmp_path: Path) -> None:
    """Few descriptors and aiohttp without its compiled parser fail, with advice; so does a setting that is none."""
    config = settings_file(tmp_path)
    few = ("prlimit", "--nofile=512:512")
    code, found = examined(*few, config=config, AIOHTTP_NO_EXTENSIONS="1")
    assert code == 1
    for check, words in ((Check.DESCRIPTORS, "512"), (Check.PARSER, "pure Python")):
        assert found[check]["verdict"] == "fail"
        assert words in found[check]["found"]
        assert found[check]["advice"] == check.value.advice
    config.write_text("wrokers = 2")
    code, found = examined(config=config)
    assert (code, list(found)) == (1, [Check.SETTINGS])
    assert "wrokers" in found[Check.SETTINGS]["found"]


def test_the_table_says_what_to_do(tmp_path: Path) -> None:
    """For people there is a table: what failed stands with its advice, and the exit code is 1."""
    config = settings_file(tmp_path, trusted_proxies=["0.0.0.0/0"])
    ended = subprocess.run([HEADCOUNT, "doctor", "--config", str(config)], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    said = " ".join(ended.stdout.split())
    assert "fail 0.0.0.0/0 is everybody" in said
    assert Check.TRUSTED_PROXIES.value.advice in said


def test_a_node_that_no_fleet_names_is_found(tmp_path: Path) -> None:
    """A name without a fleet and a fleet without a name fail, as the edge would; the right name does not."""
    unnamed, named = settings(tmp_path), settings(tmp_path, node="a")
    failed(declared.organisation(named), "declares no [[fleet]]")
    with named.organisation.open("a", encoding="utf-8") as file:
        file.write(
            '\n[[fleet]]\nfrom = 2026-01-01\nnodes = { a = { owns = "00-ff", address = "https://a.example" } }\n'
        )
    failed(declared.organisation(unnamed), "set node in its settings")
    failed(declared.organisation(settings(tmp_path / "other", node="a")), "declares no [[fleet]]")
    assert declared.organisation(named).verdict is Verdict.OK


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A full file system of 64 KiB in memory."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "headcount-test", str(folder)], check=True)
    try:
        (folder / "ballast").write_bytes(bytes(64 * 1024))
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.skipif(os.geteuid() != 0 and "CI" not in os.environ, reason="mounting a file system needs root")
def test_a_full_disk_in_memory_fails_three_ways(tmp_path: Path, tiny: Path) -> None:
    """A tmpfs forgets, a full disk is under the floor, and no sync works there."""
    found = settings(tmp_path, data=tiny)
    failed(storage.file_system(found), "tmpfs")
    failed(storage.disk_free(found), "less than the floor")
    failed(storage.sync(found), "No space left on device")


def test_syncs_that_reach_no_disk_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where syncs are made to do nothing, and where memory answers in their place, the times are not believed."""
    monkeypatch.setattr(storage, "SYNCS", 20)
    warned(storage.sync(settings(tmp_path, data=Path("/dev/shm"))), "too quick")
    monkeypatch.setenv("LD_PRELOAD", "libeatmydata.so")
    warned(storage.sync(settings(tmp_path)), "too quick")


MOUNTS = r"""
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:30 / /srv rw,relatime - overlay overlay rw
31 22 0:31 / /srv/far\040away rw,relatime shared:5 - nfs4 server:/export rw
32 22 0:32 / /mnt rw - tmpfs none rw
33 22 8:2 / /mnt rw - fuse.sshfs host: rw
"""


def test_the_file_system_is_that_of_the_nearest_mount(tmp_path: Path) -> None:
    """Of the kernel's table the longest place counts, the later hides the earlier, and spaces are coded."""
    table = tmp_path / "mountinfo"
    table.write_text(MOUNTS.lstrip())
    places = ("/var/lib", "/srv/data", "/srv/far away/data", "/srvdata", "/mnt/data")
    kinds = [storage.kind_of(Path(place), table) for place in places]
    assert kinds == ["ext4", "overlay", "nfs4", "ext4", "fuse.sshfs"]
    assert storage.kind_of(Path("/"), tmp_path / "nothing") == ""


@pytest.mark.skipif(os.geteuid() != 0 and "CI" not in os.environ, reason="mounting a file system needs root")
def test_a_layered_file_system_is_warned_about(tmp_path: Path) -> None:
    """The layer of a container, mounted for real, is told for what it is."""
    layers = [tmp_path / name for name in ("lower", "upper", "work", "data")]
    for layer in layers:
        layer.mkdir(mode=0o700)
    memory, data = tmp_path, layers[3]
    options = f"lowerdir={memory}/lower,upperdir={memory}/upper,workdir={memory}/work"
    subprocess.run(["mount", "-t", "overlay", "headcount-test", "-o", options, str(data)], check=True)
    try:
        warned(storage.file_system(settings(tmp_path)), "overlay")
    finally:
        subprocess.run(["umount", str(data)], check=True)


def test_room_that_the_spools_may_need_is_counted(tmp_path: Path) -> None:
    """A disk on which the spools cannot reach their bound is a warning, before it is full."""
    warned(storage.disk_free(settings(tmp_path, spool_bytes=2**60)), "may need")
    failed(storage.disk_free(settings(tmp_path, disk_floor_bytes=2**60)), "less than the floor")


def test_an_open_folder_and_a_file_in_its_place_fail(tmp_path: Path) -> None:
    """The data folder is its owner's alone, and a folder; one that is not there yet will be made so."""
    found = settings(tmp_path)
    assert storage.data(found).verdict is Verdict.OK
    found.data.mkdir(mode=0o755)
    found.data.chmod(0o755)
    failed(storage.data(found), "open to others (0755)")
    found.data.rmdir()
    found.data.write_text("")
    failed(storage.data(found), "no folder")


@pytest.mark.skipif(os.geteuid() != 0 and "CI" not in os.environ, reason="changing owners needs root")
def test_folders_of_two_owners_fail(tmp_path: Path) -> None:
    """What an earlier run as another user left, which the house could not write to, is found."""
    found = settings(tmp_path)
    (found.data / "spool").mkdir(parents=True)
    found.data.chmod(0o700)
    os.chown(found.data / "spool", 12_345, -1)
    failed(storage.data(found), "different owners")


def test_what_is_declared_is_read_as_the_house_would(tmp_path: Path) -> None:
    """A faulty organisation fails with its line, one without a key warns, one that everybody can change fails."""
    found = settings(tmp_path)
    assert declared.organisation(found).verdict is Verdict.OK
    assert declared.files(found).verdict is Verdict.OK
    (tmp_path / "catalog.toml").chmod(0o666)
    failed(declared.files(found), f"everybody can change {tmp_path}/catalog.toml")
    text = found.organisation.read_text().partition("[[keys]]")[0]
    found.organisation.write_text(text)
    warned(declared.organisation(found), "0 keys")
    found.organisation.write_text(text + "\ncode = maybe")
    failed(declared.organisation(found), "line ")


def test_networks_that_are_no_proxies_are_told(tmp_path: Path) -> None:
    """Everybody cannot be a proxy; a public network may be one; none at all counts all clients as one."""
    failed(declared.trusted_proxies(settings(tmp_path, trusted_proxies=("::/0",))), "is everybody")
    warned(declared.trusted_proxies(settings(tmp_path, trusted_proxies=("8.8.0.0/16",))), "public network")
    warned(declared.trusted_proxies(settings(tmp_path)), "count as one address")
    for fine in ({"trusted_proxies": ("10.0.0.0/8", "fd00::/8")}, {"edge_host": "192.0.2.1"}):
        assert declared.trusted_proxies(settings(tmp_path, **fine)).verdict is Verdict.OK


def test_a_certificate_is_tried_and_timed(tmp_path: Path) -> None:
    """A pair that does not fit and a key that all can read fail; the last two weeks warn, and so does no TLS."""
    ends = dt.datetime.fromtimestamp(SystemClock().now() + 30 * 86_400, dt.UTC)
    certificate, key = pair(tmp_path, ends=ends)
    key.chmod(0o600)
    found = settings(tmp_path, tls_certificate=certificate, tls_key=key)
    assert declared.tls(found, SystemClock()).verdict is Verdict.OK
    warned(declared.tls(found, ManualClock(ends.timestamp() - 5.5 * 86_400)), "good for 5 days")
    key.chmod(0o644)
    failed(declared.files(found), f"everybody can read {key}")
    key.write_text("no key")
    failed(declared.tls(found, SystemClock()), "cannot be served")
    assert declared.tls(settings(tmp_path), SystemClock()).verdict is Verdict.OK
    warned(declared.tls(settings(tmp_path, edge_host="192.0.2.1"), SystemClock()), "none")


def test_ports_are_tried(tmp_path: Path) -> None:
    """A port that something else listens on fails while the house does not run; when it ought to run, silence fails."""
    found = settings(tmp_path)
    assert house.ports(found, running=False).verdict is Verdict.OK
    with socket.create_server(("127.0.0.1", found.edge_port)):
        failed(house.ports(found, running=False), f"edge_port: 127.0.0.1, port {found.edge_port}")
    failed(house.ports(found, running=True), "does not answer")
    failed(house.readiness(found, running=True), "worker 0 does not answer")
    assert not house.runs(found)


def test_another_house_on_the_ports_is_not_this_one(tmp_path: Path) -> None:
    """What answers as a house on this one's ports, and works on another data folder, is in the way."""
    found = settings(tmp_path)
    with answering(found.admin_port, b'{"live": true}'):
        assert house.ask(found.admin_host, found.admin_port, "/livez") == {"live": True}
        assert not house.runs(found)
        failed(house.ports(found, running=house.runs(found)), f"admin_port: 127.0.0.1, port {found.admin_port}")
    found.data.mkdir(exist_ok=True)
    with (found.data / "lock").open("w") as lock:
        assert not house.runs(found)
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert house.runs(found)


def test_the_store_s_own_words_and_its_spool_are_read(tmp_path: Path) -> None:
    """Records lost, files set aside and segments that wait long warn; a chain of releases that was changed fails."""
    found, hour = settings(tmp_path), 3_600.0
    assert house.store(found, ManualClock(hour)).verdict is Verdict.OK
    spool = found.data / "spool/worker-0"
    spool.mkdir(parents=True)
    (spool / f"{10**9:020d}-ab-000001.seg").write_bytes(b"")
    (spool / f"{10**9:020d}-ab-000002.bad").write_bytes(b"")
    assert "waited" not in house.store(found, ManualClock(60.0)).found
    warned(house.store(found, ManualClock(hour)), "1 files are set aside")
    warned(house.store(found, ManualClock(hour)), "has waited 60 minutes")
    (found.data / "store.json").write_text(
        json.dumps({"since_start": {"records_lost": 3}, "reasons": ["acme: broken"]})
    )
    failed(house.store(found, ManualClock(hour)), "3 records or more were lost")
    failed(house.store(found, ManualClock(hour)), "acme: broken")


def test_processors_are_those_of_the_container(tmp_path: Path) -> None:
    """More workers than processors warn; a container's share of time counts, and no share is no limit."""
    warned(machine.workers(settings(tmp_path, workers=64)), "64 workers")
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    assert machine.available(tmp_path / "cpu.max") == 0.5
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert machine.available(tmp_path / "cpu.max") == machine.available(tmp_path / "nothing") >= 1


def test_who_takes_core_dumps_is_known(tmp_path: Path) -> None:
    """A program that is handed dumps whatever the limit warns; one that heeds it, a plain name and nothing do not."""
    pattern = tmp_path / "core_pattern"
    verdicts = {}
    for text in ("|/usr/bin/catcher %p", "|/usr/lib/systemd/systemd-coredump %P", "core", ""):
        pattern.write_text(f"{text}\n")
        verdicts[text.partition(" ")[0]] = machine.core_dumps(pattern).verdict
    assert verdicts.pop("|/usr/bin/catcher") is Verdict.WARN
    assert set(verdicts.values()) == {Verdict.OK}
