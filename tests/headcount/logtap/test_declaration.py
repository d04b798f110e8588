"""The tap's file, its catalog and its codes."""

from __future__ import annotations

from pathlib import Path

import pytest
from headcount.logtap.coding import CatalogRefused, catalog_text, coding_of
from headcount.logtap.combined import UNIT_OF
from headcount.logtap.declaration import SETTINGS, parse
from headcount.logtap.labels import ANSWER, label_of
from headcount_wire import limits
from headcount_wire.catalog_file import parse_catalog
from headcount_wire.errors import DeclarationError
from headcount_wire.facts import OTHER, Kind

from tests.headcount.logtap.world import DECLARED, declaration

JSON = DECLARED.replace('after = ["request_time"]', 'format = "json"')
FIELDS = '[log.fields]\ntime = "time"\nstatus = "status"\n'


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        (DECLARED.replace("{edge}", "http://edge.example"), ["must be an https:// address"]),
        (DECLARED.replace("request_time", "request"), ["must name what there is"]),
        (DECLARED.replace('["request_time"]', '["skip"]\nlatency = "skip"'), ["a time that stands in after"]),
        (DECLARED.replace('after = ["request_time"]', 'format = "clf"'), ["must be one of combined, json"]),
        (DECLARED.replace("[log]", "[log]\nfields = 1"), ["is not known here"]),
        (DECLARED.replace("name =", "nam ="), ["name is missing", "is not known here"]),
        (JSON, ["fields is missing", "must name time and status"]),
        (JSON + FIELDS, ["either request or both"]),
        (JSON + FIELDS + 'method = "m"\n', ["both method and path"]),
        (JSON + FIELDS + 'request = "r"\nlatency = "r.x"\n', ["another one lies within"]),
        (JSON.replace("[log]", '[log]\nlatency_unit = "h"') + FIELDS + 'request = "r"\n', ["must be one of s, ms"]),
        (JSON.replace("[log]", '[log]\ntime_zone = "Mars"') + FIELDS + 'request = "r"\n', ["no time zone"]),
        (JSON.replace("[log]", '[log]\ntime_zone = "../x"') + FIELDS + 'request = "r"\n', ["time zone's name"]),
    ],
)
def test_every_fault_of_the_file_is_said(text: str, faults: list[str]) -> None:
    """A wrong, missing, unknown or contradictory setting is a fault with its line, all of them at once."""
    with pytest.raises(DeclarationError) as caught:
        declaration(Path("/x"), text=text)
    said = [finding.fault for finding in caught.value.findings]
    assert len(said) == len(faults), said
    for fault in faults:
        assert any(fault in one for one in said), said


def test_the_example_is_sound_and_uses_known_settings() -> None:
    """The example that the command prints is read as it is, and each of its keys is in the list of settings."""
    from importlib.resources import files

    text = files("headcount.logtap").joinpath("example.toml").read_text("utf-8")
    found = parse(text, Path("/etc/headcount/logtap.toml"))
    assert found.state == Path("/etc/headcount/logtap-state")
    assert found.format.latency == "request_time"
    assert found.class_names == ("other", "avatar", "join", "api", "static")
    table = ""
    for line in text.splitlines():
        key = line.partition("=")[0].strip()
        if line.startswith("["):
            table = key.partition("]")[0].strip("[")
        elif key and not key.startswith("#"):
            assert f"{table}.{key}" in SETTINGS


def test_the_list_of_settings_is_what_the_file_may_hold() -> None:
    """What the reader of the file says it knows, table by table, is the list of settings."""
    known: set[str] = set()
    for text in (DECLARED, JSON + FIELDS + 'request = "r"\n'):
        for table in ("logtap", "log", "routes"):
            mark = "[[routes]]" if table == "routes" else f"[{table}]"
            with pytest.raises(DeclarationError) as caught:
                declaration(Path("/x"), text=text.replace(mark, f"{mark}\nmisspelt = 1", 1))
            (finding,) = caught.value.findings
            said = finding.fault.partition("(known: ")[2].removesuffix(")").split(", ")
            known |= {f"{table}.{name}" for name in said}
    assert known == set(SETTINGS)


def test_the_catalog_counts_requests_and_their_latency(tmp_path: Path) -> None:
    """A counter and a timing for each class, 40 label values, the largest cap, one purpose; without times no timing."""
    declared = declaration(tmp_path)
    catalog = parse_catalog(catalog_text(declared))
    assert {name: m.kind for name, m in catalog.measures.items()} == {
        f"{what}.{name}": kind
        for what, kind in (("requests", Kind.COUNTER), ("latency", Kind.TIMING))
        for name in ("other", "avatar", "api", "home")
    }
    assert {(m.label, m.cap, m.purpose) for m in catalog.measures.values()} == {(ANSWER, limits.CAP_MAX, "service")}
    assert len(ANSWER.values) == 40 <= limits.LABELS_PER_MEASURE
    untimed = declaration(tmp_path, text=DECLARED.replace('after = ["request_time"]', ""))
    assert not coding_of(untimed, parse_catalog(catalog_text(untimed))).latency


def test_each_method_and_status_has_its_label() -> None:
    """Every pair of a known or unknown method and a status class has one value; no status has ``other``."""
    found = {
        (method, status): ANSWER.value_of(label_of(method.encode(), str(status).encode()))
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW", "")
        for status in (100, 204, 302, 418, 599)
    }
    assert all(value and value.endswith(f"_{status // 100}xx") for (_, status), value in found.items())
    assert found["GET", 204] == "get_2xx"
    assert found["BREW", 418] == found["", 418] == "other_4xx"
    assert label_of(b"GET", b"000") == label_of(b"GET", b"999") == OTHER
    assert set(found.values()) == set(ANSWER.values)


def test_codes_stay_with_their_names(tmp_path: Path) -> None:
    """Classes may come, go and change places: a code never stands for another class, and the version rises."""
    first = parse_catalog(catalog_text(declaration(tmp_path)))
    assert parse_catalog(catalog_text(declaration(tmp_path), first)) == first, "no change, no new version"
    text = DECLARED.replace('"avatar"', '"picture"').replace(
        "[[routes]]", '[[routes]]\nclass = "new"\npatterns = ["/n"]\n[[routes]]', 1
    )
    changed = declaration(tmp_path, text=text)
    second = parse_catalog(catalog_text(changed, first))
    assert second.version == 2
    assert all(second.measures[name] == measure for name, measure in first.measures.items())
    coding = coding_of(changed, second)
    assert [measure.name for measure in coding.requests] == [
        f"requests.{n}" for n in ("other", "new", "picture", "api", "home")
    ]
    with pytest.raises(CatalogRefused, match="not what the routes need"):
        coding_of(changed, first)
    again = parse_catalog(catalog_text(declaration(tmp_path), second))
    assert again == second, "a class that comes back has the code it had"


def test_a_catalog_of_something_else_is_left_alone(tmp_path: Path) -> None:
    """Another app's catalog, or another purpose for numbers that exist, is refused."""
    first = parse_catalog(catalog_text(declaration(tmp_path)))
    renamed = declaration(tmp_path, text=DECLARED.replace("meet_logs", "other_logs"))
    with pytest.raises(CatalogRefused, match="something else"):
        catalog_text(renamed, first)
    purpose = declaration(tmp_path, text=DECLARED.replace("[log]", 'purpose = "security"\n[log]'))
    with pytest.raises(CatalogRefused, match="purpose"):
        catalog_text(purpose, first)


def test_the_times_have_units() -> None:
    """Each word for a time after the user agent has a unit of which the reader knows the length."""
    from headcount.logtap.reading import MILLISECONDS

    assert set(UNIT_OF.values()) < set(MILLISECONDS)
