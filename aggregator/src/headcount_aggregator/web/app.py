"""The web process's wiring on one screen: pages, API, headers."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import signal
from importlib.resources import files
from pathlib import Path

import jinja2
import orjson
from aiohttp import web
from aiohttp.typedefs import Handler
from headcount_wire import days
from headcount_wire.clock import Clock, SystemClock
from headcount_wire.organisation import Organisation, load_organisation

from headcount_aggregator.released import ReleasedReader
from headcount_aggregator.sealed_reader import SealedReader
from headcount_aggregator.web import api
from headcount_aggregator.web.access import COOKIE, COOKIE_SECONDS, customer_of, reader_of
from headcount_aggregator.web.pages import overview
from headcount_aggregator.web.settings import WebSettings

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-cache",
}
_STATIC = {"style.css": "text/css", "icon.svg": "image/svg+xml"}


class Tenancy:
    """The organisation in force; its file is read again when it changes."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stamp = file.stat().st_mtime_ns
        self._organisation = load_organisation(file)

    @property
    def organisation(self) -> Organisation:
        """The declared Customers, apps and readers."""
        stamp = self._file.stat().st_mtime_ns
        if stamp != self._stamp:
            self._stamp = stamp
            self._organisation = load_organisation(self._file)
        return self._organisation


def create_app(tenancy: Tenancy, released: ReleasedReader) -> web.Application:
    """Everything the web process answers; it is given released numbers and nothing to reach cells with."""
    folder = files("headcount_aggregator.web")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    environment.globals["day"] = days.text
    template = environment.from_string(folder.joinpath("page.html").read_text("utf-8"))
    static = {name: folder.joinpath(name).read_bytes() for name in _STATIC}

    async def page(request: web.Request) -> web.Response:
        if token := request.query.get("token"):
            response = web.Response(status=303, headers={"Location": "/"})
            response.set_cookie(COOKIE, token, max_age=COOKIE_SECONDS, httponly=True, samesite="Strict")
            return response
        reader = reader_of(request, tenancy.organisation)
        if reader is None:
            return _plain("Open the link you were given: it ends in ?token= and your reader's token.", 401)
        customer = customer_of(reader)
        if customer is None:
            return _plain("Numbers across Customers need a release rule of their own, which is not built yet.", 200)
        (app, *_) = tenancy.organisation.apps.values()
        html = template.render(page=await overview(released, customer, app))
        return tagged(request, html.encode(), "text/html")

    async def file(request: web.Request) -> web.Response:
        name = request.path[1:]
        return tagged(request, static[name], _STATIC[name])

    async def alive(_: web.Request) -> web.Response:
        return web.Response(body=orjson.dumps({"ready": True}), content_type="application/json")

    app = web.Application(middlewares=[_headers])
    app.router.add_get("/", page)
    app.router.add_get("/livez", alive)
    app.router.add_get("/readyz", alive)
    for name in _STATIC:
        app.router.add_get(f"/{name}", file)
    api.add_routes(app, lambda: tenancy.organisation, released)
    return app


def tagged(request: web.Request, body: bytes, kind: str) -> web.Response:
    """A response with an ETag, or 304 when the reader has it; compressed where that is wanted."""
    etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    if request.headers.get("If-None-Match") == etag:
        return web.Response(status=304, headers={"ETag": etag})
    response = web.Response(body=body, content_type=kind, charset="utf-8", headers={"ETag": etag})
    response.enable_compression()
    return response


def run(settings: WebSettings, clock: Clock | None = None) -> int:
    """Serve until SIGTERM; returns the process's exit code."""
    for name in ("aiohttp.access", "aiohttp.server", "aiohttp.web"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    asyncio.run(_serve(settings, clock or SystemClock()))
    return 0


async def _serve(settings: WebSettings, clock: Clock) -> None:
    app = create_app(Tenancy(settings.organisation), SealedReader(settings.releases, clock))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, settings.host, settings.port).start()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    await runner.cleanup()


def _plain(text: str, status: int) -> web.Response:
    html = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Headcount</title>'
        f'<link rel="stylesheet" href="/style.css"><main><h1>Headcount</h1><p>{text}</p></main></html>'
    )
    return web.Response(text=html, content_type="text/html", status=status)


@web.middleware
async def _headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        response = await handler(request)
    except web.HTTPException as error:
        response = api.problem(error.status, "There is nothing at this address; /api/v1/openapi.json lists what is.")
    response.headers.update(_HEADERS)
    return response
