"""The edge's OpenAPI document: valid, made of the code's own lists, and the file in docs/ is what it says now."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from headcount.command import app as command
from headcount_ingest.openapi import ANYWHERE, OF_THE_POLICY, WITH_RETRY_AFTER, document, text
from headcount_wire import codec, limits
from headcount_wire.dimensions import DIMENSIONS
from headcount_wire.problems import Dropped, Problem
from openapi_spec_validator import validate
from typer.testing import CliRunner

from tests.contracts.test_vectors import BAD, GOOD, LENIENT, body_of, read

FILE = Path(__file__).parents[2] / "docs/openapi-edge.json"
DOCUMENT = document()
OPERATIONS = {
    "report": DOCUMENT["paths"]["/v1/reports/{report_id}"]["post"],
    "policy": DOCUMENT["paths"]["/v1/policy"]["get"],
    "policy_head": DOCUMENT["paths"]["/v1/policy"]["head"],
}


def schema(name: str) -> Any:
    """One of the document's schemas, as a validator that finds the others."""
    root = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    return jsonschema_rs.validator_for(root)


def told(operation: str) -> set[Problem]:
    """The problems that an operation's responses name."""
    responses = OPERATIONS[operation]["responses"].values()
    slugs = {
        slug for response in responses for slug in re.findall(r"^- `([a-z-]+)`", response["description"], re.MULTILINE)
    }
    return {problem for problem in Problem if problem.slug in slugs}


def test_the_file_is_what_the_code_says() -> None:
    """docs/openapi-edge.json is made by ``headcount openapi -o docs/openapi-edge.json``, and is not stale."""
    assert FILE.read_text("utf-8") == text()


def test_the_command_prints_and_writes_it(tmp_path: Path) -> None:
    """``headcount openapi`` prints the document; with -o it writes the same bytes."""
    printed = CliRunner().invoke(command, ["openapi"])
    written = CliRunner().invoke(command, ["openapi", "-o", str(tmp_path / "edge.json")])
    assert (printed.exit_code, written.exit_code) == (0, 0)
    assert printed.stdout_bytes == (tmp_path / "edge.json").read_bytes() == FILE.read_bytes()


def test_the_document_is_valid() -> None:
    """It is OpenAPI 3.1, by the validator of the specification's own schema."""
    validate(DOCUMENT)
    assert DOCUMENT["openapi"] == "3.1.0"


def test_every_list_is_told_whole() -> None:
    """Limits, problems, drop reasons, facts' names, context fields, media types and codings are those of the code."""
    assert set(DOCUMENT["x-limits"]) == {limit.name for limit in limits.LIMITS}
    assert all(f"`{reason}`" in DOCUMENT["info"]["description"] for reason in Dropped)
    assert set(DOCUMENT["components"]["schemas"]) == {"Report", "Accepted", "Policy", *(one.slug for one in Problem)}
    assert set(OPERATIONS["report"]["requestBody"]["content"]) == {codec.JSON, codec.MSGPACK}
    report = DOCUMENT["components"]["schemas"]["Report"]["properties"]
    assert set(report["context"]["properties"]) == set(report["origin"]["properties"]) == set(DIMENSIONS)


def test_every_problem_stands_where_it_can_be_met() -> None:
    """A report meets all problems but those of other addresses; those stand beside the operations."""
    assert told("report") == set(Problem) - ANYWHERE
    assert told("policy") == told("policy_head") == OF_THE_POLICY
    assert set(DOCUMENT["components"]["responses"]) == {problem.slug for problem in ANYWHERE}


@pytest.mark.parametrize("problem", Problem, ids=lambda problem: problem.slug)
def test_a_problem_s_schema_allows_its_answer_alone(problem: Problem) -> None:
    """Each problem's example fits its own schema and no other; its verdict is there for SDKs to read."""
    responses = [*OPERATIONS["report"]["responses"].values(), *DOCUMENT["components"]["responses"].values()]
    contents = [found["content"].get("application/problem+json", {}) for found in responses]
    examples = [content.get("examples", {}) for content in contents]
    (example,) = [found[problem.slug]["value"] for found in examples if problem.slug in found]
    fitting = {other.slug for other in Problem if schema(other.slug).is_valid(example)}
    assert fitting == {problem.slug}
    assert DOCUMENT["components"]["schemas"][problem.slug]["x-verdict"] == problem.verdict


def test_waiting_is_told_where_it_is_asked_for() -> None:
    """Retry-After stands at each status that has a problem with it."""
    with_header = {
        int(status) for status, response in OPERATIONS["report"]["responses"].items() if "headers" in response
    }
    assert with_header == {problem.status for problem in WITH_RETRY_AFTER}


def test_the_examples_are_frozen_vectors() -> None:
    """Each example of a body is the map of a good vector."""
    for media in OPERATIONS["report"]["requestBody"]["content"].values():
        for name, example in media["examples"].items():
            vector = read(next(path for path in GOOD if path.name == f"{name}.json.json"))
            assert example["value"] == vector["decoded"]


@pytest.mark.parametrize("path", [*GOOD, *LENIENT], ids=lambda path: path.stem)
def test_the_schema_allows_every_good_vector(path: Path) -> None:
    """What an edge accepts, the document allows."""
    schema("Report").validate(read(path)["decoded"])


BEYOND_A_SCHEMA = {
    "context_twice": "a key stands twice",
    "created_impossible": "a date that no calendar has",
    "day_twice": "days rise",
    "days_falling": "days rise",
    "exponent": "JSON Schema takes 1e0 for a whole number",
    "key_twice": "a key stands twice",
    "key_twice_escaped": "a key stands twice",
    "purpose_twice": "a key stands twice",
}
"""Bad vectors in JSON that no schema can refuse, each with why; docs/protocol.md has these rules in words."""


def plain_of(path: Path) -> Any:
    """The JSON value in a vector's body; ``None`` where there is none."""
    vector = read(path)
    if vector["content_type"] != codec.JSON:
        return None
    try:
        return json.loads(body_of(vector).decode())
    except (ValueError, RecursionError):
        return None


BAD_VALUES = [path for path in BAD if plain_of(path) is not None]


@pytest.mark.parametrize("path", BAD_VALUES, ids=lambda path: path.stem)
def test_the_schema_refuses_what_a_schema_can(path: Path) -> None:
    """A bad vector that is JSON breaks the schema, unless its fault is one that no schema can state."""
    assert schema("Report").is_valid(plain_of(path)) == (path.stem in BEYOND_A_SCHEMA)


def test_there_are_bad_values() -> None:
    """Most bad vectors are refused by the document alone."""
    assert len(BAD_VALUES) >= 40
    assert {path.stem for path in BAD_VALUES} >= set(BEYOND_A_SCHEMA)
