"""What one catalog admits, prepared so that admitting a tally is one look-up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from headcount_wire.catalog import Catalog, Measure
from headcount_wire.dimensions import Dimension
from headcount_wire.facts import FACT_RULES, Fact

from headcount_ingest.decode import Line

ONE_SLOT = frozenset({Fact.GAP, Fact.AGE, Fact.WEEK_AGE, Fact.STEP, Fact.VALUE})
"""Once-a-day facts of which a device-day has one slot; each slot of the others is a fact of its own."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The bounds of one (measure, label, fact): slots from ``least`` to ``most``, ``n`` up to ``cap``.

    What is said once a day may be ``n`` at once; the rest of a day's tallies share the cap, labels and slots alike.
    """

    shares: tuple[int, int]
    purpose: str
    expires: int | None
    least: int
    most: int
    cap: int
    once: bool


@dataclass(frozen=True)
class Admission:
    """A catalog's rules.

    ``whole``: the purpose of each tally that is admissible as it stands, all five numbers of it.
    ``rules``: by (measure, label, fact), for every tally whose slot or ``n`` has to be looked at.
    ``fields``: each context field with its purpose.
    """

    whole: dict[Line, str]
    rules: dict[tuple[int, int, int], Rule]
    measures: dict[int, Measure]
    fields: tuple[tuple[str, Dimension, str], ...]


@lru_cache(maxsize=256)
def _admission_of(box: _Box) -> Admission:
    catalog = box.catalog
    whole: dict[Line, str] = {}
    rules: dict[tuple[int, int, int], Rule] = {}
    for measure in catalog.measures.values():
        for label in (0, *measure.label_codes):
            for fact in Fact:
                if not measure.allows(label, fact):
                    continue
                bounds = FACT_RULES[fact]
                slots, once = measure.slots(fact), bounds.once
                cap = 1 if once and not bounds.valued else measure.cap
                rules[measure.code, label, fact] = Rule(
                    (measure.code, fact), measure.purpose, measure.expires, slots[0], slots[-1], cap, once
                )
                if once and fact not in ONE_SLOT and measure.expires is None:
                    for slot in slots:
                        whole[measure.code, label, fact, slot, 1] = measure.purpose
    fields = tuple((dimension.field, dimension, purpose) for dimension, purpose in catalog.context.items())
    return Admission(whole, rules, dict(catalog.by_code), fields)


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
