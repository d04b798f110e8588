"""A signed-in browser page that remembers what it said and asked for, and the addresses that tests look at."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp.test_utils import TestServer
from headcount_aggregator.web.dashboard.pages import PAGES
from playwright.async_api import Browser, Page

from tests.aggregator.made_up_releases import TOKENS

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
