"""One edge worker, from start to drained stop."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from typing import Any

import structlog
from aiohttp import web
from headcount_wire.clock import Clock, SystemClock

from headcount_ingest.app import create_admin_app, create_app
from headcount_ingest.edge import Edge, Keyring
from headcount_ingest.gate import Gate
from headcount_ingest.metrics import Metrics
from headcount_ingest.rates import Rates
from headcount_ingest.settings import EdgeSettings
from headcount_ingest.spool import Disk, SegmentWriter, Spool

log: structlog.stdlib.BoundLogger = structlog.get_logger("headcount.edge")


def run(settings: EdgeSettings, clock: Clock | None = None) -> int:
    """Serve until SIGTERM; returns the process's exit code (1 when the disk failed)."""
    quiet()
    return asyncio.run(serve(settings, clock or SystemClock()))


def quiet() -> None:
    """Structured logs on stderr; aiohttp's own, which hold addresses and raw bytes, off."""
    for name in ("aiohttp.access", "aiohttp.server", "aiohttp.web", "aiohttp.client", "aiohttp.internal", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers = [logging.NullHandler()]
        logger.propagate = False
        logger.setLevel(logging.CRITICAL + 1)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


async def serve(
    settings: EdgeSettings, clock: Clock, *, disk: Disk | None = None, stop: asyncio.Event | None = None
) -> int:
    """The worker itself; ``stop`` ends it as SIGTERM does."""
    metrics = Metrics()
    keyring = Keyring(settings.organisation, metrics)
    writer = SegmentWriter(settings.spool / settings.worker, clock, disk or Disk())
    metrics.recovered.inc(writer.recover())
    edge = Edge(
        settings=settings,
        clock=clock,
        keyring=keyring,
        rates=Rates(settings.key_per_minute, settings.address_per_minute, settings.trusted_proxies),
        gate=Gate(settings.bytes_in_flight, settings.disk_floor_bytes, settings.spool, clock.monotonic),
        spool=Spool(writer, clock, settings.seal_seconds, metrics),
        metrics=metrics,
    )
    stop = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        loop.add_signal_handler(signal.SIGINT, stop.set)
        loop.add_signal_handler(signal.SIGHUP, lambda: keyring.reload_if_changed(force=True))
    except (RuntimeError, ValueError):  # not the main thread: whoever started us stops us
        pass
    options: dict[str, Any] = {
        "access_log": None,
        "auto_decompress": False,
        "keepalive_timeout": 15.0,
        "lingering_time": 0.0,
    }
    runners = [web.AppRunner(app, **options) for app in (create_app(edge), create_admin_app(edge))]
    public, admin = runners
    for runner in runners:
        await runner.setup()
    await web.TCPSite(public, settings.host, settings.port, reuse_port=True, backlog=1024).start()
    await web.TCPSite(admin, settings.admin_host, settings.admin_port).start()
    log.info("edge_ready", worker=settings.worker)
    await _until(stop, edge)
    edge.gate.draining = True
    await public.cleanup()
    await edge.spool.close()
    await admin.cleanup()
    log.info("edge_stopped", worker=settings.worker)
    return 1 if edge.spool.broken.is_set() else 0


async def _until(stop: asyncio.Event, edge: Edge) -> None:
    """Wait for the end, and look after the organisation file meanwhile."""
    ends = [asyncio.create_task(stop.wait()), asyncio.create_task(edge.spool.broken.wait())]
    try:
        while not any(end.done() for end in ends):
            await asyncio.wait(ends, timeout=edge.settings.reload_seconds, return_when=asyncio.FIRST_COMPLETED)
            edge.keyring.reload_if_changed()
    finally:
        for end in ends:
            end.cancel()
        await asyncio.gather(*ends, return_exceptions=True)
