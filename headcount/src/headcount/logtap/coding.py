"""How requests stand in a catalog: the catalog that a declaration needs, and its codes.

Each route class has a counter, ``requests.<class>``, and, where the log carries a latency, a timing,
``latency.<class>``; the label of both is method and status class. That needs no fact of its own on the wire.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from headcount_wire import limits
from headcount_wire.catalog import Catalog, Measure
from headcount_wire.catalog_file import parse_catalog
from headcount_wire.facts import Kind

from headcount.catalog_diff import changes
from headcount.logtap.declaration import Declaration
from headcount.logtap.labels import ANSWER

REQUESTS, LATENCY = "requests", "latency"
_KINDS = {REQUESTS: Kind.COUNTER, LATENCY: Kind.TIMING}
_SENTENCES = {
    REQUESTS: "Requests to {name}, by method and status class.",
    LATENCY: "How long answers to {name} took, by method and status class.",
}


class CatalogRefused(Exception):
    """The catalog cannot follow the declaration; the text says why and what to do."""


@dataclass(frozen=True)
class Coding:
    """The measures of each route class, by its number; ``latency`` is empty where the log carries none."""

    version: int
    requests: tuple[Measure, ...]
    latency: tuple[Measure, ...]

    @property
    def by_code(self) -> dict[int, Measure]:
        """The measures by their code."""
        return {measure.code: measure for measure in (*self.requests, *self.latency)}


def coding_of(declaration: Declaration, catalog: Catalog) -> Coding:
    """The codes of what is declared; raises ``CatalogRefused`` where the catalog is not the declaration's."""
    if parse_catalog(catalog_text(declaration, catalog)).version != catalog.version:
        raise CatalogRefused(f"{declaration.catalog} is not what the routes need now. Run: headcount logtap catalog")
    names = declaration.class_names
    latency = names if declaration.format.measured else ()
    return Coding(
        catalog.version,
        tuple(catalog.measures[f"{REQUESTS}.{name}"] for name in names),
        tuple(catalog.measures[f"{LATENCY}.{name}"] for name in latency),
    )


def catalog_text(declaration: Declaration, before: Catalog | None = None) -> str:
    """The catalog's TOML text; raises ``CatalogRefused`` and ``CatalogError``.

    What the catalog ``before`` declares keeps its code and is never taken out; the version rises with each change.
    """
    if before is not None and not _is_ours(declaration, before):
        raise CatalogRefused(f"{declaration.catalog} is the catalog of something else; name a file of its own.")
    measures = {} if before is None else dict(before.measures)
    code = max((measure.code for measure in measures.values()), default=0)
    for what in (REQUESTS, LATENCY) if declaration.format.measured else (REQUESTS,):
        for name in declaration.class_names:
            known = measures.get(f"{what}.{name}")
            if known is None:
                code += 1
            measures[f"{what}.{name}"] = _measure(declaration, what, name, known.code if known else code)
    purposes = {declaration.purpose, *(measure.purpose for measure in measures.values())}
    text = _text(declaration, 1 if before is None else before.version, sorted(purposes), list(measures.values()))
    after = parse_catalog(text)
    if before is None or _declares(after) == _declares(before):
        return text
    text = _text(declaration, before.version + 1, sorted(purposes), list(measures.values()))
    if broken := [change for change in changes(before, parse_catalog(text)) if change.breaks]:
        why = f"{broken[0].place} {broken[0].sentence}"
        raise CatalogRefused(f"{declaration.catalog} cannot follow: {why}. Give these logs another name and catalog.")
    return text


def _is_ours(declaration: Declaration, catalog: Catalog) -> bool:
    return catalog.name == declaration.name and all(
        measure.kind is _KINDS.get(name.partition(".")[0]) and measure.label == ANSWER
        for name, measure in catalog.measures.items()
    )


def _declares(catalog: Catalog) -> tuple[object, ...]:
    return catalog.measures, catalog.purposes, catalog.cadence, catalog.instances


def _measure(declaration: Declaration, what: str, name: str, code: int) -> Measure:
    return Measure(
        name=f"{what}.{name}",
        code=code,
        kind=_KINDS[what],
        purpose=declaration.purpose,
        description=_SENTENCES[what].format(name=name),
        owner=declaration.owner,
        cap=limits.CAP_MAX,
        label=ANSWER,
    )


def _text(declaration: Declaration, version: int, purposes: list[str], measures: list[Measure]) -> str:
    lines = [
        "# Written by headcount logtap catalog: change the routes, not this file, and run it again.",
        "[catalog]",
        f"name = {json.dumps(declaration.name)}",
        f"version = {version}",
        'cadence = "hourly"',
        "instances = true",
    ]
    for purpose in purposes:
        lines += [
            "",
            f"[purposes.{purpose}]",
            'sentence.en = "Count requests to our servers, by kind of route, answer and time taken."',
            'sentence.de = "Anfragen an unsere Server zählen, nach Art des Weges, der Antwort und der Dauer."',
        ]
    values = ", ".join(json.dumps(value) for value in ANSWER.values)
    for measure in sorted(measures, key=lambda measure: measure.code):
        lines += [
            "",
            f"[measures.{json.dumps(measure.name)}]",
            f"code = {measure.code}",
            f"kind = {json.dumps(measure.kind)}",
            f"purpose = {json.dumps(measure.purpose)}",
            f"description = {json.dumps(measure.description, ensure_ascii=False)}",
            f"owner = {json.dumps(measure.owner, ensure_ascii=False)}",
            f"cap = {measure.cap}",
            f"label = {{ key = {json.dumps(ANSWER.key)}, values = [{values}] }}",
        ]
    return "\n".join((*lines, ""))
