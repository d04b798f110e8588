"""nginx and haproxy as they are shipped: the project's own files, with ports, paths and nodes of the test in them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from headcount.stack import free_port

from tests.ingest.test_tls import pair

ROOT = Path(__file__).parents[2]
NAMES = ("nginx", "haproxy")
TRIES = 1000

Changes = Sequence[tuple[str, str]]
"""What a test has otherwise than it is shipped: each text stands in the file once."""


@dataclass
class Proxy:
    """A running proxy: where it listens, and the folder that holds all it may write."""

    name: str
    port: int
    folder: Path

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"


def changed(text: str, changes: Changes) -> str:
    for old, new in changes:
        assert text.count(old) >= 1, f"{old!r} does not stand in the file"
        text = text.replace(old, new)
    return text


def nodes_of_nginx(nodes: Sequence[int]) -> Changes:
    line = "server 127.0.0.1:8700 max_fails=0;      # one line a node; its workers share the port"
    return [(line, "\n".join(f"server 127.0.0.1:{node} max_fails=0;" for node in nodes))]


def nodes_of_haproxy(nodes: Sequence[int]) -> Changes:
    listed = [f"server node{number} 127.0.0.1:{node}" for number, node in enumerate(nodes, 1)]
    line = "server node1 127.0.0.1:8700          # one line a node; its workers share the port"
    return [(line, "\n".join(listed)), ("server node1 127.0.0.1:8700\n", "\n".join(listed) + "\n")]


def nodes_of_fleet(nodes: Sequence[int]) -> Changes:
    return [(f"192.0.2.{number}:8700", f"127.0.0.1:{node}") for number, node in enumerate(nodes, 11)]


def nginx(folder: Path, port: int, certificate: Path, key: Path) -> Changes:
    temporary = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return [
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("        listen [::]:443 ssl http2 reuseport backlog=4096;\n", ""),
        ("/etc/headcount/tls/certificate.pem", str(certificate)),
        ("/etc/headcount/tls/key.pem", str(key)),
        ("/run/nginx.pid", f"{folder}/pid"),
        ("http {\n", "http {\n" + "".join(f"{name}_temp_path {folder}/{name};\n" for name in temporary)),
    ]


def haproxy(folder: Path, port: int, certificate: Path, key: Path) -> Changes:
    both = folder / "haproxy.pem"
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    unprivileged = [(f"    {line}\n", "") for line in ("chroot /var/lib/haproxy", "user haproxy", "group haproxy")]
    return [
        *([] if os.geteuid() == 0 else unprivileged),
        ("maxconn 20000", "maxconn 400"),
        ("bind :::443 v4v6", f"bind 127.0.0.1:{port}"),
        ("/etc/headcount/tls/haproxy.pem", str(both)),
    ]


@contextmanager
def proxied(
    name: str, folder: Path, nodes: Sequence[int], changes: Changes = (), port: int = 0, *, fleet: bool = False
) -> Iterator[Proxy]:
    """A proxy in front of the edges at these ports; ended, by its id, with the block."""
    program = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    assert program, f"{name} is not installed: run `make servers`"
    folder = folder / name
    folder.mkdir(exist_ok=True)
    port = port or free_port()
    made = {"nginx": nginx, "haproxy": haproxy}[name](folder, port, *pair(folder))
    listed = {"nginx": nodes_of_nginx, "haproxy": nodes_of_haproxy}[name]
    made = [*made, *(nodes_of_fleet(nodes) if fleet else listed(nodes))]
    file = ROOT / f"deploy/{name}/{'fleet' if fleet else 'headcount'}.{'conf' if name == 'nginx' else 'cfg'}"
    config = folder / "config"
    config.write_text(changed(file.read_text("utf-8"), [*made, *changes]), "utf-8")
    foreground = ["-e", "stderr", "-g", "daemon off;", "-c"] if name == "nginx" else ["-db", "-f"]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen([program, *foreground, str(config)], stdout=log, stderr=log)
    try:
        _await_listening(process, port, folder / "log")
        yield Proxy(name, port, folder)
    finally:
        process.terminate()
        process.wait(30)


def _await_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(TRIES):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionError:
            try:
                process.wait(0.01)
            except subprocess.TimeoutExpired:
                continue
            raise AssertionError(log.read_text()) from None
        return
    raise AssertionError("the proxy does not listen")
