"""Whose numbers are added up: a panel of Customers, frozen for a calendar quarter. Pure.

A Customer that comes or goes shows in a difference of two sums. So the panel changes between quarters only, and by sets
of Customers that are safe together, in all and under each Partner. Who has taken back the leave to be in it is in no
later sum, at once: a panel that loses a member ends for the quarter, and told numbers up to that day: who left is
held to the same rule at the next quarter. Where too few leave to hide each other, nothing
is told for a quarter, of all or of that Partner.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from headcount_aggregator.release.scope.protection import LEAST_CHANGING, is_safe

ALL = -1
"""In place of a Partner's code: all Customers."""


@dataclass(frozen=True, slots=True)
class Panel:
    """The Customers whose numbers of an app are added up in the quarter that begins on a day, with their Partners.

    ``partner_of``: by Customer's code; 0 is no Partner. ``resting``: Partners (or ``ALL``) of which nothing is told.
    ``ended``: the day on which it lost a member, since when nothing is; -1 while the panel stands.
    """

    quarter: int
    partner_of: Mapping[int, int]
    resting: frozenset[int] = frozenset()
    ended: int = -1

    @property
    def members(self) -> frozenset[int]:
        """The Customers in it."""
        return frozenset(self.partner_of)

    @property
    def stands(self) -> bool:
        """Whether numbers may be released."""
        return bool(self.partner_of) and ALL not in self.resting and self.ended < 0


def next_panel(before: Panel | None, quarter: int, willing: Mapping[int, int], sizes: Mapping[int, int]) -> Panel:
    """The panel of a new quarter. ``willing``: who may be in it, with its Partner; ``sizes``: how large each is lately.

    Newcomers wait until enough come together. After a quarter of which nothing was told the panel begins anew.
    """
    able = {customer: partner for customer, partner in willing.items() if sizes.get(customer, 0) > 0}
    if before is None or not before.partner_of or ALL in before.resting:
        return Panel(quarter, able)
    # One that changes its Partner leaves and comes.
    kept = {customer: partner for customer, partner in before.partner_of.items() if able.get(customer) == partner}
    gone = {c: partner for c, partner in before.partner_of.items() if c not in kept}
    if gone and not _hide_each_other(gone, sizes):
        return Panel(quarter, {}, frozenset({ALL}))
    resting = {partner for partner in gone.values() if partner and not _hide_each_other(_of(gone, partner), sizes)}
    come = {customer: partner for customer, partner in able.items() if customer not in before.partner_of}
    come = {c: p for c, p in come.items() if p in before.resting or _hide_each_other(_of(come, p), sizes)}
    if come and not _hide_each_other(come, sizes):
        come = {}
    return Panel(quarter, {**kept, **come}, frozenset(resting))


def without(panel: Panel, willing: Mapping[int, int], today: int) -> Panel:
    """The panel as it stands once some may be in it no more: it ends with the day on which that is seen."""
    if panel.ended < 0 and any(willing.get(customer) != partner for customer, partner in panel.partner_of.items()):
        return replace(panel, ended=today)
    return panel


def _of(customers: Mapping[int, int], partner: int) -> Collection[int]:
    return [customer for customer, found in customers.items() if found == partner]


def _hide_each_other(customers: Iterable[int], sizes: Mapping[int, int]) -> bool:
    return is_safe({customer: sizes.get(customer, 0) for customer in customers}, LEAST_CHANGING)
