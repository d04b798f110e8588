"""Reading a catalog's file, with every fault named and every fault's line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise

from headcount_wire import limits
from headcount_wire.catalog import CADENCES, SESSION_ENDS, Breakdown, Catalog, Label, Measure, Purpose, Step
from headcount_wire.declared import Declared, Faults, read_toml
from headcount_wire.detectors import finds_identifier, finds_reserved_name
from headcount_wire.dimensions import DIMENSIONS, Dimension
from headcount_wire.errors import CatalogError
from headcount_wire.facts import OTHER, WHOLE, Kind

ONLY_ONE = (Kind.ACTIVE, Kind.SCREEN, Kind.SESSION, Kind.CRASH_FREE, Kind.PROBLEM)
"""Kinds of which a catalog declares at most one measure."""

OF_PEOPLE = frozenset({*ONLY_ONE, Kind.FLAG, Kind.FUNNEL})
"""Kinds that a catalog of server-side instances does not declare."""

_CAPPED = frozenset(Kind) - {Kind.ACTIVE, Kind.FLAG, Kind.FUNNEL}
_LABELLED = frozenset({Kind.SCREEN, Kind.PROBLEM})
_UNLABELLED = frozenset({Kind.ACTIVE, Kind.FUNNEL, Kind.SESSION, Kind.CRASH_FREE})
_REACHING = frozenset(Kind) - {Kind.ACTIVE, Kind.FUNNEL, Kind.QUANTITY}
_MEASURE = r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){0,3}"
_MEASURE_FORM = "lower-case words joined by dots, such as meeting.joined"
_WORD = r"[a-z][a-z0-9_]*"
_WORD_FORM = "a lower-case word of letters, digits and _"


def parse_catalog(text: str, file: str = "catalog.toml") -> Catalog:
    """The catalog in a TOML text; raises ``CatalogError`` with every fault and its line."""
    root = read_toml(text, file, CatalogError)
    head = root.table("catalog")
    name = head.text("name", pattern=_WORD, form=_WORD_FORM)
    version = head.integer("version", 1, limits.VERSION_MAX)
    cadence = head.text("cadence", "daily")
    if cadence not in CADENCES:
        head.fault(f"must be one of {', '.join(CADENCES)}", "cadence")
    instances = head.boolean("instances", False)
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
    if instances:
        _without_people(measures, root.faults)
    measures = _with_steps(measures, root)
    if root.faults.findings:
        raise CatalogError(file, sorted(root.faults.findings, key=lambda finding: finding.line))
    return Catalog(name, version, cadence, purposes, context, measures, file, instances)


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
    measure = Measure(
        name=name,
        code=table.integer("code", 1, limits.CODE_MAX),
        kind=kind,
        purpose=purpose,
        description=table.text("description"),
        owner=table.text("owner"),
        cap=table.integer("cap", 1, limits.CAP_MAX) if kind in _CAPPED else 1,
        expires=table.day("expires"),
        unit=_unit(kind, table),
        label=_label(kind, table),
        reach=table.boolean("reach", False) if kind in _REACHING else False,
        journeys=table.boolean("journeys", False) if kind is Kind.SCREEN else False,
        window_minutes=table.integer("window_minutes", 1, limits.FUNNEL_WINDOW_MINUTES) if kind is Kind.FUNNEL else 0,
        things=table.boolean("things", False) if kind is Kind.QUANTITY else False,
        breakdowns=_breakdowns(table, context),
    )
    if kind is Kind.FUNNEL:
        table.texts("steps", ())  # looked up in ``_with_steps``, when every measure is known
    table.close()
    return measure


def _unit(kind: Kind, table: Declared) -> str:
    if kind is Kind.TIMING:
        return "ms"
    if kind is Kind.SESSION:
        return "s"
    if kind in (Kind.DISTRIBUTION, Kind.QUANTITY):
        return table.text("unit", pattern=_WORD, form=_WORD_FORM)
    return ""


def _label(kind: Kind, table: Declared) -> Label | None:
    if kind is Kind.CRASH_FREE:
        return SESSION_ENDS
    if "label" not in table:
        if kind in _LABELLED:
            table.fault(f"a measure of kind {kind} needs a label, such as {_EXAMPLES[kind]}")
        return None
    if kind in _UNLABELLED:
        table.fault(f"a measure of kind {kind} has no label", "label")
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
    for kind in ONLY_ONE:
        first, *others = [measure.name for measure in measures.values() if measure.kind is kind] or [""]
        for name in others:
            faults.add(("measures", name, "kind"), f"only one measure can be of kind {kind}; {first} is")


def _without_people(measures: Mapping[str, Measure], faults: Faults) -> None:
    """Instances are no people: what only people do cannot be counted by them."""
    for measure in measures.values():
        if measure.kind in OF_PEOPLE:
            faults.add(("measures", measure.name, "kind"), f"a server-side instance has no {measure.kind} to report")


def _with_steps(measures: Mapping[str, Measure], root: Declared) -> dict[str, Measure]:
    """The measures, funnels with their steps resolved: a step names a measure declared elsewhere in the file."""
    found = dict(measures)
    for name, table in root.tables("measures"):
        if name in found and found[name].kind is Kind.FUNNEL:
            found[name] = found[name].replaced(steps=_steps(found[name], table, measures))
    return found


def _steps(funnel: Measure, table: Declared, measures: Mapping[str, Measure]) -> tuple[Step, ...]:
    texts = table.texts("steps", ())
    if not 2 <= len(texts) <= limits.STEPS_PER_FUNNEL:
        table.fault(f"must name 2 to {limits.STEPS_PER_FUNNEL} measures, in the order of the steps", "steps")
    steps: list[Step] = []
    for text in texts:
        name, _, value = text.partition("=")
        measure = measures.get(name)
        label = WHOLE if not value else measure.label.code_of(value) if measure and measure.label else OTHER
        if measure is None or measure.kind not in (Kind.COUNTER, Kind.FLAG, Kind.SCREEN, Kind.TIMING):
            table.fault(f'"{name}" is no declared counter, flag, screen or timing', "steps")
        elif label == OTHER:
            table.fault(f'"{value}" is no declared label value of {name}', "steps")
        elif measure.purpose != funnel.purpose:
            table.fault(f"{name} is counted for {measure.purpose}, the funnel for {funnel.purpose}", "steps")
        else:
            steps.append(Step(measure.code, label))
    return tuple(steps)


_EXAMPLES = {
    Kind.SCREEN: '{ key = "screen", values = ["home", "settings"] }',
    Kind.PROBLEM: '{ key = "category", values = ["audio", "video"] }',
}


def _check_word(word: str, table: Declared, *keys: str) -> None:
    if not re.fullmatch(_WORD, word) or len(word) > limits.NAME_CHARACTERS:
        table.fault(f'"{word}" must be {_WORD_FORM}, at most {limits.NAME_CHARACTERS} characters', *keys)
    _check_harmless(word, table, *keys)


def _check_harmless(name: str, table: Declared, *keys: str) -> None:
    if len(name) > limits.NAME_CHARACTERS:  # told already; nobody looks for identifiers in half a megabyte
        return
    if finds_reserved_name(name):
        table.fault(f'"{name}" promises an identifier, and Headcount counts none', *keys)
    elif kind := finds_identifier(name):
        table.fault(f'"{name}" looks like {kind}, and Headcount counts no identifier', *keys)
