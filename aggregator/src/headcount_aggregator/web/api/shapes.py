"""The shapes of the API's answers. The OpenAPI document is made from these types and their docstrings."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated

import msgspec
from headcount_wire import days
from headcount_wire.organisation import App
from msgspec import Meta

from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.released import Freshness, Number, ReleaseHeader, State, Statistic
from headcount_aggregator.web.access import Subject
from headcount_aggregator.web.dashboard.change import Verdict
from headcount_aggregator.web.desk import Desk
from headcount_aggregator.web.vocabulary import Vocabulary, breakdown_of

Day = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$", description="A local day, YYYY-MM-DD.")]

FOOTNOTE = "People are devices with consent: a person with two devices counts twice."


class AppShape(msgspec.Struct, frozen=True):
    """An app."""

    name: str
    title: str


class CustomerShape(msgspec.Struct, frozen=True):
    """A Customer this reader sees, with the apps it uses."""

    name: str
    title: str
    apps: list[AppShape]


class CustomersAnswer(msgspec.Struct, frozen=True):
    """What a token sees. ``withheld`` says why a scope sees nothing, and is null otherwise."""

    reader: str
    scope: str
    customers: list[CustomerShape]
    withheld: str | None


class MeasureShape(msgspec.Struct, frozen=True):
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
    expires: Day | None


class CatalogAnswer(msgspec.Struct, frozen=True):
    """The newest catalog of an app: what may be counted, for which purposes, and how it may be cut."""

    name: str
    version: int
    cadence: str
    instances: bool
    purposes: dict[str, dict[str, str]]
    context: dict[str, str]
    measures: list[MeasureShape]


class NumberAnswer(msgspec.Struct, frozen=True):
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
    first: Day
    last: Day
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


class MissingShape(msgspec.Struct, frozen=True):
    """What is missing of a measure's reports, in percent and steps of five, by what became of them."""

    lost: int
    refused: int
    clipped: int
    late: int


class NumbersAnswer(msgspec.Struct, frozen=True):
    """A page of released numbers, with the rule they were released by; ``hidden`` of them show no value.

    ``next`` is what to send as ``after`` for the page that follows; null on the last one.
    """

    customer: str
    app: str
    rule: str
    k: int
    sealed_through: Day | None
    footnote: str
    hidden: int
    numbers: list[NumberAnswer]
    next: str | None


class SumPart(msgspec.Struct, frozen=True):
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


class SumsAnswer(msgspec.Struct, frozen=True):
    """How often something happened over a range of sealed days; ``days`` of them have numbers."""

    customer: str
    app: str
    measure: str
    first: Day
    last: Day
    days: int
    earlier_first: Day | None
    earlier_last: Day | None
    rule: str
    k: int
    sealed_through: Day | None
    footnote: str
    parts: list[SumPart]


class ReleaseAnswer(msgspec.Struct, frozen=True):
    """One sealed release, and its place in the hash chain. ``missing``: by measure, where anything is.

    ``rule`` is threshold or dp. Of dp, ``noise`` is the preset and ``promise`` says what it means, in words.
    """

    release: str
    period: PeriodKind
    first: Day
    last: Day
    sealed_on: Day
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


class FreshnessAnswer(msgspec.Struct, frozen=True):
    """How far the releases have come; null before the first."""

    sealed_through: Day | None
    today: Day
    first_day: Day | None


class NoteAnswer(msgspec.Struct, frozen=True):
    """What happened on a day, as a team noted it."""

    day: Day
    text: str


class ViewAnswer(msgspec.Struct, frozen=True):
    """A saved view: its name, and the address of its page on the dashboard."""

    name: str
    address: str


class ProblemAnswer(msgspec.Struct, frozen=True):
    """Why a question was not answered, and what to do (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str


def catalog_answer(app: App) -> CatalogAnswer:
    """An app's newest catalog as the API shows it."""
    catalog, vocabulary = app.catalog, Vocabulary(app)
    measures = [
        MeasureShape(
            name=measure.name,
            kind=measure.kind.value,
            purpose=measure.purpose,
            description=measure.description,
            owner=measure.owner,
            unit=measure.unit,
            daily_cap=measure.cap,
            things=measure.things,
            steps=[vocabulary.step_name(measure.code, at) for at in range(1, len(measure.steps) + 1)],
            window_minutes=measure.window_minutes,
            reach=measure.reach,
            label_key=measure.label.key if measure.label else None,
            labels=list(measure.label.values) if measure.label else [],
            breakdowns=[breakdown.name for breakdown in measure.breakdowns],
            expires=_text(measure.expires),
        )
        for measure in catalog.measures.values()
    ]
    purposes = {purpose.name: dict(purpose.sentence) for purpose in catalog.purposes.values()}
    context = {dimension.field: purpose for dimension, purpose in catalog.context.items()}
    return CatalogAnswer(catalog.name, catalog.version, catalog.cadence, catalog.instances, purposes, context, measures)


def number_answer(number: Number, vocabulary: Vocabulary, k: int) -> NumberAnswer:
    """A released number with names in place of codes."""
    breakdown = breakdown_of(number.breakdown)
    return NumberAnswer(
        statistic=number.statistic,
        period=number.period,
        first=_day_text(number.first),
        last=_day_text(number.last),
        measure=vocabulary.measure_name(number.measure),
        label=vocabulary.label_name(number.measure, number.label),
        breakdown=breakdown.name if breakdown else "",
        value1=number.value1,
        value2=number.value2,
        slot=number.slot,
        slot_name=vocabulary.slot_name(number),
        state=number.state,
        why=number.state.sentence.format(k=k),
        value=number.value,
        low=number.low,
        high=number.high,
        rounding=number.rounding,
        members=number.members,
        provisional=number.provisional,
        left_out=number.left_out,
        complete=number.complete,
    )


def release_answer(header: ReleaseHeader, vocabulary: Vocabulary) -> ReleaseAnswer:
    """A release's header as the API shows it: without the codes of Customer and app."""
    return ReleaseAnswer(
        header.release,
        header.period,
        days.text(header.first),
        days.text(header.last),
        days.text(header.sealed_on),
        header.rule,
        header.k,
        header.numbers,
        header.hidden,
        header.late_dropped,
        header.previous,
        header.hash,
        header.noise,
        header.promise,
        {vocabulary.measure_name(int(code)): MissingShape(**found) for code, found in header.missing.items()},
    )


def notes_answer(desk: Desk, subject: Subject) -> list[NoteAnswer]:
    """The notes on a Customer's app, by day."""
    return [NoteAnswer(days.text(note.day), note.text) for note in desk.notes_of(subject, 0, 65_000)]


def views_answer(desk: Desk, subject: Subject) -> list[ViewAnswer]:
    """The saved views of a Customer's app."""
    place = f"/c/{subject.customer.name}/{subject.app.name}"
    return [
        ViewAnswer(view.name, f"{place}/{view.page}" + (f"?{view.state}" if view.state else ""))
        for view in desk.views_of(subject)
    ]


def freshness_answer(freshness: Freshness) -> FreshnessAnswer:
    """How far the releases have come, with dates for day numbers."""
    return FreshnessAnswer(_text(freshness.sealed_through), days.text(freshness.today), _text(freshness.first_day))


def _text(day: int | None) -> str | None:
    return None if day is None else days.text(day)


@lru_cache(4096)
def _day_text(day: int) -> str:
    """A day as the API writes it; the same few hundred days stand in thousands of numbers."""
    return days.text(day)
