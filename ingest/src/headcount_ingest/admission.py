"""What one catalog admits, prepared so that admitting a tally is one look-up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from headcount_wire.catalog import Catalog, Measure
from headcount_wire.dimensions import Dimension
from headcount_wire.facts import FACT_RULES, Fact


@dataclass(frozen=True, slots=True)
class Rule:
    """The bounds of one (measure, label, fact): slots from ``least`` to ``most``, ``n`` up to ``cap``."""

    measure: Measure
    least: int
    most: int
    cap: int
    once: bool


@dataclass(frozen=True)
class Admission:
    """A catalog's rules by (measure, label, fact), and the purpose of each context field."""

    rules: dict[tuple[int, int, int], Rule]
    measures: dict[int, Measure]
    fields: tuple[tuple[Dimension, str], ...]


@lru_cache(maxsize=256)
def _admission_of(box: _Box) -> Admission:
    catalog = box.catalog
    rules: dict[tuple[int, int, int], Rule] = {}
    for measure in catalog.measures.values():
        for label in (0, *measure.label_codes):
            for fact in Fact:
                if measure.allows(label, fact):
                    rule = FACT_RULES[fact]
                    cap = 1 if rule.once else measure.cap
                    rules[measure.code, label, fact] = Rule(measure, rule.slot_min, rule.slot_max, cap, rule.once)
    return Admission(rules, dict(catalog.by_code), tuple(catalog.context.items()))


class _Box:
    """Makes a catalog hashable by identity; the cache keeps it alive, so an identity is never used twice."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog

    def __hash__(self) -> int:
        return id(self.catalog)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Box) and other.catalog is self.catalog


def admission_of(catalog: Catalog) -> Admission:
    """The prepared rules of a catalog."""
    return _admission_of(_Box(catalog))
