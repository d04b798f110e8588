"""The shapes of the API's answers. Made from the OpenAPI document by ``python -m headcount.typed_client``."""

from __future__ import annotations

from typing import Literal, TypedDict

PeriodKind = Literal[
    "day",
    "month",
    "quarter",
    "rolling_28",
    "rolling_30",
    "rolling_7",
    "week",
    "year",
]
State = Literal[
    "complement",
    "few_customers",
    "few_on_a_side",
    "fewer_than_20",
    "fewer_than_k",
    "over_budget",
    "shown",
    "under_noise",
]
Statistic = Literal[
    "benchmark",
    "count",
    "funnel",
    "moves",
    "new_people",
    "people",
    "problem_screen",
    "quantile",
    "quantity",
    "retention_day",
    "retention_week",
    "returning_people",
    "severity",
]
Verdict = Literal[
    "noise",
    "open",
    "real",
]


class AppShape(TypedDict):
    """An app."""

    name: str
    title: str


class CatalogAnswer(TypedDict):
    """The newest catalog of an app: what may be counted, for which purposes, and how it may be cut."""

    name: str
    version: int
    cadence: str
    instances: bool
    purposes: dict[str, dict[str, str]]
    context: dict[str, str]
    measures: list[MeasureShape]


class CustomerShape(TypedDict):
    """A Customer this reader sees, with the apps it uses."""

    name: str
    title: str
    apps: list[AppShape]


class CustomersAnswer(TypedDict):
    """What a token sees. ``withheld`` says why a scope sees nothing, and is null otherwise."""

    reader: str
    scope: str
    customers: list[CustomerShape]
    withheld: str | None


class FreshnessAnswer(TypedDict):
    """How far the releases have come; null before the first."""

    sealed_through: str | None
    today: str
    first_day: str | None


class MeasureShape(TypedDict):
    """A measure of the catalog. ``labels`` are the declared values; ``other`` is always there beside them."""

    name: str
    kind: str
    purpose: str
    description: str
    owner: str
    unit: str
    daily_cap: int
    things: bool
    steps: list[str]
    window_minutes: int
    reach: bool
    label_key: str | None
    labels: list[str]
    breakdowns: list[str]
    expires: str | None


class MissingShape(TypedDict):
    """What is missing of a measure's reports, in percent and steps of five, by what became of them."""

    lost: int
    refused: int
    clipped: int
    late: int


class NoteAnswer(TypedDict):
    """What happened on a day, as a team noted it."""

    day: str
    text: str


class NumberAnswer(TypedDict):
    """One released number; ``value`` is null where ``state`` says it is hidden, and ``why`` says why.

    ``label`` is empty for the measure as a whole, ``breakdown`` for a total; ``value1`` and ``value2``
    are the breakdown's values, ``other`` for ``members`` merged siblings. ``slot`` is the days or weeks
    later for retention, the percent for a quantile, the step of a funnel, the severity of a problem (1 to 3),
    the screen come from or met on; ``slot_name`` is its name where it has one. ``low`` and ``high`` are the ends
    of an interval that holds the true value in 95 of 100 cases, where noise
    was added, and null where none was. ``rounding`` is the step of rounding (1: exact).
    ``left_out``: days of the period that are not in the value, since too few people stand behind them; new
    people count them with the middle of what can be told of them. ``complete``: the share of the reports
    behind it that is in it, in percent and steps of five; null for provisional numbers and under noise.
    """

    statistic: Statistic
    period: PeriodKind
    first: str
    last: str
    measure: str
    label: str
    breakdown: str
    value1: str
    value2: str
    slot: int
    slot_name: str
    state: State
    why: str
    value: int | None
    low: int | None
    high: int | None
    rounding: int
    members: int
    provisional: bool
    left_out: int
    complete: int | None


class NumbersAnswer(TypedDict):
    """A page of released numbers, with the rule they were released by; ``hidden`` of them show no value.

    ``next`` is what to send as ``after`` for the page that follows; null on the last one.
    """

    customer: str
    app: str
    rule: str
    k: int
    sealed_through: str | None
    footnote: str
    hidden: int
    numbers: list[NumberAnswer]
    next: str | None


class ProblemAnswer(TypedDict):
    """Why a question was not answered, and what to do (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str


class ReleaseAnswer(TypedDict):
    """One sealed release, and its place in the hash chain. ``missing``: by measure, where anything is.

    ``rule`` is threshold or dp. Of dp, ``noise`` is the preset and ``promise`` says what it means, in words.
    """

    release: str
    period: PeriodKind
    first: str
    last: str
    sealed_on: str
    rule: str
    k: int
    numbers: int
    hidden: int
    late_dropped: int
    previous: str
    hash: str
    noise: str
    promise: str
    missing: dict[str, MissingShape]


class SumPart(TypedDict):
    """One part's sum over the days on which it is shown; ``left_out`` days are not in it, and are not zero.

    ``low`` and ``high`` are the ends of the sum's interval, where noise was added; ``complete``: the least percentage
    of the reports behind a day that is in it. With ``compare``: ``before`` is the
    sum of the earlier days, over the pairs of days of which both are shown, ``share`` the change between the two as a
    share of it, ``verdict`` whether that is real or noise, or open where too few days are shown in both.
    """

    label: str
    breakdown: str
    value1: str
    value2: str
    value: int | None
    low: int | None
    high: int | None
    complete: int | None
    left_out: int
    before: int | None
    share: float | None
    verdict: Verdict | None


class SumsAnswer(TypedDict):
    """How often something happened over a range of sealed days; ``days`` of them have numbers."""

    customer: str
    app: str
    measure: str
    first: str
    last: str
    days: int
    earlier_first: str | None
    earlier_last: str | None
    rule: str
    k: int
    sealed_through: str | None
    footnote: str
    parts: list[SumPart]


class ViewAnswer(TypedDict):
    """A saved view: its name, and the address of its page on the dashboard."""

    name: str
    address: str
