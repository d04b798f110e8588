"""The ledger: what releases have cost a device, by calendar month and purpose. Pure.

It is made of what the sealed releases themselves say they spent, so it is as chained and as old as they are. A
release that would overspend a month is refused, view by view: that happens when a catalog or a preset changes in the
middle of a month, since a plan by itself never spends more than its budget.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from headcount_aggregator.periods import PeriodKind, period_of


@dataclass(frozen=True, slots=True)
class Spending:
    """What one view cost in one release. ``once``: as ``View.once``."""

    purpose: str
    view: str
    first: int
    last: int
    squared: int
    scale: int
    once: bool

    @property
    def rho(self) -> Fraction:
        """The cost to a device that is in it."""
        return Fraction(self.squared, 2 * self.scale * self.scale)

    @property
    def months(self) -> list[int]:
        """The first days of the calendar months that its days lie in."""
        found, month = [], period_of(PeriodKind.MONTH, self.first)
        while month.first <= self.last:
            found.append(month.first)
            month = period_of(PeriodKind.MONTH, month.last + 1)
        return found

    @property
    def plain(self) -> list[Any]:
        """As it stands in a sealed release."""
        return [self.purpose, self.view, self.first, self.last, self.squared, self.scale, self.once]


class Ledger:
    """What was spent on one app of one Customer, or on one scope."""

    def __init__(self, spent: Iterable[Spending] = ()) -> None:
        self._sums: dict[tuple[int, str], Fraction] = defaultdict(Fraction)
        self._once: dict[tuple[int, str], dict[str, Fraction]] = defaultdict(dict)
        for one in spent:
            self.record(one)

    def copy(self) -> Ledger:
        """The same, to try something with."""
        other = Ledger()
        other._sums.update(self._sums)
        other._once.update({place: dict(most) for place, most in self._once.items()})
        return other

    def record(self, one: Spending) -> None:
        """Add what a sealed release spent."""
        for month in one.months:
            if one.once:
                most = self._once[month, one.purpose]
                most[one.view] = max(most.get(one.view, Fraction()), one.rho)
            else:
                self._sums[month, one.purpose] += one.rho

    def spent(self, month: int) -> Mapping[str, Fraction]:
        """What a device that was there on every day of a month (named by its first day) has cost, by purpose."""
        purposes = {purpose for at, purpose in (*self._sums, *self._once) if at == month}
        return {
            purpose: self._sums.get((month, purpose), Fraction())
            + sum(self._once.get((month, purpose), {}).values(), Fraction())
            for purpose in sorted(purposes)
        }

    def allows(self, one: Spending, rho: Fraction) -> bool:
        """Whether a spending leaves every month it touches within a budget."""
        for month in one.months:
            more = one.rho
            if one.once:
                more = max(Fraction(), more - self._once.get((month, one.purpose), {}).get(one.view, Fraction()))
            if sum(self.spent(month).values(), Fraction()) + more > rho:
                return False
        return True


def spendings(plain: Iterable[Iterable[Any]]) -> list[Spending]:
    """What a sealed release says it spent."""
    return [Spending(*row) for row in plain]
