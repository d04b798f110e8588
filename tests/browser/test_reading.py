"""The dashboard is read: by keyboard, by screen reader, by pointer."""

from __future__ import annotations

import re
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser

from tests.browser.signed_in import STATES, address, opened

FOCUSED = """() => {
    const at = document.activeElement;
    if (!at || at === document.body) return null;
    const again = at.dataset.walked !== undefined;
    at.dataset.walked = "";
    const box = at.getBoundingClientRect(), style = getComputedStyle(at);
    // What is taller than the screen shows what fits of it.
    const seen = box.left >= -1 && box.right <= innerWidth + 1
        && (box.height > innerHeight ? box.top < innerHeight && box.bottom > 0
                                     : box.top >= -1 && box.bottom <= innerHeight + 1);
    const words = (at.getAttribute("aria-label") ?? at.textContent).trim();
    const place = [box.left, box.top, box.right, box.bottom].map(Math.round);
    return { words, again, seen, ringed: style.outlineStyle !== "none", at: place };
}"""
CURSOR_AT = """figure => {
    const [chart, cursor] = ["svg.chart", ".cursor"].map((one) => figure.querySelector(one).getBoundingClientRect());
    return (cursor.left + cursor.width / 2 - chart.left) / chart.width;
}"""
"""How far along the chart the cursor stands, as a share of its width."""
REACHABLE = """() => [...document.querySelectorAll("a[href], button, summary, input, select, [tabindex='0']")]
    .filter((one) => one.checkVisibility()).length"""


async def test_arrow_keys_read_the_values(browser: Browser, dashboard: TestServer) -> None:
    """Focus reads the last row, arrows the neighbours, Home the first: each as the table says it, aloud, and the cursor
    stands in the middle of its place."""
    async with opened(browser, dashboard) as watched:
        page = watched.page
        figure = page.locator("figure[data-chart]").first
        frame, output = figure.locator(".frame"), figure.locator("output")
        assert await output.get_attribute("aria-live") == "polite"
        await page.keyboard.press("Tab")
        for _ in range(60):
            if await frame.evaluate("frame => frame === document.activeElement"):
                break
            await page.keyboard.press("Tab")
        rows = await figure.locator("tbody tr").all()
        assert (await _row(rows[-1]))[0] in await output.inner_text()
        assert "updating" in await output.inner_text()
        await page.keyboard.press("Home")
        for place, expected in enumerate(rows[:2]):
            text = await output.inner_text()
            assert all(part in text for part in await _row(expected)), text
            assert await figure.locator(".cursor").evaluate("c => getComputedStyle(c).visibility") == "visible"
            assert await figure.evaluate(CURSOR_AT) == pytest.approx((place + 0.5) / len(rows), abs=0.002)
            await page.keyboard.press("ArrowRight")
        await page.keyboard.press("Escape")
        assert await output.inner_text() == ""


@pytest.mark.parametrize("width", [1280, 390])
async def test_every_page_is_walked_by_keyboard(browser: Browser, product_dashboard: TestServer, width: int) -> None:
    """Tab goes past the navigation in one step, comes to everything once, in sight and with a ring, and out again."""
    async with opened(browser, product_dashboard, width=width) as watched:
        page = watched.page
        for state in STATES:
            await page.goto(address(product_dashboard, state))
            await page.keyboard.press("Tab")
            assert (await page.evaluate(FOCUSED))["words"] == "Skip to the numbers", state
            await page.keyboard.press("Enter")
            await page.keyboard.press("Tab")
            past = "document.querySelector('h1').compareDocumentPosition(document.activeElement) & 4"
            assert await page.evaluate(past), state
            await page.goto(address(product_dashboard, state))
            walked: list[str] = []
            for _ in range(400):
                await page.keyboard.press("Tab")
                found = await page.evaluate(FOCUSED)
                if found is None or found["again"]:
                    break
                walked.append(found["words"])
                assert found["ringed"], (state, found)
                assert found["seen"], (state, found)
            assert walked[0] == "Skip to the numbers", state
            assert walked[-1] == "Sign out", state
            assert len(walked) == await page.evaluate(REACHABLE), state
        assert watched.said == []


async def test_a_screen_reader_is_told_what_there_is(browser: Browser, product_dashboard: TestServer) -> None:
    """In reading order: a way past the navigation, the pages, one heading, then each figure by its name, with its table
    under a name of its own and a live region that is empty until somebody reads the chart by arrow keys."""
    async with opened(browser, product_dashboard) as watched:
        page = watched.page
        for state in ("overview", "explore?measure=meeting.joined", "retention"):
            await page.goto(address(product_dashboard, state))
            tree = await page.locator("body").aria_snapshot()
            order = [tree.index(part) for part in ('link "Skip to the numbers"', 'navigation "Pages"', "- main:")]
            assert order == sorted(order), state
            assert tree.count("[level=1]") == 1, state
            assert tree.index("- main:") < tree.index("[level=1]") < tree.index("- figure"), state
            assert "- figure:" not in tree, state  # each has its name
            names = re.findall(r'- figure "([^"]+)"', tree)
            titles = [await title.inner_text() for title in await page.locator("figure h2").all()]
            assert names == titles, state
            for figure in await page.locator("figure[data-chart]").all():
                title = await figure.locator("h2").inner_text()
                await figure.locator("details.numbers > summary").click()
                inside = await figure.aria_snapshot()
                assert f'group "{title}: arrow keys read the values"' in inside
                assert f'region "{title}, the numbers"' in inside
                assert inside.count("- columnheader") >= 2
                assert inside.count("- rowheader") >= 1
                assert "- status" in inside
                assert await figure.locator("output").inner_text() == ""
        assert watched.said == []


async def test_the_pointer_reads_the_row_under_it(browser: Browser, dashboard: TestServer) -> None:
    """Moving over the chart reads the day below the pointer; leaving ends it."""
    async with opened(browser, dashboard) as watched:
        page = watched.page
        figure = page.locator("figure[data-chart]").first
        box = await figure.locator("svg.chart").bounding_box()
        assert box is not None
        await page.mouse.move(box["x"] + 2, box["y"] + box["height"] / 2)
        first = await _row(figure.locator("tbody tr").first)
        assert first[0] in await figure.locator("output").inner_text()
        await page.mouse.move(0, 0)
        assert await figure.locator("output").inner_text() == ""


async def _row(row: Any) -> list[str]:
    cells = await row.locator("th, td").all()
    return [" ".join((await cell.text_content() or "").split()).split(" see it")[0] for cell in cells]
