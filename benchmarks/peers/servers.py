"""The peers' processes, each on the cores it is given, each as its own documents advise for throughput."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from headcount.stack import free_port

from benchmarks.edge.servers import ROOT, START_SECONDS, Server

SBIN = "/usr/sbin:/sbin"

_NGINX = """\
daemon off;
master_process off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/errors crit;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/body;
    client_max_body_size 1m;
    server {{ listen 127.0.0.1:{port}; location / {{ return 204; }} }}
}}
"""
_CLICKHOUSE = """<yandex>
<logger><level>warning</level><log>{folder}/log</log><errorlog>{folder}/errors</errorlog></logger>
<listen_host>127.0.0.1</listen_host><http_port>{http}</http_port><tcp_port>{native}</tcp_port>
<path>{folder}/data/</path><tmp_path>{folder}/tmp/</tmp_path>
<users_config>users.xml</users_config><default_profile>default</default_profile>
<default_database>default</default_database><timezone>UTC</timezone>
<mark_cache_size>5368709120</mark_cache_size><max_concurrent_queries>100</max_concurrent_queries>
</yandex>
"""
_USERS = """<yandex>
<profiles><default><max_memory_usage>10000000000</max_memory_usage>
<allow_experimental_low_cardinality_type>1</allow_experimental_low_cardinality_type></default></profiles>
<quotas><default></default></quotas>
<users><default><password></password><networks><ip>127.0.0.1</ip></networks>
<profile>default</profile><quota>default</quota></default></users>
</yandex>
"""


class Missing(Exception):
    """A peer that is not installed; says how it is."""


def program(name: str, package: str) -> str:
    """Where a program is; raises ``Missing``."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:{SBIN}")
    if found is None:
        raise Missing(f"{name} is not installed: sudo apt-get install {package}")
    return found


def package_version(package: str) -> str:
    """The version of an installed Debian package; empty where nobody knows."""
    command = ["dpkg-query", "-W", "-f=${Version}", package]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False).stdout.strip()
    except OSError:
        return ""


@contextlib.contextmanager
def started(name: str, command: Sequence[str], port: int, core: str, folder: Path) -> Iterator[Server]:
    """One process on some cores, from when it listens until it is left."""
    with (folder / f"{name}.out").open("wb") as told:
        whole = ["taskset", "-c", core, *command]
        process = subprocess.Popen(whole, stdout=told, stderr=told, cwd=ROOT)
    server = Server(name, port, 0, process)
    try:
        _await_listening(server, folder / f"{name}.out")
        yield server
    finally:
        server.stop()


def _await_listening(server: Server, told: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", server.port), 1.0):
            return
        time.sleep(0.05)
    raise TimeoutError(f"{server.name} does not listen: {told.read_text(errors='replace')[-500:]}")


@contextlib.contextmanager
def nginx(folder: Path, core: str) -> Iterator[Server]:
    """nginx that answers 204 and looks at nothing: one process, access log off."""
    folder.mkdir()
    port = free_port()
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, port=port))
    command = [program("nginx", "nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with started("nginx", command, port, core, folder) as server:
        yield server


@contextlib.contextmanager
def victoria_metrics(folder: Path, core: str) -> Iterator[Server]:
    """VictoriaMetrics, single node, as packaged: its own defaults are what its documents advise."""
    folder.mkdir()
    port = free_port()
    command = [program("victoria-metrics", "victoria-metrics"), f"-storageDataPath={folder}/data"]
    command += [f"-httpListenAddr=127.0.0.1:{port}", "-retentionPeriod=1", "-loggerLevel=ERROR"]
    with started("victoria-metrics", command, port, core, folder) as server:
        yield server


@contextlib.contextmanager
def clickhouse(folder: Path, core: str) -> Iterator[Server]:
    """Debian's ClickHouse server, by the defaults of its package."""
    folder.mkdir()
    port = free_port()
    (folder / "config.xml").write_text(_CLICKHOUSE.format(folder=folder, native=port, http=free_port()))
    (folder / "users.xml").write_text(_USERS)
    for name in ("data", "tmp"):
        (folder / name).mkdir()
    command = [program("clickhouse-server", "clickhouse-server"), f"--config-file={folder}/config.xml"]
    with started("clickhouse-server", command, port, core, folder) as server:
        yield server


@contextlib.contextmanager
def usual_way(folder: Path, core: str, native: int) -> Iterator[Server]:
    """The usual collector: aiohttp, orjson and clickhouse-driver, before a ClickHouse server."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.peers.usual", "--port", str(port), "--clickhouse", str(native)]
    with started("usual-way", command, port, core, folder) as server:
        yield server


def asked(port: int, path: str) -> bytes:
    """What a server answers to a GET."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    finally:
        connection.close()
