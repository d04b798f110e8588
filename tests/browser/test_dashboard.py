"""The dashboard in a real browser: quiet, whole, accessible; by pointer, by keyboard, and without script."""

from __future__ import annotations

import html
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from headcount_aggregator.web.dashboard.languages import LANGUAGES
from headcount_aggregator.web.dashboard.pages import PAGES
from playwright.async_api import Browser, Page

from tests.aggregator.made_up_releases import TOKENS

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text("utf-8")
STATES = [
    *PAGES,
    "overview?range=90&by=week&compare=before",
    "explore?measure=screen_share.used",
    "explore?measure=active&cut=os",
    "explore?measure=active&cut=os+x+app_version",
    "retention?by=day&range=28",
]
VIOLATIONS = """
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (event) => violations.push(event.violatedDirective));
"""

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
REACHABLE = """() => [...document.querySelectorAll("a[href], button, summary, input, select, [tabindex='0']")]
    .filter((one) => one.checkVisibility()).length"""


@dataclass
class Watched:
    """A page, with all that it said and asked for."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@asynccontextmanager
async def opened(
    browser: Browser,
    server: TestServer,
    *,
    width: int = 1280,
    dark: bool = False,
    script: bool = True,
    scope: str = "own",
) -> AsyncIterator[Watched]:
    """A signed-in browser page."""
    context = await browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
        java_script_enabled=script,
        reduced_motion="reduce",
    )
    page = await context.new_page()
    watched = Watched(page)
    page.on("console", lambda message: watched.said.append(message.text))
    page.on("pageerror", lambda error: watched.said.append(str(error)))
    page.on("request", lambda request: watched.asked.append(request.url))
    if script:
        await page.add_init_script(VIOLATIONS)
    await page.goto(str(server.make_url(f"/?token={TOKENS[scope]}")))
    assert "token" not in page.url
    yield watched
    await context.close()


def address(server: TestServer, state: str, subject: str = "acme") -> str:
    path, _, query = state.partition("?")
    return str(server.make_url(f"/c/{subject}/meet/{path}")) + (f"?{query}" if query else "")


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False), (390, True)])
async def test_every_page_is_quiet_and_accessible(
    browser: Browser, product_dashboard: TestServer, width: int, dark: bool
) -> None:
    """No axe violation, no console line, no policy report, no request elsewhere, no sideways scroll."""
    origin = str(product_dashboard.make_url("/"))
    async with opened(browser, product_dashboard, width=width, dark=dark) as watched:
        page = watched.page
        for state in STATES:
            await page.goto(address(product_dashboard, state))
            assert await page.evaluate("violations") == [], state
            wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, state
            assert watched.said == [], state
            await _open_all(page)
            assert await _axe(page) == [], state
        assert all(url.startswith(origin) for url in watched.asked), watched.asked


async def test_every_page_is_whole_without_script(browser: Browser, product_dashboard: TestServer) -> None:
    """Without script, on a phone in the dark: each page stands, its tables open, and it says and asks nothing more."""
    origin = str(product_dashboard.make_url("/"))
    async with opened(browser, product_dashboard, width=390, dark=True, script=False) as watched:
        page = watched.page
        for state in STATES:
            answer = await page.goto(address(product_dashboard, state))
            assert answer is not None
            assert answer.status == 200
            assert await page.locator("h1").count() == 1, state
            for summary in (await page.locator("details.numbers > summary").all())[:1]:
                await summary.click()
                assert await page.locator("details.numbers[open] tbody tr").count() > 0, state
        assert watched.said == []
        assert all(url.startswith(origin) for url in watched.asked)


@pytest.mark.parametrize(
    ("width", "dark", "scope"), [(1280, True, "own"), (390, False, "own"), (1280, False, "product")]
)
async def test_pages_under_noise_are_quiet_and_accessible(
    browser: Browser, noisy_dashboard: TestServer, width: int, dark: bool, scope: str
) -> None:
    """The same holds where numbers have noise: of a Customer, and of the sums over all Customers."""
    subject = {"own": "acme", "product": "all-customers"}[scope]
    async with opened(browser, noisy_dashboard, width=width, dark=dark, scope=scope) as watched:
        page = watched.page
        for state in PAGES:
            await page.goto(address(noisy_dashboard, state, subject))
            assert await page.evaluate("violations") == [], state
            assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, state
            await _open_all(page)
            assert await _axe(page) == [], state
        await page.goto(address(noisy_dashboard, "overview", subject))
        assert await page.locator("path.band").count() > 0
        rule = await page.locator("p.rule").first.inner_text()
        assert ("A sum over 5 Customers or more" in rule) == (scope == "product")
        assert watched.said == []


async def test_a_page_in_each_language_is_accessible(browser: Browser, product_dashboard: TestServer) -> None:
    """Longer words break no page: no sideways scroll on a phone, no axe violation, and the switch leads on."""
    async with opened(browser, product_dashboard, width=390) as watched:
        page = watched.page
        await page.goto(address(product_dashboard, "overview"))
        for language, name in list(LANGUAGES.items())[1:]:
            await page.locator(".languages").get_by_role("link", name=name).click()
            assert await page.locator("html").get_attribute("lang") == language
            for state in ("engagement", "health", "weekly", "explore"):
                await page.goto(address(product_dashboard, f"{state}?lang={language}"))
                assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (state, language)
            assert await _axe(page) == [], language
        assert watched.said == []


async def test_a_link_from_another_site_opens_its_page(browser: Browser, product_dashboard: TestServer) -> None:
    """Who is signed in and follows a link from a chat on another site sees the page it names, not a sign-in."""
    deep = address(product_dashboard, "explore?measure=screen_share.used&cut=os&range=90")

    async def talk(_: web.Request) -> web.Response:
        return web.Response(
            text=f'<link rel="icon" href="data:,"><a href="{html.escape(deep)}">numbers</a>', content_type="text/html"
        )

    chat = web.Application()
    chat.router.add_get("/", talk)
    elsewhere = TestServer(chat)
    await elsewhere.start_server()
    async with opened(browser, product_dashboard) as watched:
        page = watched.page
        await page.goto(f"http://localhost:{elsewhere.port}/")
        await page.get_by_role("link", name="numbers").click()
        await page.get_by_role("heading", name="Screen share used", exact=True).wait_for()
        assert page.url == deep
        assert watched.said == []
    await elsewhere.close()


async def test_a_printed_page_is_the_numbers(browser: Browser, product_dashboard: TestServer) -> None:
    """In print the navigation, the switches and the files are gone; the sentences and the charts stand."""
    async with opened(browser, product_dashboard) as watched:
        page = watched.page
        await page.goto(address(product_dashboard, "weekly"))
        await page.emulate_media(media="print")
        for gone in ("nav.pages", ".last", ".weeks"):
            assert not await page.locator(gone).first.is_visible(), gone
        assert await page.locator(".said li").first.is_visible()
        await page.goto(address(product_dashboard, "overview"))
        await page.emulate_media(media="print")
        assert not await page.locator(".range").is_visible()
        assert await page.locator("svg.chart").first.is_visible()
        assert not await page.locator("details.numbers").first.is_visible()
        assert watched.said == []


async def test_paper_is_white_whatever_the_screen_is(browser: Browser, product_dashboard: TestServer) -> None:
    """Printed from a dark screen, a page is dark ink on white, and what colour says is printed in colour."""
    looks = """(() => {
        const style = (one) => getComputedStyle(document.querySelector(one));
        const light = (colour) => colour.match(/[0-9.]+/g).slice(0, 3).reduce((sum, part) => sum + +part, 0) / 765;
        return { paper: light(style("body").backgroundColor), card: light(style(".card").backgroundColor),
                 ink: light(style("h1").color), soft: light(style(".sentence").color),
                 kept: style(".legend i, .grid td").printColorAdjust };
    })()"""
    async with opened(browser, product_dashboard, dark=True) as watched:
        page = watched.page
        for state in ("overview", "retention", "explore?measure=active&cut=os"):
            await page.goto(address(product_dashboard, state))
            assert (await page.evaluate(looks))["paper"] < 0.2, "the screen is dark"
            await page.emulate_media(media="print")
            found = await page.evaluate(looks)
            assert (found["paper"], found["card"], found["kept"]) == (1, 1, "exact"), state
            assert found["ink"] < 0.15, state
            assert found["soft"] < 0.45, state
            await page.emulate_media(media="screen")
        assert watched.said == []


async def test_a_phone_shows_where_one_is(browser: Browser, dashboard: TestServer) -> None:
    """At 390 px the current page's tab and the Customer's name are in sight, and no table scrolls within the page."""
    async with opened(browser, dashboard, width=390) as watched:
        page = watched.page
        for state in PAGES:
            await page.goto(address(dashboard, state))
            box = await page.locator("nav.pages [aria-current]").bounding_box()
            assert box is not None
            assert box["x"] >= 16, state
            assert box["x"] + box["width"] <= 390 - 16, state
            assert await page.get_by_text("Acme", exact=True).first.is_visible(), state
            tall = "found => found.filter(s => s.checkVisibility() && s.scrollHeight > s.clientHeight + 1).length"
            assert await page.locator(".scroll").evaluate_all(tall) == 0, state


async def test_the_retention_of_a_quarter_is_seen_at_once(
    browser: Browser, product_dashboard: TestServer, noisy_dashboard: TestServer
) -> None:
    """On a desk the whole grid of 90 days is in sight; a hidden cohort is one line high, as any other."""
    for server in (product_dashboard, noisy_dashboard):
        async with opened(browser, server) as watched:
            page = watched.page
            await page.goto(address(server, "retention"))
            grid = page.locator("table.grid")
            assert await grid.locator("thead th").count() > 11
            assert await grid.evaluate("grid => grid.parentElement.scrollWidth - grid.parentElement.clientWidth") <= 0
            heights = await grid.locator("tbody tr").evaluate_all("rows => rows.map(row => row.offsetHeight)")
            assert max(heights) < 40


async def test_what_is_open_does_not_look_final(browser: Browser, dashboard: TestServer) -> None:
    """Columns of open days are pale with an outline, in light and dark; sealed ones are solid."""
    for dark in (False, True):
        async with opened(browser, dashboard, dark=dark) as watched:
            page = watched.page
            await page.goto(address(dashboard, "explore?measure=meeting.joined"))
            style = "c => [getComputedStyle(c).fillOpacity, getComputedStyle(c).stroke]"
            opacity, stroke = await page.locator("rect.column.open").first.evaluate(style)
            assert float(opacity) < 0.3
            assert stroke != "none"
            assert await page.locator("rect.column:not(.open)").first.evaluate(style) == ["1", "none"]


async def test_everything_is_there_without_script(browser: Browser, dashboard: TestServer) -> None:
    """Without script: the same numbers in the same tables, which open by keyboard; ranges and pages are links."""
    async with opened(browser, dashboard, script=False) as watched:
        page = watched.page
        assert "people used Meet" in await page.inner_text("h1")
        summary = page.locator("details.numbers summary").first
        await summary.focus()
        await page.keyboard.press("Enter")
        assert await page.locator("details.numbers[open] tbody tr").count() > 27
        await page.get_by_role("link", name="90 days").click()
        assert "range=90" in page.url
        await page.get_by_role("link", name="Retention", exact=True).first.click()
        assert page.url.split("?")[0].endswith("/retention")
        assert await page.locator("table.grid td.cohort").count() > 3
        assert watched.said == []


async def test_days_of_ones_own_are_a_form(browser: Browser, dashboard: TestServer) -> None:
    """From and to are a plain form whose address holds the state; opening that address shows the same."""
    async with opened(browser, dashboard) as watched:
        page = watched.page
        await page.locator("details.own summary").click()
        await page.fill("input[name=from]", "2026-10-01")
        await page.fill("input[name=to]", "2026-10-14")
        await page.get_by_role("button", name="Show").click()
        assert "from=2026-10-01&to=2026-10-14" in page.url
        rows = page.locator("figure").first.locator("tbody tr")
        assert await rows.count() == 14


async def test_arrow_keys_read_the_values(browser: Browser, dashboard: TestServer) -> None:
    """Focus reads the last row, arrows the neighbours, Home the first: each as the table says it, aloud."""
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
        for expected in (rows[0], rows[1]):
            text = await output.inner_text()
            assert all(part in text for part in await _row(expected)), text
            assert await figure.locator(".cursor").evaluate("c => getComputedStyle(c).visibility") == "visible"
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


async def test_signing_out_forgets(browser: Browser, dashboard: TestServer) -> None:
    """After signing out the calm page says how to get in, and the numbers are gone."""
    async with opened(browser, dashboard) as watched:
        page = watched.page
        await page.get_by_role("button", name="Sign out").click()
        assert "Open the link" in await page.inner_text("h1")
        assert await _axe(page) == []
        assert await page.context.cookies() == []


async def _row(row: Any) -> list[str]:
    cells = await row.locator("th, td").all()
    return [" ".join((await cell.text_content() or "").split()).split(" see it")[0] for cell in cells]


async def _open_all(page: Page) -> None:
    await page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true })")


async def _axe(page: Page) -> list[str]:
    """What axe finds, run through the debugger: the page's own policy would not let it in, rightly."""
    session = await page.context.new_cdp_session(page)
    await session.send("Runtime.evaluate", {"expression": AXE})
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    run = f"axe.run(document, {{runOnly: {json.dumps(tags)}}}).then((found) => found.violations)"
    answer = await session.send("Runtime.evaluate", {"expression": run, "awaitPromise": True, "returnByValue": True})
    await session.detach()
    return [
        f"{violation['id']}: {node['html'][:120]} {node['failureSummary'][:300]}"
        for violation in answer["result"]["value"]
        for node in violation["nodes"][:2]
    ]
