"""The documents list what the code lists, and name only what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from headcount.doctor.checks import Check
from headcount.settings import Settings, load_settings
from headcount.store_forms import TYPES_OF_KIND
from headcount.typed_module import stale
from headcount_ingest.metrics import Metrics
from headcount_ingest.readiness import Reason
from headcount_ingest.skew import Skew
from headcount_sdk.transparency import Why
from headcount_wire import limits
from headcount_wire.catalog_file import parse_catalog
from headcount_wire.facts import FACT_RULES
from headcount_wire.organisation import parse_organisation
from headcount_wire.problems import Dropped, Problem

from benchmarks import capacity

ROOT = Path(__file__).parents[2]
DOCS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/README.md")])
ROOT_FILES = {
    "README.md",
    "ARCHITECTURE.md",
    "STYLE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "LICENSE",
    "Makefile",
    "pyproject.toml",
    ".gitignore",
}


def protocol() -> str:
    return (ROOT / "docs/protocol.md").read_text("utf-8")


@pytest.mark.parametrize("problem", Problem, ids=lambda problem: problem.slug)
def test_every_problem_has_its_heading(problem: Problem) -> None:
    """docs/protocol.md has a heading for each problem, with its status and its sentence."""
    section = re.search(rf"^#### `{problem.slug}`\n(.*?)(?=^#|\Z)", protocol(), re.MULTILINE | re.DOTALL)
    assert section, f"docs/protocol.md has no heading for {problem.slug}"
    assert f"{problem.status}" in section.group(1)
    assert problem.sentence in section.group(1)


def test_no_heading_without_a_problem() -> None:
    """docs/protocol.md describes no problem that no edge answers."""
    assert set(re.findall(r"^#### `([a-z-]+)`$", protocol(), re.MULTILINE)) == {problem.slug for problem in Problem}


def test_every_limit_fact_and_reason_stands_in_the_protocol() -> None:
    """The tables of limits, facts and drop reasons in docs/protocol.md are those of the code."""
    text = protocol()
    for limit in limits.LIMITS:
        assert f"| `{limit.name}` | {limit.value:,} | {limit.sentence} |" in text, limit.name
    for fact, rule in FACT_RULES.items():
        assert f"| {fact.value} | `{fact.name.lower()}` |" in text, fact.name
        assert rule.sentence in text, fact.name
    for reason in Dropped:
        assert f"| `{reason.value}` | {reason.sentence} |" in text, reason


@pytest.mark.parametrize("page", DOCS, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link of a page leads to a file of the project."""
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page}: {target}"


@pytest.mark.parametrize("page", DOCS, ids=lambda page: str(page.relative_to(ROOT)))
def test_named_files_exist(page: Path) -> None:
    """A path in back quotes that begins with one of the project's folders exists."""
    folders = "wire|sdk|ingest|aggregator|headcount|tests|docs|benchmarks|deploy"
    if page.name == "CHANGELOG.md":
        return
    for path in re.findall(rf"`((?:{folders})/[A-Za-z0-9_./-]+)`", page.read_text("utf-8")):
        assert (ROOT / path).exists(), f"{page}: {path} is not there"


def test_the_root_holds_no_litter() -> None:
    """The root holds what design and habit put there, and no report or left-over."""
    found = {path.name for path in ROOT.iterdir() if path.is_file()}
    assert found <= ROOT_FILES | {".git"}, found - ROOT_FILES
    assert found >= ROOT_FILES, ROOT_FILES - found


def test_decisions_are_numbered_once() -> None:
    """Each page of docs/decisions has its own number and says what was chosen and what it costs."""
    pages = sorted((ROOT / "docs/decisions").glob("*.md"))
    numbers = [page.name[:4] for page in pages]
    assert len(set(numbers)) == len(numbers), numbers
    for page in pages:
        assert re.match(r"\d{4}-[a-z0-9-]+\.md\Z", page.name), page.name
        assert page.read_text("utf-8").startswith("# "), page.name


def test_each_promise_names_its_code_and_its_test() -> None:
    """Every row of the promises in docs/privacy.md names one file of code and one test, and both exist."""
    text = (ROOT / "docs/privacy.md").read_text("utf-8")
    rows = re.findall(r"^\| ([^|]+) \| `([^`]+)` \| `(tests/[^`]+)` \|$", text, re.MULTILINE)
    assert len(rows) >= 12
    for promise, code, test in rows:
        assert (ROOT / code).is_file(), promise
        assert (ROOT / test).is_file(), promise
        assert (ROOT / test).read_text("utf-8").count("def test_") > 0, promise


def test_the_documented_catalog_and_organisation_are_sound(tmp_path: Path) -> None:
    """The examples of docs/catalog.md and docs/organisation.md are files that Headcount reads."""
    (catalog,) = re.findall(r"```toml\n(.*?)```", (ROOT / "docs/catalog.md").read_text("utf-8"), re.DOTALL)
    organisation, settings = re.findall(
        r"```toml\n(.*?)```", (ROOT / "docs/organisation.md").read_text("utf-8"), re.DOTALL
    )
    (tmp_path / "catalog.toml").write_text(catalog, "utf-8")
    found = parse_organisation(organisation, tmp_path)
    assert found.customers["acme"].policy.consent_counts("usage", 4)
    assert not found.customers["acme"].policy.consent_counts("usage", 3)
    (tmp_path / "headcount.toml").write_text(settings, "utf-8")
    assert load_settings(tmp_path / "headcount.toml").workers == 2


def test_the_documented_fleet_is_sound(tmp_path: Path) -> None:
    """The example of docs/fleet.md can be declared beside that of docs/organisation.md, and its resize adds a node."""
    (fleet,) = re.findall(r"```toml\n(.*?)```", (ROOT / "docs/fleet.md").read_text("utf-8"), re.DOTALL)
    organisation = re.findall(r"```toml\n(.*?)```", (ROOT / "docs/organisation.md").read_text("utf-8"), re.DOTALL)[0]
    (tmp_path / "catalog.toml").write_text((ROOT / "headcount/src/headcount/example.toml").read_text("utf-8"), "utf-8")
    found = parse_organisation(organisation + fleet, tmp_path).fleet
    assert [sorted({*one.owners}) for one in found] == [["a", "b"], ["a", "b", "c"]]


def test_the_documented_capacity_is_what_the_program_prints() -> None:
    """docs/fleet.md shows the figures, the curve and results of ``python -m benchmarks.capacity``, to the letter."""
    text = (ROOT / "docs/fleet.md").read_text("utf-8")
    shown = text.partition("<!-- capacity -->\n\n")[2].partition("\n<!-- /capacity -->")[0]
    assert shown == capacity.markdown(capacity.Figures())


def test_the_demo_s_module_is_not_stale() -> None:
    """The demo's typed module is the one that ``headcount catalog build`` makes of its catalog now."""
    folder = ROOT / "headcount/src/headcount/demo"
    source = (folder / "catalog.toml").read_text("utf-8")
    module = (folder / "counts.py").read_text("utf-8")
    assert not stale(module, parse_catalog(source), source)


def test_the_documented_catalog_is_the_example() -> None:
    """docs/catalog.md shows what ``headcount catalog example`` prints, to the letter."""
    (documented,) = re.findall(r"```toml\n(.*?)```", (ROOT / "docs/catalog.md").read_text("utf-8"), re.DOTALL)
    assert documented == (ROOT / "headcount/src/headcount/example.toml").read_text("utf-8")


def test_every_setting_is_documented() -> None:
    """The table of settings in docs/organisation.md is that of the code: names, defaults and sentences."""
    text = (ROOT / "docs/organisation.md").read_text("utf-8")
    rows = re.findall(r"^\| `([a-z_]+)` \| (.*?) ?\| (.*) \|$", text, re.MULTILINE)
    defaults = {
        name: "" if field.default_factory else "none" if field.default in ((), None) else str(field.default)
        for name, field in Settings.model_fields.items()
    }
    expected = [
        (name, default.lower() if default in ("True", "False") else default, Settings.model_fields[name].description)
        for name, default in defaults.items()
    ]
    assert rows == expected


def operate() -> str:
    return (ROOT / "docs/operate.md").read_text("utf-8")


def test_every_metric_is_documented() -> None:
    """The table of metrics in docs/operate.md is that of the code, and its queries name no metric that is not there."""
    registry = Metrics().registry
    labels: dict[str, str] = {}
    for collector in registry._collector_to_names:  # the library offers no list of labels
        for family in collector.collect():
            of_samples = sorted({label for sample in family.samples for label in sample.labels} - {"le"})
            labels[family.name] = ", ".join(getattr(collector, "_labelnames", ()) or of_samples)
    expected = {
        (family.name + "_total" * (family.type == "counter"), family.type, labels[family.name], family.documentation)
        for family in registry.collect()
    }
    assert set(re.findall(r"^\| `(\w+)` \| (\w+) \| ([\w, ]*?) ?\| (.*) \|$", operate(), re.MULTILINE)) == expected
    assert all(sentence.endswith(".") for *_, sentence in expected)
    named = set(re.findall(r"\b(?:headcount_edge|process)_\w+", operate()))
    known = {name for name, *_ in expected} | {f"{name}_{part}" for name, *_ in expected for part in ("bucket", "sum")}
    assert named <= known, named - known


def test_every_reason_check_and_place_is_documented() -> None:
    """The tables of reasons and checks in docs/operate.md are those of the code, and it names the places of a skew."""
    reasons = [(reason.slug, "yes" if reason.refuses else "no", reason.sentence) for reason in Reason]
    assert re.findall(r"^\| `(\w+)` \| (yes|no) \| (.*) \|$", operate(), re.MULTILINE) == reasons
    section = operate().partition("## The doctor")[2].partition("\n## ")[0]
    checks = [(check.slug, check.value.sentence, check.value.advice) for check in Check]
    assert re.findall(r"^\| `(\w+)` \| (.*?) \| (.*) \|$", section, re.MULTILINE) == checks
    assert all(f"`{place.value}`" in operate() for place in Skew)


def test_the_sample_proxies_know_the_protocol_s_bounds() -> None:
    """A body may be twice ``body_bytes`` in both sample files; their rates per address are an edge worker's default."""
    nginx = (ROOT / "deploy/nginx/headcount.conf").read_text("utf-8")
    haproxy = (ROOT / "deploy/haproxy/headcount.cfg").read_text("utf-8")
    assert f"client_max_body_size {2 * limits.BODY_BYTES // 1024}k;" in nginx
    assert f"content-length) gt {2 * limits.BODY_BYTES} }}" in haproxy
    minute = Settings.model_fields["address_per_minute"].default
    assert f"rate={minute // 60}r/s" in nginx
    assert f"sc0_http_req_rate gt {minute} }}" in haproxy


def test_the_reasons_and_store_types_stand_in_the_documents() -> None:
    """docs/transparency.md lists each reason that the SDK gives, and each kind of measure under its type of data."""
    text = (ROOT / "docs/transparency.md").read_text("utf-8")
    assert set(re.findall(r"^\| `([a-z_]+)` \| [a-z]", text, re.MULTILINE)) >= {*Why} - {Why.NONE}
    for kind, types in TYPES_OF_KIND.items():
        row = next(line for line in text.splitlines() if line.startswith("| `") and f"`{kind}`" in line)
        for one in types:
            assert re.sub(r"(?<!^)(?=[A-Z])", " ", one.apple) in row, kind
