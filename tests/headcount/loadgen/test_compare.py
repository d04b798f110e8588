"""Comparing two loads: what is surely worse is said to be, and unrest is not."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from headcount.command import app
from headcount.loadgen.account import Account, AtEdge, Check
from headcount.loadgen.measured import Latency, Measured, Second
from headcount.loadgen.result import Result, read
from typer.testing import CliRunner


def written(
    file: Path, draw: random.Random, *, slower: float = 1.0, edge: AtEdge | None = None, **settings: Any
) -> Path:
    """A made-up result of a minute; ``slower``: its latencies, times so much."""
    intended, served = Latency(), Latency()
    seconds: list[Second] = []
    for at in range(1, 61):
        took = sorted(slower * draw.lognormvariate(-5.5, 0.5) for _ in range(100))
        for one in took:
            intended.record(one)
            served.record(one / 2)
        p50, p99 = 1e3 * took[50], 1e3 * took[98]
        seconds.append(Second(at, 100, 100, 100 + draw.randrange(-9, 9), 0, 0, 0, 8, p50, p99, 1e3 * took[99]))
    measured = Measured(intended, served, seconds=seconds, took=60.0)
    account = Account(made=6_000, counted=6_000, sent=6_000, accepted=6_000)
    told = {"profile": "soak", "rate": 100.0, "seconds": 60.0, "devices": 10, "lines": 8, "each": False, **settings}
    Result(told, account, edge, None, [Check("a", "1 = 1", holds=True)], measured).write(file)
    return file


def compared(*arguments: object) -> tuple[int, str]:
    found = CliRunner().invoke(app, ["load", "compare", *map(str, arguments)], env={"COLUMNS": "200"})
    return found.exit_code, found.output


def test_what_is_surely_slower_is_said_to_be(tmp_path: Path) -> None:
    """A load a third slower ends with 1; the same one, drawn anew, with 0, as does the slower one where that may be."""
    draw = random.Random(1)
    first, again = written(tmp_path / "a.json", draw), written(tmp_path / "b.json", draw)
    slower = written(tmp_path / "c.json", draw, slower=1.35)
    assert compared(first, again)[0] == 0
    code, printed = compared(first, slower)
    assert code == 1
    assert "worse" in printed
    assert compared(first, slower, "--tolerance", "0.6")[0] == 0
    assert compared(slower, first)[0] == 0


def test_what_edges_were_loaded_is_said(tmp_path: Path) -> None:
    """Each result's edge, where it is known: what a comparison before and after an update is of."""
    draw = random.Random(3)
    first = written(tmp_path / "a.json", draw, edge=AtEdge({"accepted": 6_000}, builds=("0.1.0", "0.2.0, compiled")))
    printed = compared(first, written(tmp_path / "b.json", draw))[1]
    assert "a: edge 0.1.0 and 0.2.0, compiled" in printed
    assert "b: edge" not in printed


def test_other_settings_are_named(tmp_path: Path) -> None:
    """Results of loads that were not the same say so, and nothing is said of which is worse."""
    draw = random.Random(2)
    first, other = written(tmp_path / "a.json", draw), written(tmp_path / "b.json", draw, devices=99)
    code, printed = compared(first, other)
    assert (code, "devices differs: 10 and 99" in printed) == (2, True)


def test_a_piece_of_a_second_is_no_second(tmp_path: Path) -> None:
    """What came in the fifth of a second after the last whole one is not taken for a second in which little came."""
    first = written(tmp_path / "a.json", random.Random(8))
    seconds = json.loads(first.read_text())["seconds"]
    piece = {**seconds[-1], "at": seconds[-1]["at"] + 0.2, "accepted": 1}
    code, printed = compared(first, changed(first, "b.json", seconds=[*seconds, piece]))
    assert code == 0
    assert re.search(r"accepted a second\D+([\d.]+)\D+\1\D+1\.00", printed), printed


def changed(file: Path, name: str, **values: Any) -> Path:
    """The same result under another name, with some of it changed."""
    plain = json.loads(file.read_text())
    for key, value in values.items():
        plain[key] = {**plain[key], **value} if isinstance(value, dict) else value
    made = file.with_name(name)
    made.write_text(json.dumps(plain))
    return made


def test_losses_are_worse(tmp_path: Path) -> None:
    """A second load of which more was refused or failed, or whose account does not add up, ends with 1."""
    first = written(tmp_path / "a.json", random.Random(4))
    assert compared(first, changed(first, "b.json", account={"refused": {"overloaded": 20}}))[0] == 0
    for account in ({"refused": {"overloaded": 600}}, {"failed": {"connection lost": 60}}):
        code, printed = compared(first, changed(first, "b.json", account=account))
        assert (code, "worse" in printed) == (1, True)
    code, printed = compared(first, changed(first, "b.json", balances=False))
    assert (code, "does not add up" in printed) == (1, True)


def test_a_short_load_tells_no_change(tmp_path: Path) -> None:
    """Of a few seconds only ratios are shown, and it is said that they may be unrest."""
    draw = random.Random(5)
    first, second = written(tmp_path / "a.json", draw), written(tmp_path / "b.json", draw, slower=2.0)
    short = changed(second, "c.json", seconds=json.loads(second.read_text())["seconds"][:6])
    code, printed = compared(first, short)
    assert (code, "too short" in printed, "nothing is said" in printed) == (2, True, True)


def test_an_end_before_its_time_is_told(tmp_path: Path) -> None:
    """A load that was ended early is not taken for one that was as long as was asked for."""
    first = written(tmp_path / "a.json", random.Random(6))
    code, printed = compared(first, changed(first, "b.json", settings={"ended_early": True}))
    assert (code, "b was ended early" in printed) == (2, True)


@pytest.mark.parametrize(
    "damage",
    [
        {"histograms": {"intended": "AAAA"}},
        {"seconds": [{}]},
        {"seconds": [{"at": 1.0, "accepted": 1, "p50": 1.0, "p99": float("nan")}]},
        {"seconds": [{"at": 1.0, "accepted": 1, "p50": 1.0, "p99": 1e308}]},
        {"seconds": [{"at": 1.0, "accepted": -1, "p50": 1.0, "p99": 1.0}]},
        {"account": {"sent": -5}},
        {"edge": "0.1.0"},
        {"settings": None},
        {"account": None},
        {"form": 9},
    ],
)
def test_what_is_damaged_is_no_result(tmp_path: Path, damage: dict[str, Any]) -> None:
    """Whatever is missing of a result, it is refused with a sentence."""
    first = written(tmp_path / "a.json", random.Random(7))
    code, printed = compared(first, changed(first, "b.json", **damage))
    assert (code, "is not a result" in printed.replace("\n", " ")) == (2, True)


@pytest.mark.parametrize("at", [20, 24, 40, -12])
def test_a_histogram_of_which_a_piece_is_broken_is_none(tmp_path: Path, at: int) -> None:
    """Wherever its bytes are wrong, there is a sentence and no trace of an error, unless it still is a histogram."""
    first = written(tmp_path / "a.json", random.Random(10))
    encoded = json.loads(first.read_text())["histograms"]["intended"]
    broken = encoded[:at] + ("A" if encoded[at] != "A" else "B") + encoded[at:][1:]
    code, printed = compared(first, changed(first, "b.json", histograms={"intended": broken}))
    assert code == 0 or (code, "is not a result" in printed.replace("\n", " ")) == (2, True)


def test_a_name_is_shown_as_it_is(tmp_path: Path) -> None:
    """What looks like markup in a file's name is none."""
    first = written(tmp_path / "[bold]a.json", random.Random(9))
    assert "[bold]a" in compared(first, first)[1]
    code, printed = compared(first, tmp_path / "x[/].json")
    assert (code, "x[/].json" in printed) == (2, True)


@pytest.mark.parametrize("text", ["[" * 100_000, "{}", "nothing", '{"form":1,"histograms":{}}', '{"form":2}', "[]"])
def test_what_is_no_result_is_refused(tmp_path: Path, text: str) -> None:
    """A file that is no result ends with 2, and says so."""
    file = tmp_path / "a.json"
    file.write_text(text)
    code, printed = compared(file, file)
    assert code == 2
    assert "is not a result" in printed.replace("\n", " ")
    assert compared(tmp_path / "none.json", file)[0] == 2


def test_a_result_is_read_back(tmp_path: Path) -> None:
    """The histograms in a result are the ones that were measured, to three digits."""
    file = written(tmp_path / "a.json", random.Random(3))
    found = read(file)
    assert found.intended.count == 6_000
    plain = json.loads(file.read_text())
    assert found.intended.at(99.0) == pytest.approx(plain["latency_ms"]["intended"]["p99"])
