"""Numbers with their noise in: all that is kept of a view, also where nothing of it is shown. Pure.

They are safe to keep and to add up: everything made of them costs nothing more. What of them is *shown* is
decided when they are told (``told.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

from headcount_wire.catalog import TOTAL
from headcount_wire.dimensions import Dimension, values_of
from headcount_wire.facts import WHOLE

from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.released import Statistic


class Place(NamedTuple):
    """Where in a view a number stands."""

    label: int
    slot: int
    value1: str
    value2: str


WHOLE_PLACE = Place(WHOLE, 0, "", "")


@dataclass(frozen=True, slots=True)
class Domain:
    """The closed list of places of a view: every label with every slot and every value."""

    labels: tuple[int, ...] = (WHOLE,)
    slots: tuple[int, ...] = (0,)
    firsts: tuple[str, ...] = ("",)
    seconds: tuple[str, ...] = ("",)

    def places(self) -> Iterator[Place]:
        """All of them, in order."""
        return map(Place._make, product(self.labels, self.slots, self.firsts, self.seconds))

    def __len__(self) -> int:
        return len(self.labels) * len(self.slots) * len(self.firsts) * len(self.seconds)


@dataclass(frozen=True)
class Noisy:
    """One view of one period, or the sum of several. ``variance``: of the noise in each number.

    ``change``: the most one device can change it by. ``days`` were added up, of a period of
    ``last - first + 1``; ``values`` stand in the order of the domain's places.
    """

    statistic: Statistic
    kind: PeriodKind
    first: int
    last: int
    measure: int
    breakdown: int
    domain: Domain
    values: Sequence[int]
    variance: int
    change: int
    days: int

    @property
    def name(self) -> tuple[Statistic, int, int, bool, bool]:
        """What tells it from the other views of a period."""
        apart = self.domain.labels != (WHOLE,), self.domain.slots != (0,)
        return self.statistic, self.measure, self.breakdown, *apart

    def at(self) -> dict[Place, int]:
        """Its numbers by place."""
        return dict(zip(self.domain.places(), self.values, strict=True))

    @property
    def plain(self) -> dict[str, Any]:
        """As it stands in a sealed file."""
        return {
            "statistic": self.statistic,
            "kind": self.kind,
            "first": self.first,
            "last": self.last,
            "measure": self.measure,
            "breakdown": self.breakdown,
            "labels": self.domain.labels,
            "slots": self.domain.slots,
            "firsts": self.domain.firsts,
            "seconds": self.domain.seconds,
            "values": self.values,
            "variance": self.variance,
            "change": self.change,
            "days": self.days,
        }


def noisy_of(plain: Mapping[str, Any]) -> Noisy:
    """What ``plain`` made."""
    domain = Domain(tuple(plain["labels"]), tuple(plain["slots"]), tuple(plain["firsts"]), tuple(plain["seconds"]))
    return Noisy(
        Statistic(plain["statistic"]),
        PeriodKind(plain["kind"]),
        plain["first"],
        plain["last"],
        plain["measure"],
        plain["breakdown"],
        domain,
        plain["values"],
        plain["variance"],
        plain["change"],
        plain["days"],
    )


def added(kind: PeriodKind, first: int, last: int, parts: Iterable[Noisy]) -> list[Noisy]:
    """The sums of a period, view by view, of what was told of the days in it.

    A place that a part has not (a version nobody reported then) adds nothing to it.
    """
    by_name: dict[object, list[Noisy]] = {}
    for part in parts:
        by_name.setdefault(part.name, []).append(part)
    found = []
    for mine in by_name.values():
        one = mine[0]
        domain = one.domain if all(part.domain == one.domain for part in mine) else _united(mine)
        if all(part.domain == domain for part in mine):
            values = [sum(column) for column in zip(*(part.values for part in mine), strict=True)]
        else:
            tables = [part.at() for part in mine]
            values = [sum(table.get(place, 0) for table in tables) for place in domain.places()]
        found.append(
            Noisy(
                one.statistic,
                kind,
                first,
                last,
                one.measure,
                one.breakdown,
                domain,
                values,
                sum(part.variance for part in mine),
                max(part.change for part in mine),
                sum(part.days for part in mine),
            )
        )
    return found


def _united(parts: Iterable[Noisy]) -> Domain:
    domains = [part.domain for part in parts]
    return Domain(
        tuple(sorted({label for domain in domains for label in domain.labels})),
        tuple(sorted({slot for domain in domains for slot in domain.slots})),
        tuple(sorted({value for domain in domains for value in domain.firsts})),
        tuple(sorted({value for domain in domains for value in domain.seconds})),
    )


def open_dimensions(breakdown: int) -> bool:
    """Whether a cut's values are not a closed list: then a value's very name could tell of one device."""
    return breakdown != TOTAL and any(values_of(Dimension(code)) is None for code in divmod(breakdown, 8) if code)
