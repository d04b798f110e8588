"""The addresses of the API. Each: who asks, what may they see, what do they ask, the answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import cache

import msgspec
import orjson
from aiohttp import web

from headcount_aggregator.released import Number, ReleasedReader
from headcount_aggregator.web import access
from headcount_aggregator.web.access import Subject
from headcount_aggregator.web.answering import answer
from headcount_aggregator.web.api import questions, shapes
from headcount_aggregator.web.api.openapi import document
from headcount_aggregator.web.api.problems import ApiProblem, Refused, problem_response
from headcount_aggregator.web.tenancy import Tenancy
from headcount_aggregator.web.vocabulary import Vocabulary

PREFIX = "/api/v1"
NUMBERS_MOST = 50_000

Shape = msgspec.Struct | Sequence[msgspec.Struct]
Answering = Callable[[web.Request, Subject], Awaitable[Shape | Refused]]


class Api:
    """The handlers, with the released numbers they answer from."""

    def __init__(self, tenancy: Tenancy, released: ReleasedReader) -> None:
        self._tenancy = tenancy
        self._released = released

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Add every address of the API."""
        router.add_get(PREFIX + "/openapi.json", self._openapi)
        router.add_get(PREFIX + "/customers", self._customers)
        for name, handler, known in (
            ("catalog", self._catalog, ()),
            ("numbers", self._numbers, questions.NUMBERS),
            ("provisional", self._provisional, ()),
            ("releases", self._releases, questions.SPAN),
            ("freshness", self._freshness, ()),
        ):
            router.add_get(f"{PREFIX}/{name}", self._of_subject(handler, known))
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

    async def _catalog(self, _: web.Request, subject: Subject) -> Shape | Refused:
        return shapes.catalog_answer(subject.app)

    async def _numbers(self, request: web.Request, subject: Subject) -> Shape | Refused:
        fresh = await self._released.freshness(*subject.codes)
        newest = fresh.today if fresh.sealed_through is None else fresh.sealed_through
        question = questions.read_question(subject, request.query, newest)
        if isinstance(question, Refused):
            return question
        found = await self._released.numbers(question)
        if len(found) > NUMBERS_MOST:
            return Refused(ApiProblem.TOO_MANY, f"It selects {len(found)} numbers; an answer holds {NUMBERS_MOST}.")
        return _numbers(found, subject, shapes.freshness_answer(fresh).sealed_through)

    async def _provisional(self, _: web.Request, subject: Subject) -> Shape | Refused:
        fresh = await self._released.freshness(*subject.codes)
        found = await self._released.provisional(*subject.codes)
        return _numbers(found, subject, shapes.freshness_answer(fresh).sealed_through)

    async def _releases(self, request: web.Request, subject: Subject) -> Shape | Refused:
        first, last = 0, 65_000
        if request.query.keys() & set(questions.SPAN):
            newest = (await self._released.freshness(*subject.codes)).today
            span = questions.read_span(request.query, newest)
            if isinstance(span, Refused):
                return span
            first, last = span
        found = await self._released.releases(*subject.codes, first, last)
        return [shapes.release_answer(header) for header in found]

    async def _freshness(self, _: web.Request, subject: Subject) -> Shape | Refused:
        return shapes.freshness_answer(await self._released.freshness(*subject.codes))

    async def _nothing_here(self, request: web.Request) -> web.Response:
        read = request.method in ("GET", "HEAD")
        return problem_response(Refused(ApiProblem.NOT_FOUND if read else ApiProblem.METHOD))

    def _of_subject(
        self, answering: Answering, known: tuple[str, ...]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            found = await self._found(request, answering, known)
            return problem_response(found) if isinstance(found, Refused) else _json(request, found)

        return handle

    async def _found(self, request: web.Request, answering: Answering, known: tuple[str, ...]) -> Shape | Refused:
        sight = self._sight(request)
        if isinstance(sight, Refused):
            return sight
        if sight.withheld:
            return Refused(ApiProblem.WITHHELD, sight.withheld)
        query = request.query
        names = query.get("customer", ""), query.get("app", "")
        subject = access.subject_of(self._tenancy.organisation, sight, *names)
        if subject is None:
            return Refused(ApiProblem.NOT_VISIBLE)
        return questions.check_known(query, known) or await answering(request, subject)

    def _sight(self, request: web.Request) -> access.Sight | Refused:
        if not access.token_of(request):
            return Refused(ApiProblem.TOKEN_MISSING)
        reader = access.reader_of(request, self._tenancy.organisation)
        return access.sight_of(reader) if reader else Refused(ApiProblem.TOKEN_UNKNOWN)


def _numbers(found: Sequence[Number], subject: Subject, sealed_through: str | None) -> shapes.NumbersAnswer:
    vocabulary, k = Vocabulary(subject.app), subject.customer.k
    answers = [shapes.number_answer(number, vocabulary, k) for number in found]
    hidden = sum(number.value is None for number in found)
    names = subject.customer.name, subject.app.name
    return shapes.NumbersAnswer(*names, "threshold", k, sealed_through, shapes.FOOTNOTE, hidden, answers)


def _json(request: web.Request, shape: Shape) -> web.Response:
    return answer(request, orjson.dumps(msgspec.to_builtins(shape)), "application/json")


@cache
def _document() -> bytes:
    return orjson.dumps(document())
