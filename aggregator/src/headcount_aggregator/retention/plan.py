"""What of a Customer may still be kept on a day: its months of cells, its releases. Pure.

Cells go 14 days after the widest number that needs them is sealed: their year, or the last week in which people
first seen in them can be found again. Both cells and releases go when the Customer's agreed months are over, and
everything goes when its agreement has ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from headcount_wire import days
from headcount_wire.organisation import Customer

from headcount_aggregator.periods import PeriodKind, period_of

AFTER_SEALING_DAYS = 14
COHORT_WEEKS = 53
"""Retention by week looks back 52 weeks, from the end of a week that begins up to six days later."""


class Rule(StrEnum):
    """Why something was dropped."""

    NEEDED_NO_MORE = "needed_no_more"
    AGREED_MONTHS = "agreed_months"
    AGREEMENT_ENDED = "agreement_ended"
    ERASED = "erased"

    @property
    def sentence(self) -> str:
        """What it means, for people."""
        return _SENTENCES[self]


_SENTENCES = {
    Rule.NEEDED_NO_MORE: "The widest number that needed these sums had been sealed for 14 days.",
    Rule.AGREED_MONTHS: "The months agreed with the Customer were over.",
    Rule.AGREEMENT_ENDED: "The Customer's agreement had ended.",
    Rule.ERASED: "Somebody asked for the Customer's data to be erased.",
}


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month, which is a partition of the final cells."""

    first: int

    @property
    def last(self) -> int:
        """Its last day."""
        return days.month_start(self.first + 31) - 1

    @property
    def code(self) -> int:
        """As ``toYYYYMM`` has it."""
        year, month, _ = days.text(self.first).split("-")
        return int(year) * 100 + int(month)

    @property
    def text(self) -> str:
        """Such as ``2026-11``."""
        return days.text(self.first)[:7]


def month_of(code: int) -> Month:
    """The month of a partition."""
    return Month(days.parse(f"{code // 100:04d}-{code % 100:02d}-01"))


def months_back(count: int, today: int) -> list[Month]:
    """The month under way and those before it, newest first."""
    found = [Month(days.month_start(today))]
    while len(found) < count:
        found.append(Month(days.month_start(found[-1].first - 1)))
    return found


def oldest_kept(months: int, today: int) -> int:
    """The first day that is kept when so many whole months are, beside the one under way."""
    return months_back(months + 1, today)[-1].first


def needed_until(month: Month) -> int:
    """The day from which on nothing needs a month's cells: the year and the last cohort are sealed for 14 days."""
    year = period_of(PeriodKind.YEAR, month.last)
    last_cohort = period_of(PeriodKind.WEEK, month.last + 7 * COHORT_WEEKS)
    return max(year.frozen_from, last_cohort.frozen_from) + AFTER_SEALING_DAYS


def ended(customer: Customer, today: int) -> bool:
    """Whether a Customer's agreement has ended."""
    return customer.agreement_ends is not None and today > customer.agreement_ends


def cells_may_go(customer: Customer, month: Month, today: int) -> Rule | None:
    """By which rule a Customer's month of cells is dropped today; ``None``: it is kept."""
    if ended(customer, today):
        return Rule.AGREEMENT_ENDED
    if month.last < oldest_kept(customer.cells_months, today):
        return Rule.AGREED_MONTHS
    return Rule.NEEDED_NO_MORE if today >= needed_until(month) else None


def cells_kept_until(customer: Customer, month: Month) -> int:
    """The last day on which a Customer's month of cells is still there."""
    last = needed_until(month) - 1
    agreed = month.first
    for _ in range(customer.cells_months + 1):
        agreed = days.month_start(agreed + 31)
    last = min(last, agreed - 1)
    return last if customer.agreement_ends is None else min(last, customer.agreement_ends)


def releases_kept_from(customer: Customer, today: int) -> int:
    """The first day of which releases are kept."""
    return oldest_kept(customer.retention_months, today)


def complete_from(customer: Customer, today: int) -> int:
    """The first day a period may begin on to be released: of an earlier one some cells or releases may be gone."""
    return oldest_kept(min(customer.retention_months, customer.cells_months), today)
