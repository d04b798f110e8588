"""What a tally can say: the closed list of facts, and which kind of measure may say which.

A tally is ``(measure, label, fact, slot, n)``: five small integers. Adding ``n`` over devices
is all the server ever does with it. The facts below are what makes that enough: see
``docs/statistics.md`` for the sums that turn them into people, retention and percentiles.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import NamedTuple

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
    STEP = 9
    MOVE = 10
    SEVERITY = 11
    SCREEN = 12
    VALUE = 13


class First(IntEnum):
    """The slots of ``Fact.FIRST``: the period this day is the device's first active day of."""

    WEEK = 1
    MONTH = 2
    QUARTER = 3
    YEAR = 4


class Severity(IntEnum):
    """The slots of ``Fact.SEVERITY``: how much a reported problem is in the way."""

    MINOR = 1
    MAJOR = 2
    BLOCKING = 3


class Kind(StrEnum):
    """The kinds of measure a catalog can declare."""

    ACTIVE = "active"
    COUNTER = "counter"
    FLAG = "flag"
    TIMING = "timing"
    DISTRIBUTION = "distribution"
    SCREEN = "screen"
    FUNNEL = "funnel"
    SESSION = "session"
    CRASH_FREE = "crash_free"
    PROBLEM = "problem"
    QUANTITY = "quantity"

    @property
    def sentence(self) -> str:
        """What a measure of this kind counts."""
        return KIND_SENTENCES[self]


KIND_SENTENCES = {
    Kind.ACTIVE: "That the app was used on a day.",
    Kind.COUNTER: "How often something happened.",
    Kind.FLAG: "That it happened at least once on a day.",
    Kind.TIMING: "Durations in milliseconds, in buckets known to 2 %.",
    Kind.DISTRIBUTION: "Values of a unit, in the same buckets.",
    Kind.SCREEN: "Declared screens shown and, where journeys are declared, moves between them.",
    Kind.FUNNEL: "The furthest of declared steps that was reached within a window.",
    Kind.SESSION: "Sessions that ended by 30 minutes without use, by their length in seconds.",
    Kind.CRASH_FREE: "How many sessions ended clean, and how many crashed.",
    Kind.PROBLEM: "Problems that users chose to report: category, severity, screen.",
    Kind.QUANTITY: "A number of things, reported by a server-side instance: the day's last value.",
}


class FactRule(NamedTuple):
    """The bounds of one fact.

    ``once`` facts have ``n == 1`` and go out at most once per device and local day; the
    others are deltas, whose sum over the day is, fact by fact, at most the measure's cap.
    ``valued`` facts go out once too, and their ``n`` is a value of at most the cap.
    ``labelled`` facts may stand under a label; the others only under label 0.
    ``origin`` facts are cut by the context of first use, so that a cohort stays together.
    """

    sentence: str
    slot_min: int
    slot_max: int
    once: bool
    labelled: bool
    origin: bool = False
    valued: bool = False


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
    Fact.STEP: FactRule(
        "The furthest step of a funnel that an attempt begun this day reached within its window.",
        1,
        limits.STEPS_PER_FUNNEL,
        once=True,
        labelled=False,
    ),
    Fact.MOVE: FactRule(
        "Moves to the labelled screen from the screen whose label code is the slot; 0 is a session's start (a delta).",
        0,
        limits.LABELS_PER_MEASURE + 1,
        once=False,
        labelled=True,
    ),
    Fact.SEVERITY: FactRule(
        "Reported problems by severity: 1 minor, 2 major, 3 blocking (a delta).", 1, 3, once=False, labelled=True
    ),
    Fact.SCREEN: FactRule(
        "Reported problems by the label code of the screen they were met on (a delta).",
        1,
        limits.LABELS_PER_MEASURE + 1,
        once=False,
        labelled=True,
    ),
    Fact.VALUE: FactRule(
        "A quantity's last value of the day; a day with a device and no value had 0.",
        0,
        0,
        once=True,
        labelled=True,
        valued=True,
    ),
}

FACTS_OF_KIND: dict[Kind, frozenset[Fact]] = {
    Kind.ACTIVE: frozenset({Fact.GAP, Fact.AGE, Fact.FIRST, Fact.WEEK_AGE}),
    Kind.COUNTER: frozenset({Fact.COUNT, Fact.DEVICES, Fact.CLIPPED}),
    Kind.FLAG: frozenset({Fact.DEVICES}),
    Kind.TIMING: frozenset({Fact.BUCKET, Fact.DEVICES, Fact.CLIPPED}),
    Kind.DISTRIBUTION: frozenset({Fact.BUCKET, Fact.DEVICES, Fact.CLIPPED}),
    Kind.SCREEN: frozenset({Fact.COUNT, Fact.DEVICES, Fact.CLIPPED, Fact.MOVE}),
    Kind.FUNNEL: frozenset({Fact.STEP}),
    Kind.SESSION: frozenset({Fact.BUCKET, Fact.DEVICES, Fact.CLIPPED}),
    Kind.CRASH_FREE: frozenset({Fact.COUNT, Fact.DEVICES, Fact.CLIPPED}),
    Kind.PROBLEM: frozenset({Fact.COUNT, Fact.DEVICES, Fact.CLIPPED, Fact.SEVERITY, Fact.SCREEN}),
    Kind.QUANTITY: frozenset({Fact.VALUE, Fact.DEVICES}),
}
"""Facts of each kind; a measure with ``reach = true`` adds ``Fact.GAP``."""

WHOLE = 0
"""The label code for a measure as a whole."""

OTHER = 1
"""The label code for every value the catalog does not declare."""

FIRST_LABEL = 2
"""The label code of the first declared value; the others follow in their declared order."""
