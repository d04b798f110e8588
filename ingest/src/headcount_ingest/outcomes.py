"""What can become of a request: accepted, or refused with one problem of the closed list."""

from __future__ import annotations

from dataclasses import dataclass, field

from headcount_wire.problems import Problem


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal: the problem, how many seconds to wait, and what else the answer says."""

    problem: Problem
    retry_after: int = 0
    extra: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Accepted:
    """On disk: how many tallies were admitted and dropped, and of which measures some were dropped."""

    admitted: int
    dropped: int
    refused: tuple[int, ...]


Outcome = Accepted | Refused
