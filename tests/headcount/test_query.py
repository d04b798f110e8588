"""``headcount query``: the API's numbers in the terminal, by address or from the data folder alike."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from headcount.client import Headcount
from headcount.command import app as command
from headcount.query.plot import ASCII, BLOCKS, bar, spark
from headcount_aggregator.chains import Chains
from headcount_aggregator.disclosure.entry import Event
from headcount_aggregator.disclosure.log import DisclosureLog
from headcount_aggregator.load.disk import Disk
from headcount_aggregator.release.seal import Chain
from headcount_aggregator.sealed_reader import SealedReader
from headcount_aggregator.web.app import create_app
from headcount_wire.clock import ManualClock
from typer.testing import CliRunner, Result

from tests.aggregator.made_up_releases import TODAY, TOKENS, MadeUpReleases, write_organisation
from tests.aggregator.product_world import NoisyProduct, World, write_product
from tests.headcount.test_client import Served

DAYS = ("--from", "2026-10-20", "--to", "2026-11-10")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with sealed releases, and the settings that name it."""
    folder = tmp_path_factory.mktemp("house")
    write_organisation(folder)
    (folder / "headcount.toml").write_text('organisation = "organisation.toml"\ndata = "data"\n')
    made_up = MadeUpReleases(count=400, length=70)
    chain = Chain(folder / "data/releases/11-3", Disk())
    plain = {"customer": 11, "app": 3, "rule": "threshold", "k": 20, "late_dropped": 0}
    for period, families in made_up.sealed():
        numbers = [number for family in families for number in made_up.decided(family)]
        chain.seal({**plain, "sealed_on": period.frozen_from}, period, numbers)
    Chains(folder / "data/releases").look()
    return folder


@pytest.fixture
def served(house: Path) -> Iterator[Served]:
    reader = SealedReader(house / "data/releases", ManualClock(TODAY * 86_400.0), house / "data/indexes")
    with Served(create_app(write_organisation(house), reader)) as found:
        yield found


def run(*arguments: str, **environment: str) -> Result:
    """The command's result."""
    return CliRunner().invoke(command, ["query", *arguments], env={"COLUMNS": "160", **environment})


def locally(house: Path, *arguments: str) -> Result:
    """The command's result, from the data folder."""
    return run(*arguments, "--config", str(house / "headcount.toml"), "--customer", "acme")


@pytest.mark.parametrize(
    "asked",
    [
        ("active",),
        ("active", "--by", "rolling_28", "--cut", "os"),
        ("meeting.joined", "--label", "all"),
        ("active", "-s", "retention_week", "--by", "week"),
        ("meeting.join_time",),
        (),
    ],
)
def test_address_and_folder_say_the_same(house: Path, served: Served, asked: tuple[str, ...]) -> None:
    """Table, CSV and JSON are equal by URL and from the folder, and the CSV holds the client's very numbers."""
    environment = {"HEADCOUNT_URL": served.url, "HEADCOUNT_TOKEN": TOKENS["own"]}
    for form in ("table", "csv", "json") if asked else ("table",):
        arguments = (*asked, *(DAYS if asked else ()), "--format", form)
        by_url, by_folder = run(*arguments, **environment), locally(house, *arguments)
        assert (by_url.exit_code, by_folder.exit_code) == (0, 0), by_folder.output
        assert by_url.stdout == by_folder.stdout != ""
    if asked == ("active",):
        rows = list(csv.DictReader(io.StringIO(locally(house, *asked, *DAYS, "--format", "csv").stdout)))
        api = Headcount(served.url, TOKENS["own"])
        wanted = api.numbers(
            statistic="people",
            period="day",
            measure="active",
            label="whole",
            breakdown="total",
            first=DAYS[1],
            last=DAYS[3],
        )
        assert [row["value"] for row in rows] == ["" if n["value"] is None else str(n["value"]) for n in wanted]


def test_what_is_hidden_by_noise_is_not_said_to_be_few_people(tmp_path: Path) -> None:
    """Under noise a hidden number says that it is hidden; its reason stands beneath, and so does the rule."""
    noisy = NoisyProduct(World(count=80, length=70))
    with Served(create_app(write_product(tmp_path, rule="dp"), noisy)) as served:
        environment = {"HEADCOUNT_URL": served.url, "HEADCOUNT_TOKEN": TOKENS["product"]}
        text = " ".join(run("active", **environment).stdout.split())
    assert "hidden" in text
    assert "under 20" not in text
    assert "at least 20 people" not in text
    assert "Rule: dp, noise is in every number" in text
    assert "Too small to stand out of the noise that protects everybody" in text


def test_a_table_shows_every_number_and_says_its_rule(house: Path) -> None:
    """Values with their bars, what is hidden in words, the rule, how much is hidden, how far it is sealed."""
    body = json.loads(locally(house, "active", *DAYS, "--format", "json").stdout)
    text = locally(house, "active", *DAYS).stdout
    for number in body["numbers"]:
        (line,) = [line for line in text.splitlines() if number["first"] in line and "│" in line]
        assert ("under 20" if number["value"] is None else f"{number['value']:,}") in line
        assert ("█" in line) == (number["value"] is not None)
    assert f"Hidden: {body['hidden']} of {len(body['numbers'])}" in text
    assert "at least 20 people" in text
    assert "Sealed through 2026-11-16" in text
    parts = locally(house, "active", "--by", "rolling_28", "--cut", "os", *DAYS).stdout
    assert "android" in parts
    assert "other" in parts
    assert any(block in parts for block in BLOCKS)


def test_percentiles_stand_in_their_order(house: Path) -> None:
    """Half, three quarters, nineteen of twenty: from the lowest up, not by size; what a dash means is said."""
    heads = [line for line in locally(house, "meeting.join_time", *DAYS).stdout.splitlines() if "days" in line]
    assert [heads[0].find(name) for name in ("p50", "p75", "p95")] == sorted(
        heads[0].find(name) for name in ("p50", "p75", "p95")
    )
    assert "p50" in heads[0]
    cut = locally(house, "active", "--cut", "os", *DAYS).stdout
    assert (" - " in cut) == ("counts as other" in cut)


def test_a_table_says_in_what_its_numbers_are(house: Path) -> None:
    """Timings name their unit above the table, whoever named the statistic; how often something was has none."""
    assert "meeting.join_time: quantile in ms\n" in _titled(locally(house, "meeting.join_time", *DAYS))
    assert "meeting.join_time: quantile in ms\n" in _titled(
        locally(house, "meeting.join_time", "-s", "quantile", *DAYS)
    )
    assert "meeting.joined: count\n" in _titled(locally(house, "meeting.joined", *DAYS))
    assert "active: people\n" in _titled(locally(house, "active", *DAYS))


def _titled(found: Result) -> str:
    return "\n".join(line.rstrip() for line in found.stdout.splitlines())


def test_what_is_read_on_the_machine_is_in_the_disclosure_log(house: Path) -> None:
    """Reading from the folder is logged like reading by address: who, whose and what; looking what there is, is not."""
    log = DisclosureLog(house / "data/disclosures", ManualClock(0.0))
    before = len(list(log.entries()))
    locally(house)
    assert len(list(log.entries())) == before
    locally(house, "active", *DAYS)
    (entry,) = list(log.entries())[before:]
    assert (entry.event, entry.about["by"], entry.about["what"]) == (Event.READ, "query", "numbers")
    assert (entry.about["reader"], entry.about["customer"], entry.about["app"]) == ("operator", "acme", "meet")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("no.such",), "catalog"),
        (("active", "--by", "decade"), "period"),
        (("active", "--from", "yesterday"), "YYYY-MM-DD"),
        (("active", "--cut", "user"), "breakdown"),
        (("active", "--customer", "nobody"), "no such Customer"),
        (("active", "--config", "/nowhere/headcount.toml"), "nowhere"),
        (("active", "--config", "{house}/misplaced.toml"), "--config"),
        (("active", "--url", "https://numbers.example"), "HEADCOUNT_TOKEN"),
        (("active", "--url", "http://numbers.example", "--token", "hc_read_x"), "https"),
    ],
)
def test_what_cannot_be_asked_is_said_on_one_line(house: Path, arguments: tuple[str, ...], word: str) -> None:
    """Exit code 2, nothing on standard output, and what to do."""
    (house / "misplaced.toml").write_text('organisation = "nowhere.toml"\n')
    arguments = tuple(argument.format(house=house) for argument in arguments)
    known = () if "--config" in arguments or "--url" in arguments else ("--config", str(house / "headcount.toml"))
    result = run(*arguments, *known)
    assert (result.exit_code, result.stdout) == (2, "")
    assert word in result.stderr


@pytest.mark.parametrize("seed", range(20))
def test_a_plot_is_as_high_as_its_values(seed: int) -> None:
    """Heights and lengths follow the values, hidden ones are gaps, no peak is lost in a narrow plot."""
    draw = random.Random(seed)
    values = [draw.choice([None, 0, draw.randrange(10 ** draw.randint(1, 9))]) for _ in range(draw.randint(1, 90))]
    shown = [value for value in values if value is not None]
    for marks, unicode in ((BLOCKS, True), (ASCII, False)):
        whole = spark(values, 100, unicode=unicode)
        assert len(whole) == len(values)
        for value, mark in zip(values, whole, strict=True):
            assert (mark == " ") == (value is None)
        heights = [(value, marks.index(mark)) for value, mark in zip(values, whole, strict=True) if value is not None]
        assert [height for _, height in sorted(heights)] == sorted(height for _, height in heights)
        narrow = spark(values, 10, unicode=unicode)
        assert len(narrow) == min(10, len(values))
        top = max(shown, default=0)
        if top:
            assert max(marks.index(mark) for mark in narrow if mark != " ") == max(height for _, height in heights)
        lengths = [len(bar(value, top, 24, unicode=unicode)) for value in sorted(shown)]
        assert lengths == sorted(lengths)
        assert all(length <= 24 for length in lengths)
        assert bar(None, 10, 24, unicode=unicode) == ""
