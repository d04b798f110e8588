"""What may begin and end a session: a token this organisation knows, and a page of ours.

It stands before every address. A link with a token nobody has is answered as if it had none, and
leaves a session that is there alone; what another site's page sends here ends no session.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from headcount_aggregator.web.access import reader_of_token
from headcount_aggregator.web.api.problems import ApiProblem, Refused, problem_response
from headcount_aggregator.web.tenancy import Tenancy


def guard(tenancy: Tenancy) -> Middleware:
    """The middleware that lets only known tokens sign in, and only our own pages change anything."""

    @web.middleware
    async def sessions(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method not in ("GET", "HEAD") and _from_elsewhere(request):
            return problem_response(Refused(ApiProblem.CROSS_SITE))
        token = request.query.get("token") if _signs_in(request.path) else None
        if token is not None and reader_of_token(token, tenancy.organisation) is None:
            raise web.HTTPSeeOther(str(request.rel_url.without_query_params("token")))
        return await handler(request)

    return sessions


def _signs_in(path: str) -> bool:
    """Whether a link to this address may bring its reader's token along: the dashboard's own, each of its pages."""
    return path == "/" or path.startswith("/c/")


def _from_elsewhere(request: web.Request) -> bool:
    """Whether another site's page sent this: browsers say so, and what says nothing is no browser."""
    if site := request.headers.get("Sec-Fetch-Site"):
        return site != "same-origin"
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc != request.host
