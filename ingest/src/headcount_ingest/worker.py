"""One edge worker, from start to drained stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import secrets
import signal
import sys

import structlog
from aiohttp import web
from headcount_wire import days
from headcount_wire.clock import Clock, SystemClock

from headcount_ingest.admin import create_admin_app
from headcount_ingest.batch import Batch
from headcount_ingest.compiled import COMPILED
from headcount_ingest.disk import Disk
from headcount_ingest.disk_look import DiskLook
from headcount_ingest.edge import Edge
from headcount_ingest.fleet import AHEAD_SECONDS, FleetShare
from headcount_ingest.gate import Gate
from headcount_ingest.keyring import Keyring
from headcount_ingest.load_shedding import ComeBack
from headcount_ingest.metrics import Metrics
from headcount_ingest.missed import Missed
from headcount_ingest.rates import Rates
from headcount_ingest.server import EdgeServer
from headcount_ingest.settings import EdgeSettings
from headcount_ingest.spool import SegmentWriter, Spool
from headcount_ingest.tls import certificate_of
from headcount_ingest.watch import Watch

log: structlog.stdlib.BoundLogger = structlog.get_logger("headcount.edge")

GARBAGE_LOOK_AFTER_OBJECTS = 20_000
SWITCH_SECONDS = 0.0005
"""So long the event loop still computes when the spool's thread comes back from the disk; Python's own is ten times it,
and a commit waits for it twice."""


def run(settings: EdgeSettings, clock: Clock | None = None) -> int:
    """Serve until SIGTERM; returns the process's exit code (1 when the disk failed)."""
    quiet()
    tune()
    return asyncio.run(serve(settings, clock or SystemClock()))


def tune() -> None:
    """Look for reference cycles seldom: a report is hundreds of small tuples, and none is in a cycle. And let the
    spool's thread have its turn soon.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_LOOK_AFTER_OBJECTS, 20, 50)


def quiet() -> None:
    """Structured logs on stderr; aiohttp's own, which hold addresses and raw bytes, off."""
    for name in ("aiohttp.access", "aiohttp.server", "aiohttp.web", "aiohttp.client", "aiohttp.internal", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers = [logging.NullHandler()]
        logger.propagate = False
        logger.setLevel(logging.CRITICAL + 1)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
    )


async def serve(
    settings: EdgeSettings, clock: Clock, *, disk: Disk | None = None, stop: asyncio.Event | None = None
) -> int:
    """The worker itself; ``stop`` ends it as SIGTERM does."""
    metrics = Metrics()
    certificate = certificate_of(settings)
    keyring = Keyring(settings.organisation, metrics)
    fleet = FleetShare(settings.spool, settings.node, keyring.organisation.fleet, days.utc_day(clock.now()))
    writer = SegmentWriter(settings.spool / settings.worker, clock, disk or Disk())
    found = writer.recover()
    metrics.recovered.inc(found.records)
    metrics.set_aside.inc(found.unreadable)
    if found.unreadable:
        log.error("segments_unreadable", segments=found.unreadable, advice="the loader sets them aside as .bad")
    look = DiskLook.of(settings)
    spool = Spool(writer, clock, settings.seal_seconds, metrics)
    come_back = ComeBack(lambda: spool.synced, clock.monotonic, secrets.SystemRandom())
    edge = Edge(
        settings=settings,
        clock=clock,
        keyring=keyring,
        fleet=fleet,
        rates=Rates(settings.key_per_minute, settings.address_per_minute, settings.trusted_proxies, clock.monotonic),
        gate=Gate(settings.bytes_in_flight, settings.wait_seconds, look, come_back),
        spool=spool,
        metrics=metrics,
        missed=Missed(settings.spool / settings.worker, clock),
        batch=Batch(clock.monotonic),
    )
    stop, reload = stop or asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    with contextlib.suppress(RuntimeError, ValueError):  # not the main thread: whoever started us stops us
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        loop.add_signal_handler(signal.SIGINT, stop.set)
        loop.add_signal_handler(signal.SIGHUP, reload.set)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})  # a supervisor starts us with it held back
    public = EdgeServer(edge)
    watch = Watch(edge, look, certificate, public.connections)
    admin = web.AppRunner(create_admin_app(watch), access_log=None)
    await admin.setup()
    await public.start(certificate.context if certificate else None)
    await web.TCPSite(admin, settings.admin_host, settings.admin_port).start()
    log.info("edge_ready", worker=settings.worker, compiled=COMPILED)
    looking = asyncio.create_task(look.keep())
    await _until(stop, reload, watch)
    edge.gate.draining = True
    await public.drain()
    await edge.spool.close()
    edge.missed.write()
    look.end()
    await looking
    await admin.cleanup()
    log.info("edge_stopped", worker=settings.worker)
    return 1 if edge.spool.broken.is_set() else 0


async def _until(stop: asyncio.Event, reload: asyncio.Event, watch: Watch) -> None:
    """Wait for the end, and look after the organisation file, and on SIGHUP the certificate, meanwhile."""
    edge = watch.edge
    ends = [asyncio.create_task(stop.wait()), asyncio.create_task(edge.spool.broken.wait())]
    asked = asyncio.create_task(reload.wait())
    try:
        while not any(end.done() for end in ends):
            await asyncio.wait([*ends, asked], timeout=edge.settings.reload_seconds, return_when="FIRST_COMPLETED")
            if force := asked.done():
                reload.clear()
                asked = asyncio.create_task(reload.wait())
            # In a thread: reading a large organisation must not hold up answers.
            reloading = asyncio.create_task(asyncio.to_thread(_reload, watch, force=force))
            await asyncio.wait([*ends, reloading], return_when="FIRST_COMPLETED")  # nor an end, if the file hangs
    finally:
        for task in (*ends, asked):
            task.cancel()
        await asyncio.gather(*ends, asked, return_exceptions=True)


def _reload(watch: Watch, *, force: bool) -> None:
    """Look at the organisation file, have what it says of the fleet in force, and write what was missed."""
    edge = watch.edge
    try:
        if force and watch.certificate:
            watch.certificate.reload()
        edge.keyring.reload_if_changed(force=force)
        edge.missed.write()
    except Exception as error:  # the last resort: what is in force stays, and a worker that answers goes on
        log.error("reload_failed", kind=type(error).__name__)
    now = edge.clock.now()
    edge.fleet.declare(edge.keyring.organisation.fleet, days.utc_day(now), days.utc_day(now + AHEAD_SECONDS))
