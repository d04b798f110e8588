"""The web process's wiring on one screen: dashboard, API, health, headers."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import signal
import time
import traceback
from pathlib import Path

import orjson
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from headcount_wire.clock import Clock, SystemClock

from headcount_aggregator.disclosure.log import DisclosureLog
from headcount_aggregator.released import ReleasedReader
from headcount_aggregator.sealed_reader import SealedReader
from headcount_aggregator.web.answering import add_headers
from headcount_aggregator.web.api.problems import ApiProblem, Refused, problem_response
from headcount_aggregator.web.api.routes import Api
from headcount_aggregator.web.dashboard.routes import Dashboard
from headcount_aggregator.web.desk import DeskFile
from headcount_aggregator.web.disclosing import disclosing
from headcount_aggregator.web.hooks.outbox import Outbox
from headcount_aggregator.web.hooks.rounds import Hooks
from headcount_aggregator.web.pacing import pacing
from headcount_aggregator.web.rates import Rates
from headcount_aggregator.web.sessions import guard
from headcount_aggregator.web.settings import API_PER_MINUTE, WebSettings
from headcount_aggregator.web.tenancy import Tenancy

__all__ = ["Tenancy", "create_app", "run"]

log: structlog.stdlib.BoundLogger = structlog.get_logger("headcount.web")

GARBAGE_LOOK_AFTER_OBJECTS = 20_000
"""So many more objects, until reference cycles are looked for: a page of a year makes as many, and none is in one."""


def create_app(
    tenancy: Tenancy,
    released: ReleasedReader,
    *,
    https: bool = False,
    rates: Rates | None = None,
    pages: Rates | None = None,
    disclosures: DisclosureLog | None = None,
    desk: DeskFile | None = None,
) -> web.Application:
    """Everything the web process answers; it is given released numbers and nothing to reach cells with.

    ``rates``: how much one token may ask of the API; 600 questions a minute when it is not said.
    ``pages``: how many pages and files; only tests do without.
    ``desk``: notes and saved views, where there are any.
    ``disclosures``: the log of who is answered with what; only tests do without.
    """
    logged = [disclosing(tenancy, disclosures)] if disclosures else []
    desk = desk or DeskFile(None)
    dashboard = Dashboard(tenancy, released, desk, https=https)
    paced = [pacing(tenancy, pages, dashboard.wait)] if pages else []
    app = web.Application(middlewares=[_last_resort(dashboard), guard(tenancy), *paced, *logged], client_max_size=1024)
    app.on_response_prepare.append(add_headers)
    app.router.add_get("/livez", _alive)
    app.router.add_get("/readyz", _alive)
    Api(tenancy, released, rates or Rates(API_PER_MINUTE, time.monotonic), desk).add_routes(app.router)
    dashboard.add_routes(app.router)
    return app


def run(settings: WebSettings, clock: Clock | None = None) -> int:
    """Serve until SIGTERM; returns the process's exit code."""
    # aiohttp's loggers print addresses and raw bytes.
    for name in ("aiohttp.access", "aiohttp.server", "aiohttp.web"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    # The numbers that are kept are half a million objects, and each look for cycles goes through them all.
    gc.set_threshold(GARBAGE_LOOK_AFTER_OBJECTS, 20, 50)
    asyncio.run(_serve(settings, clock or SystemClock()))
    return 0


async def _serve(settings: WebSettings, clock: Clock) -> None:
    released = SealedReader(settings.releases, clock, settings.indexes)
    rates = Rates(settings.api_per_minute, time.monotonic)
    pages = Rates(settings.pages_per_minute, time.monotonic)
    disclosures = DisclosureLog(settings.disclosures, clock)
    tenancy = Tenancy(settings.organisation)
    desk = DeskFile(settings.dashboard_file)
    app = create_app(
        tenancy, released, https=settings.https, rates=rates, pages=pages, disclosures=disclosures, desk=desk
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, settings.host, settings.port).start()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    outbox = Outbox(settings.outgoing)
    hooks = Hooks(tenancy, released, desk, outbox, clock, disclosures, random.SystemRandom())
    beside = asyncio.gather(released.keep_up(stop), hooks.run(stop))
    await stop.wait()
    await runner.cleanup()
    await beside


async def _alive(_: web.Request) -> web.Response:
    return web.Response(body=orjson.dumps({"ready": True}), content_type="application/json")


def _last_resort(dashboard: Dashboard) -> Middleware:
    """Answers what no handler did: a problem for programs, a page for whoever looks for one."""

    @web.middleware
    async def resort(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPRedirection:
            raise
        except web.HTTPException as error:
            if error.status == 405:
                return problem_response(Refused(ApiProblem.METHOD))
            if "text/html" in request.headers.get("Accept", "") and not request.path.startswith("/api/"):
                return dashboard.lost(request)
            return problem_response(Refused(ApiProblem.NOT_FOUND))
        except Exception as error:  # the server's last resort: one bad answer must not look like a crash
            # Where it happened, and nothing of what was asked or shown.
            last = traceback.extract_tb(error.__traceback__)[-1]
            log.error("answer_failed", error=type(error).__name__, at=f"{Path(last.filename).name}:{last.lineno}")
            return problem_response(Refused(ApiProblem.FAULT))

    return resort
