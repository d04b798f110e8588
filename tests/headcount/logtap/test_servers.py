"""Real nginx and Apache, set up as docs/logtap.md says, write logs that the tap reads, whatever is asked of them."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from headcount.logtap.combined import Combined
from headcount.logtap.declaration import parse
from headcount.logtap.follow import QUIET_SECONDS, Followed
from headcount.logtap.json_lines import JsonLines
from headcount.logtap.labels import ANSWER
from headcount.logtap.outcomes import Troubles
from headcount.logtap.reading import UNTIMED, Reader
from headcount.logtap.routes import RouteClass, Routes
from headcount.stack import free_port
from headcount_wire.clock import ManualClock

from tests.headcount.logtap.test_documents import PAGE
from tests.headcount.logtap.world import never

ROUTES = Routes([RouteClass("avatar", ("/api/users/*/avatar",)), RouteClass("home", ("/",))])
NGINX, NOBODY, JSON = re.findall(r"```nginx\n(.*?)```", PAGE, re.DOTALL)
(APACHE,) = re.findall(r"```apache\n(.*?)```", PAGE, re.DOTALL)
FIELDS = parse(re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[1], Path("/x/logtap.toml")).format.fields

AUTHORIZED = b"Authorization: Basic WzA4L09jdC8yMDI2OjAwOjAwOjAwICswMDAwXSAieCI6cA==\r\n"
"""As its user it names ``[08/Oct/2026:00:00:00 +0000] "x"``."""

ASKED: list[tuple[bytes, str, str]] = [
    (b"GET / HTTP/1.1", "home", "get_2xx"),
    (b"GET /?token=eyJhbGciOi.x&q=%22 HTTP/1.1", "home", "get_2xx"),
    (b"HEAD /api/users/jo%40x.example/avatar?x=1 HTTP/1.1", "avatar", "head_4xx"),
    (b"POST /api/users/7/avatar/ HTTP/1.1", "avatar", "post_4xx"),
    (b'GET /"quoted" HTTP/1.1', "other", "get_4xx"),
    (b"GET /\\back HTTP/1.1", "other", "get_4xx"),
    (b"GET /\xc3\xa4 HTTP/1.1", "other", "get_4xx"),
]
"""Request lines, and what they count as."""


def ask(port: int, line: bytes) -> bytes:
    """Send one request with headers that try to break a line, and read the answer to its end."""
    headers = b'Host: x\r\nUser-Agent: a "b" [c] \\ \xff\r\nReferer: https://x.example/" 200 1 "-" "-" 0.1\r\n'
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(line + b"\r\n" + headers + AUTHORIZED + b"Connection: close\r\n\r\n")
        return answer_of(connection)


def answer_of(connection: socket.socket) -> bytes:
    """All that comes until the connection is closed."""
    found = b""
    while data := connection.recv(65536):
        found += data
    return found


def ask_everything(port: int) -> Counter[tuple[str, str]]:
    """Ask all of ``ASKED`` and, last, send bytes that are no HTTP; what that should count as."""
    for line, *_ in ASKED:
        assert ask(port, line).startswith(b"HTTP/1.1")
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\r\n\r\n")
        answer_of(connection)
    return Counter((route, label) for _, route, label in ASKED) + Counter([("other", "other_4xx")])


@contextmanager
def served(command: list[str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A server, from the moment it answers."""
    program = shutil.which(command[0]) or shutil.which(command[0], path="/usr/sbin")
    assert program, f"{command[0]} is not installed: run `make servers`"
    process = subprocess.Popen([program, *command[1:]], stderr=subprocess.PIPE)
    try:
        for _ in range(100_000):
            try:
                socket.create_connection(("127.0.0.1", port), 10).close()
                break
            except ConnectionError:
                assert process.poll() is None, process.communicate()[1]
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def nginx(folder: Path, port: int) -> list[str]:
    """nginx with the three formats of the page, each in a log of its own."""
    formats = f"{NGINX}{NOBODY}{JSON}"
    logs = "".join(f"access_log {folder}/{name}.log {name};" for name in ("timed", "nobody", "counted"))
    temporary = "".join(f"{kind}_temp_path {folder};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    place = f'listen 127.0.0.1:{port}; location = / {{ return 200 "x"; }} location / {{ return 404; }}'
    user = "user root;" if os.getuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; {user}\n"
        f"events {{}}\nhttp {{ {formats} {logs} {temporary} server {{ {place} }} }}\n"
    )
    return ["nginx", "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]


def apache(folder: Path, port: int) -> list[str]:
    """Apache with the format of the page."""
    modules = "/usr/lib/apache2/modules"
    (folder / "index.html").write_text("x")
    (folder / "apache.conf").write_text(
        f"ServerRoot {folder}\nServerName x\nListen 127.0.0.1:{port}\nPidFile {folder}/apache.pid\n"
        f"LoadModule mpm_event_module {modules}/mod_mpm_event.so\nLoadModule dir_module {modules}/mod_dir.so\n"
        f"LoadModule authz_core_module {modules}/mod_authz_core.so\nErrorLog {folder}/error.log\n"
        f"DocumentRoot {folder}\nDirectoryIndex index.html\nMutex file:{folder} default\nDefaultRuntimeDir {folder}\n"
        f"{APACHE}CustomLog {folder}/timed.log timed\n"
    )
    return ["apache2", "-DFOREGROUND", "-f", str(folder / "apache.conf")]


def counted(reader: Reader, log: Path) -> tuple[Counter[tuple[str, str]], bool]:
    """What a log counts as, by class and label, and whether every line had a latency; none may be unreadable."""
    found = reader.count(log.read_bytes())
    assert not found.unreadable, log.read_text(errors="replace")
    by_name: Counter[tuple[str, str]] = Counter()
    for (_, route, label, _), n in found.lines.items():
        by_name[ROUTES.names[route], ANSWER.value_of(label) or ""] += n
    return by_name, all(bucket != UNTIMED for *_, bucket in found.lines)


def test_nginx_s_logs_are_read_to_the_last_line(tmp_path: Path) -> None:
    """The three formats of the page, asked with quotes, brackets, garbage and a user that looks like a line."""
    port = free_port()
    with served(nginx(tmp_path, port), port):
        probes = Counter((tmp_path / "timed.log").read_bytes().splitlines())  # a connection alone is no request
        expected = ask_everything(port)
    assert not probes
    timed, plain = Combined(ROUTES, ("request_time",), "request_time"), JsonLines(ROUTES, FIELDS)
    assert counted(timed, tmp_path / "timed.log") == (expected, True)
    assert counted(plain, tmp_path / "counted.log") == (expected, True)
    # The log without addresses has the path decoded, and no method where the request had none.
    nobody, all_timed = counted(timed, tmp_path / "nobody.log")
    assert all_timed
    assert nobody.total() == expected.total()
    assert nobody["avatar", "head_4xx"] == nobody["avatar", "post_4xx"] == 1
    assert b"203.0" not in (tmp_path / "nobody.log").read_bytes()
    assert b"127.0.0.1" not in (tmp_path / "nobody.log").read_bytes()


def test_apache_s_log_is_read_to_the_last_line(tmp_path: Path) -> None:
    """The format of the page, with microseconds, asked the same."""
    port = free_port()
    with served(apache(tmp_path, port), port):
        expected = ask_everything(port)
    found, all_timed = counted(Combined(ROUTES, ("microseconds",), "microseconds"), tmp_path / "timed.log")
    assert all_timed
    assert found["other", "other_4xx"] >= 1
    for name in (("home", "get_2xx"), ("avatar", "head_4xx"), ("avatar", "post_4xx")):
        assert found[name] == expected[name]


@pytest.mark.parametrize("times", [3])
def test_nginx_s_log_rotates_under_the_tap(tmp_path: Path, times: int) -> None:
    """Renamed, written on, and reopened on USR1, as logrotate does it: every request counts once."""
    port, clock = free_port(), ManualClock()
    log = tmp_path / "timed.log"
    lines: list[bytes] = []

    def read(followed: Followed) -> None:
        for _ in range(6):
            while (piece := followed.read()) is not None:
                lines.extend(piece.lines.splitlines())
            clock.advance(QUIET_SECONDS)

    with served(nginx(tmp_path, port), port) as server:
        followed = Followed(log, None, Troubles(print), clock.monotonic, never(), from_start=True)
        for turn in range(times):
            ask(port, b"GET /?before HTTP/1.1")
            read(followed)
            log.rename(tmp_path / f"timed.log.{times - turn}")
            ask(port, b"GET /?between HTTP/1.1")
            server.send_signal(signal.SIGUSR1)
            for _ in range(2_000_000):
                if log.exists():
                    break
            ask(port, b"GET /?after HTTP/1.1")
            read(followed)
    read(followed)
    followed.close()
    asked = [re.findall(rb"\?([a-z]+) ", line)[0] for line in lines]
    assert Counter(asked) == {b"before": times, b"between": times, b"after": times}
