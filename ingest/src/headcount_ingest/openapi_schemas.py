"""The schemas and examples of the edge's OpenAPI document, made from the types that decode and that answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from headcount_wire import codec, days, limits
from headcount_wire.dimensions import DIMENSIONS, values_of
from headcount_wire.facts import FACT_RULES
from headcount_wire.problems import Problem
from headcount_wire.report import Report, ReportDay, Tally

from headcount_ingest.answers import SHAPE_OF, AcceptedAnswer, PolicyAnswer, ProblemAnswer
from headcount_ingest.body import Body

Plain = dict[str, Any]

SHAPES: dict[str, type[msgspec.Struct]] = {"Report": Body, "Accepted": AcceptedAnswer, "Policy": PolicyAnswer}
"""The schemas besides the problems, each with the type it is made from."""

_DAY = days.parse("2024-10-03")
_EXAMPLES = {
    "context": Report(
        sdk="python/0.1.0",
        catalog=3,
        policy=2,
        created=_DAY + 1,
        purposes={"usage": 2},
        days=(ReportDay(_DAY, (Tally(1, 0, 4, 31, 1),)),),
        context={
            "app_version": "3.1",
            "device_class": "phone",
            "language": "de",
            "os": "ios",
            "os_version": "17",
            "time_zone": "Europe/Berlin",
        },
    ),
    "several_days": Report(
        sdk="python/0.1.0",
        catalog=3,
        policy=2,
        created=_DAY + 1,
        purposes={"usage": 2},
        days=(
            ReportDay(_DAY - 29, (Tally(2, 2, 1, 0, 7), Tally(2, 0, 2, 0, 1))),
            ReportDay(_DAY, (Tally(1, 0, 4, 29, 1),)),
        ),
    ),
}
"""Reports of the frozen good vectors, by the vector's name."""


_MORE: Mapping[Problem, Plain] = {
    Problem.REGION: {"region": "us", "address": "https://us.example"},
    Problem.NOT_OWNER: {"address": "https://b.edge.example"},
}


def ref(name: str) -> Plain:
    """A reference to one of the document's schemas."""
    return {"$ref": f"#/components/schemas/{name}"}


def examples() -> Plain:
    """The example reports, as OpenAPI writes examples."""
    return {name: {"value": codec.to_plain(report)} for name, report in _EXAMPLES.items()}


def problem_example(problem: Problem) -> Plain:
    """What an edge answers for a problem."""
    return _said(problem) | _MORE.get(problem, {})


def schemas() -> Plain:
    """Every schema by its name: the report, the answers, and each problem."""
    found = {name: {**_component(shape), "title": name} for name, shape in SHAPES.items()}
    _tell_report(found["Report"]["properties"])
    found["Policy"]["properties"]["context"]["items"] = {"enum": list(DIMENSIONS)}
    return found | {problem.slug: _of_problem(problem) for problem in Problem}


def _said(problem: Problem) -> Plain:
    return {"type": problem.uri, "title": problem.sentence, "status": problem.status}


def _of_problem(problem: Problem) -> Plain:
    schema = _component(SHAPE_OF.get(problem, ProblemAnswer))
    schema["properties"] |= {name: {"const": value} for name, value in _said(problem).items()}
    told = {"title": problem.slug, "description": problem.sentence, "x-verdict": problem.verdict.value}
    return schema | told


def _tell_report(fields: Plain) -> None:
    """Say of each field what it is, and which context fields there are."""
    for name in ("context", "origin"):
        value = fields[name].pop("additionalProperties")
        del fields[name]["maxProperties"]
        fields[name]["properties"] = {field: {**value, "description": _values(field)} for field in DIMENSIONS}
        fields[name]["additionalProperties"] = False
    day = fields["days"]["items"]
    date, lines = day["prefixItems"]
    tally = lines["items"]
    measure, label, fact, slot, n = tally["prefixItems"]
    for schema, sentence in (
        (fields["catalog"], "Version of the catalog the tallies are coded by."),
        (fields["context"], "The granted context fields; absent when there are none."),
        (fields["created"], "UTC day the report was sealed."),
        (fields["days"], f"Each local day once, rising; at most {limits.TALLIES_PER_REPORT:,} tallies in all."),
        (fields["origin"], "The context fields as they were at first use; absent when they are the same."),
        (fields["policy"], "Version of the policy the device knows."),
        (fields["purposes"], "Each granted purpose with the policy version it was granted under."),
        (fields["sdk"], "Name and version of the SDK."),
        (day, "A local day and its tallies."),
        (date, "The local day."),
        (tally, "A tally: measure, label, fact, slot, n."),
        (measure, "The measure's code in the catalog."),
        (label, "0: the measure as a whole; 1: other; 2 and up: the declared values in their order."),
        (fact, "One of: " + ", ".join(f"{code.value} {code.name.lower()}" for code in FACT_RULES) + "."),
        (slot, "What the fact says it is."),
        (n, "How many; 1 for a fact that goes once a day."),
    ):
        schema["description"] = sentence
    fields["created"]["format"] = date["format"] = "date"


def _values(field: str) -> str:
    closed = values_of(DIMENSIONS[field])
    if closed is None:
        return "Numbers joined by dots, then perhaps -alpha, -beta, -rc or -dev and a number; anything else is 'other'."
    shown = sorted(closed) if len(closed) <= 10 else [*sorted(closed)[:3], "..."]
    return f"One of {', '.join(shown)}; anything else is 'other'."


def _component(shape: type[msgspec.Struct]) -> Plain:
    """A type's schema, its patterns as JSON Schema (ECMA-262) writes them."""
    _, components = msgspec.json.schema_components([shape])
    found: Plain = _ecma(components[shape.__name__])
    return found


def _ecma(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {
            key: value.replace(r"\A", "^").replace(r"\Z", "$") if key == "pattern" else _ecma(value)
            for key, value in schema.items()
        }
    return [_ecma(item) for item in schema] if isinstance(schema, list) else schema
