"""The dashboard in a real browser: quiet, whole, accessible, on paper and without script."""

from __future__ import annotations

import html

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from headcount_aggregator.web.dashboard.languages import LANGUAGES
from headcount_aggregator.web.dashboard.pages import PAGES
from playwright.async_api import Browser, Page

from tests.browser.axe import violations
from tests.browser.signed_in import STATES, address, opened


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
            assert await violations(page) == [], state
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
            assert await violations(page) == [], state
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
            assert await violations(page) == [], language
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
    heights: list[int] = []
    for server in (product_dashboard, noisy_dashboard):
        async with opened(browser, server) as watched:
            page = watched.page
            await page.goto(address(server, "retention"))
            grid = page.locator("table.grid")
            assert await grid.locator("thead th").count() > 11
            assert await grid.evaluate("grid => grid.parentElement.scrollWidth - grid.parentElement.clientWidth") <= 0
            hidden = grid.locator("tbody tr:has(td.cohort span[aria-hidden])")
            heights += await hidden.evaluate_all("rows => rows.map(row => row.offsetHeight)")
    assert heights
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
            assert await page.locator("path.column").first.evaluate(style) == ["1", "none"]


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


@pytest.mark.parametrize("script", [True, False])
async def test_days_of_ones_own_are_a_form(browser: Browser, dashboard: TestServer, script: bool) -> None:
    """From and to are a plain form whose address holds the state; opening that address shows the same.

    The fields are the browser's own for dates, with script or without, and with it no page is slower for them.
    """
    async with opened(browser, dashboard, script=script) as watched:
        page = watched.page
        assert await page.locator("input[type=date]").count() == (0 if script else 2)
        await page.locator("details.own summary").click()
        assert await page.get_by_label("From").get_attribute("type") == "date"
        await page.fill("input[name=from]", "2026-10-01")
        await page.fill("input[name=to]", "2026-10-14")
        await page.get_by_role("button", name="Show").click()
        assert "from=2026-10-01&to=2026-10-14" in page.url
        rows = page.locator("figure").first.locator("tbody tr")
        assert await rows.count() == 14
        assert await page.get_by_label("From").input_value() == "2026-10-01"


async def test_signing_out_forgets(browser: Browser, dashboard: TestServer) -> None:
    """After signing out the calm page says how to get in, and the numbers are gone."""
    async with opened(browser, dashboard) as watched:
        page = watched.page
        await page.get_by_role("button", name="Sign out").click()
        assert "Open the link" in await page.inner_text("h1")
        assert await violations(page) == []
        assert await page.context.cookies() == []


async def _open_all(page: Page) -> None:
    await page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true })")
