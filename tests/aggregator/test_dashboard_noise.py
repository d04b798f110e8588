"""Under differential privacy every number on every page has its interval, and nothing speaks of a threshold."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from headcount_aggregator.released import State
from headcount_aggregator.web import access
from headcount_aggregator.web.dashboard.figure import Cell
from headcount_aggregator.web.dashboard.languages import wording_of
from headcount_aggregator.web.dashboard.pages import PAGES
from headcount_aggregator.web.dashboard.span import read_span
from headcount_aggregator.web.dashboard.sums import SURE, Sum, share, sum_of
from headcount_aggregator.web.dashboard.templating import templates_of
from headcount_aggregator.web.dashboard.toolbar import toolbar_of
from headcount_aggregator.web.dashboard.view import Page, View
from hypothesis import given
from hypothesis import strategies as st

from tests.aggregator.product_world import NoisyProduct, World, write_product

STATES = [
    {},
    {"range": "90", "by": "week"},
    {"range": "month", "by": "month"},
    {"compare": "before"},
    {"measure": "active", "cut": "os"},
]
COUNTED_BY_US = {"each", "lost"}
"""Columns that are derived from others beside them, which have their intervals."""


@pytest.fixture(scope="module")
def noisy() -> NoisyProduct:
    return NoisyProduct(World(count=1000, length=80))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, noisy: NoisyProduct) -> list[tuple[View, Page, str]]:
    """Every page in every state, with its text."""
    return asyncio.run(_all(tmp_path_factory.mktemp("noise"), noisy))


async def _all(folder: Path, noisy: NoisyProduct) -> list[tuple[View, Page, str]]:
    tenancy = write_product(folder, rule="dp")
    reader = next(reader for reader in tenancy.organisation.readers if reader.name == "acme-pm")
    subject = access.subject_of(tenancy.organisation, access.sight_of(reader, tenancy.organisation))
    assert subject is not None
    wording = wording_of("en")
    templates = templates_of(wording, dict.fromkeys(("hc.css", "hc.js", "icon.svg", "debug.svg"), "/x"))
    found: list[tuple[View, Page, str]] = []
    freshness = await noisy.freshness(*subject.codes)
    for key, kind in PAGES.items():
        for query in STATES:
            view = View(
                subject, noisy, freshness, read_span(query, freshness, kind.preset, kind.by), wording, key, query
            )
            page = await kind.build(view)
            html = templates.get_template(kind.template).render(
                page=page, view=view, kind=kind, subjects=[], toolbar=toolbar_of(view, page)
            )
            found.append((view, page, re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))))
    return found


def test_every_number_has_its_interval(pages: list[tuple[View, Page, str]]) -> None:
    """Whatever page and state: a shown cell has both ends, and they hold its value."""
    seen = 0
    for view, page, _ in pages:
        if view.page in ("health", "privacy", "debug"):
            continue  # these count numbers and releases, not people
        for section in page.sections:
            for figure in section.figures:
                for row in figure.rows:
                    for series, cell in zip(figure.series, row.cells, strict=True):
                        if cell.value is None or series.key in COUNTED_BY_US:
                            continue
                        assert cell.low is not None, (view.page, view.query, figure.key, row.key)
                        assert cell.high is not None
                        assert cell.low <= cell.value <= cell.high
                        seen += 1
    assert seen > 500


def test_intervals_are_in_the_legends(pages: list[tuple[View, Page, str]]) -> None:
    """Charts under noise say what their bands and whiskers are."""
    told = {view.page for view, _, text in pages if "where the true number lies in 95 of 100 cases" in text}
    assert {"overview", "audience", "engagement"} <= told


def test_nothing_speaks_of_a_threshold(pages: list[tuple[View, Page, str]]) -> None:
    """No page under noise promises at least so many people, or says that something is rounded to tens."""
    for view, _, text in pages:
        if view.page in ("privacy", "debug", "health"):
            continue
        assert "At least 20" not in text, (view.page, view.query)
        assert "fewer than 20" not in text, (view.page, view.query)
        assert "ounded to tens" not in text, (view.page, view.query)
    assert sum("The true one lies within ±" in text for _, _, text in pages) > 20


def test_every_sentence_has_its_margin(pages: list[tuple[View, Page, str]]) -> None:
    """What is said large, in sentences and above charts, has its ± too, or says why there is no number."""
    assert {view.page for view, page, _ in pages if page.said} == {"overview", "weekly"}
    stats = [s.value for v, page, _ in pages if v.page in ("explore", "funnels", "problems") for s in page.stats]
    assert len(stats) >= 10
    said = [one.number for _, page, _ in pages for one in page.said] + stats
    assert [text for text in said if "±" not in text and "noise" not in text and text != "3"] == []


def test_the_first_sentence_says_how_sure_it_is(pages: list[tuple[View, Page, str]]) -> None:
    """The overview's headline has its ±, and is of the last window that is told."""
    text = next(text for view, _, text in pages if view.page == "overview" and not view.query)
    assert re.search(r"About [\d,]+ ± \d+ people used Meet in the 28 days to 15 Nov 2026", text.replace("\xa0", " "))


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 5000)), min_size=1, max_size=40))
def test_variances_add(parts: list[tuple[int, int]]) -> None:
    """A sum's interval is the root of its parts' squares; it is never wider than they are together."""
    cells = [Cell(value, State.SHOWN, low=value - half, high=value + half) for value, half in parts]
    found = sum_of(cells).cell()
    assert found.value == sum(value for value, _ in parts)
    half = sum(half**2 for _, half in parts) ** 0.5
    assert found.high is not None
    assert found.high - (found.value or 0) == pytest.approx(half, abs=1)


def test_a_share_is_as_unsure_as_its_parts() -> None:
    """600 ± 20 of 1,000 ± 20 is 60 %, give or take what both leave open; without noise it has no interval."""
    part, whole = Sum(600, (20 / SURE) ** 2, 1, noisy=True), Sum(1000, (20 / SURE) ** 2, 1, noisy=True)
    found = share(part, whole, 1000)
    assert found is not None
    assert found.value == 600
    assert found.margin == pytest.approx(1000 * (400 + 0.36 * 400) ** 0.5 / 1000, abs=1)
    exact = share(Sum(600), Sum(1000), 100)
    assert exact == Cell(60, State.SHOWN)
    assert share(Sum(1), Sum(0), 100) is None
