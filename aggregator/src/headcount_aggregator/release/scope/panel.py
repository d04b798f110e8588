"""Whose numbers are added up: a panel of Customers, frozen for a calendar quarter. Pure.

A Customer that comes or goes shows in a difference of two sums. So the panel changes between quarters only, and by sets
of Customers that are safe together. Who has taken back the leave to be in it is in no later sum, at
once: a panel that loses a member ends for the quarter, and one that would lose too few to hide them rests for one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from headcount_aggregator.release.scope.protection import LEAST_CHANGING, is_safe


@dataclass(frozen=True, slots=True)
class Panel:
    """The Customers of a scope and app in the quarter that begins on a day (``quarter``), by code.

    ``ended``: the day from which nothing more is released of it, -1 while it stands. A resting panel has no member.
    """

    quarter: int
    members: frozenset[int]
    ended: int = -1

    def stands_on(self, day: int) -> bool:
        """Whether numbers of a day may be released."""
        return bool(self.members) and (self.ended < 0 or day < self.ended)


def next_panel(before: Panel | None, quarter: int, willing: Collection[int], sizes: Mapping[int, int]) -> Panel:
    """The panel of a new quarter. ``willing``: who may be in it; ``sizes``: how large each Customer is lately.

    Newcomers wait until enough come together. Where those who leave are too few to hide each other, nothing is
    released for a quarter, and the panel after it is a new one.
    """
    able = frozenset(customer for customer in willing if sizes.get(customer, 0) > 0)
    if before is None or not before.members or before.ended >= 0:
        return Panel(quarter, able)
    gone = before.members - able
    if gone and not _hide_each_other(gone, sizes):
        return Panel(quarter, frozenset())
    come = able - before.members
    kept = before.members - gone
    return Panel(quarter, kept | come if come and _hide_each_other(come, sizes) else kept)


def without(panel: Panel, willing: Collection[int], today: int) -> Panel:
    """The panel as it stands once some may be in it no more: it ends with the day on which that is seen."""
    if panel.ended < 0 and panel.members - set(willing):
        return replace(panel, ended=today)
    return panel


def _hide_each_other(customers: Collection[int], sizes: Mapping[int, int]) -> bool:
    return is_safe({customer: sizes.get(customer, 0) for customer in customers}, LEAST_CHANGING)
