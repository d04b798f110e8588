"""Identifiers planted in log lines, good and bad: none is left behind; a tap that leaks is caught."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import json
import random
import signal
import subprocess
from pathlib import Path

import pytest
from headcount_wire import days
from headcount_wire.clock import ManualClock, SystemClock

from tests.headcount.logtap.processes import PROGRAM, edge_settings, lives_on, prepared, spooled, tap
from tests.headcount.logtap.world import Log
from tests.ingest.conftest import running
from tests.privacy.planted import PLANTED, files_in, left_behind

P = PLANTED
GIVEN = ("access.log", "logtap.toml", "organisation.toml", "meet-logs.toml")
"""What the tap is given; all else in the folder it, or the edge, has written."""


def planted_lines(day: int) -> tuple[bytes, int]:
    """Lines with something planted in every place, and how many of them count."""
    date = f"[{days.to_date(day):%d/%b/%Y}:10:00:00 +0000]"
    agent, referrer = P["user agent"], P["referrer"]
    end = f'200 12 "{referrer}?m={P["e-mail in a query"]}" "{agent}" 0.123'
    good = [
        f'{P["IPv4 address"]} - {P["user"]} {date} "GET /api/users/{P["UUID in a path"]}/avatar HTTP/1.1" {end}',
        f'{P["IPv6 address"]} - {P["user with a space"]} {date} "GET /?mail={P["e-mail in a query"]} HTTP/1.1" {end}',
        f'{P["virtual host"]}:443 {P["IPv4 address"]} - - {date} "POST /reset/{P["token in a path"]} HTTP/1.1" {end}',
        f'- - - {date} "GET /api/{P["e-mail in a path"]}?token={P["token in a query"]} HTTP/1.1" {end}',
        f'- - - {date} "GET /tel/{P["telephone number"]} HTTP/1.1" {end} "{P["forwarded address"]}"',
        f'{P["IPv4 address"]} - - {date} "\\x16\\x03{P["token in a path"]}" 400 0 "-" "{agent}" 0.001',
        f'{P["IPv4 address"]} - - {date} "{P["user"].upper()} / HTTP/1.1" 405 0 "-" "-" {P["telephone number"]}',
        f'{P["IPv4 address"]} - - [01/Jan/2001:10:00:00 +0000] "GET /{P["user"]} HTTP/1.1" {end}',
    ]
    bad = [
        f"{P['IPv4 address']} {P['user']} GET /{P['token in a query']} {referrer} {agent}",
        f'{P["IPv6 address"]} - {P["user"]} {date} "GET /{P["e-mail in a path"]} HTTP/1.1" {agent}',
        f'{P["IPv4 address"]} - - [{P["user with a space"]}] "GET / HTTP/1.1" {end}',
        f'{{"remote_addr":"{P["IPv4 address"]}","user":"{P["user"]}","uri":"/?{P["token in a query"]}"}}',
        "x" * 70_000 + P["e-mail in a query"],
        P["telephone number"],
    ]
    broken = P["name in broken bytes"].encode() + b"\xff\xfe\x00 " + P["virtual host"].encode()
    return "\n".join((*good, *bad, "")).encode() + broken + b"\n", len(good) - 1


def lived(folder: Path, lines: bytes, program: str) -> dict[str, bytes]:
    """A tap that is killed in the middle, one that is stopped, one that reads to the end, and one that reads a pipe.

    Everything they said, by who said it; what they wrote stays in the folder.
    """
    said: dict[str, bytes] = {}
    log = folder / "access.log"
    log.write_bytes(lines)
    state = folder / "state/state"
    for ending in ("killed", "stopped"):
        with tap(folder, "--from-start", program=program) as process:
            for _ in range(500):
                if state.exists() and b'"unreadable"' in state.read_bytes():
                    break
                lives_on(process, 0.02)
            with log.open("ab") as out:
                out.write(lines + P["user"].encode())  # and a line that has no end yet
            lives_on(process, 0.2)
            process.send_signal(signal.SIGKILL if ending == "killed" else signal.SIGTERM)
            said[ending] = b"".join(process.communicate())
    for arguments in (("--once", "--json"), ("--dry-run",)):
        with tap(folder, *arguments, program=program) as process:
            said[" ".join(arguments)] = b"".join(process.communicate(timeout=60))
    text = (folder / "logtap.toml").read_text()
    (folder / "logtap.toml").write_text(text.replace('file = "access.log"\n', "").replace('"state"', '"state2"'))
    with tap(folder, program=program, stdin=subprocess.PIPE) as process:
        said["a pipe"] = b"".join(process.communicate(lines, timeout=60))
    return said


async def everything(folder: Path, program: str = PROGRAM) -> tuple[dict[str, bytes], dict[str, int]]:
    """All that taps and an edge wrote and said, and how the lines of the first came out."""
    prepared(folder)
    clock = SystemClock()
    worker = await running(edge_settings(folder), clock=ManualClock(clock.now()))
    codes = prepared(folder, worker.url)
    day = days.utc_day(clock.now())
    lines, counted = planted_lines(day)
    said = await asyncio.to_thread(lived, folder, lines + Log(random.Random(1), day=day).lines(30), program)
    await worker.close()
    await worker.session.close()
    outcomes, _ = json.JSONDecoder().raw_decode(said["--once --json"].decode())
    assert spooled(folder, codes)[0].total() > 2 * counted, "it counted, and what it counted reached the edge"
    return {**said, **files_in(folder, *GIVEN)}, outcomes["lines"]


async def test_nothing_planted_is_left_behind(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Searched in the state, in what was said, in the edge's spool and logs: nothing, plain, encoded or hashed."""
    left, lines = await everything(tmp_path)
    out, err = capfd.readouterr()
    left |= {"the edge's output": (out + err).encode()}
    assert {"state/state", "state2/state", "killed", "stopped", "a pipe"} <= left.keys()
    assert any(name.startswith("spool/") for name in left)
    assert lines["unreadable"] > 10
    assert lines["too_old"] == lines["too_long"] > 1
    assert left_behind(left) == set()


LEAKY = {
    "a sound one": "",
    "says why a line is unreadable": """
import sys
count = Combined.count
def said(self, lines):
    for line in lines.splitlines():
        if not self._find(line + b"\\n"):
            print("unreadable:", line, file=sys.stderr)
    return count(self, lines)
Combined.count = said
""",
    "keeps unreadable lines, packed": """
import gzip
count = Combined.count
def kept(self, lines):
    with gzip.open("state/bad", "ab") as out:
        out.writelines(line for line in lines.splitlines(True) if not self._find(line))
    return count(self, lines)
Combined.count = kept
""",
    "knows its place by a hash of a line": """
import hashlib
import headcount.logtap.follow as follow, headcount.logtap.position as position
def hashed(window, *, from_start):
    line = window.split(b"\\n")[-3] if window else b""
    return int.from_bytes(hashlib.sha256(line).digest()[:8], "big") if window else 0
follow.mark_of = position.mark_of = hashed
""",
    "sends the class of a user": """
import base64
import headcount.logtap.ledger as ledger
user = base64.b64encode(open("access.log", "rb").read().split(b" ")[2]).decode()
ledger.Ledger.purpose_of = user
encode = ledger.states.encode
ledger.states.encode = lambda *given: encode(*given) + user.encode()
""",
    "falls over a line": """
import headcount.logtap.run
def raising(self, lines):
    raise ValueError(lines)
Combined.count = raising
headcount.logtap.run.Exception = KeyError  # and nothing catches it
""",
}
"""Builds that leak, each in a way of its own: plain, packed, hashed, encoded, and by an error's text."""


@pytest.mark.parametrize("planted", LEAKY)
def test_a_leaky_build_is_caught(tmp_path: Path, planted: str) -> None:
    """The same search finds what each of five leaky builds leaves behind, and nothing of the sound one."""
    prepared(tmp_path)
    (tmp_path / "access.log").write_bytes(planted_lines(days.utc_day(SystemClock().now()))[0])
    start, _, end = PROGRAM.partition("from headcount.command")
    program = f"{start}from headcount.logtap.combined import Combined\n{LEAKY[planted]}from headcount.command{end}"
    with tap(tmp_path, "--once", program=program) as process:
        said = b"".join(process.communicate(timeout=60))
    assert bool(left_behind({"said": said, **files_in(tmp_path, *GIVEN)})) is (planted != "a sound one")


def test_the_search_knows_many_disguises() -> None:
    """Each planted identifier is found plain, in other letters and alphabets, packed, encoded and hashed."""
    for kind, text in PLANTED.items():
        plain = text.encode()
        disguises = [
            plain,
            plain.upper(),
            text.encode("utf-16-le"),
            plain.hex().encode(),
            base64.b64encode(b"xy" + plain + b"z"),
            base64.b64encode(gzip.compress(b"before " + plain)),
            b"before" + gzip.compress(plain),
            hashlib.sha256(plain).hexdigest().encode(),
            hashlib.sha1(plain, usedforsecurity=False).digest(),
            "".join(f"\\x{byte:02x}" for byte in plain).encode(),
        ]
        for disguise in disguises:
            assert left_behind({"x": b"\x00" + disguise + b"\x00"}) >= {("x", kind)}, (kind, disguise)
    assert left_behind({"x": b"nothing 203.0.113.9 user@x.example"}) == set()
