"""What a tally can say: the closed list of facts, and which kind of measure may say which.

A tally is ``(measure, label, fact, slot, n)``: five small integers. Adding ``n`` over devices
is all the server ever does with it. The facts below are what makes that enough: see
``docs/statistics.md`` for the sums that turn them into people, retention and percentiles.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from headcount_wire import limits


class Fact(IntEnum):
    """What one tally says about one device's local day."""

    COUNT = 1
    DEVICES = 2
    CLIPPED = 3
    GAP = 4
    AGE = 5
    FIRST = 6
    WEEK_AGE = 7
    BUCKET = 8


class First(IntEnum):
    """The slots of ``Fact.FIRST``: the period this day is the device's first active day of."""

    WEEK = 1
    MONTH = 2
    QUARTER = 3
    YEAR = 4


class Kind(StrEnum):
    """The kinds of measure a catalog can declare."""

    ACTIVE = "active"
    COUNTER = "counter"
    FLAG = "flag"
    TIMING = "timing"
    DISTRIBUTION = "distribution"


@dataclass(frozen=True, slots=True)
class FactRule:
    """The bounds of one fact.

    ``once`` facts have ``n == 1`` and go out at most once per device and local day; the
    others are deltas, whose sum over the day is at most the measure's cap.
    ``labelled`` facts may stand under a label; the others only under label 0.
    ``origin`` facts are cut by the context of first use, so that a cohort stays together.
    """

    sentence: str
    slot_min: int
    slot_max: int
    once: bool
    labelled: bool
    origin: bool = False


FACT_RULES: dict[Fact, FactRule] = {
    Fact.COUNT: FactRule("How often it happened (a delta).", 0, 0, once=False, labelled=True),
    Fact.DEVICES: FactRule(
        "This device contributed today, to the label or (label 0) at all.", 0, 0, once=True, labelled=True
    ),
    Fact.CLIPPED: FactRule("This device reached the measure's daily cap.", 0, 0, once=True, labelled=False),
    Fact.GAP: FactRule(
        "Days since this device's last day with the measure; 31 also for 'never before'.",
        1,
        limits.GAP_MAX_DAYS,
        once=True,
        labelled=False,
    ),
    Fact.AGE: FactRule(
        "Days since first use; 31 means older than 30.", 0, limits.AGE_MAX_DAYS, once=True, labelled=False, origin=True
    ),
    Fact.FIRST: FactRule("First active day in its week, month, quarter or year.", 1, 4, once=True, labelled=False),
    Fact.WEEK_AGE: FactRule(
        "ISO weeks since first use, with the first active day of each week; 53 means older than 52.",
        0,
        limits.WEEK_AGE_MAX,
        once=True,
        labelled=False,
        origin=True,
    ),
    Fact.BUCKET: FactRule(
        "Observations whose value fell into this bucket (a delta).", 0, limits.BUCKET_MAX, once=False, labelled=True
    ),
}

FACTS_OF_KIND: dict[Kind, frozenset[Fact]] = {
    Kind.ACTIVE: frozenset({Fact.GAP, Fact.AGE, Fact.FIRST, Fact.WEEK_AGE}),
    Kind.COUNTER: frozenset({Fact.COUNT, Fact.DEVICES, Fact.CLIPPED}),
    Kind.FLAG: frozenset({Fact.DEVICES}),
    Kind.TIMING: frozenset({Fact.BUCKET, Fact.DEVICES, Fact.CLIPPED}),
    Kind.DISTRIBUTION: frozenset({Fact.BUCKET, Fact.DEVICES, Fact.CLIPPED}),
}
"""Facts of each kind; a measure with ``reach = true`` adds ``Fact.GAP``."""

WHOLE = 0
"""The label code for a measure as a whole."""

OTHER = 1
"""The label code for every value the catalog does not declare."""

FIRST_LABEL = 2
"""The label code of the first declared value; the others follow in their declared order."""
