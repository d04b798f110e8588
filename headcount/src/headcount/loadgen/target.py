"""What may be loaded: an edge on this machine, or one that the user says is theirs."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Target:
    """Where reports go. ``address`` is what ``host`` meant when it was looked at: a load goes nowhere else."""

    host: str
    port: int
    tls: bool
    address: str

    @property
    def named(self) -> str:
        """The host and port as a request's head names them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The address for people."""
        return f"{'https' if self.tls else 'http'}://{self.named}"


@dataclass(frozen=True, slots=True)
class NotOurs:
    """Why a target is not loaded, in a sentence."""

    sentence: str


def parse_target(url: str, owned: str) -> Target | NotOurs:
    """The target of a URL; ``owned`` is the host that the user says is theirs, empty for none.

    Looks the host up, once. A host that is not this machine must be named twice: as the target, and as one's own.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return NotOurs("A target is an address such as http://127.0.0.1:8700.")
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        return NotOurs("The target's port is no number from 1 to 65535.")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return NotOurs("A target is an address such as http://127.0.0.1:8700.")
    if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username or parts.password:
        return NotOurs("A target is a scheme, a host and a port, and nothing behind it.")
    tls = parts.scheme == "https"
    port = port or (443 if tls else 80)
    try:
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return NotOurs("The target's host has no address.")
    address = str(found[0][4][0])
    if not ipaddress.ip_address(address.partition("%")[0]).is_loopback and owned != parts.hostname:
        return NotOurs(
            f"{parts.hostname} is not this machine. If it is yours to load, say so: --i-own {parts.hostname}"
        )
    return Target(parts.hostname, port, tls, address)
