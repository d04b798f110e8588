"""What would keep the house from starting, found before any process is: ports, certificate, the data folder."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headcount_aggregator.warehouse.address import EMBEDDED, parse_address

from headcount.settings import Settings

RESTORING, MOVING = "restoring.json", "moving.json"
"""Files that stand in a data folder while a backup is being put back, and while a warehouse is being moved."""


class ObstacleError(Exception):
    """The house cannot start; the text says why and what to do, in a sentence each."""


@contextmanager
def ready_to_start(settings: Settings) -> Iterator[str]:
    """The data folder, claimed for this machine's one house while the block lasts; raises ``ObstacleError``.

    Yields a warning where the warehouse does not answer now, which is no obstacle: reports are taken and wait.
    """
    with claimed(settings.data):
        if (settings.data / RESTORING).exists():
            raise ObstacleError(f"data: a restore into {settings.data} was cut short; run it again.")
        if moving_to(settings.data) == _shown(settings.warehouse):
            raise ObstacleError("warehouse: the move to it was cut short; set the old one, and run the move again.")
        if found := [*port_obstacles(settings), *_certificate(settings)]:
            raise ObstacleError("\n".join(found))
        yield _warehouse(settings)


def moving_to(data: Path) -> str | None:
    """Where a move that was begun and has not ended brings the warehouse, without user and password."""
    try:
        return str(json.loads((data / MOVING).read_bytes())["to"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _shown(warehouse: str) -> str:
    address = parse_address(warehouse)
    return address.shown if address else EMBEDDED


def _warehouse(settings: Settings) -> str:
    """What keeps a warehouse that is a server from answering now; empty when nothing does."""
    address = parse_address(settings.warehouse)
    if address is None:
        return ""
    from headcount_aggregator.load.belonging import StrangeWarehouse, must_belong
    from headcount_aggregator.warehouse import WarehouseError
    from headcount_aggregator.warehouse.opening import open_warehouse

    home = open_warehouse(settings.warehouse, settings.data / "warehouse")
    try:
        for shard in home.shards:
            _ = shard.dialect
        must_belong(settings.data / "units", home)
    except StrangeWarehouse as error:
        raise ObstacleError(f"warehouse: {address.shown}: {error}") from None
    except WarehouseError as error:
        sentence = f"warehouse: {address.shown}: {error}"
        if not error.reason.passes:
            raise ObstacleError(sentence) from None
        return f"{sentence} Reports are taken, and wait for it."
    finally:
        home.close()
    return ""


@contextmanager
def claimed(data: Path) -> Iterator[None]:
    """A data folder, as no running house's while the block lasts; raises ``ObstacleError``."""
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(data / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise ObstacleError(f"data: {data} cannot be used ({error.strerror}).") from None
    with contextlib.ExitStack() as held:
        held.callback(os.close, lock)
        loader = held.enter_context(_opened(data / "units/lock"))
        try:
            for fd in (lock, *loader):
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ObstacleError(f"data: {data} is in use by another headcount; stop it, or name another.") from None
        for fd in loader:  # the store will want it
            fcntl.flock(fd, fcntl.LOCK_UN)
        yield


@contextmanager
def _opened(path: Path) -> Iterator[tuple[int, ...]]:
    try:
        fd = os.open(path, os.O_RDWR)
    except OSError:
        yield ()
        return
    try:
        yield (fd,)
    finally:
        os.close(fd)


def _certificate(settings: Settings) -> Iterator[str]:
    """A sentence when the edges could not serve their certificate."""
    if settings.tls_certificate and settings.tls_key:
        from headcount_ingest.tls import CertificateError, sound

        try:
            sound(settings.tls_certificate, settings.tls_key)
        except CertificateError as error:
            yield f"tls_certificate: {error}"


def port_obstacles(settings: Settings) -> Iterator[str]:
    """A sentence for each port that cannot be listened on."""
    wanted = [
        ("edge_port", settings.edge_host, settings.edge_port),
        ("dashboard_port", settings.dashboard_host, settings.dashboard_port),
        *(("admin_port", settings.admin_host, settings.admin_port + worker) for worker in range(settings.workers)),
    ]
    before: dict[int, str] = {}
    for name, host, port in wanted:
        if port > 65_535:
            yield f"{name}: {settings.workers} workers need ports up to {port}, and there are 65535."
        elif port in before:
            yield f"{name}: {port} is wanted for {before[port]} too; name another."
        elif reason := _refusal(host, port):
            yield f"{name}: {host}, port {port}: {reason}"
        before[port] = name


def _refusal(host: str, port: int) -> str:
    """Why an address cannot be listened on; empty when it can."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            # As a server does: connections that have ended do not count. Who listens does, although edges share a port.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return "something listens there; stop it, or name another port."
        return f"cannot be listened on ({error.strerror or error})."
    return ""
