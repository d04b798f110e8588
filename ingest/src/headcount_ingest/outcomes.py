"""What can become of a request: accepted, refused with one problem of the closed list, or gone.

Each request has exactly one outcome, and it is counted in one place (``exchange.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from headcount_wire.problems import Dropped, Problem

from headcount_ingest.step import Step

Drops = Mapping[tuple[int, Dropped], int]
"""How many tallies were not counted, by measure code (as it was sent) and reason."""

NO_DROPS: Drops = MappingProxyType({})
NO_EXTRA: Mapping[str, str] = MappingProxyType({})


class Refused(Step, frozen=True):
    """A refusal: the problem, how many seconds to wait, what else the answer says, and what it dropped.

    ``customer`` and ``app``: whose live report it was, where that is known; 0 otherwise.
    """

    problem: Problem
    retry_after: int = 0
    extra: Mapping[str, str] = NO_EXTRA
    customer: int = 0
    app: int = 0
    drops: Drops = NO_DROPS
    allow: str = ""
    """Which methods the address answers, where that is what was wrong."""

    @property
    def name(self) -> str:
        """As the outcome stands in the metrics."""
        return self.problem.slug


class Accepted(Step, frozen=True):
    """On disk: how many tallies were admitted, and which were dropped and why."""

    customer: int
    admitted: int
    drops: Drops
    app: int = 0
    """0 for what came with a debug key."""

    name = "accepted"


class Answered(Step, frozen=True):
    """The policy, or that it has not changed: a request that brings no report."""

    status: int
    etag: str
    body: bytes

    name = "policy"


class Gone(Step, frozen=True):
    """The client left before its report was whole: nothing is stored, and nobody is there to answer."""

    name = "gone"


Outcome = Accepted | Answered | Refused | Gone
