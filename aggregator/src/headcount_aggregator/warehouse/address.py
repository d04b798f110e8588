"""Where a warehouse is: ``embedded``, or the address of a server or a cluster, read once."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

EMBEDDED = "embedded"
PORT = 9000
_DATABASE = re.compile(r"[a-z][a-z0-9_]{0,40}\Z")
_CLUSTER = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,60}\Z")


@dataclass(frozen=True, slots=True)
class Address:
    """A server, or the servers of a cluster that are asked for its layout. What is secret is never shown."""

    hosts: tuple[tuple[str, int], ...]
    database: str = "headcount"
    cluster: str = ""
    user: str = field(default="default", repr=False)
    password: str = field(default="", repr=False)

    @property
    def shown(self) -> str:
        """The address without user and password, for people and for files."""
        hosts = ",".join(f"{host}:{port}" for host, port in self.hosts)
        return f"clickhouse://{hosts}/{self.database}{f'?cluster={self.cluster}' if self.cluster else ''}"


def parse_address(text: str) -> Address | None:
    """The address in a setting; ``None`` for ``embedded``. Raises ``ValueError``, which repeats nothing of the text.

    ``clickhouse://user:password@host:port/database``, and for a cluster several hosts, with commas between them, and
    ``?cluster=`` with the name that its servers' ``remote_servers`` gives it.
    """
    if text == EMBEDDED:
        return None
    scheme, found, rest = text.partition("://")
    if scheme != "clickhouse" or not found:
        raise ValueError("is `embedded`, or clickhouse://user:password@host:port/database")
    where, _, path = rest.partition("/")
    login, _, listed = where.rpartition("@")
    user, _, password = login.partition(":")
    split = urlsplit(f"//x/{path}")
    database = split.path.lstrip("/") or "headcount"
    options = dict(parse_qsl(split.query, keep_blank_values=True))
    cluster = options.pop("cluster", "")
    if not _DATABASE.match(database) or options or (cluster and not _CLUSTER.match(cluster)):
        raise ValueError("names, after the slash, a database in lower case and, for a cluster, ?cluster=name")
    hosts = tuple(_host(one) for one in listed.split(","))
    if len(hosts) > 1 and not cluster:
        raise ValueError("names several hosts: add ?cluster=name, the name in the servers' remote_servers")
    return Address(hosts, database, cluster, unquote(user) or "default", unquote(password))


def _host(text: str) -> tuple[str, int]:
    try:
        split = urlsplit(f"//{text}")
        host, port = split.hostname, split.port
    except ValueError:
        host, port = None, None
    if not host:
        raise ValueError("names a host, and a port from 1 to 65535; escape what is special in a password, such as %40")
    return host, port or PORT
