"""How often over any range of whole sealed days, and whether it changed: counts add up, so any range may be asked.

People do not add up, and are told by their own periods only (``/numbers``). A part is added over the days on which it
is shown; the others are counted in ``left_out`` and are not zero.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from headcount_wire import days
from headcount_wire.facts import WHOLE
from msgspec import structs

from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.released import Freshness, Number, Question, ReleasedReader, Statistic
from headcount_aggregator.web.access import Subject
from headcount_aggregator.web.api import shapes
from headcount_aggregator.web.api.problems import ApiProblem, Refused
from headcount_aggregator.web.api.questions import read_question
from headcount_aggregator.web.dashboard.change import change_of_pairs
from headcount_aggregator.web.dashboard.figure import MISSING
from headcount_aggregator.web.dashboard.span import Compare, Span
from headcount_aggregator.web.dashboard.sums import sum_of
from headcount_aggregator.web.vocabulary import Vocabulary, breakdown_of

Part = tuple[int, int, str, str]
ByPart = Mapping[Part, Mapping[int, Number]]


@dataclass(frozen=True, slots=True)
class Sides:
    """The days that are added up, and how many days earlier those lie that they are compared with (0: none)."""

    days: range
    shift: int


async def sums(released: ReleasedReader, subject: Subject, query: Mapping[str, str]) -> shapes.SumsAnswer | Refused:
    """The sums of a measure's parts over the days of a span, beside earlier days when they are asked for."""
    fresh = await released.freshness(*subject.codes)
    question = _question(subject, query, fresh)
    if isinstance(question, Refused):
        return question
    compare = query.get("compare", "")
    if compare not in tuple(Compare):
        return Refused(ApiProblem.PARAMETER, f"'compare' must be one of: {', '.join(filter(None, Compare))}.")
    span = Span(question.first, question.last, PeriodKind.DAY, compare=Compare(compare))
    earlier = span.earlier() if compare else None
    now = _by_part(await released.numbers(question))
    then: ByPart = {}
    if earlier:
        then = _by_part(await released.numbers(replace(question, first=earlier.first, last=earlier.last)))
    begins = max(span.first, fresh.first_day if fresh.first_day is not None else span.first)
    sides = Sides(range(begins, span.last + 1), span.last - earlier.last if earlier else 0)
    vocabulary, measure = Vocabulary(subject.app), question.measure or 0
    parts = [
        _compared(_sum(part, found, sides, vocabulary, measure), found, then.get(part, {}), sides)
        for part, found in sorted(now.items())
    ]
    return shapes.SumsAnswer(
        customer=subject.customer.name,
        app=subject.app.name,
        measure=vocabulary.measure_name(measure),
        first=days.text(span.first),
        last=days.text(span.last),
        days=len(sides.days),
        earlier_first=days.text(earlier.first) if earlier else None,
        earlier_last=days.text(earlier.last) if earlier else None,
        rule=subject.customer.rule,
        k=subject.customer.k,
        sealed_through=shapes.freshness_answer(fresh).sealed_through,
        footnote="Times, not people.",
        parts=parts,
    )


def _question(subject: Subject, query: Mapping[str, str], fresh: Freshness) -> Question | Refused:
    """The question of the days' counts; only sealed days can be asked of."""
    if "measure" not in query:
        return Refused(ApiProblem.PARAMETER, "'measure' must be given: a name in the catalog.")
    newest = fresh.today if fresh.sealed_through is None else fresh.sealed_through
    narrowed = {"label": "whole", "breakdown": "total"} | dict(query)
    narrowed = {name: value for name, value in narrowed.items() if name != "compare" and value != "all"}
    question = read_question(subject, narrowed | {"statistic": Statistic.COUNT, "period": PeriodKind.DAY}, newest)
    if isinstance(question, Question) and question.last > newest:
        return Refused(ApiProblem.SPAN, f"Only sealed days add up: 'to' is {days.text(newest)} at most.")
    return question


def _by_part(numbers: Sequence[Number]) -> ByPart:
    found: defaultdict[Part, dict[int, Number]] = defaultdict(dict)
    for number in numbers:
        found[number.label, number.breakdown, number.value1, number.value2][number.last] = number
    return found


def _sum(part: Part, found: Mapping[int, Number], sides: Sides, vocabulary: Vocabulary, measure: int) -> shapes.SumPart:
    label, code, value1, value2 = part
    shown = [number for number in found.values() if number.value is not None]
    breakdown = breakdown_of(code)
    added = sum_of(shown)
    cell = added.cell() if added.count else MISSING
    return shapes.SumPart(
        label="" if label == WHOLE else vocabulary.label_name(measure, label),
        breakdown=breakdown.name if breakdown else "",
        value1=value1,
        value2=value2,
        value=cell.value,
        low=cell.low,
        high=cell.high,
        complete=added.complete,
        left_out=len(sides.days) - len(shown),
        before=None,
        share=None,
        verdict=None,
    )


def _compared(
    found: shapes.SumPart, now: Mapping[int, Number], then: Mapping[int, Number], sides: Sides
) -> shapes.SumPart:
    """A sum with its change, day by day, where there are earlier days."""
    if not sides.shift:
        return found
    pairs = [(_value(now.get(day)), _value(then.get(day - sides.shift))) for day in sides.days]
    change = change_of_pairs(pairs, max((number.rounding for number in now.values()), default=1))
    share = round(change.share, 4) if change.before else None
    return structs.replace(found, before=int(change.before), share=share, verdict=change.verdict)


def _value(number: Number | None) -> int | None:
    return number.value if number else None
