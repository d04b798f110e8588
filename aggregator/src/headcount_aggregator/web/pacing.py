"""How many pages and files one reader may ask for: building one takes the process longer than asking for it.

It stands before every address of the dashboard's that has numbers. The API counts for itself, and tells more.
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from headcount_aggregator.web import access
from headcount_aggregator.web.rates import Allowance, Rates
from headcount_aggregator.web.tenancy import Tenancy

PAGES = "/c/"


def pacing(tenancy: Tenancy, rates: Rates, wait: Callable[[web.Request, Allowance], web.Response]) -> Middleware:
    """The middleware that answers with ``wait`` what a reader asks beyond its rate."""

    @web.middleware
    async def paced(request: web.Request, handler: Handler) -> web.StreamResponse:
        reader = access.reader_of(request, tenancy.organisation) if request.path.startswith(PAGES) else None
        if reader is None:
            return await handler(request)
        allowance = rates.take(reader.fingerprint)
        return wait(request, allowance) if allowance.wait else await handler(request)

    return paced
