"""The shapes of what an edge answers. The OpenAPI document is made from these types and their docstrings.

The handlers write the same maps as plain data; the tests on a socket read every answer back as one of these types.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
from headcount_wire import limits
from headcount_wire.problems import Problem
from msgspec import Meta

from headcount_ingest.body import Name, Version

Count = Annotated[int, Meta(ge=0, le=limits.TALLIES_PER_REPORT)]
Code = Annotated[int, Meta(ge=1, le=limits.CODE_MAX)]
One = Annotated[int, Meta(ge=1, le=1)]


class AcceptedAnswer(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The report is on the disk: how many of its tallies were admitted, and how many dropped.

    ``refused``: codes of the measures of which a tally was dropped; their markers stay where they were.
    """

    admitted: Annotated[int, Meta(ge=1, le=limits.TALLIES_PER_REPORT)]
    dropped: Count
    refused: list[Code]
    v: One


class PolicyAnswer(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What may be collected for a Customer; it can only narrow what the catalog allows.

    ``consent_since``: each allowed purpose with the oldest policy version under which a consent still counts.
    ``context``: the allowed fields. ``policy``: the policy's own version.
    """

    consent_since: dict[Name, Version]
    context: list[str]
    minimum_sdk: str
    paused: bool
    policy: Version
    v: One


class ProblemAnswer(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A refusal, from the closed list (RFC 9457)."""

    type: str
    title: str
    status: int


class RegionAnswer(ProblemAnswer, frozen=True):
    """A refusal that says where the Customer's data stays, and the address of the edge there."""

    region: str
    address: str


class OwnerAnswer(ProblemAnswer, frozen=True):
    """A refusal that says at which address the node is that counts the report."""

    address: str


SHAPE_OF: Mapping[Problem, type[ProblemAnswer]] = {Problem.REGION: RegionAnswer, Problem.NOT_OWNER: OwnerAnswer}
"""The problems whose answers say more than every problem's does."""
