"""What each address of the API says, as a value: from a question about one Customer's app to an answer or a refusal.

No request and no response: the addresses (``routes``) and the command line ask here alike.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from headcount_aggregator.released import Number, ReleasedReader
from headcount_aggregator.web.access import Subject
from headcount_aggregator.web.api import paging, questions, shapes
from headcount_aggregator.web.api.problems import ApiProblem, Refused
from headcount_aggregator.web.api.sums import sums
from headcount_aggregator.web.vocabulary import Vocabulary

Shape = msgspec.Struct | Sequence[msgspec.Struct]
Query = Mapping[str, str]
Answering = Callable[[ReleasedReader, Subject, Query], Awaitable[Shape | Refused]]

EVER = (0, 65_000)


async def catalog(_: ReleasedReader, subject: Subject, __: Query) -> Shape | Refused:
    """What may be counted."""
    return shapes.catalog_answer(subject.app)


async def numbers(released: ReleasedReader, subject: Subject, query: Query) -> Shape | Refused:
    """A page of released numbers."""
    fresh = await released.freshness(*subject.codes)
    newest = fresh.today if fresh.sealed_through is None else fresh.sealed_through
    question = questions.read_question(subject, query, newest)
    if isinstance(question, Refused):
        return question
    page = paging.read_page(query)
    if isinstance(page, Refused):
        return page
    found, following = await paging.page_of(released, question, *page)
    return _numbers(found, subject, shapes.freshness_answer(fresh).sealed_through, following)


async def provisional(released: ReleasedReader, subject: Subject, _: Query) -> Shape | Refused:
    """Open periods so far."""
    fresh = await released.freshness(*subject.codes)
    found = await released.provisional(*subject.codes)
    return _numbers(found, subject, shapes.freshness_answer(fresh).sealed_through, None)


async def releases(released: ReleasedReader, subject: Subject, query: Query) -> Shape | Refused:
    """A page of sealed releases, in the order of their chain."""
    first, last = EVER
    if query.keys() & set(questions.SPAN):
        span = questions.read_span(query, (await released.freshness(*subject.codes)).today)
        if isinstance(span, Refused):
            return span
        first, last = span
    most = paging.read_page({name: value for name, value in query.items() if name == "limit"})
    if isinstance(most, Refused):
        return most
    found = await released.releases(*subject.codes, first, last)
    names = [header.release for header in found]
    if "after" in query and query["after"] not in names:
        return Refused(ApiProblem.PARAMETER, "'after' must be the name of the last release of the page before.")
    begin = names.index(query["after"]) + 1 if "after" in query else 0
    vocabulary = Vocabulary(subject.app)
    return [shapes.release_answer(header, vocabulary) for header in found[begin : begin + most[0]]]


async def freshness(released: ReleasedReader, subject: Subject, _: Query) -> Shape | Refused:
    """How far the releases have come."""
    return shapes.freshness_answer(await released.freshness(*subject.codes))


ADDRESSES: dict[str, tuple[Answering, tuple[str, ...]]] = {
    "catalog": (catalog, ()),
    "numbers": (numbers, (*questions.NUMBERS, *questions.PAGE)),
    "sums": (sums, (*questions.SUMS, *questions.SPAN)),
    "provisional": (provisional, ()),
    "releases": (releases, (*questions.SPAN, *questions.PAGE)),
    "freshness": (freshness, ()),
}
"""What can be asked of one Customer's app: who answers, and the parameters that are known there."""


async def answer_to(name: str, released: ReleasedReader, subject: Subject, query: Query) -> Shape | Refused:
    """The answer of one address; a parameter it does not know is refused."""
    answering, known = ADDRESSES[name]
    return questions.check_known(query, known) or await answering(released, subject, query)


def following(found: Shape, query: Query) -> dict[str, str]:
    """What the next page is asked for with; empty on the last one."""
    if isinstance(found, shapes.NumbersAnswer):
        return {"after": found.next} if found.next else {}
    if isinstance(found, Sequence) and len(found) >= int(query.get("limit", paging.LIMIT)):
        last = found[-1]
        return {"after": last.release} if isinstance(last, shapes.ReleaseAnswer) else {}
    return {}


def _numbers(
    found: Sequence[Number], subject: Subject, sealed_through: str | None, following: str | None
) -> shapes.NumbersAnswer:
    vocabulary, k = Vocabulary(subject.app), subject.customer.k
    answers = [shapes.number_answer(number, vocabulary, k) for number in found]
    hidden = sum(number.value is None for number in found)
    names = subject.customer.name, subject.app.name
    return shapes.NumbersAnswer(
        *names, subject.customer.rule, k, sealed_through, shapes.FOOTNOTE, hidden, answers, following
    )
