"""The catalog: the one declared list of what an app may count, and how it may be cut.

``docs/catalog.md`` explains the file, ``headcount_wire.catalog_file`` reads it. Everything an SDK, an
edge and an aggregator know about a measure comes from here: its code on the wire, its purpose, its
labels, its daily cap, its breakdowns. A code is never used again for something else, and label values
are only appended: ``headcount catalog diff`` checks both.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

from headcount_wire.dimensions import Dimension
from headcount_wire.facts import FACT_RULES, FACTS_OF_KIND, FIRST_LABEL, OTHER, WHOLE, Fact, Kind
from headcount_wire.record import Record

CADENCES = ("daily", "hourly")


class Breakdown(NamedTuple):
    """One or two dimensions a measure may be cut by; ``code`` is stable across catalogs."""

    first: Dimension
    second: Dimension | None = None

    @property
    def code(self) -> int:
        """A small integer that means the same in every catalog; 0 is the total."""
        return self.first * 8 + (self.second or 0)

    @property
    def name(self) -> str:
        """As it is written in a catalog: ``os`` or ``os x app_version``."""
        return self.first.field if self.second is None else f"{self.first.field} x {self.second.field}"

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        """The one or two dimensions."""
        return (self.first,) if self.second is None else (self.first, self.second)


TOTAL = 0
"""The breakdown code of a total."""


class Purpose(NamedTuple):
    """What the user says yes or no to; ``sentence`` by language, with ``en`` always there."""

    name: str
    sentence: Mapping[str, str]


class Label(NamedTuple):
    """The one label of a measure: its key, and its closed list of values."""

    key: str
    values: tuple[str, ...]

    def code_of(self, value: str) -> int:
        """The code of a value, or that of ``other``."""
        try:
            return FIRST_LABEL + self.values.index(value)
        except ValueError:
            return OTHER

    def value_of(self, code: int) -> str | None:
        """The value of a code: ``other`` for 1, ``None`` for a code that names nothing."""
        if code == OTHER:
            return "other"
        index = code - FIRST_LABEL
        return self.values[index] if 0 <= index < len(self.values) else None


SESSION_ENDS = Label("end", ("clean", "crashed"))
"""The label that every measure of kind ``crash_free`` has."""


class Step(NamedTuple):
    """One step of a funnel: a measure recorded, under one of its labels or (``WHOLE``) under any."""

    measure: int
    label: int = WHOLE


class Measure(Record, frozen=True, slots=False):
    """Something declared that can be counted.

    ``things``: a quantity of things, and not of people or what people do: it may be told however small it is.
    """

    name: str
    code: int
    kind: Kind
    purpose: str
    description: str
    owner: str
    cap: int
    expires: int | None = None
    unit: str = ""
    label: Label | None = None
    reach: bool = False
    journeys: bool = False
    steps: tuple[Step, ...] = ()
    window_minutes: int = 0
    things: bool = False
    breakdowns: tuple[Breakdown, ...] = ()

    @cached_property
    def facts(self) -> frozenset[Fact]:
        """The facts a tally of this measure may state."""
        facts = FACTS_OF_KIND[self.kind]
        if self.kind is Kind.SCREEN and not self.journeys:
            facts -= {Fact.MOVE}
        return facts | {Fact.GAP} if self.reach else facts

    @cached_property
    def label_codes(self) -> range:
        """The label codes a tally of this measure may carry."""
        return range(OTHER, FIRST_LABEL + len(self.label.values)) if self.label else range(0)

    def allows(self, label: int, fact: int) -> bool:
        """Whether a tally may state this fact under this label code."""
        if fact not in self.facts:
            return False
        rule = FACT_RULES[Fact(fact)]
        if label == WHOLE:
            # Under a label the whole is the labels' sum, except for facts about devices.
            return not self.label or (rule.once and not rule.valued)
        return rule.labelled and label in self.label_codes

    def slots(self, fact: Fact) -> range:
        """The slots a tally of this measure and fact may state."""
        rule = FACT_RULES[fact]
        if fact is Fact.STEP:
            return range(1, len(self.steps) + 1)
        if fact is Fact.MOVE:
            return range(WHOLE, self.label_codes.stop)
        return range(rule.slot_min, rule.slot_max + 1)

    def expired(self, day: int) -> bool:
        """Whether the measure is no longer counted on a day."""
        return self.expires is not None and day > self.expires


class Catalog(Record, frozen=True, slots=False):
    """All that an app may count. ``context`` maps each readable field to its purpose.

    ``instances``: what reports is not a person's device but a Customer's server-side instance, so that
    numbers are of requests, and one instance is enough behind them.
    """

    name: str
    version: int
    cadence: str
    purposes: Mapping[str, Purpose]
    context: Mapping[Dimension, str]
    measures: Mapping[str, Measure]
    file: str = ""
    instances: bool = False

    uncompared = frozenset({"file"})

    @cached_property
    def by_code(self) -> Mapping[int, Measure]:
        """The measures by their code on the wire."""
        return {measure.code: measure for measure in self.measures.values()}

    @cached_property
    def active(self) -> Measure | None:
        """The measure of kind ``active``, if one is declared."""
        return self.only(Kind.ACTIVE)

    def only(self, kind: Kind) -> Measure | None:
        """The measure of a kind that can be declared once, if it is."""
        return next((measure for measure in self.measures.values() if measure.kind is kind), None)
