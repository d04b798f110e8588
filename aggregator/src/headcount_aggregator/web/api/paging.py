"""Released numbers page by page, however many a question selects: never more in memory than a page and a month.

A page ends with the *mark* of its last number, which the next page is asked for with. Sealed numbers never
change and new ones have days of their own, so that pages fit together whatever is sealed in between.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import msgspec

from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.released import Number, Question, ReleasedReader, Statistic
from headcount_aggregator.web.api.problems import ApiProblem, Refused

LIMIT = 2_000
LIMIT_MOST = 50_000
"""How many numbers a page holds when it is not said, and at most."""

STRETCH_DAYS = 32
Mark = tuple[str, int, int, int, int, str, int, str, str]
"""A number's place in the order: period, day, measure, label, breakdown, statistic, slot, values."""


def mark_of(number: Number) -> Mark:
    """A number's place in the order of the pages."""
    cohort = number.statistic in (Statistic.RETENTION_DAY, Statistic.RETENTION_WEEK)
    return (
        number.period.value,
        number.first if cohort else number.last,
        number.measure,
        number.label,
        number.breakdown,
        number.statistic.value,
        number.slot,
        number.value1,
        number.value2,
    )


def read_page(query: Mapping[str, str]) -> tuple[int, Mark | None] | Refused:
    """How many numbers are asked for, and after which."""
    text = query.get("limit", str(LIMIT))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= LIMIT_MOST:
        return Refused(ApiProblem.PARAMETER, f"'limit' must be a whole number from 1 to {LIMIT_MOST}.")
    if "after" not in query:
        return int(text), None
    try:
        padded = query["after"] + "=" * (-len(query["after"]) % 4)
        packed = base64.b64decode(padded, altchars=b"-_", validate=True)
        return int(text), msgspec.msgpack.decode(packed, type=Mark)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        return Refused(ApiProblem.PARAMETER, "'after' must be what 'next' of the page before says.")


def written(mark: Mark) -> str:
    """A mark as an address writes it."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(mark)).decode().rstrip("=")


async def page_of(
    released: ReleasedReader, question: Question, most: int, after: Mark | None
) -> tuple[Sequence[Number], str | None]:
    """At most so many numbers after a mark, and the mark to go on with; ``None`` when there is no more."""
    found: list[Number] = []
    for part in _parts(question, after):
        numbers = sorted(await released.numbers(part), key=mark_of)
        found += [number for number in numbers if after is None or mark_of(number) > after]
        if len(found) > most:
            return found[:most], written(mark_of(found[most - 1]))
    return found, None


def _parts(question: Question, after: Mark | None) -> Iterator[Question]:
    """The question by period and by stretches of days, in the order of the pages, from the mark on."""
    for period in sorted(set(question.periods), key=lambda kind: kind.value):
        if after and period.value < after[0]:
            continue
        first = max(question.first, after[1]) if after and period.value == after[0] else question.first
        while first <= question.last:
            last = min(question.last, first + STRETCH_DAYS - 1) if _many(period) else question.last
            yield replace(question, periods=(period,), first=first, last=last)
            first = last + 1


def _many(period: PeriodKind) -> bool:
    """Whether there is a period of the kind for every day."""
    return period not in (PeriodKind.WEEK, PeriodKind.MONTH, PeriodKind.QUARTER, PeriodKind.YEAR)
