"""``python -m benchmarks.pages``: every page over a year of one Customer's releases, in a real browser.

The year is made as ``benchmarks.queries`` makes it: 20 measures, four dimensions, released by the real rule. The real
web process answers on loopback; Chromium says when it has painted. ``answer``: until the last byte, asked for by
itself; ``CPU``: of the web process. ``painted``: the browser's first contentful paint in a new tab, its style sheet and
module read anew; ``next``: the same where the tab has shown another page before, as who clicks from page to page has
it; ``renderer CPU``: what the page cost the new tab. Times of a busy machine say little, processor time still does.

A tab is opened in a window that is there, and asks for the page when the browser has come to rest: a new window shows
pages of the browser's own, which took twice the page's processor time while the page was being drawn.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from http.client import HTTPConnection
from pathlib import Path

from headcount_aggregator.web.dashboard.languages import LANGUAGES
from headcount_aggregator.web.dashboard.pages import PAGES
from playwright.async_api import Browser, BrowserContext, CDPSession, Page, async_playwright
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.queries import year
from benchmarks.queries.serve import Web, web
from benchmarks.release import FIRST_DAY

BYTES_MOST, PAINTED_MOST_MS = 60_000, 300.0
PAINT_SECONDS = 30.0
REST_SECONDS, REST_LOOKS, REST_MOST = 0.05, 2, 0.1
"""The browser is at rest when in two looks of 50 ms it used less than a tenth of a core."""
AT_REST_WITHIN_SECONDS = 30.0
PAINTED = """new Promise((told) => new PerformanceObserver((paints) => {
    for (const paint of paints.getEntriesByName("first-contentful-paint")) told(paint.startTime);
}).observe({ type: "paint", buffered: true }))"""
STATES = ("", "range=365", "range=365&by=day", "range=90&compare=before")
NOTHING = "/livez"
"""A line of text from the same server: what a tab costs by itself."""
BEFORE = ("/c/c1/meet/audience", "/c/c1/meet/engagement")
"""The page that the tab has shown before, and what it is where that is the page itself."""
ARGUMENTS = ["--no-sandbox", "--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


@dataclass(frozen=True)
class Seen:
    """One page in one state: bytes as sent, milliseconds until answered and painted (medians), and processor time.

    ``next_ms``: until painted in a tab that has shown another page.
    """

    page: str
    state: str
    bytes: int
    answer_ms: float
    cpu_ms: float
    painted_ms: float
    next_ms: float
    renderer_ms: float


def main() -> int:
    """Make the year where it is not there, look at every page; 1 when a page is too heavy or too slow."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages")
    parser.add_argument("--devices", type=int, default=1000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--times", type=int, default=5, help="how often each page is opened")
    parser.add_argument("--folder", type=Path, help="where the year is made, or kept from before")
    parser.add_argument("--into", type=Path, help="a folder for pages.json")
    arguments = parser.parse_args()
    out = Console()
    with tempfile.TemporaryDirectory(prefix="headcount-pages-") as scratch:
        folder = arguments.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        token = year.declare(folder, 1)["c1"]
        if not (folder / "releases/1-1").is_dir():
            year.release(folder, arguments.devices, arguments.days, out)
        with web(folder, (FIRST_DAY + arguments.days + year.SEALED_AFTER) * 86_400.0) as server:
            seen = asyncio.run(_look(server, token, arguments.times))
    _print(out, seen)
    if arguments.into:
        arguments.into.mkdir(parents=True, exist_ok=True)
        (arguments.into / "pages.json").write_text(json.dumps([asdict(one) for one in seen], indent=1) + "\n")
    pages = [one for one in seen if one.page != NOTHING]
    heaviest, slowest = max(one.bytes for one in pages), max(one.painted_ms for one in pages)
    out.print(
        f"heaviest {heaviest / 1000:.1f} kB (at most {BYTES_MOST // 1000}), slowest {slowest:.0f} ms (at most 300)"
    )
    return int(heaviest > BYTES_MOST or slowest > PAINTED_MOST_MS)


async def _look(server: Web, token: str, times: int) -> list[Seen]:
    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    assert browser_path, "chromium is missing: install Debian's package chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=browser_path, args=ARGUMENTS)
        window = await _window(browser, server, token)
        await window.painted(BEFORE[0])  # the browser's and the process's own beginning
        paths = {(page, state): f"/c/c1/meet/{page}" + f"?{state}" * bool(state) for page in PAGES for state in STATES}
        paths[NOTHING, ""] = NOTHING
        answers = {what: _asked(server, token, path, times) for what, path in paths.items()}
        painted: dict[tuple[str, str], list[tuple[float, float, float]]] = {what: [] for what in paths}
        for _ in track(range(times), "opening every page"):  # in turn: a slow moment of the machine is nobody's own
            for what, path in paths.items():
                painted[what].append(await window.painted(path))
        seen = []
        for (page, state), found in painted.items():
            first, after, worked = map(statistics.median, zip(*found, strict=True))
            seen.append(Seen(page, state, *answers[page, state], first, after, worked))
        heaviest = max(seen, key=lambda one: one.bytes)
        for language in LANGUAGES:
            state = f"{heaviest.state}&lang={language}"
            asked = _asked(server, token, f"/c/c1/meet/{heaviest.page}?{state}", times)
            seen.append(Seen(heaviest.page, state, *asked, 0.0, 0.0, 0.0))
        await browser.close()
    return seen


def _asked(server: Web, token: str, path: str, times: int) -> tuple[int, float, float]:
    """The bytes of an answer as sent, the median milliseconds until the last of them, and processor time each."""
    took, size, cpu = [], 0, server.cpu
    for _ in range(times):
        connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
        began = time.monotonic()
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}", "Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        size = len(answer.read())
        took.append(1000 * (time.monotonic() - began))
        connection.close()
        assert answer.status == 200, (path, answer.status)
    return size, statistics.median(took), 1000 * (server.cpu - cpu) / times


@dataclass(frozen=True)
class Window:
    """A window of the browser that may see the pages, and the line on which the browser tells of itself."""

    context: BrowserContext
    session: CDPSession
    address: str

    async def painted(self, path: str) -> tuple[float, float, float]:
        """The first contentful paint in a new tab, that in one after another page, and the new one's CPU time."""
        async with self.tab() as tab:
            took = await tab.painted(path)
            found = await tab.session.send("Performance.getMetrics")
            worked = next(1000 * one["value"] for one in found["metrics"] if one["name"] == "TaskDuration")
        async with self.tab() as tab:
            await tab.painted(next(other for other in BEFORE if not path.startswith(other)))
            return took, await tab.painted(path), worked

    @asynccontextmanager
    async def tab(self) -> AsyncIterator[Tab]:
        """A new tab, for which nothing of any page was kept, in a browser that is at rest."""
        page = await self.context.new_page()
        session = await self.context.new_cdp_session(page)
        await session.send("Performance.enable", {"timeDomain": "threadTicks"})
        await session.send("Network.clearBrowserCache")
        async with asyncio.timeout(AT_REST_WITHIN_SECONDS):
            await self._rest()
        yield Tab(page, session, self.address)
        await page.close()

    async def _rest(self) -> None:
        """Return when the browser does no more of its own: a tab's window, and the process for the tab after it."""
        used, calm = await self._cpu(), 0
        while calm < REST_LOOKS:
            await asyncio.sleep(REST_SECONDS)
            before, used = used, await self._cpu()
            calm = calm + 1 if used - before < REST_MOST * REST_SECONDS else 0

    async def _cpu(self) -> float:
        """Seconds of processor time that all of the browser's processes have used."""
        found = await self.session.send("SystemInfo.getProcessInfo")
        return sum(float(one["cpuTime"]) for one in found["processInfo"])


@dataclass(frozen=True)
class Tab:
    """A new tab, and the line on which the browser tells of it."""

    page: Page
    session: CDPSession
    address: str

    async def painted(self, path: str) -> float:
        """Open a page, and say when it was painted first.

        The page is asked once, and answers when it was painted: a question that is put again and again until then runs
        where the page is laid out and drawn, and takes 10 ms of that.
        """
        await self.page.goto(self.address + path)
        asked = {"expression": PAINTED, "awaitPromise": True, "returnByValue": True}
        found = await asyncio.wait_for(self.session.send("Runtime.evaluate", asked), PAINT_SECONDS)
        return float(found["result"]["value"])


async def _window(browser: Browser, server: Web, token: str) -> Window:
    address = f"http://127.0.0.1:{server.port}"
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    await context.add_cookies([{"name": "headcount", "value": token, "url": address}])
    await context.new_page()  # it stays, so that the window does
    return Window(context, await browser.new_browser_cdp_session(), address)


def _print(out: Console, seen: Sequence[Seen]) -> None:
    table = Table("page", "state", "kB as sent", "answer ms", "CPU ms", "painted ms", "next ms", "renderer CPU ms")
    for one in seen:
        times = one.painted_ms, one.next_ms, one.renderer_ms
        painted = [f"{ms:.0f}" for ms in times] if one.painted_ms else [""] * len(times)
        answered = f"{one.answer_ms:.0f}", f"{one.cpu_ms:.0f}"
        table.add_row(one.page, one.state, f"{one.bytes / 1000:.1f}", *answered, *painted)
    out.print(table)
    for name, field in (("in a new tab", "painted_ms"), ("the next page in a tab", "next_ms")):
        told = sorted(getattr(one, field) for one in seen if one.painted_ms and one.page != NOTHING)
        late = sum(ms > PAINTED_MOST_MS for ms in told)
        out.print(
            f"painted {name}: {statistics.median(told):.0f} ms at the median, {told[len(told) * 9 // 10]:.0f} at nine "
            f"tenths, {told[-1]:.0f} at most; {late} of {len(told)} after more than {PAINTED_MOST_MS:.0f}; "
            f"a line of text takes {next(getattr(one, field) for one in seen if one.page == NOTHING):.0f}"
        )


if __name__ == "__main__":
    raise SystemExit(main())
