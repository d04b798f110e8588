"""What the app stores are told: it follows from the catalog, and from what the SDK really calls."""

from __future__ import annotations

import ast
import csv
import io
import json
import plistlib
from pathlib import Path
from typing import Any

import pytest
from headcount.command import app
from headcount.store_forms import ACCESSED, HEADER, TYPES_OF_KIND, apple_manifest, play_csv
from headcount_wire.catalog import Catalog
from headcount_wire.catalog_file import parse_catalog
from headcount_wire.facts import Kind
from typer.testing import CliRunner
from xcprivacy.engine import Options, analyze

from tests.headcount.test_catalog_build import EVERYTHING

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "headcount/src/headcount/demo/catalog.toml"
COUNTER = parse_catalog(
    """\
[catalog]
name = "meet"
version = 1
[purposes.usage]
sentence.en = "Count."
[measures."a"]
code = 1
kind = "counter"
purpose = "usage"
description = "A."
owner = "p@x.example"
cap = 1
"""
)
"""A catalog of one counter, which reads no context."""

CALLS = {
    "SystemBootTime": {"time.monotonic", "time.monotonic_ns", "time.perf_counter"},
    "FileTimestamp": {
        "os.stat", "os.fstat", "os.lstat", "os.scandir", "os.path.exists", "os.path.isdir", "os.path.isfile",
        "os.path.getmtime", "os.path.getsize", "os.path.realpath", "os.makedirs",
    },
    "DiskSpace": {"os.statvfs", "os.fstatvfs", "shutil.disk_usage"},
}  # fmt: skip
"""The calls of Python that end in an interface for which Apple asks a reason."""


def collected(catalog: Catalog) -> dict[str, list[str]]:
    """The types of data in the manifest of a catalog, each with what it is used for."""
    prefix = "NSPrivacyCollectedDataType"
    manifest: dict[str, Any] = plistlib.loads(apple_manifest(catalog))
    return {
        entry[prefix].removeprefix(prefix): [use.removeprefix(f"{prefix}Purpose") for use in entry[f"{prefix}Purposes"]]
        for entry in manifest["NSPrivacyCollectedDataTypes"]
    }


def test_the_manifest_follows_the_catalog() -> None:
    """Each kind and any context field make their type of data, and a catalog without them does not."""
    assert collected(COUNTER) == {"ProductInteraction": ["Analytics"]}
    assert collected(parse_catalog(DEMO.read_text("utf-8"))) == {
        "ProductInteraction": ["Analytics"],
        "PerformanceData": ["Analytics", "AppFunctionality"],
        "CrashData": ["Analytics", "AppFunctionality"],
        "OtherDiagnosticData": ["Analytics", "AppFunctionality"],
    }
    crashes = EVERYTHING + '[measures."ends"]\ncode = 99\nkind = "crash_free"\npurpose = "usage"\n'
    crashes += 'description = "Ends."\nowner = "p"\ncap = 9\n'
    assert "CrashData" in collected(parse_catalog(crashes))
    assert set(TYPES_OF_KIND) == set(Kind)


def test_nothing_is_linked_and_nothing_tracks() -> None:
    """Whatever is declared, the manifest says: not linked to a person, not used for tracking, no domain."""
    manifest = plistlib.loads(apple_manifest(parse_catalog(EVERYTHING)))
    assert manifest["NSPrivacyTracking"] is False
    assert manifest["NSPrivacyTrackingDomains"] == []
    for entry in manifest["NSPrivacyCollectedDataTypes"]:
        assert entry["NSPrivacyCollectedDataTypeLinked"] is False
        assert entry["NSPrivacyCollectedDataTypeTracking"] is False


@pytest.mark.parametrize("catalog", [COUNTER, parse_catalog(EVERYTHING)], ids=["counter", "all"])
def test_an_independent_reader_finds_the_manifest_sound(catalog: Catalog, tmp_path: Path) -> None:
    """xcprivacy, which predicts what App Store Connect rejects, finds nothing in it."""
    (tmp_path / "PrivacyInfo.xcprivacy").write_bytes(apple_manifest(catalog))
    result = analyze(tmp_path, Options(scan_source=False, strict=True))
    assert len(result.manifests) == 1
    assert [str(finding) for finding in result.findings] == []
    (tmp_path / "PrivacyInfo.xcprivacy").write_bytes(apple_manifest(catalog).replace(b"35F9.1", b"C617.1"))
    assert analyze(tmp_path, Options(scan_source=False)).error_count == 1


def test_the_reasons_are_those_of_what_the_sdk_calls() -> None:
    """The manifest names the interfaces that the code of sdk and wire uses, no more and no fewer."""
    found: set[str] = set()
    for file in [*ROOT.glob("sdk/src/**/*.py"), *ROOT.glob("wire/src/**/*.py")]:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Attribute):  # called here, or handed on to be called
                found |= {name for name, calls in CALLS.items() if ast.unparse(node) in calls}
    assert found == set(ACCESSED)


def test_play_is_answered_in_its_own_format() -> None:
    """The CSV has Play Console's columns; what is collected is optional, kept, not shared, and for the uses named."""
    rows = list(csv.reader(io.StringIO(play_csv(parse_catalog(DEMO.read_text("utf-8"))))))
    assert tuple(rows[0]) == HEADER
    assert all(len(row) == len(HEADER) and row[3] and row[4] for row in rows)
    answers = {(row[0], row[1]): row[2] for row in rows[1:]}
    assert len(answers) == len(rows) - 1
    assert {response for (question, response), _ in answers.items() if question.startswith("PSL_DATA_TYPES")} == {
        "PSL_USER_INTERACTION",
        "PSL_PERFORMANCE_DIAGNOSTICS",
        "PSL_OTHER_PERFORMANCE",
        "PSL_CRASH_LOGS",
    }
    usage = "PSL_DATA_USAGE_RESPONSES:PSL_USER_INTERACTION:"
    said = {(q.removeprefix(usage), r): value for (q, r), value in answers.items() if q.startswith(usage) and value}
    assert said == {
        ("PSL_DATA_USAGE_COLLECTION_AND_SHARING", "PSL_DATA_USAGE_ONLY_COLLECTED"): "true",
        ("PSL_DATA_USAGE_EPHEMERAL", ""): "false",
        ("DATA_USAGE_USER_CONTROL", "PSL_DATA_USAGE_USER_CONTROL_OPTIONAL"): "true",
        ("DATA_USAGE_COLLECTION_PURPOSE", "PSL_ANALYTICS"): "true",
    }


def test_the_commands_write_both(tmp_path: Path) -> None:
    """apple-manifest writes the file; play-safety prints the CSV, or with --json the same answers as data."""
    file = tmp_path / "Resources" / "PrivacyInfo.xcprivacy"
    done = CliRunner().invoke(app, ["catalog", "apple-manifest", str(DEMO), "-o", str(file)], env={"COLUMNS": "300"})
    assert done.exit_code == 0, done.output
    assert file.read_bytes() == apple_manifest(parse_catalog(DEMO.read_text("utf-8")))
    printed = CliRunner().invoke(app, ["catalog", "play-safety", str(DEMO)], env={"COLUMNS": "40"})
    assert printed.stdout == play_csv(parse_catalog(DEMO.read_text("utf-8")))
    told = json.loads(CliRunner().invoke(app, ["catalog", "play-safety", "--json", str(DEMO)]).stdout)
    assert len(told) == printed.stdout.count("\n") - 1
