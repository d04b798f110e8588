"""The addresses of the API. Each: who asks, how often, what may they see, what do they ask, the answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from urllib.parse import urlencode

import msgspec
from aiohttp import web

from headcount_aggregator.released import ReleasedReader
from headcount_aggregator.web import access
from headcount_aggregator.web.answering import answer
from headcount_aggregator.web.api import shapes
from headcount_aggregator.web.api.answers import ADDRESSES, Shape, answer_to, following
from headcount_aggregator.web.api.openapi import text
from headcount_aggregator.web.api.problems import ApiProblem, Refused, problem_response
from headcount_aggregator.web.api.questions import check_known
from headcount_aggregator.web.desk import DeskFile
from headcount_aggregator.web.rates import Rates
from headcount_aggregator.web.tenancy import Tenancy

PREFIX = "/api/v1"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Api:
    """The handlers, with the released numbers they answer from."""

    def __init__(self, tenancy: Tenancy, released: ReleasedReader, rates: Rates, desk: DeskFile) -> None:
        self._tenancy = tenancy
        self._released = released
        self._rates = rates
        self._desk = desk

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Add every address of the API."""
        router.add_get(PREFIX + "/openapi.json", self._openapi)
        router.add_get(PREFIX + "/customers", self._limited(self._customers))
        for name in ("notes", "views"):
            router.add_get(f"{PREFIX}/{name}", self._limited(self._of_desk(name)))
        for name in ADDRESSES:
            router.add_get(f"{PREFIX}/{name}", self._limited(self._of_subject(name)))
        router.add_route("*", PREFIX + "/{rest:.*}", self._nothing_here)

    async def _openapi(self, request: web.Request) -> web.Response:
        # The document says nothing about anybody, so it needs no token.
        return answer(request, _document(), "application/json")

    async def _customers(self, request: web.Request) -> web.Response:
        sight = self._sight(request)
        if isinstance(sight, Refused):
            return problem_response(sight)
        organisation = self._tenancy.organisation
        seen = [
            shapes.CustomerShape(
                customer.name,
                customer.title,
                [shapes.AppShape(app.name, app.title) for app in access.apps_of(organisation, customer)],
            )
            for customer in sight.customers
        ]
        reader = sight.reader
        return _json(request, shapes.CustomersAnswer(reader.name, reader.scope, seen, sight.withheld or None))

    async def _nothing_here(self, request: web.Request) -> web.Response:
        read = request.method in ("GET", "HEAD")
        return problem_response(Refused(ApiProblem.NOT_FOUND if read else ApiProblem.METHOD))

    def _limited(self, handler: Handler) -> Handler:
        """A handler that each known token may ask so many times a minute."""

        async def limited(request: web.Request) -> web.StreamResponse:
            reader = access.reader_of(request, self._tenancy.organisation)
            if reader is None:
                return await handler(request)
            allowance = self._rates.take(reader.fingerprint)
            if allowance.wait:
                return problem_response(Refused(ApiProblem.TOO_FAST), allowance.headers)
            response = await handler(request)
            response.headers.update(allowance.headers)
            return response

        return limited

    def _of_subject(self, name: str) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            found = await self._found(name, request)
            if isinstance(found, Refused):
                return problem_response(found)
            response = _json(request, found)
            if further := following(found, request.query):
                response.headers["Link"] = f'<{request.path}?{urlencode({**request.query, **further})}>; rel="next"'
            return response

        return handle

    def _of_desk(self, name: str) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            subject = self._subject(request)
            if isinstance(subject, Refused):
                return problem_response(subject)
            if wrong := check_known(request.query, ()):
                return problem_response(wrong)
            desk = self._desk.desk
            return _json(
                request, shapes.notes_answer(desk, subject) if name == "notes" else shapes.views_answer(desk, subject)
            )

        return handle

    async def _found(self, name: str, request: web.Request) -> Shape | Refused:
        subject = self._subject(request)
        return (
            subject if isinstance(subject, Refused) else await answer_to(name, self._released, subject, request.query)
        )

    def _subject(self, request: web.Request) -> access.Subject | Refused:
        """The Customer's app that a request asks of, when its reader sees it."""
        sight = self._sight(request)
        if isinstance(sight, Refused):
            return sight
        if sight.withheld:
            return Refused(ApiProblem.WITHHELD, sight.withheld)
        names = request.query.get("customer", ""), request.query.get("app", "")
        return access.subject_of(self._tenancy.organisation, sight, *names) or Refused(ApiProblem.NOT_VISIBLE)

    def _sight(self, request: web.Request) -> access.Sight | Refused:
        if not access.token_of(request):
            return Refused(ApiProblem.TOKEN_MISSING)
        reader = access.reader_of(request, self._tenancy.organisation)
        return access.sight_of(reader, self._tenancy.organisation) if reader else Refused(ApiProblem.TOKEN_UNKNOWN)


def _json(request: web.Request, shape: Shape) -> web.Response:
    return answer(request, msgspec.json.encode(shape), "application/json")


@cache
def _document() -> bytes:
    return text().encode()
