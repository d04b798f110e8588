"""The table of the organisation file's keys in docs/organisation.md, held to the code that reads the file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from headcount_wire.errors import Finding, OrganisationError
from headcount_wire.organisation import parse_organisation

from tests.wire.test_catalog import GOOD as CATALOG

PAGE = Path(__file__).parents[2] / "docs/organisation.md"
ROW = re.compile(r"^\| `\[+([a-z.*]+)\]+` \| `([a-z_]+)` \| (.+?) \| (.+?) \|$", re.MULTILINE)
ROWS = [(table, key, absent, form) for table, key, absent, form in ROW.findall(PAGE.read_text("utf-8"))]
HEADERS = {
    "operator": "[operator]",
    "partners.*": "[partners.north]",
    "customers.*": "[customers.acme]",
    "customers.*.policy": "[customers.acme.policy]",
    "apps.*": "[apps.meet]",
    "keys": "[[keys]]",
    "readers": "[[readers]]",
}
NOT_IN_A_LIST = {"policy": "{ }", "regions": "{ }", "renewed": "{ }", "agreement_ends": "2030-01-01"}
"""Values of keys that are no text, and are read before they are known."""


def faults(folder: Path, tables: dict[str, str], *, without: str = "") -> list[Finding]:
    """What is wrong with a file that has each table of the page but one, these with some lines."""
    (folder / "catalog.toml").write_text(CATALOG)
    text = "\n".join(f"{header}\n{tables.get(name, '')}" for name, header in HEADERS.items() if name != without)
    with pytest.raises(OrganisationError) as told:
        parse_organisation(text, folder)
    return list(told.value.findings)


def written(table: str, *, but: str = "") -> str:
    """A line for each key of a table that stands on the page; a table below it is one of its own."""
    keys = [key for name, key, _, _ in ROWS if name == table and key not in ("policy", but)]
    return "\n".join(f"{key} = {NOT_IN_A_LIST.get(key, 'false')}" for key in keys)


@pytest.mark.parametrize("table", HEADERS)
def test_the_page_has_every_key_and_no_other(tmp_path: Path, table: str) -> None:
    """A file with each key of the page has no unknown one, and what is known beside an unknown one is on the page."""
    keys = {key for name, key, _, _ in ROWS if name == table}
    known: set[str] = set()
    scopes = ('scope = "own"\n', 'scope = "partner"\n') if table == "readers" else ("",)
    for scope in scopes:
        lines = scope + written(table, but="scope" if scope else "") + "\nunknown = 1\n"
        for found in faults(tmp_path, {table: lines}):
            if found.place.endswith(".unknown"):
                known |= set(re.findall(r"[a-z_]+", found.fault.partition("(known: ")[2]))
    assert known == keys


@pytest.mark.parametrize(("table", "key"), [(table, key) for table, key, _, _ in ROWS])
def test_the_page_says_which_keys_are_required(tmp_path: Path, table: str, key: str) -> None:
    """A key that is required is missed where a table is empty; of every other none is."""
    (absent,) = [absent for *at, absent, _ in ROWS if at == [table, key]]
    scope = absent.removeprefix("required of scope ") if "of scope" in absent else ""
    lines = {table: f'scope = "{scope}"\n' if scope else ""}
    found = faults(tmp_path, lines, without=f"{table}.{key}")
    assert any(one.fault == f"{key} is missing" and _in(one, table) for one in found) is absent.startswith("required")


@pytest.mark.parametrize(
    ("table", "key"), [(table, key) for table, key, _, form in ROWS if "from" in form or "one of" in form]
)
def test_the_page_says_the_bounds(tmp_path: Path, table: str, key: str) -> None:
    """What a key may be is what the fault says of a value that is not."""
    (form,) = [form for *at, _, form in ROWS if at == [table, key]]
    value = "-1" if form.startswith("from") else '"none"'
    said = [one.fault for one in faults(tmp_path, {table: f"{key} = {value}"}) if one.place.endswith(f".{key}")]
    bounds = re.match(r"from \d+ to \d+|one of .+", form)
    assert bounds
    assert any(fault.startswith(f"must be {bounds[0]}") for fault in said)


def _in(found: Finding, table: str) -> bool:
    return found.place.startswith(HEADERS[table].strip("[]"))
