"""One process of the house: ``python -m headcount.role edge|store|web``, started by the supervisor."""

from __future__ import annotations

import argparse
import errno
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from headcount_wire.clock import Clock, SystemClock
from headcount_wire.errors import DeclarationError

from headcount import lifeline
from headcount.file_clock import FileClock
from headcount.logs import log_as_json
from headcount.process_limits import take_limits
from headcount.settings import Settings

if TYPE_CHECKING:
    from headcount_ingest.settings import EdgeSettings


def main() -> int:
    """Run one role until SIGTERM; the exit code is the process's."""
    parser = argparse.ArgumentParser(prog="headcount.role")
    parser.add_argument("role", choices=("edge", "store", "web"))
    parser.add_argument("--settings", required=True, help="the settings as JSON")
    parser.add_argument("--worker", type=int, default=0)
    parser.add_argument("--clock-file", type=Path, help="only the demo and replays have one")
    parser.add_argument("--lifeline", action="store_true", help="end when standard input does")
    arguments = parser.parse_args()
    take_limits()
    log_as_json()
    said = {"worker": f"worker-{arguments.worker}"} if arguments.role == "edge" else {}
    structlog.contextvars.bind_contextvars(role=arguments.role, **said)
    if arguments.lifeline:
        lifeline.hold()
    settings = Settings.model_validate_json(arguments.settings)
    clock: Clock = FileClock(arguments.clock_file) if arguments.clock_file else SystemClock()
    try:
        match arguments.role:
            case "edge":
                return _edge(settings, arguments.worker, clock)
            case "store":
                return _store(settings, clock)
            case _:
                return _web(settings, clock)
    except DeclarationError as error:
        return _cannot(arguments.role, str(error))
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES):
            raise
        return _cannot(arguments.role, str(error))


def _cannot(role: str, why: str) -> int:
    """Say in a sentence why a process cannot run; the supervisor tries again."""
    print(f"{role}: {why}", file=sys.stderr)  # noqa: T201  # a process has no other place to say it
    return 2


def _edge(settings: Settings, worker: int, clock: Clock) -> int:
    from headcount_ingest.fleet import FleetFault
    from headcount_ingest.spool import SpoolBusy
    from headcount_ingest.tls import CertificateError
    from headcount_ingest.worker import run

    try:
        return run(_edge_settings(settings, worker), clock)
    except (SpoolBusy, CertificateError, FleetFault) as error:
        return _cannot("edge", str(error))


def _edge_settings(settings: Settings, worker: int) -> EdgeSettings:
    from headcount_ingest.settings import EdgeSettings

    return EdgeSettings(
        organisation=settings.organisation,
        spool=settings.data / "spool",
        worker=f"worker-{worker}",
        node=settings.node,
        host=settings.edge_host,
        port=settings.edge_port,
        admin_host=settings.admin_host,
        admin_port=settings.admin_port + worker,
        seal_seconds=settings.seal_seconds,
        trusted_proxies=settings.trusted_proxies,
        tls_certificate=settings.tls_certificate,
        tls_key=settings.tls_key,
        spool_bytes=settings.spool_bytes,
        disk_floor_bytes=settings.disk_floor_bytes,
        key_per_minute=settings.key_per_minute,
        address_per_minute=settings.address_per_minute,
        connections=settings.connections,
        drain_seconds=settings.drain_seconds,
    )


def _store(settings: Settings, clock: Clock) -> int:
    from headcount_aggregator.load.belonging import StrangeWarehouse
    from headcount_aggregator.load.loader import LoaderBusy
    from headcount_aggregator.store import NotShared, run
    from headcount_aggregator.warehouse import WarehouseError

    from headcount.store_settings import store_settings

    try:
        return run(store_settings(settings), clock)
    except (LoaderBusy, NotShared, StrangeWarehouse, WarehouseError) as error:
        return _cannot("store", str(error))


def _web(settings: Settings, clock: Clock) -> int:
    from headcount_aggregator.web.app import run
    from headcount_aggregator.web.settings import WebSettings

    return run(
        WebSettings(
            organisation=settings.organisation,
            releases=settings.data / "releases",
            indexes=settings.data / "indexes",
            outgoing=settings.data / "outgoing",
            disclosures=settings.data / "disclosures",
            host=settings.dashboard_host,
            port=settings.dashboard_port,
            https=settings.dashboard_https,
            api_per_minute=settings.api_per_minute,
            pages_per_minute=settings.pages_per_minute,
            dashboard_file=settings.dashboard_file,
        ),
        clock,
    )


if __name__ == "__main__":
    sys.exit(main())
