"""Every reader and every export is in the disclosure log before the answer leaves.

It stands before every address, so that a page or a format that is added later is logged without asking for
it. What cannot be logged is not answered.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from headcount_wire import days
from headcount_wire.organisation import Organisation

from headcount_aggregator.disclosure.entry import Event
from headcount_aggregator.disclosure.log import DisclosureLog
from headcount_aggregator.web import access
from headcount_aggregator.web.tenancy import Tenancy

API = "/api/"
TELLING_NOTHING = frozenset({"openapi.json", "customers", "catalog", "freshness", "notes", "views"})
"""Addresses of the API under which no number stands."""


def disclosing(tenancy: Tenancy, log: DisclosureLog) -> Middleware:
    """The middleware that logs who is answered with what."""
    day, known = -1, set[tuple[str, ...]]()

    @web.middleware
    async def disclosed(request: web.Request, handler: Handler) -> web.StreamResponse:
        nonlocal day, known
        response = await handler(request)
        found = _disclosure(request, response, tenancy.organisation) if response.status in (200, 304) else None
        if found is None:
            return response
        event, about = found
        if day != (today := days.utc_day(log.now())):
            day, known = today, set()
        key = tuple(map(str, about.values()))
        if event is Event.EXPORTED or key not in known:
            await asyncio.to_thread(log.add, event, about)
            known.add(key)
        return response

    return disclosed


def _disclosure(
    request: web.Request, response: web.StreamResponse, organisation: Organisation
) -> tuple[Event, dict[str, Any]] | None:
    """What an answer discloses, and to whom; ``None`` when there is no number in it.

    Only declared names are taken from the request, and only once they led to an answer.
    """
    reader = access.reader_of(request, organisation)
    by_api = request.path.startswith(API)
    names = request.query if by_api else request.match_info
    what = request.path.rpartition("/")[2] if by_api else names.get("page", "")
    if reader is None or not what or (by_api and what in TELLING_NOTHING):
        return None
    sight = access.sight_of(reader, organisation)
    subject = access.subject_of(organisation, sight, names.get("customer", ""), names.get("app", ""))
    about: dict[str, Any] = {
        "reader": reader.name,
        "scope": reader.scope,
        "customer": subject.customer.name if subject else "",
        "app": subject.app.name if subject else "",
        "by": "api" if by_api else "dashboard",
        "what": what,
    }
    form, figure = request.match_info.get("form", ""), request.match_info.get("figure", "")
    if form or "Content-Disposition" in response.headers:
        return Event.EXPORTED, {**about, "figure": figure, "form": form or response.content_type}
    return Event.READ, about
