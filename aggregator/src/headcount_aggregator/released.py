"""What has been released: the only numbers the API and the dashboard can see.

A ``Number`` is one published value of one sealed release, or the statement that it is hidden and
why. The store process answers a ``Question`` about released numbers and nothing else; no type in
this module can name a cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from headcount_wire.facts import Kind

from headcount_aggregator.debug_counts import DebugCounts
from headcount_aggregator.periods import PeriodKind

NO_PEOPLE = frozenset({Kind.ACTIVE, Kind.FUNNEL, Kind.QUANTITY})
"""Kinds without "people who did it": they have statistics of their own."""


class Statistic(StrEnum):
    """What a number says."""

    PEOPLE = "people"
    NEW_PEOPLE = "new_people"
    RETURNING_PEOPLE = "returning_people"
    COUNT = "count"
    RETENTION_DAY = "retention_day"
    RETENTION_WEEK = "retention_week"
    QUANTILE = "quantile"
    FUNNEL = "funnel"
    MOVES = "moves"
    SEVERITY = "severity"
    PROBLEM_SCREEN = "problem_screen"
    QUANTITY = "quantity"
    BENCHMARK = "benchmark"

    @property
    def sentence(self) -> str:
        """What it means, for people."""
        return _SENTENCES[self]


_SENTENCES = {
    Statistic.PEOPLE: "Distinct devices with the measure in the period, each counted once.",
    Statistic.NEW_PEOPLE: "Devices whose first use fell into the period.",
    Statistic.RETURNING_PEOPLE: "Devices active in the period whose first use lies before it.",
    Statistic.COUNT: "How often it happened; of a timing, how often it was measured.",
    Statistic.RETENTION_DAY: "Devices of the cohort day that were active n days later (slot n; 0 is the cohort).",
    Statistic.RETENTION_WEEK: "Devices of the cohort week that were active n weeks later (slot n; 0 is the cohort).",
    Statistic.QUANTILE: "The value under which slot percent of the observations lie, off by less than 2 percent.",
    Statistic.FUNNEL: "Devices whose attempts begun on the day reached step slot or a later one (slot 1 began).",
    Statistic.MOVES: "How often the labelled screen was come to from screen slot (0: a session's start).",
    Statistic.SEVERITY: "Reported problems of severity slot: 1 minor, 2 major, 3 blocking.",
    Statistic.PROBLEM_SCREEN: "Reported problems that were met on screen slot.",
    Statistic.BENCHMARK: (
        "The rate under which slot percent of the Customers lie, each counting once: of a timing its median, of a flag "
        "the percentage of active device-days with it."
    ),
    Statistic.QUANTITY: "A quantity as server-side instances told it last on the day, added over instances.",
}


class State(StrEnum):
    """Whether a number is shown, and if not, why."""

    SHOWN = "shown"
    FEWER_THAN_K = "fewer_than_k"
    COMPLEMENT = "complement"
    FEW_ON_A_SIDE = "few_on_a_side"
    FEWER_THAN_20 = "fewer_than_20"
    UNDER_NOISE = "under_noise"
    OVER_BUDGET = "over_budget"
    FEW_CUSTOMERS = "few_customers"

    @property
    def sentence(self) -> str:
        """What it means, for people; ``{k}`` is the threshold in force."""
        return _STATES[self]


_STATES = {
    State.SHOWN: "Shown.",
    State.FEWER_THAN_K: "Fewer than {k} people: hidden, so that nobody can be singled out.",
    State.FEWER_THAN_20: "Fewer than 20 of them: so few people or requests are not told.",
    State.UNDER_NOISE: "Too small to stand out of the noise that protects everybody: hidden, since it would mislead.",
    State.FEW_CUSTOMERS: "Too few Customers, or one that has most of it: hidden, so that no Customer is recognised.",
    State.OVER_BUDGET: "What may be told of a month is told: hidden until the next month, to keep the promise.",
    State.FEW_ON_A_SIDE: (
        "Fewer than {k} people, or fewer than {k} others of another number: hidden, so that neither is told."
    ),
    State.COMPLEMENT: "It would leave fewer than {k} others of another number: hidden, so that these stay hidden.",
}


@dataclass(frozen=True, slots=True)
class Number:
    """One released number.

    ``first``/``last``: the period's days (day numbers, both included); for retention, the
    cohort's. ``label``: 0 for the whole measure. ``breakdown``: 0 for a total; then ``value1``
    and ``value2`` are empty. ``value1 == "other"`` holds every sibling merged away, ``members``
    of them. ``value`` is ``None`` unless ``state`` is shown; ``rounding`` is the step it was
    rounded to (1: exact). ``members`` is counted aloud up to two only, where two means two or more.
    ``value1 == "late"`` is what came after its day was frozen and still found a wider period open.
    Of moves, severities and screens of problems ``value1 == "other"`` holds the slots merged away and what
    has no slot; then ``slot`` is 0. A slot of ``moves`` and ``problem_screen`` is the label code of a screen.
    ``low`` and ``high`` are the ends of an interval that holds the true value in 95 of 100 cases, where
    noise was added; both are ``None`` where none was.
    ``left_out``: days of the period whose count is not in the value, since too few devices
    stand behind them; new people count them with the middle of what can be told of them.
    ``complete``: what share of the reports behind it is in it, in percent and steps of five; what is not was lost,
    refused, clipped by a cap or late, as the release's header tells by measure. ``None``: it is not told, as of
    provisional numbers and under noise.
    """

    statistic: Statistic
    period: PeriodKind
    first: int
    last: int
    measure: int
    label: int
    breakdown: int
    value1: str
    value2: str
    slot: int
    state: State
    value: int | None
    rounding: int = 1
    members: int = 0
    provisional: bool = False
    left_out: int = 0
    low: int | None = None
    high: int | None = None
    complete: int | None = None


@dataclass(frozen=True, slots=True)
class ReleaseHeader:
    """One sealed release: what it covers, by which rule, and its place in the hash chain.

    ``noise`` is the preset and ``promise`` what it means in words, where noise was added; both are empty else.
    ``late_dropped``: devices that came too late for it and are in no number of it, rounded up to tens; 0: fewer than k.
    ``missing``: by measure code, what is missing of its reports: lost, refused, clipped, late, in percent.
    """

    release: str
    customer: int
    app: int
    period: PeriodKind
    first: int
    last: int
    sealed_on: int
    rule: str
    k: int
    numbers: int
    hidden: int
    late_dropped: int
    previous: str
    hash: str
    noise: str = ""
    promise: str = ""
    missing: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Question:
    """What can be asked: the numbers of one Customer's app, of the given kinds, over a span of days.

    ``measure``, ``label`` and ``breakdown`` narrow when they are given. Spans are inclusive and
    select numbers whose period's *last* day (retention: cohort's first day) lies in it.
    """

    customer: int
    app: int
    statistics: tuple[Statistic, ...]
    periods: tuple[PeriodKind, ...]
    first: int
    last: int
    measure: int | None = None
    label: int | None = None
    breakdown: int | None = None


@dataclass(frozen=True, slots=True)
class Freshness:
    """How far the releases of an app have come (day numbers; ``None`` before the first)."""

    sealed_through: int | None
    today: int
    first_day: int | None


class ReleasedReader(Protocol):
    """What the API and the dashboard are given: released numbers, and nothing to reach cells with."""

    async def numbers(self, question: Question) -> Sequence[Number]:
        """The released numbers a question selects, ordered by period, measure, label, breakdown, slot."""
        ...

    async def provisional(self, customer: int, app: int) -> Sequence[Number]:
        """Open periods under the provisional rule: totals, rounded down to tens, never below k."""
        ...

    async def debug(self, customer: int, app: int) -> DebugCounts:
        """What debug keys reported today and yesterday, threshold 1; never mixed with live numbers."""
        ...

    async def releases(self, customer: int, app: int, first: int, last: int) -> Sequence[ReleaseHeader]:
        """The sealed releases whose last day lies in the span."""
        ...

    async def freshness(self, customer: int, app: int) -> Freshness:
        """How far the releases have come."""
        ...
