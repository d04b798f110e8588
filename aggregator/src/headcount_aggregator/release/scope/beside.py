"""What a view across Customers leaves of another that is told as well: it is held to the same rule. Pure.

New people, and those who did something, are of all people; told beside them they tell of the others, who may be one
Customer's. The ages of a week's people are all of them, and age 0 is its new people, which are told by their days.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.release.dp.noisy import WHOLE_PLACE, Noisy, Place
from headcount_aggregator.release.scope.protection import Contributions
from headcount_aggregator.release.scope.sums import NOTHING, Sum, by_place, standing_out
from headcount_aggregator.released import Number, State, Statistic

OF_A_COHORT = frozenset({Statistic.NEW_PEOPLE, Statistic.RETENTION_WEEK})
"""What only all active people have: by these it is known which measure that is."""

NewTold = Mapping[int, Mapping[Place, Mapping[int, Sum]]]
"""Of new people of a wider period, by breakdown and place, what each Customer has of what is told."""

View = tuple[PeriodKind, int, int, int]
"""Kind and first day of a period, a measure and a breakdown."""


class Beside:
    """All people of the views of one period, by Customer. ``new``: what is told of new ones, where days tell it."""

    def __init__(self, by_customer: Mapping[int, Sequence[Noisy]], new: NewTold) -> None:
        self._new = new
        self._active: int | None = None
        self._people: dict[View, dict[int, Mapping[Place, Sum]]] = {}
        for customer, mine in by_customer.items():
            for one in mine:
                if one.statistic in OF_A_COHORT:
                    self._active = one.measure
                elif one.statistic is Statistic.PEOPLE:
                    self._people.setdefault(_view(one), {})[customer] = by_place(one)

    def rests(self, parts: Mapping[int, Noisy]) -> dict[Place, dict[int, Sum]]:
        """By place, what each Customer has of the people around a view who are not in it, or are not new."""
        one = next(iter(parts.values()))
        if self._active is None or one.statistic not in (Statistic.PEOPLE, Statistic.NEW_PEOPLE):
            return {}
        if one.statistic is Statistic.PEOPLE and one.measure == self._active:
            new = self._new.get(one.breakdown, {})
            return {place: self._less(self._people[_view(one)], place, of) for place, of in new.items()}
        around = self._people.get((one.kind, one.first, self._active, one.breakdown), {})
        mine = {customer: by_place(noisy) for customer, noisy in parts.items()}
        places = {place for at in mine.values() for place in at}
        return {p: self._less(around, p, {c: at.get(p, NOTHING) for c, at in mine.items()}) for p in places}

    def untold_age(self, ages: Mapping[int, Noisy]) -> Contributions:
        """What each Customer has of a week's new people beside what is told of them by their days."""
        told = self._new.get(0, {}).get(WHOLE_PLACE, {})
        first = WHOLE_PLACE
        return standing_out({c: by_place(one).get(first, NOTHING) - told.get(c, NOTHING) for c, one in ages.items()})

    def _less(self, around: Mapping[int, Mapping[Place, Sum]], place: Place, part: Mapping[int, Sum]) -> dict[int, Sum]:
        return {c: at.get(place, NOTHING) - part.get(c, NOTHING) for c, at in around.items()}


def later_ages(ages: Mapping[int, Noisy]) -> dict[int, Noisy]:
    """The ages of a week's people without age 0."""
    found = {}
    for customer, one in ages.items():
        kept = {place: n for place, n in one.at().items() if place.slot}
        domain = replace(one.domain, slots=tuple(slot for slot in one.domain.slots if slot))
        found[customer] = replace(one, domain=domain, values=[kept[place] for place in domain.places()])
    return found


def cohort(numbers: Iterable[Number]) -> list[Number]:
    """Age 0: the week's new people, said in the same words, where all their days are told."""
    found = []
    for n in numbers:
        if n.statistic is Statistic.NEW_PEOPLE and not n.breakdown:
            age = replace(n, statistic=Statistic.RETENTION_WEEK)
            if n.value is not None and n.left_out:
                age = replace(age, state=State.FEW_CUSTOMERS, value=None, low=None, high=None, left_out=0)
            found.append(age)
    return found


def _view(one: Noisy) -> View:
    return one.kind, one.first, one.measure, one.breakdown
