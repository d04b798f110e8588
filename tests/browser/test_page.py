"""The first page over a real store, in a real browser: light and dark, wide and phone, without script."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer
from headcount_aggregator.sealed_reader import SealedReader
from headcount_aggregator.settings import StoreSettings
from headcount_aggregator.store import Store
from headcount_aggregator.web.app import Tenancy, create_app
from headcount_wire.clock import ManualClock
from playwright.async_api import Browser

from tests.aggregator.conftest import CUT_CATALOG, ORGANISATION, TODAY, Spooled, record_of, spool
from tests.aggregator.test_web import READERS, TOKEN


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[TestServer]:
    clock = ManualClock(TODAY * 86_400.0 + 43_200.0)
    (tmp_path / "catalog.toml").write_text(CUT_CATALOG)
    (tmp_path / "organisation.toml").write_text(ORGANISATION + READERS)
    settings = StoreSettings(organisation=tmp_path / "organisation.toml", data=tmp_path / "data")
    settings.spool.mkdir(parents=True)
    draw, count = random.Random(1), Spooled()
    store = Store(settings, clock)
    for day in range(8):
        records = [(draw.randbytes(16), record_of(draw, day=TODAY + day)) for _ in range(40)]
        spool(settings.spool, records, count=count)
        store.tick()  # on the day itself: what comes after a day's freeze is late, and in no number
        clock.advance(86_400.0)
    store.tick()
    store.close()
    found = TestServer(create_app(Tenancy(settings.organisation), SealedReader(settings.releases, clock)))
    await found.start_server()
    yield found
    await found.close()


@pytest.mark.parametrize(("width", "dark", "script"), [(1280, False, True), (1280, True, False), (390, False, True)])
async def test_the_page_is_whole_and_quiet(
    browser: Browser, server: TestServer, width: int, dark: bool, script: bool
) -> None:
    """It shows its numbers without an error, a request elsewhere, or a sideways scroll; the keyboard opens a table."""
    context = await browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
        java_script_enabled=script,
    )
    page = await context.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(str(server.make_url(f"/?token={TOKEN}")))

    assert "token" not in page.url
    assert "people used meet in the 28 days" in await page.inner_text("h1")
    assert "40" in (await page.locator("details.numbers tbody").first.text_content() or "")
    assert said == []
    origin = str(server.make_url("/"))
    assert all(url.startswith(origin) for url in asked), asked
    box = await page.locator("main").bounding_box()
    assert box is not None
    assert box["width"] <= width
    first = page.locator("details.numbers summary").first
    await first.focus()
    await page.keyboard.press("Enter")
    assert await page.locator("details.numbers[open] table").count() == 1
    assert await page.locator("details.numbers[open] tbody tr").count() > 7
    await context.close()
