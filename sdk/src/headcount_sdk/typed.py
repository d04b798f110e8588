"""What a module made by ``headcount catalog build`` is made of: everything it needs is imported from here.

The made module has a class for each part of a measure's name, with the verbs of its kind; each calls the client.
"""

from __future__ import annotations

from headcount_wire.catalog import Breakdown, Catalog, Label, Measure, Purpose, Step
from headcount_wire.dimensions import Dimension
from headcount_wire.facts import Kind, Severity

from headcount_sdk.client import Headcount
from headcount_sdk.problem import Preview
from headcount_sdk.timer import Timer

__all__ = [
    "Breakdown",
    "Catalog",
    "Dimension",
    "Headcount",
    "Kind",
    "Label",
    "Measure",
    "Node",
    "Preview",
    "Purpose",
    "Severity",
    "Step",
    "Timer",
]


class Node:
    """A part of a measure's name: what can be counted under it, or what is named further below."""

    def __init__(self, headcount: Headcount) -> None:
        self._headcount = headcount
