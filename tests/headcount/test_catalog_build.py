"""``headcount catalog build``: the module it makes says to a type checker what the catalog says to people."""

from __future__ import annotations

import ast
import importlib.util
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from headcount.command import app
from headcount.python_source import literal
from headcount.typed_module import module_of, stale
from headcount_sdk import Headcount, Severity
from headcount_sdk.health import Health
from headcount_sdk.testing import ManualClock, MemoryTransport
from headcount_wire.catalog_file import parse_catalog
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "headcount/src/headcount/demo/catalog.toml"
DOCUMENTED = re.findall(r"```toml\n(.*?)```", (ROOT / "docs/catalog.md").read_text("utf-8"), re.DOTALL)[0]

HEAD = """\
[catalog]
name = "meet"
version = 3
cadence = "hourly"
[purposes.usage]
sentence.en = "Count 'features' and \\"things\\"."
[context]
os = "usage"
app_version = "usage"
"""

MEASURE = """\
[measures."{name}"]
code = {code}
kind = "{kind}"
purpose = "usage"
description = {description}
owner = "p@x.example"
{more}
"""


def catalog_text(*measures: tuple[str, str, str], description: str = '"It happened."') -> str:
    """A catalog of measures, each a name, a kind and further lines."""
    return HEAD + "".join(
        MEASURE.format(name=name, code=code, kind=kind, description=description, more=more)
        for code, (name, kind, more) in enumerate(measures, 1)
    )


EVERYTHING = catalog_text(
    ("active", "active", 'breakdowns = ["os", "os x app_version"]'),
    ("meeting.joined", "counter", 'cap = 50\nlabel = { key = "entry", values = ["link", "room"] }\nreach = true'),
    ("meeting", "flag", "expires = 2100-01-31"),
    ("meeting.set", "counter", "cap = 5"),
    ("meeting.join_time", "timing", 'cap = 50\nlabel = { key = "class", values = ["hd"] }'),
    ("meeting.size", "distribution", 'cap = 50\nunit = "people"\nlabel = { key = "value", values = ["a", "b"] }'),
    ("screen.viewed", "screen", 'cap = 9\njourneys = true\nlabel = { key = "screen", values = ["home", "lobby"] }'),
    ("screen", "counter", "cap = 9"),
    ("setup", "funnel", 'steps = ["screen.viewed=lobby", "meeting.joined"]\nwindow_minutes = 30'),
    ("trouble.met", "problem", 'cap = 9\nlabel = { key = "category", values = ["audio", "video"] }'),
    ("rooms", "quantity", 'cap = 900\nunit = "rooms"'),
    ("class.def", "counter", 'cap = 9\nlabel = { key = "self", values = ["x"] }'),
    ("class_", "counter", "cap = 9"),
    ("a_b.c", "counter", "cap = 9"),
    ("a.b_c", "counter", "cap = 9"),
)


def loaded(source: str, folder: Path) -> ModuleType:
    """A made module, imported."""
    file = folder / "counts_made.py"
    file.write_text(source, "utf-8")
    spec = importlib.util.spec_from_file_location("counts_made", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Headcount]:
    """A client of the catalog that has everything, which raises on misuse."""
    made = Headcount(
        "hc_live_" + "k" * 43,
        "https://edge.example",
        parse_catalog(EVERYTHING),
        directory=tmp_path / "state",
        clock=ManualClock(20_000 * 86_400.0),
        transport=MemoryTransport(),
        draw=random.Random(1),
        debug=True,
    )
    made.start(thread=False)
    made.consent.grant("usage")
    yield made
    made.shutdown()


@pytest.mark.parametrize("text", [DEMO.read_text("utf-8"), DOCUMENTED, EVERYTHING], ids=["demo", "documented", "all"])
def test_the_module_holds_the_very_catalog(text: str, tmp_path: Path) -> None:
    """CATALOG equals what the file says, order and all, and the text is the same each time."""
    made = module_of(parse_catalog(text), text)
    module = loaded(made, tmp_path)
    assert parse_catalog(text) == module.CATALOG
    assert list(parse_catalog(text).measures) == list(module.CATALOG.measures)
    assert list(parse_catalog(text).context) == list(module.CATALOG.context)
    assert made == module_of(parse_catalog(text, "elsewhere.toml"), text)
    assert ast.get_docstring(ast.parse(made))


def test_every_verb_reaches_the_client(tmp_path: Path, client: Headcount) -> None:
    """Each kind's verb counts, whatever its name had to be spelled, and the client finds no misuse."""
    counts: Any = loaded(module_of(parse_catalog(EVERYTHING), EVERYTHING), tmp_path).Counts(client)
    counts.meeting.joined.add(entry="link")
    counts.meeting.set()
    counts.meeting.set_.add()
    with counts.meeting.join_time.time(class_="hd"):
        pass
    counts.meeting.join_time.record(12.5, class_="hd")
    counts.meeting.size.record(4, value_="b")
    counts.screen("home")
    counts.screen.add()
    assert counts.trouble.met.report("audio", severity=Severity.MAJOR, screen="lobby").send()
    assert counts.trouble.met.report("video").send()
    counts.rooms.state(7)
    counts.class_.def_.add(self_="x")
    counts.class__.add()
    counts.a_b.c.add()
    counts.a.b_c.add()
    (waiting,) = client.export()["waiting"].values()
    lines = [line for part in waiting for line in part["tallies"]]
    assert {line["measure"] for line in lines} >= {
        "meeting.joined", "meeting", "meeting.set", "meeting.join_time", "meeting.size", "screen.viewed", "screen",
        "trouble.met", "class.def", "class_", "a_b.c", "a.b_c",
    }  # fmt: skip
    assert client.export()["quantities_of_today"] == {"rooms": 7}
    assert {line["label"] for line in lines if line["measure"] == "class.def" and "label" in line} == {"x"}
    assert client.health.counts == Health().counts


RIGHT = """\
from headcount_sdk import Headcount, Severity

from counts_made import CATALOG, Counts

client = Headcount("hc_live_", "https://edge.example", CATALOG, directory="state")
counts = Counts(client)
counts.meeting.joined.add(entry="link")
counts.meeting.set()
with counts.meeting.join_time.time(class_="hd"):
    counts.meeting.join_time.record(3.5, class_="hd")
counts.screen("home")
counts.trouble.met.report("audio", severity=Severity.MINOR, screen="lobby").send()
counts.rooms.state(5)
counts.class_.def_.add(self_="x")
"""
WRONG = (
    'counts.meeting.joined.add(entry="window")',
    "counts.meeting.joined.add()",
    'counts.meeting.joined.add("link")',
    "counts.meeting.left.add()",
    "counts.meeting.add()",
    'counts.screen("cellar")',
    'counts.trouble.met.report("smell")',
    'counts.trouble.met.report("audio", screen="cellar")',
    "counts.rooms.state(5.5)",
    'counts.meeting.join_time.record("3", class_="hd")',
    "counts.setup.add()",
)


@pytest.fixture(scope="module")
def typed_app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An app with a made module, and with a right and a wrong use of it."""
    folder = tmp_path_factory.mktemp("typed_app")
    (folder / "counts_made.py").write_text(module_of(parse_catalog(EVERYTHING), EVERYTHING), "utf-8")
    (folder / "right.py").write_text(RIGHT, "utf-8")
    (folder / "wrong.py").write_text(RIGHT + "\n".join(WRONG) + "\n", "utf-8")
    sources = ", ".join(f'"{ROOT / name / "src"}"' for name in ("wire", "sdk"))
    (folder / "pyrightconfig.json").write_text(f'{{"extraPaths": [{sources}], "typeCheckingMode": "strict"}}', "utf-8")
    return folder


def run(folder: Path, *command: str) -> str:
    """What a tool says in a folder, which is not the checkout's."""
    path = ":".join(str(ROOT / name / "src") for name in ("wire", "sdk"))
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env={"MYPYPATH": path, "PATH": "/usr/bin:/bin", "HOME": str(Path.home())},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def lines_of_errors(said: str, file: str) -> set[int]:
    """The lines of a file in which a tool found an error."""
    return {int(line) for line in re.findall(rf"{re.escape(file)}:(\d+):(?:\d+)?.*error", said)}


@pytest.mark.parametrize(
    "command",
    [("mypy", "--strict", "--no-error-summary"), ("pyright", "--pythonpath", sys.executable)],
    ids=["mypy", "pyright"],
)
def test_a_type_checker_knows_the_catalog(command: tuple[str, ...], typed_app: Path) -> None:
    """The module and right uses pass mypy strict and pyright strict; each wrong use is an error on its line."""
    said = run(typed_app, *command, "counts_made.py", "right.py", "wrong.py")
    first = len(RIGHT.splitlines()) + 1
    assert lines_of_errors(said, "wrong.py") == set(range(first, first + len(WRONG))), said
    assert not lines_of_errors(said, "right.py") | lines_of_errors(said, "counts_made.py"), said


@pytest.mark.parametrize("text", [DEMO.read_text("utf-8"), DOCUMENTED, EVERYTHING], ids=["demo", "documented", "all"])
@pytest.mark.parametrize("width", ["88", "120"])
def test_a_formatter_would_change_nothing(text: str, width: str, tmp_path: Path) -> None:
    """ruff leaves the module alone, and would even where it is not told to."""
    made = module_of(parse_catalog(text), text)
    assert "# fmt: off\n" in made
    (tmp_path / "made.py").write_text(made, "utf-8")
    (tmp_path / "free.py").write_text(made.replace("# fmt: off\n", ""), "utf-8")
    said = run(tmp_path, "ruff", "format", "--isolated", "--diff", "--line-length", width, "made.py", "free.py")
    assert "2 files already formatted" in said, said
    assert "All checks passed" in run(tmp_path, "ruff", "check", "--isolated", "made.py")


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=200))
def test_no_description_breaks_out_of_its_docstring(description: str) -> None:
    """Whatever a description holds, the module is Python, and CATALOG repeats it exactly."""
    quoted = '"' + "".join(f"\\U{ord(c):08x}" for c in description if not 0xD800 <= ord(c) <= 0xDFFF) + '"'
    text = catalog_text(("thing", "counter", "cap = 1"), description=quoted)
    catalog = parse_catalog(text)
    made: dict[str, Any] = {}
    exec(compile(module_of(catalog, text), "made", "exec"), made)  # noqa: S102  # what it makes is the subject
    assert made["CATALOG"] == catalog
    said = made["_Thing"].add.__doc__
    assert said.rstrip().endswith("a device and day.")


@given(st.text(max_size=40))
def test_a_text_is_written_as_python_reads_it(value: str) -> None:
    """A text survives being written as source, also inside a tuple."""
    assert ast.literal_eval(literal(value)) == value
    assert ast.literal_eval(literal((value,))) == (value,)
    assert ast.literal_eval(literal((value, value))) == (value, value)


def build(*arguments: str) -> tuple[int, str]:
    """The exit code of ``headcount catalog build``, and what it says."""
    result = CliRunner().invoke(app, ["catalog", "build", *arguments], env={"COLUMNS": "300"})
    return result.exit_code, result.output


def test_check_says_why_a_module_is_stale(tmp_path: Path) -> None:
    """``--check`` passes what was just built, and names what happened since; it writes nothing."""
    catalog, module = tmp_path / "catalog.toml", tmp_path / "app" / "counts.py"
    catalog.write_text(EVERYTHING, "utf-8")
    arguments = (str(catalog), "-o", str(module))
    assert build(*arguments, "--check")[0] == 1
    assert not module.exists()
    assert build(*arguments)[0] == 0
    assert build(*arguments, "--check") == (0, "")
    written = module.read_text("utf-8")

    module.write_text(written.replace("At most", "at most").replace("cap=50", "cap=51"), "utf-8")
    code, said = build(*arguments, "--check")
    assert (code, "changed by hand" in said, "Run: headcount catalog build" in said) == (1, True, True)
    module.write_bytes(written.replace("\n", "\r\n").encode())
    assert build(*arguments, "--check")[0] == 0
    catalog.write_text(EVERYTHING + "# changed\n", "utf-8")
    assert "another state of the catalog" in build(*arguments, "--check")[1]
    assert "no module that" in stale("print()", parse_catalog(EVERYTHING), EVERYTHING)


def test_an_unsound_catalog_builds_nothing(tmp_path: Path) -> None:
    """A fault is named with its line, and no module is written."""
    catalog = tmp_path / "catalog.toml"
    catalog.write_text(EVERYTHING.replace("cap = 50", "cap = 0", 1), "utf-8")
    code, said = build(str(catalog), "-o", str(tmp_path / "counts.py"))
    assert (code, "line " in said) == (2, True)
    assert not (tmp_path / "counts.py").exists()
