"""From a query string to a ``Question``: every parameter bounded, every mistake named."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from headcount_wire import days
from headcount_wire.catalog import Measure
from headcount_wire.facts import WHOLE

from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.released import Question, Statistic
from headcount_aggregator.web.access import Subject
from headcount_aggregator.web.api.problems import ApiProblem, Refused
from headcount_aggregator.web.vocabulary import Vocabulary, breakdown_code

E = TypeVar("E", bound=StrEnum)

SPAN_DAYS = 400
"""The most days one question spans."""

SPAN_DEFAULT_DAYS = 28
SUBJECT = ("customer", "app")
SPAN = ("from", "to")
PAGE = ("limit", "after")
SUMS = ("measure", "label", "breakdown", "compare")
NUMBERS = ("statistic", "period", "measure", "label", "breakdown", *SPAN)


def read_question(subject: Subject, query: Mapping[str, str], newest: int) -> Question | Refused:
    """The question a query string asks of one Customer's app; ``newest`` is the day spans end on by default."""
    span = read_span(query, newest)
    if isinstance(span, Refused):
        return span
    statistics = _listed(Statistic, query.get("statistic"), "statistic")
    if isinstance(statistics, Refused):
        return statistics
    periods = _listed(PeriodKind, query.get("period"), "period")
    if isinstance(periods, Refused):
        return periods
    measure = Vocabulary(subject.app).measure(query["measure"]) if "measure" in query else None
    if "measure" in query and measure is None:
        return _wrong("measure", "a name in the catalog; GET /api/v1/catalog lists them")
    label = _label(measure, query.get("label"))
    if isinstance(label, Refused):
        return label
    breakdown = breakdown_code(query["breakdown"]) if "breakdown" in query else None
    if "breakdown" in query and breakdown is None:
        return _wrong("breakdown", "'total', or as the catalog writes it, such as 'os' or 'os x app_version'")
    return Question(*subject.codes, statistics, periods, *span, measure.code if measure else None, label, breakdown)


def check_known(query: Mapping[str, str], known: tuple[str, ...]) -> Refused | None:
    """A refusal when a parameter is not known: a misspelt one must not pass in silence."""
    if set(query) - {*known, *SUBJECT}:
        return Refused(ApiProblem.PARAMETER, f"Known here are: {', '.join((*known, *SUBJECT))}.")
    return None


def read_span(query: Mapping[str, str], newest: int) -> tuple[int, int] | Refused:
    """First and last day of ``from`` and ``to``, both included; 28 days to the newest when they are not given."""
    try:
        last = days.parse(query["to"]) if "to" in query else newest
        first = days.parse(query["from"]) if "from" in query else last - SPAN_DEFAULT_DAYS + 1
    except ValueError:
        return Refused(ApiProblem.SPAN, "'from' and 'to' are written YYYY-MM-DD.")
    if not 0 <= last - first < SPAN_DAYS:
        return Refused(ApiProblem.SPAN, f"'from' must not lie after 'to', nor {SPAN_DAYS} days or more before it.")
    return first, last


def _label(measure: Measure | None, text: str | None) -> int | Refused | None:
    if text is None:
        return None
    if text == "whole":
        return WHOLE
    if measure is None or measure.label is None:
        return _wrong("label", "'whole', or given together with a measure that has labels")
    if text != "other" and text not in measure.label.values:
        return _wrong("label", f"one of: whole, other, {', '.join(measure.label.values)}")
    return measure.label.code_of(text)


def _listed(kind: type[E], text: str | None, name: str) -> tuple[E, ...] | Refused:
    if text is None:
        return tuple(kind)
    try:
        return tuple(kind(part) for part in dict.fromkeys(text.split(",")))
    except ValueError:
        return _wrong(name, f"one or more, joined by commas, of: {', '.join(kind)}")


def _wrong(name: str, form: str) -> Refused:
    return Refused(ApiProblem.PARAMETER, f"'{name}' must be {form}.")
