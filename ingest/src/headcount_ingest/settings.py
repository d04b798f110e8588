"""The settings of one edge worker: frozen, checked once, every one with its sentence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeSettings:
    """How one worker runs.

    ``organisation``: the organisation file. ``spool``: the folder of all workers' spools; this
    one uses ``spool/worker``. ``node``: this node's name in the fleet; empty where there is no other.
    ``seal_seconds``: a segment is sealed this long after its first
    record. ``body_seconds``: how long a body may take to arrive. ``bytes_in_flight``: bytes that
    have arrived of bodies under way, and 1 KiB for each request, before 503. ``wait_seconds``:
    how long reports may wait for the disk or for their turn, before 503 for others. ``disk_floor_bytes``:
    free disk below which the answer is 507. ``spool_bytes``: bytes of this worker's segments that the
    loader has not taken, the open one included, from which on the answer is 507.
    ``key_per_minute``: sound reports before 429; ``address_per_minute``: requests of any kind. A report counts once
    more for each 128 tallies. ``trusted_proxies``: networks
    whose ``X-Forwarded-For`` names the client.
    ``reload_seconds``: how often the organisation file is looked at for changes. ``idle_seconds``:
    how long a connection may take to send a request's head.
    ``connections``: open at once, before 503.
    ``lingering_seconds``: how long the rest of a refused body, up to a bound, is read and thrown away, so that
    the refusal arrives. ``drain_seconds``: how long SIGTERM waits for requests under way.
    ``failed_retry_seconds``: what a 500 tells a device to wait. ``look_seconds``: how often the disk is looked
    at. ``tls_certificate``, ``tls_key``: files of the public port's certificate chain and key; both, or none for
    a proxy that ends TLS.
    """

    organisation: Path
    spool: Path
    worker: str
    node: str = ""
    host: str = "127.0.0.1"
    port: int = 8700
    admin_host: str = "127.0.0.1"
    admin_port: int = 8710
    seal_seconds: float = 2.0
    body_seconds: float = 10.0
    bytes_in_flight: int = 16 * 1024 * 1024
    wait_seconds: float = 0.05
    disk_floor_bytes: int = 256 * 1024 * 1024
    spool_bytes: int = 4 * 1024 * 1024 * 1024
    key_per_minute: int = 600_000
    address_per_minute: int = 60_000
    trusted_proxies: tuple[str, ...] = ()
    reload_seconds: float = 1.0
    idle_seconds: float = 15.0
    connections: int = 4096
    lingering_seconds: float = 1.0
    drain_seconds: float = 15.0
    failed_retry_seconds: int = 600
    look_seconds: float = 1.0
    tls_certificate: Path | None = None
    tls_key: Path | None = None
