"""What can become of a request: accepted, refused with one problem of the closed list, or gone.

Each request has exactly one outcome, and it is counted in one place (``exchange.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import msgspec
from headcount_wire.problems import Dropped, Problem

Drops = Mapping[tuple[int, Dropped], int]
"""How many tallies were not counted, by measure code (as it was sent) and reason."""

NO_DROPS: Drops = {}


class Refused(msgspec.Struct, frozen=True, gc=False):
    """A refusal: the problem, how many seconds to wait, what else the answer says, and what it dropped.

    ``customer`` and ``app``: whose live report it was, where that is known; 0 otherwise.
    """

    problem: Problem
    retry_after: int = 0
    extra: dict[str, str] = msgspec.field(default_factory=dict)
    customer: int = 0
    app: int = 0
    drops: Drops = msgspec.field(default_factory=dict)
    allow: str = ""
    """Which methods the address answers, where that is what was wrong."""

    @property
    def name(self) -> str:
        """As the outcome stands in the metrics."""
        return self.problem.slug


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """On disk: how many tallies were admitted, and which were dropped and why."""

    customer: int
    admitted: int
    drops: Drops
    app: int = 0
    """0 for what came with a debug key."""

    name: ClassVar[str] = "accepted"


class Answered(msgspec.Struct, frozen=True, gc=False):
    """The policy, or that it has not changed: a request that brings no report."""

    status: int
    etag: str
    body: bytes

    name: ClassVar[str] = "policy"


class Gone(msgspec.Struct, frozen=True, gc=False):
    """The client left before its report was whole: nothing is stored, and nobody is there to answer."""

    name: ClassVar[str] = "gone"


Outcome = Accepted | Answered | Refused | Gone
