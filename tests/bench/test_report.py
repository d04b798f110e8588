"""The report of the benchmarks: fits, spreads, profiles and baselines are what they say."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from matplotlib.figure import Figure as Canvas

from benchmarks.bench import alt, report
from benchmarks.bench.chapter import Chapter, Figure, Plot, Sheet, at_least, bars, exponent, lines, spread
from benchmarks.bench.flame import Stacks, boxes, by_module, within
from benchmarks.micro.__main__ import LOOP_SECONDS, LOOPS, paired
from benchmarks.micro.cases import CASES
from benchmarks.micro.compare import AGAIN, BASELINE, compare, main


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 2.0])
def test_a_power_is_found(power: float) -> None:
    """The fitted exponent of points on a power's curve is that power."""
    assert exponent([(x, 7 * x**power) for x in (1, 10, 300, 5_000)]) == pytest.approx(power)
    assert exponent([(5, 5)]) == 0.0


def test_a_ratio_is_judged_by_its_median() -> None:
    """One round that a neighbour spoiled decides nothing, and is told."""
    found = at_least("a ratio", spread([1.1, 0.2, 1.3]), 1.0)
    assert found.holds
    assert found.found == "1.10 (0.20 to 1.30)"
    assert not at_least("a ratio", spread([0.9, 5.0, 0.8]), 1.0).holds


def test_the_report_is_whole_and_needs_nothing_else(tmp_path: Path) -> None:
    """A page, a PNG for each plot and everything as JSON; nothing on another host, nothing that runs."""
    chapter = Chapter("a", "A chapter", "What was done.")
    chapter.figures = [Figure("speed", "7", "at least 5", holds=True), Figure("size", "9", "at most 5", holds=False)]
    chapter.figures.append(Figure("  a part of it", "3"))
    chapter.sheets = [Sheet("Rows", ("one", "two"), [("<b>", "2"), ("  <i>", " 1")])]
    chapter.plots = [Plot("speeds", lambda axes: bars(axes, {"us": 2.0, "them": 1.0}, "Speeds"))]
    report.write([chapter], {"cores": 2}, tmp_path, "bench")
    page = (tmp_path / "index.html").read_text("utf-8")
    assert page.count("holds") == 2
    assert page.count("missed") == 2
    assert "&lt;b&gt;" in page
    assert page.count('class="under"') == 2, "what is a part of another is set in, and nothing else"
    assert not re.search(r"https?://|<script", page)
    assert '<img src="speeds.png" alt="Speeds. us: 2; them: 1.">' in page
    assert (tmp_path / "speeds.png").read_bytes().startswith(b"\x89PNG")
    plain = json.loads((tmp_path / "bench.json").read_text())
    assert [figure["holds"] for figure in plain["chapters"]["a"]["figures"]] == [True, False, None]


def test_a_flame_graph_is_as_wide_as_its_samples() -> None:
    """Each frame is as wide as the samples it was in, and lies within the one that called it."""
    stacks: Stacks = Counter({("main", "take", "decode"): 3, ("main", "take"): 1, ("main", "sync"): 2})
    found = list(boxes(stacks))
    widths = {(name, depth): width for name, depth, _, width in found}
    assert widths == {("main", 0): 6, ("take", 1): 4, ("decode", 2): 3, ("sync", 1): 2}
    left = {name: at for name, _, at, _ in found}
    assert left["take"] <= left["decode"]
    assert left["decode"] + 3 <= left["take"] + 4


def test_a_profile_is_summed_by_our_modules() -> None:
    """A sample counts for the innermost module of ours, whatever library was at work."""
    stacks: Stacks = Counter(
        {
            ("run (asyncio/x.py:1)", "take (headcount_ingest/path.py:3)", "decode (headcount_ingest/decode.py:9)"): 3,
            ("run (asyncio/x.py:1)", "take (headcount_ingest/path.py:4)", "inc (prometheus_client/values.py:1)"): 1,
            ("run (asyncio/x.py:1)", "select (selectors.py:2)"): 4,
        }
    )
    assert list(by_module(stacks).rows) == [("event loop, sockets", "50.0%"), ("decode", "37.5%"), ("path", "12.5%")]


def test_a_profile_can_be_of_one_function() -> None:
    """What a function's callers do beside it is left out, and what called it is cut off."""
    stacks: Stacks = Counter({("main (x.py:1)", "Releaser.due (y.py:2)", "read (z.py:3)"): 3, ("main (x.py:1)",): 9})
    assert within(stacks, "due") == {("Releaser.due (y.py:2)", "read (z.py:3)"): 3}


@pytest.mark.parametrize("powers", [False, True])
def test_a_plot_says_numbers_in_full(powers: bool) -> None:
    """A million is a million, each of a few points is a tick, and what is counted begins at nothing."""
    axes = Canvas().subplots()
    lines(axes, {"a": [(1.0, 500_000.0), (2.0, 1_000_000.0)]}, "Throughput", "workers", "a second", powers=powers)
    axes.figure.canvas.draw()
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "2"]
    assert "1,000,000" in [label.get_text() for label in axes.get_yticklabels()]
    assert (axes.get_ylim()[0] == 0.0) is not powers
    assert axes.get_ylim()[1] > 1_000_000 or powers
    assert alt.told(axes) == "Throughput: a second by workers. a: 500,000 at 1, 1,000,000 at 2."


@pytest.mark.parametrize("calls", [1, 5, 8, 1_000])
def test_a_pace_that_changes_changes_no_ratio(calls: int) -> None:
    """A case and the loop go in turns: a machine that becomes half as quick meanwhile is so for both."""
    clock, ran = [0.0], Counter[str]()

    def take(what: str, seconds: float) -> None:
        clock[0] += seconds * (1.0 if ran["loop"] < 3 * LOOPS else 2.0)
        ran[what] += 1

    found = paired(calls, lambda: take("case", 6e-4), lambda: take("loop", 2e-4), lambda: clock[0])
    assert found == pytest.approx(calls * 3 * LOOP_SECONDS)
    assert ran["case"] == calls + 1, "each call that is asked for is made, and one before that makes what it needs"


def test_a_large_regression_is_seen() -> None:
    """A case that takes three times its stored ratio is told; a new one has none yet."""
    worse = compare({"a": 6.0, "b": 0.5, "new": 9.0}, {"a": 2.0, "b": 0.5})
    assert {change.name: change.times for change in worse} == {"a": 3.0, "b": 1.0, "new": 1.0}


@pytest.mark.parametrize(("regressed", "timed"), [(False, 2), (True, 1 + AGAIN)])
def test_what_seems_slow_is_timed_again(
    regressed: bool, timed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Noise is gone the next time; a regression is there each time, and fails."""
    baseline = json.loads(BASELINE.read_bytes())
    asked: list[list[str]] = []

    def pyperf_said(_: Path, names: Iterable[str] = ()) -> dict[str, float]:
        asked.append(list(names))
        slow = 3.0 if regressed or len(asked) == 1 else 1.0
        said = {name: ratio * (slow if name == "sdk.track" else 1.0) for name, ratio in baseline.items()}
        return {name: said[name] for name in names or said}

    monkeypatch.setattr("benchmarks.micro.compare.time_cases", pyperf_said)
    monkeypatch.setattr("sys.argv", ["compare", str(tmp_path / "micro.json")])
    assert main() == int(regressed)
    assert asked == [[], *[["sdk.track"]] * (timed - 1)]


def test_every_case_runs_and_has_a_baseline() -> None:
    """Each micro-benchmark does something, and the stored ratios are of exactly these cases."""
    for case in CASES.values():
        assert case() is not None or case is CASES["sdk.track"]
    assert json.loads(BASELINE.read_bytes()).keys() == CASES.keys()
