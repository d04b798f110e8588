"""The catalog: the one declared list of what an app may count, and how it may be cut.

``docs/catalog.md`` explains the file. Everything an SDK, an edge and an aggregator know about a
measure comes from here: its code on the wire, its purpose, its labels, its daily cap, its
breakdowns. A code is never used again for something else, and label values are only appended:
``headcount catalog diff`` checks both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from headcount_wire import limits
from headcount_wire.declared import Declared, Faults, read_toml
from headcount_wire.detectors import finds_identifier, finds_reserved_name
from headcount_wire.dimensions import DIMENSIONS, Dimension
from headcount_wire.errors import CatalogError
from headcount_wire.facts import FACT_RULES, FACTS_OF_KIND, FIRST_LABEL, OTHER, WHOLE, Fact, Kind

CADENCES = ("daily", "hourly")
_MEASURE = r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){0,3}"
_MEASURE_FORM = "lower-case words joined by dots, such as meeting.joined"
_WORD = r"[a-z][a-z0-9_]*"
_WORD_FORM = "a lower-case word of letters, digits and _"


@dataclass(frozen=True, slots=True, order=True)
class Breakdown:
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


@dataclass(frozen=True, slots=True)
class Purpose:
    """What the user says yes or no to; ``sentence`` by language, with ``en`` always there."""

    name: str
    sentence: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Label:
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


@dataclass(frozen=True)
class Measure:
    """Something declared that can be counted."""

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
    breakdowns: tuple[Breakdown, ...] = ()

    @cached_property
    def facts(self) -> frozenset[Fact]:
        """The facts a tally of this measure may state."""
        facts = FACTS_OF_KIND[self.kind]
        return facts | {Fact.GAP} if self.reach else facts

    @cached_property
    def label_codes(self) -> range:
        """The label codes a tally of this measure may carry."""
        return range(OTHER, FIRST_LABEL + len(self.label.values)) if self.label else range(0)

    def allows(self, label: int, fact: int) -> bool:
        """Whether a tally may state this fact under this label code."""
        if fact not in self.facts:
            return False
        if label == WHOLE:
            # Under a label the whole is the labels' sum, except for facts about devices.
            return not (self.label and fact in (Fact.COUNT, Fact.BUCKET))
        return FACT_RULES[Fact(fact)].labelled and label in self.label_codes

    def expired(self, day: int) -> bool:
        """Whether the measure is no longer counted on a day."""
        return self.expires is not None and day > self.expires


@dataclass(frozen=True)
class Catalog:
    """All that an app may count. ``context`` maps each readable field to its purpose."""

    name: str
    version: int
    cadence: str
    purposes: Mapping[str, Purpose]
    context: Mapping[Dimension, str]
    measures: Mapping[str, Measure]
    file: str = field(default="", compare=False)

    @cached_property
    def by_code(self) -> Mapping[int, Measure]:
        """The measures by their code on the wire."""
        return {measure.code: measure for measure in self.measures.values()}

    @cached_property
    def active(self) -> Measure | None:
        """The measure of kind ``active``, if one is declared."""
        return next((measure for measure in self.measures.values() if measure.kind is Kind.ACTIVE), None)


def parse_catalog(text: str, file: str = "catalog.toml") -> Catalog:
    """The catalog in a TOML text; raises ``CatalogError`` with every fault and its line."""
    root = read_toml(text, file, CatalogError)
    head = root.table("catalog")
    name = head.text("name", pattern=_WORD, form=_WORD_FORM)
    version = head.integer("version", 1, limits.VERSION_MAX)
    cadence = head.text("cadence", "daily")
    if cadence not in CADENCES:
        head.fault(f"must be one of {', '.join(CADENCES)}", "cadence")
    head.close()
    purposes = {name: _purpose(name, table) for name, table in root.tables("purposes")}
    if not 1 <= len(purposes) <= limits.PURPOSES_PER_REPORT:
        root.fault(f"must declare 1 to {limits.PURPOSES_PER_REPORT} purposes", "purposes")
    context = _context(root.table("context", optional=True), purposes)
    measures = {name: _measure(name, table, purposes, context) for name, table in root.tables("measures")}
    if not 1 <= len(measures) <= limits.MEASURES_PER_CATALOG:
        root.fault(f"must declare 1 to {limits.MEASURES_PER_CATALOG} measures", "measures")
    root.close()
    _across(measures, root.faults)
    if root.faults.findings:
        raise CatalogError(file, sorted(root.faults.findings, key=lambda finding: finding.line))
    return Catalog(name, version, cadence, purposes, context, measures, file)


def _purpose(name: str, table: Declared) -> Purpose:
    _check_word(name, table)
    sentences = table.table("sentence")
    sentence = {language: sentences.text(language) for language in sentences.names()}
    if not sentence.get("en"):
        table.fault("needs a sentence for the user in English: sentence.en")
    table.close()
    return Purpose(name, sentence)


def _context(table: Declared, purposes: Mapping[str, Purpose]) -> dict[Dimension, str]:
    found: dict[Dimension, str] = {}
    for name in table.names():
        purpose = table.text(name)
        if name not in DIMENSIONS:
            table.fault(f"is no context field (there are: {', '.join(DIMENSIONS)})", name)
        elif purpose not in purposes:
            table.fault(f'its purpose "{purpose}" is not declared under [purposes]', name)
        else:
            found[DIMENSIONS[name]] = purpose
    return found


def _measure(name: str, table: Declared, purposes: Mapping[str, Purpose], context: Mapping[Dimension, str]) -> Measure:

    if not re.fullmatch(_MEASURE, name) or len(name) > limits.NAME_CHARACTERS:
        table.fault(f"the name must be {_MEASURE_FORM}, at most {limits.NAME_CHARACTERS} characters")
    _check_harmless(name, table)
    kind_name = table.text("kind")
    if kind_name not in tuple(Kind):
        table.fault(f"must be one of {', '.join(Kind)}", "kind")
        kind_name = Kind.COUNTER
    kind = Kind(kind_name)
    purpose = table.text("purpose")
    if purpose not in purposes:
        table.fault(f'"{purpose}" is not declared under [purposes]', "purpose")
    needs_cap = kind in (Kind.COUNTER, Kind.TIMING, Kind.DISTRIBUTION)
    measure = Measure(
        name=name,
        code=table.integer("code", 1, limits.CODE_MAX),
        kind=kind,
        purpose=purpose,
        description=table.text("description"),
        owner=table.text("owner"),
        cap=table.integer("cap", 1, limits.CAP_MAX) if needs_cap else 1,
        expires=table.day("expires"),
        unit=_unit(kind, table),
        label=_label(kind, table),
        reach=table.boolean("reach", False) if kind is not Kind.ACTIVE else False,
        breakdowns=_breakdowns(table, context),
    )
    table.close()
    return measure


def _unit(kind: Kind, table: Declared) -> str:
    if kind is Kind.TIMING:
        return "ms"
    if kind is Kind.DISTRIBUTION:
        return table.text("unit", pattern=_WORD, form=_WORD_FORM)
    return ""


def _label(kind: Kind, table: Declared) -> Label | None:
    if "label" not in table:
        return None
    if kind is Kind.ACTIVE:
        table.fault("a measure of kind active has no label", "label")
    declared = table.table("label")
    key = declared.text("key", pattern=_WORD, form=_WORD_FORM)
    values = declared.texts("values")
    declared.close()
    if not 1 <= len(values) <= limits.LABELS_PER_MEASURE:
        declared.fault(f"must list 1 to {limits.LABELS_PER_MEASURE} values", "values")
    for value in values:
        _check_word(value, declared, "values")
    if "other" in values:
        declared.fault('"other" is always there and is not declared', "values")
    return Label(key, values)


def _breakdowns(table: Declared, context: Mapping[Dimension, str]) -> tuple[Breakdown, ...]:
    found: list[Breakdown] = []
    for text in table.texts("breakdowns", ()):
        names = text.split(" x ")
        unknown = [name for name in names if name not in DIMENSIONS]
        if unknown or not 1 <= len(names) <= 2 or len(set(names)) != len(names):
            table.fault(f'must name one dimension, or two as "os x app_version": {", ".join(DIMENSIONS)}', "breakdowns")
            continue
        for name in names:
            if DIMENSIONS[name] not in context:
                table.fault(f"{name} is not declared under [context], so no device may read it", "breakdowns")
        found.append(Breakdown(*(DIMENSIONS[name] for name in names)))
    if len(found) > limits.BREAKDOWNS_PER_MEASURE:
        table.fault(f"must list at most {limits.BREAKDOWNS_PER_MEASURE} breakdowns", "breakdowns")
    return tuple(found)


def _across(measures: Mapping[str, Measure], faults: Faults) -> None:
    by_code = sorted(measures.values(), key=lambda measure: measure.code)
    for earlier, later in pairwise(by_code):
        if earlier.code == later.code:
            faults.add(("measures", later.name, "code"), f"{later.code} is already the code of {earlier.name}")
    actives = [measure.name for measure in measures.values() if measure.kind is Kind.ACTIVE]
    for name in actives[1:]:
        faults.add(("measures", name, "kind"), f"only one measure can be of kind active; {actives[0]} is")


def _check_word(word: str, table: Declared, *keys: str) -> None:

    if not re.fullmatch(_WORD, word) or len(word) > limits.NAME_CHARACTERS:
        table.fault(f'"{word}" must be {_WORD_FORM}, at most {limits.NAME_CHARACTERS} characters', *keys)
    _check_harmless(word, table, *keys)


def _check_harmless(name: str, table: Declared, *keys: str) -> None:
    if finds_reserved_name(name):
        table.fault(f'"{name}" promises an identifier, and Headcount counts none', *keys)
    elif kind := finds_identifier(name):
        table.fault(f'"{name}" looks like {kind}, and Headcount counts no identifier', *keys)
