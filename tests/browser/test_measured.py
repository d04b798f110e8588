"""The pages that measurements write, in a real browser: accessible, and whole on a phone, in light and in dark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from headcount.loadgen.account import AtCentre, AtEdge, balance
from headcount.loadgen.measured import Measured, Second
from headcount.loadgen.page import write_page
from headcount.loadgen.profiles import Profile
from headcount.loadgen.result import Result
from playwright.async_api import Browser

from benchmarks.bench import report
from benchmarks.bench.chapter import Chapter, Figure, Plot, Sheet, bars
from tests.browser.axe import violations
from tests.headcount.loadgen.conftest import sound

SCREENS = [(1280, "light"), (1280, "dark"), (375, "light"), (375, "dark")]


def load_page(file: Path) -> None:
    """A load that did not go well: every kind of sentence stands there."""
    measured = Measured(took=60.0, accepted_in_time=6_000, cpu_seconds=58.0)
    for latency in (measured.intended, measured.served, measured.taken, measured.lag):
        for step in range(200):
            latency.record(0.08 + step / 100)
    measured.seconds = [Second(at, 100, 100, 90 + at % 7, 3, 1, at, 8, 1.5, 22.4 + at, 100.0) for at in range(60)]
    settings = {"profile": Profile.OUTAGE.value, "devices": 2_000, "seconds": 60.0, "target": "http://127.0.0.1:8700"}
    account, edge = sound(), AtEdge({"accepted": 98}, builds=("0.1.0, compiled",))
    centre = AtCentre(records=95, repeats=2, stored=90, segments=1, units=1, set_aside=0)
    checks = balance(account, edge, centre, others=False)
    assert {check.holds for check in checks} == {True, False}
    write_page(Result(settings, account, edge, centre, checks, measured), file)


def bench_page(file: Path) -> None:
    """A report with a figure that holds and one that does not, a wide table and a plot."""
    chapter = Chapter("one-core", "On one core, beside others", "What was done.")
    chapter.figures = [
        Figure("edge beside VictoriaMetrics, a line a report: answers a second", "1.10", "at least 1", holds=True),
        Figure("customers", "CPU ~ customers^0.40, stored bytes ~ customers^0.52", "CPU at most ^1.15", holds=True),
        Figure("  uncompressed, both sides", "0.99"),
        Figure("a call, median", "6.38 (6.21 to 6.84) us", "under 5 us", holds=False),
    ]
    columns = ("server", *(f"percentile {n}" for n in range(8)))
    chapter.sheets = [Sheet("Rounds", columns, [("edge, synced, msgpack", *["1,234,567"] * 8)])]
    chapter.plots = [Plot("one-core", lambda axes: bars(axes, {"edge": 2.0, "aiohttp": 1.0}, "Answers"))]
    chapter.notes = ["Versions: aiohttp 3.14.3."]
    report.write([chapter], {"cores": 2}, file.parent, "bench")


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
@pytest.mark.parametrize("written", [load_page, bench_page])
async def test_what_was_measured_is_readable(
    browser: Browser, tmp_path: Path, written: Callable[[Path], None], width: int, scheme: Literal["light", "dark"]
) -> None:
    """No axe violation and no sideways scroll; a table that is too wide scrolls by itself."""
    file = tmp_path / "index.html"
    written(file)
    page = await browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    await page.goto(file.as_uri())
    assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert await violations(page) == []
