"""The API's questions answered from the data folder of this machine: the same code, without a server and a token.

Who can read the folder can read all that is released; no scope stands between. The disclosure log says it all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from headcount_aggregator.disclosure.entry import Event
from headcount_aggregator.disclosure.log import DisclosureLog
from headcount_aggregator.sealed_reader import SealedReader
from headcount_aggregator.web import access
from headcount_aggregator.web.api.answers import ADDRESSES, answer_to, following
from headcount_aggregator.web.api.problems import ApiProblem, Refused, problem_of
from headcount_aggregator.web.disclosing import TELLING_NOTHING
from headcount_wire.clock import Clock
from headcount_wire.organisation import Organisation, Reader

from headcount.client.asking import ProblemError


class LocalFolder:
    """What answers in place of the API over HTTP."""

    def __init__(self, organisation: Organisation, data: Path, clock: Clock) -> None:
        everybody = Reader("operator", "", "product", None, None)
        scopes = access.sight_of(everybody, organisation).customers
        self._organisation = organisation
        self._sight = access.Sight(everybody, (*organisation.customers.values(), *scopes))
        self._released = SealedReader(data / "releases", clock, data / "indexes")
        self._disclosures = DisclosureLog(data / "disclosures", clock)
        self._told: set[tuple[str, ...]] = set()

    def get(self, path: str, query: Mapping[str, str]) -> tuple[Any, Mapping[str, str]]:
        """The answer to a question, and the header fields that lead on.

        Raises ``ProblemError``; ``OSError`` and ``ValueError`` when it cannot be put into the disclosure log.
        """
        name = path.rpartition("/")[2]
        if name not in ADDRESSES:
            raise _problem(Refused(ApiProblem.NOT_FOUND))
        subject = access.subject_of(self._organisation, self._sight, query.get("customer", ""), query.get("app", ""))
        if subject is None:
            raise _problem(Refused(ApiProblem.NOT_VISIBLE))
        found = asyncio.run(answer_to(name, self._released, subject, query))
        if isinstance(found, Refused):
            raise _problem(found)
        self._disclose(subject, name)
        fields = {"link": '<>; rel="next"'} if following(found, query) else {}
        return msgspec.to_builtins(found), fields

    def _disclose(self, subject: access.Subject, name: str) -> None:
        """What was read on this machine stands in the disclosure log, too, once a run."""
        key = subject.customer.name, subject.app.name, name
        if name in TELLING_NOTHING or key in self._told:
            return
        about = dict(zip(("customer", "app", "what"), key, strict=True))
        self._disclosures.add(Event.READ, {"reader": "operator", "scope": "product", "by": "query", **about})
        self._told.add(key)


def _problem(refused: Refused) -> ProblemError:
    return ProblemError(refused.problem.value.status, problem_of(refused))
