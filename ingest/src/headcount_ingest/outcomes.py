"""What can become of a request: accepted, refused with one problem of the closed list, or gone.

Each request has exactly one outcome, and it is counted in one place (``app.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from headcount_wire.problems import Dropped, Problem

Drops = Mapping[tuple[int, Dropped], int]
"""How many tallies were not counted, by measure code (as it was sent) and reason."""

NO_DROPS: Drops = {}


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal: the problem, how many seconds to wait, what else the answer says, and what it dropped."""

    problem: Problem
    retry_after: int = 0
    extra: dict[str, str] = field(default_factory=dict)
    customer: int = 0
    drops: Drops = field(default_factory=dict)

    @property
    def name(self) -> str:
        """As the outcome stands in the metrics."""
        return self.problem.slug


@dataclass(frozen=True, slots=True)
class Accepted:
    """On disk: how many tallies were admitted, and which were dropped and why."""

    customer: int
    admitted: int
    drops: Drops

    name = "accepted"


@dataclass(frozen=True, slots=True)
class Answered:
    """The policy, or that it has not changed: a request that brings no report."""

    status: int
    etag: str
    body: bytes

    name = "policy"


@dataclass(frozen=True, slots=True)
class Gone:
    """The client left before its report was whole: nothing is stored, and nobody is there to answer."""

    name = "gone"


Outcome = Accepted | Answered | Refused | Gone
