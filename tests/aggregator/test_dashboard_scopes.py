"""Pages of sums over Customers say what they are, and do not give few people as the reason of what is never told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from headcount_aggregator.released import Number, Question, Statistic
from headcount_aggregator.scopes import scope_of
from headcount_aggregator.web import access
from headcount_aggregator.web.dashboard.figure import Figure
from headcount_aggregator.web.dashboard.languages import wording_of
from headcount_aggregator.web.dashboard.pages import PAGES
from headcount_aggregator.web.dashboard.span import read_span
from headcount_aggregator.web.dashboard.templating import templates_of
from headcount_aggregator.web.dashboard.toolbar import toolbar_of
from headcount_aggregator.web.dashboard.view import Page, View

from tests.aggregator.product_world import NoisyProduct, World, write_product

NEVER = "This is told to each Customer of its own app only, never added up over Customers."
NOT_ADDED_UP = {"steps", "journeys", "severity", "problem-screens"}
"""Figures of what statistics.md says is not told across Customers."""


class SumsOnly(NoisyProduct):
    """Released are only what sums over Customers have: of devices no funnels, moves, severities and screens."""

    async def numbers(self, question: Question) -> Sequence[Number]:
        """What a question selects, of that."""
        without = {Statistic.FUNNEL, Statistic.MOVES, Statistic.SEVERITY, Statistic.PROBLEM_SCREEN}
        return [number for number in await super().numbers(question) if number.statistic not in without]


@pytest.fixture(scope="module")
def sums() -> SumsOnly:
    return SumsOnly(World(count=150, length=40))


def look(folder: Path, sums: SumsOnly, key: str, *, scope: bool) -> tuple[dict[str, Figure], str]:
    """A page of one Customer's app, or of all Customers', as figures and as text."""
    organisation = write_product(folder, rule="dp").organisation
    customer = scope_of(organisation) if scope else organisation.customers["acme"]
    (app,) = (app for app in organisation.apps.values() if app.code == 3)
    view, page = asyncio.run(_built(access.Subject(customer, app), sums, key))
    figures = {figure.key: figure for section in page.sections for figure in section.figures}
    templates = templates_of(view.wording, dict.fromkeys(("hc.css", "hc.js", "icon.svg", "debug.svg"), "/x"))
    html = templates.get_template(PAGES[key].template).render(
        page=page, view=view, kind=PAGES[key], subjects=[], toolbar=toolbar_of(view, page)
    )
    return figures, html


async def _built(subject: access.Subject, sums: SumsOnly, key: str) -> tuple[View, Page]:
    freshness = await sums.freshness(*subject.codes)
    span = read_span({}, freshness, PAGES[key].preset, PAGES[key].by)
    view = View(subject, sums, freshness, span, wording_of("en"), key, {})
    return view, await PAGES[key].build(view)


@pytest.mark.parametrize("key", ["funnels", "engagement", "problems"])
def test_what_is_never_added_up_says_so(tmp_path: Path, sums: SumsOnly, key: str) -> None:
    """In a scope the reason is that it is told nowhere; to a Customer it is the rule of its own numbers."""
    of_all, page_of_all = look(tmp_path, sums, key, scope=True)
    own, page_of_one = look(tmp_path, sums, key, scope=False)
    never = of_all.keys() & NOT_ADDED_UP
    assert never
    assert {name for name, figure in of_all.items() if figure.empty == NEVER} >= never
    assert {figure.empty for figure in own.values()}.isdisjoint({NEVER})
    assert ("These are sums over Customers." in page_of_all, "These are sums over Customers." in page_of_one) == (
        True,
        False,
    )


def test_a_longer_time_is_not_advised_where_there_is_none(tmp_path: Path, sums: SumsOnly) -> None:
    """People who reported a problem have days only under noise: weeks are neither drawn nor advised for them."""
    figures, _ = look(tmp_path, sums, "problems", scope=True)
    people = next(figure for figure in figures.values() if figure.title == "People who reported a problem")
    assert people.rows
    assert people.notes == ()
