"""A product manager's ten questions: three clicks at most, and the page, the API and plain SQL say the same."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from headcount_wire import days
from playwright.async_api import Browser, Page

from tests.aggregator.made_up_releases import TOKENS
from tests.aggregator.product_world import SEALED, ProductReleases
from tests.browser.signed_in import opened

CLICKS_MOST = 3
OCTOBER = days.parse("2026-10-01"), days.parse("2026-10-31")
WEEK = days.parse("2026-11-09"), days.parse("2026-11-15")
LAST_28 = SEALED - 27, SEALED

OFF, OFF_BY_VALUE = 9, 20

Numbers = list[Mapping[str, Any]]


@dataclass(frozen=True)
class Asked:
    """One question: the links to click, what the page says, and the same number from the API and from SQL.

    ``within``: how far the page may lie from the truth, as a share (percentiles are known to 2 %). ``off``: by how many
    people, where a window is told as its days less a rest in steps (docs/decisions/0107). ``whole``: SQL without the
    threshold; where its answer is another one, the page must say that days are not in its number.
    """

    question: str
    clicks: tuple[str, ...]
    read: Callable[[Page], Awaitable[float]]
    api: Mapping[str, str]
    of_api: Callable[[Numbers], float]
    sql: str
    of_sql: Callable[[Any], float] = float
    within: float = 0.0
    off: float = 0.0
    whole: str = ""


def bar(figure: str, row: str) -> Callable[[Page], Awaitable[float]]:
    """The number of one row of a figure's bars or ranking."""

    async def read(page: Page) -> float:
        cells = page.locator(f"figure[aria-labelledby='{figure}-title'] tbody tr").filter(
            has=page.locator("th", has_text=row)
        )
        return number_in(await cells.first.locator("td.n").first.inner_text())

    return read


def cell(figure: str, row: str, column: str) -> Callable[[Page], Awaitable[float]]:
    """The number in a figure's table, by its row's and its column's name."""

    async def read(page: Page) -> float:
        text = await page.evaluate(
            """([figure, row, column]) => {
                const table = document.querySelector(`figure[aria-labelledby='${figure}-title'] table`);
                const heads = [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim());
                const found = [...table.tBodies[0].rows].filter((tr) => tr.cells[0].textContent.includes(row)).pop();
                return found.cells[heads.indexOf(column)].textContent;
            }""",
            [figure, row, column],
        )
        return number_in(text)

    return read


async def headline(page: Page) -> float:
    """The number of people in the page's first sentence."""
    return number_in((await page.inner_text("h1")).split(" people")[0])


async def how_much_slower(page: Page) -> float:
    """The percentage in the verdict on the newest version: which must be a real change."""
    verdict = page.locator("figure[aria-labelledby='by-version-title'] .remark.real")
    text = await verdict.inner_text()
    assert "3.2 is" in text
    assert "slower than 3.1" in text
    return number_in(text.split(" is ")[1].split("%")[0])


def number_in(text: str) -> float:
    return float("".join(sign for sign in text if sign.isdigit() or sign == "."))


def only(numbers: Numbers) -> float:
    """The one number an answer holds."""
    (number,) = numbers
    return float(number["value"])


def total(numbers: Numbers) -> float:
    return float(sum(number["value"] or 0 for number in numbers))


def by_value(value: str, slot: int = 0) -> Callable[[Numbers], float]:
    def of(numbers: Numbers) -> float:
        return only([n for n in numbers if n["value1"] == value and slot in (0, n["slot"])])

    return of


def slower(numbers: Numbers) -> float:
    old, new = by_value("3.1", 50)(numbers), by_value("3.2", 50)(numbers)
    return round(100 * (new / old - 1))


def month(of: tuple[int, int]) -> Mapping[str, str]:
    return {"period": "month", "from": days.text(of[0]), "to": days.text(of[1])}


def between(of: tuple[int, int]) -> str:
    return f"day BETWEEN {of[0]} AND {of[1]}"


MEDIAN = """
    WITH found AS (SELECT version, value, ROW_NUMBER() OVER (PARTITION BY version ORDER BY value) AS place,
                          COUNT(*) OVER (PARTITION BY version) AS many
                   FROM use WHERE measure = 'meeting.join_time' AND {when})
    SELECT 100.0 * (new.value * 1.0 / old.value - 1)
    FROM found AS new, found AS old
    WHERE new.version = '3.2' AND new.place = (new.many + 1) / 2
      AND old.version = '3.1' AND old.place = (old.many + 1) / 2
"""

QUESTIONS = (
    Asked(
        "How many people used screen sharing last month on Android?",
        ("Engagement", "Screen share used", "Last month"),
        bar("people-os", "Android"),
        {"statistic": "people", "measure": "screen_share.used", "breakdown": "os", **month(OCTOBER)},
        by_value("android"),
        f"SELECT COUNT(DISTINCT person) FROM use "
        f"WHERE measure = 'screen_share.used' AND os = 'android' AND {between(OCTOBER)}",
        off=OFF_BY_VALUE,
    ),
    Asked(
        "Did 3.2 make joining slower, and by how much?",
        ("Performance",),
        how_much_slower,
        {
            "statistic": "quantile",
            "measure": "meeting.join_time",
            "breakdown": "app_version",
            "period": "week",
            "from": days.text(WEEK[0]),
            "to": days.text(WEEK[1]),
        },
        slower,
        MEDIAN.format(when=between(WEEK)),
        float,
        0.2,
    ),
    Asked(
        "How many people used the app last month?",
        ("Last month",),
        headline,
        {"statistic": "people", "measure": "active", "breakdown": "total", **month(OCTOBER)},
        only,
        f"SELECT COUNT(DISTINCT person) FROM use WHERE measure = 'active' AND {between(OCTOBER)}",
        off=OFF,
    ),
    Asked(
        "How many people came on the newest day?",
        (),
        cell("active", "16 Nov 2026", "Each day"),
        {"statistic": "people", "measure": "active", "breakdown": "total", "period": "day", "from": days.text(SEALED)},
        only,
        f"SELECT COUNT(DISTINCT person) FROM use WHERE measure = 'active' AND day = {SEALED}",
    ),
    Asked(
        "How often were meetings joined in these 28 days?",
        ("Engagement",),
        cell("features", "Meeting joined", "Times"),
        {"statistic": "count", "measure": "meeting.joined", "breakdown": "total", "label": "whole", "period": "day"},
        total,
        f"SELECT COUNT(*) FROM use WHERE measure = 'meeting.joined' AND {between(LAST_28)}",
    ),
    Asked(
        "How many people have version 3.2 by now?",
        ("App versions",),
        cell("adoption", "16 Nov 2026", "3.2"),
        {
            "statistic": "people",
            "measure": "active",
            "breakdown": "app_version",
            "period": "day",
            "from": days.text(SEALED),
        },
        by_value("3.2"),
        f"SELECT COUNT(DISTINCT person) FROM use WHERE measure = 'active' AND version = '3.2' AND day = {SEALED}",
    ),
    Asked(
        "Who uses it in German?",
        ("Audience",),
        bar("people-language", "German"),
        {
            "statistic": "people",
            "measure": "active",
            "breakdown": "language",
            "period": "rolling_28",
            "from": days.text(SEALED),
        },
        by_value("de"),
        f"SELECT COUNT(DISTINCT person) FROM use WHERE measure = 'active' AND language = 'de' AND {between(LAST_28)}",
        off=OFF_BY_VALUE,
    ),
    Asked(
        "How many sessions ended in a crash on the newest day?",
        ("Problems",),
        cell("times", "16 Nov 2026", "Crashed"),
        {
            "statistic": "count",
            "measure": "session.end",
            "label": "crashed",
            "breakdown": "total",
            "period": "day",
            "from": days.text(SEALED),
        },
        only,
        f"SELECT COUNT(*) FROM use WHERE measure = 'session.end' AND label = 'crashed' AND day = {SEALED}",
    ),
    Asked(
        "How many people were in the app last week?",
        ("Weekly summary",),
        lambda page: read_said(page, "used it in this week"),
        {
            "statistic": "people",
            "measure": "active",
            "breakdown": "total",
            "period": "week",
            "from": days.text(WEEK[0]),
            "to": days.text(WEEK[1]),
        },
        only,
        f"SELECT COUNT(DISTINCT person) FROM use WHERE measure = 'active' AND {between(WEEK)}",
        off=OFF,
    ),
    Asked(
        "How many problems were reported last month?",
        ("Explore", "Problem reported", "Last month"),
        lambda page: read_stat(page, "problems"),
        {
            "statistic": "count",
            "measure": "problem.reported",
            "breakdown": "total",
            "label": "whole",
            "period": "day",
            "from": days.text(OCTOBER[0]),
            "to": days.text(OCTOBER[1]),
        },
        total,
        f"SELECT SUM(n) FROM (SELECT day, COUNT(*) AS n, COUNT(DISTINCT person) AS people FROM use "
        f"WHERE measure = 'problem.reported' AND {between(OCTOBER)} GROUP BY day) WHERE people >= 20",
        whole=f"SELECT COUNT(*) FROM use WHERE measure = 'problem.reported' AND {between(OCTOBER)}",
    ),
)


async def read_said(page: Page, words: str) -> float:
    return number_in(await page.locator(".said li", has_text=words).locator("strong").inner_text())


async def read_stat(page: Page, words: str) -> float:
    return number_in(await page.locator(".stats li", has_text=words).first.locator("strong").inner_text())


async def ask_api(server: TestServer, asked: Asked) -> float:
    query = {"customer": "acme", "app": "meet", **asked.api}
    headers = {"Authorization": f"Bearer {TOKENS['own']}"}
    async with (
        ClientSession(headers=headers) as session,
        session.get(server.make_url("/api/v1/numbers"), params=query) as answer,
    ):
        body = json.loads(await answer.read())
        assert answer.status == 200, body
        return asked.of_api(body["numbers"])


@pytest.fixture
def truth(product: ProductReleases) -> Callable[[Asked], float]:
    """The answer of plain SQL over what every person did: what no server of Headcount has."""
    return lambda asked: asked.of_sql(product.world.sql.execute(asked.sql).fetchone()[0])


async def test_ten_questions(
    browser: Browser, product_dashboard: TestServer, product: ProductReleases, truth: Callable[[Asked], float]
) -> None:
    """Each is answered in three clicks from the overview, by the number that the API and plain SQL give.

    Where the rule leaves days out of it, the page says that it does.
    """
    assert len(QUESTIONS) == 10
    async with opened(browser, product_dashboard) as watched:
        page = watched.page
        for asked in QUESTIONS:
            assert len(asked.clicks) <= CLICKS_MOST
            await page.goto(str(product_dashboard.make_url("/c/acme/meet/overview")))
            for name in asked.clicks:
                # A page may have a link of the next one's name: each click has come to its page before the next.
                async with page.expect_navigation():
                    await page.get_by_role("link", name=name, exact=True).first.click()
            said = await asked.read(page)
            assert said == await ask_api(product_dashboard, asked), asked.question
            assert said == pytest.approx(truth(asked), rel=asked.within, abs=asked.off), asked.question
            if asked.whole and product.world.sql.execute(asked.whole).fetchone()[0] != said:
                assert re.search(r"days? not in it", await page.inner_text("main")), asked.question
        assert watched.said == []
