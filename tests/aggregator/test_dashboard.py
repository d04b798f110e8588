"""The dashboard: pages of released numbers for the reader they belong to, each with its table, rule and files."""

from __future__ import annotations

import asyncio
import csv
import io
import re
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from headcount_aggregator.web.answering import CONTENT_SECURITY_POLICY
from headcount_aggregator.web.app import create_app
from headcount_aggregator.web.dashboard.pages import PAGES
from headcount_aggregator.web.dashboard.wording import Wording
from headcount_wire import days

from tests.aggregator.made_up_releases import TODAY, TOKENS, K, MadeUpReleases, write_organisation

Client = TestClient[web.Request, web.Application]
BASE = "/c/acme/meet"
PAGES_WITH_STATES = [
    *(f"{BASE}/{page}" for page in PAGES),
    f"{BASE}/overview?range=90&by=week",
    f"{BASE}/overview?range=365&by=month",
    f"{BASE}/overview?from=2026-09-01&to=2026-09-30",
    f"{BASE}/overview?from=2020-01-01&to=2020-01-31",
    f"{BASE}/explore?measure=screen_share.used",
    f"{BASE}/explore?measure=meeting.join_time",
    f"{BASE}/explore?measure=meeting.joined&by=week&range=90",
    f"{BASE}/retention?by=day&range=28",
]


@pytest.fixture(scope="module")
def released() -> MadeUpReleases:
    return MadeUpReleases(count=900, length=100)


@pytest.fixture
async def client(tmp_path: Path, released: MadeUpReleases) -> AsyncIterator[Client]:
    app = create_app(write_organisation(tmp_path), released)
    async with TestClient(TestServer(app), headers={"Authorization": f"Bearer {TOKENS['own']}"}) as found:
        yield found


async def test_a_link_signs_a_browser_in_and_loses_its_token(tmp_path: Path, released: MadeUpReleases) -> None:
    """The token becomes a cookie no script can read, leaves the address, and signing out forgets it."""
    async with TestClient(TestServer(create_app(write_organisation(tmp_path), released))) as client:
        answer = await client.get("/", params={"token": TOKENS["own"]}, allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (303, "/")
        cookie = answer.cookies["headcount"]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Strict"
        page = await client.get("/")
        assert page.url.path == f"{BASE}/overview"
        assert "people used Meet" in await page.text()
        await client.post("/sign-out")
        assert (await client.get(f"{BASE}/overview")).status == 401


async def test_a_link_in_a_mail_goes_on_by_itself(client: Client) -> None:
    """From another site, where a redirect would leave the strict cookie behind, a page of our own goes on."""
    headers = {"Sec-Fetch-Site": "cross-site"}
    answer = await client.get("/", params={"token": TOKENS["own"]}, headers=headers, allow_redirects=False)
    text = await answer.text()
    assert answer.status == 200
    assert 'http-equiv="refresh" content="0; url=/"' in text
    assert TOKENS["own"] not in text


async def test_without_a_token_a_calm_page_says_how_to_get_one(tmp_path: Path, released: MadeUpReleases) -> None:
    """Nobody, and a wrong token, see how to get a link and no number, at every address."""
    async with TestClient(TestServer(create_app(write_organisation(tmp_path), released))) as client:
        for path in ("/", f"{BASE}/overview", f"{BASE}/overview/active.csv"):
            for headers in ({}, {"Authorization": "Bearer hc_read_wrong"}):
                answer = await client.get(path, headers=headers)
                assert answer.status == 401
                assert "headcount keys new read" in await answer.text()


@pytest.mark.parametrize("scope", ["partner", "product"])
async def test_other_scopes_are_told_why_they_see_nothing(client: Client, scope: str) -> None:
    """Partner and product scope see no number, and the reason; a Customer's page does not exist for them."""
    headers = {"Authorization": f"Bearer {TOKENS[scope]}"}
    text = await (await client.get("/", headers=headers)).text()
    assert "are sums over at least 5 Customers" in text
    assert (await client.get(f"{BASE}/overview", headers=headers)).status == 404


@pytest.mark.parametrize("path", [f"{BASE}/overview/", "/c/acme", "/nowhere", f"{BASE}/overview/active.exe"])
async def test_a_browser_that_is_lost_gets_a_page(client: Client, path: str) -> None:
    """Where no address is, who looks for a page gets one that leads back, and a program a problem; both are 404."""
    answer = await client.get(path, headers={"Accept": "text/html,*/*;q=0.8"})
    assert (answer.status, answer.content_type) == (404, "text/html")
    assert "There is nothing at this address" in await answer.text()
    answer = await client.get(path)
    assert (answer.status, answer.content_type) == (404, "application/problem+json")


@pytest.mark.parametrize(
    "days_of", ["from=0001-01-01&to=0001-01-02", "to=0001-01-01", "from=1900-01-01", "from=9999-12-31&to=9999-12-31"]
)
@pytest.mark.parametrize("page", PAGES)
async def test_days_at_the_ends_of_the_calendar_are_answered(client: Client, page: str, days_of: str) -> None:
    """Days before anything was counted, and days that never come, are no fault: the page says what it shows instead."""
    for more in ("", "&compare=year", "&by=year"):
        answer = await client.get(f"{BASE}/{page}?{days_of}{more}")
        assert answer.status == 200


async def test_another_customers_page_looks_like_none(client: Client) -> None:
    """A Customer that is not the reader's and one that does not exist answer alike."""
    answers = [await client.get(f"/c/{name}/meet/overview") for name in ("rival", "nobody")]
    assert [answer.status for answer in answers] == [404, 404]
    assert await answers[0].text() == await answers[1].text()


@pytest.mark.parametrize("path", PAGES_WITH_STATES)
async def test_every_page_is_whole(client: Client, path: str) -> None:
    """Strict headers, nothing inline, nothing from elsewhere, under 60 kB compressed, rule beside every figure."""
    answer = await client.get(path)
    html = await answer.text()
    assert answer.status == 200
    assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert not re.search(r"\sstyle=|\son[a-z]+=|<style|javascript:", html)
    assert re.findall(r"<script[^>]*>", html) == re.findall(r'<script type="module" src="/static/hc.js\?v=\w+">', html)
    assert not re.search(r'(src|href|action)="(https?:)?//', html)
    assert len(zlib.compress(html.encode())) < 60_000
    figures = html.split("<figure")[1:]
    assert all("<b>Rule</b>" in figure for figure in figures)
    assert all("<table" in figure or 'class="empty"' in figure for figure in figures)
    assert html.count("data-chart") == html.count('class="chart"') + sum(
        "data-chart" in figure and 'class="empty"' in figure for figure in figures
    )
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))


async def test_chart_table_csv_and_json_say_the_same(client: Client) -> None:
    """Each chart's table, CSV and JSON hold the same values, and the files say the rule and each state."""
    html = await (await client.get(f"{BASE}/overview")).text()
    (links,) = [re.findall(r'href="([^"]+/active\.(?:csv|json)[^"]*)"', html)]
    text = await (await client.get(links[0])).text()
    lines = list(csv.DictReader(io.StringIO(text)))
    body = await (await client.get(links[1])).json()
    assert len(lines) == len(body["cells"]) > 80
    assert {line["rule"] for line in lines} == {f"At least {K} people."} == {body["rule"]}
    for line, cell in zip(lines, body["cells"], strict=True):
        assert (line["row"], line["series"], line["state"]) == (cell["row"], cell["series"], cell["state"])
        assert line["value"] == ("" if cell["value"] is None else str(cell["value"]))
    table = html.split("<tbody>")[1].split("</tbody>")[0]
    shown = [f"{int(line['value']):,}" for line in lines if line["value"]]
    assert list(re.findall(r'<td>(?:<span class="v">)?([\d,]+)', table)) == shown


async def test_numbers_are_the_released_ones(client: Client, released: MadeUpReleases) -> None:
    """The figure of active people is the releases' own numbers, day by day."""
    body = await (await client.get(f"{BASE}/overview/active.json")).json()
    api = await client.get(
        "/api/v1/numbers", params={"statistic": "people", "period": "day", "measure": "active", "breakdown": "total"}
    )
    truth = {number["first"]: number["value"] for number in (await api.json())["numbers"]}
    page = {c["row"]: c["value"] for c in body["cells"] if c["series"] == "day" and not c["provisional"]}
    assert page == truth
    assert len(page) == 28


async def test_open_days_are_marked(client: Client, released: MadeUpReleases) -> None:
    """Days that are not sealed are at the end, hatched, and said to be updating, in chart, table and file."""
    html = await (await client.get(f"{BASE}/overview")).text()
    body = await (await client.get(f"{BASE}/overview/active.json")).json()
    open_rows = [cell["row"] for cell in body["cells"] if cell["provisional"]]
    assert open_rows == [days.text(day) for day in range(released.sealed_through + 1, TODAY + 1)]
    assert html.count("<em>updating</em>") == len(open_rows)
    assert 'class="hatch"' in html
    assert "Hatched days are still updating" in html


async def test_hidden_numbers_say_so_and_where_they_would_show(client: Client) -> None:
    """A hidden number stands as words with a link to a longer period; no zero, no blank."""
    html = await (await client.get(f"{BASE}/explore?measure=screen_share.used&range=90")).text()
    assert f"fewer than {K} people" in html
    table = html.split("<tbody>")[1].split("</tbody>")[0]
    hidden = re.findall(r'hidden-words">([^<]+)</span> <a href="([^"]+)">([^<]+)', table)
    assert hidden
    words = {f"fewer than {K} people", "hidden to protect a few others", "too few in it, or not in it"}
    assert {said for said, _, _ in hidden} <= words
    assert all("by=week" in href for _, href, _ in hidden)
    assert (await client.get(hidden[0][1].replace("&amp;", "&"))).status == 200


@pytest.mark.parametrize("figure", ["label", "os", "language", "time_zone"])
async def test_parts_add_up_to_the_total(client: Client, released: MadeUpReleases, figure: str) -> None:
    """Counts by label or by value, with other and what could not be divided, are the total: nothing is lost."""
    parts = await (await client.get(f"{BASE}/explore/meeting.joined-{figure}.json?measure=meeting.joined")).json()
    times = await (await client.get(f"{BASE}/explore/times.json?measure=meeting.joined")).json()
    total = sum(cell["value"] or 0 for cell in times["cells"] if not cell["provisional"])
    assert sum(cell["value"] for cell in parts["cells"]) == total > 0
    assert "other" in {cell["row"] for cell in parts["cells"]}


async def test_ranges_keep_the_grain_and_begin_with_the_data(client: Client) -> None:
    """Another range stays by week; a year begins with the first numbers, and says which week is there in part only."""
    html = await (await client.get(f"{BASE}/overview?by=week")).text()
    assert 'href="/c/acme/meet/overview?by=week&amp;range=90"' in html
    html = await (await client.get(f"{BASE}/overview?range=365&by=week")).text()
    begins = TODAY - 100
    assert f"The first numbers are of {Wording().day(begins)}" in html
    body = await (await client.get(f"{BASE}/overview/active.json?range=365&by=week")).json()
    assert min(cell["row"] for cell in body["cells"]) >= days.text(days.week_start(begins))
    assert f"in part: from {Wording().day_short(begins)}" in html


async def test_the_earlier_window_must_be_whole_to_be_compared(client: Client) -> None:
    """A change is said when both windows have data, and not where the earlier one began before the data."""
    late = await (await client.get(f"{BASE}/overview")).text()
    assert "before that</h1>" in late
    day = days.text(TODAY - 100 + 40)
    early = await (await client.get(f"{BASE}/overview?from={days.text(TODAY - 80)}&to={day}")).text()
    assert "people used Meet in the 28 days" in early
    assert "before that" not in early


async def test_a_timing_is_three_lines(client: Client) -> None:
    """A timing shows what half, three quarters and 19 of 20 are under, in its unit, lowest first."""
    body = await (await client.get(f"{BASE}/explore/how-long.json?measure=meeting.join_time")).json()
    assert body["unit"] == "ms"
    by_day: dict[str, list[int]] = {}
    for cell in body["cells"]:
        by_day.setdefault(cell["row"], []).append(cell["value"] or 0)
    assert len(by_day) == 28
    assert all(len(values) == 3 and values == sorted(values) for values in by_day.values())


async def test_a_customer_without_releases_sees_what_to_do(tmp_path: Path, released: MadeUpReleases) -> None:
    """Before the first release every page stands, says when the first number comes, and hides nothing."""
    tenancy = write_organisation(tmp_path)
    text = (tmp_path / "organisation.toml").read_text().replace('customer = "acme"', 'customer = "rival"')
    (tmp_path / "organisation.toml").write_text(text)
    async with TestClient(TestServer(create_app(tenancy, released))) as client:
        headers = {"Authorization": f"Bearer {TOKENS['own']}"}
        for page in PAGES:
            answer = await client.get(f"/c/rival/meet/{page}", headers=headers)
            assert answer.status == 200
        text = await (await client.get("/c/rival/meet/overview", headers=headers)).text()
        assert "No number is sealed yet" in text
        assert "A day is sealed three days after it ends" in text
        assert "<svg class" not in text


async def test_debug_is_kept_apart_and_marked(client: Client, tmp_path: Path) -> None:
    """The debug page is watermarked, states its threshold and its memory, and says what came and what was dropped."""
    html = await (await client.get(f"{BASE}/debug")).text()
    assert '<body class="framed debug">' in html
    assert "At least 1 device" in html
    assert "forgotten at the end of the next" in html
    assert "<strong>14:05</strong> <span>last seen, UTC</span> <small>today</small>" in html
    text = re.sub(r"<[^>]+>", " ", html)
    assert "entry: other \N{MULTIPLICATION SIGN} 2, link \N{MULTIPLICATION SIGN} 48" in text
    assert "device: os Android \N{MULTIPLICATION SIGN} 1" in text
    assert "1 device reached the daily cap of 50" in text
    assert "2 undeclared values, counted as other" in text
    assert "does not allow the purpose diagnostics" in text  # the reason why nothing came of meeting.join_time
    rival = (tmp_path / "organisation.toml").read_text().replace('customer = "acme"', 'customer = "rival"')
    (tmp_path / "organisation.toml").write_text(rival)
    assert "No debug key has reported" in await (await client.get("/c/rival/meet/debug")).text()


async def test_a_changed_organisation_file_counts_at_once(client: Client, tmp_path: Path) -> None:
    """A reader taken out of the file sees nothing from the next request on; a broken file changes nothing."""
    file = tmp_path / "organisation.toml"
    good = file.read_text()
    file.write_text("broken [")
    assert (await client.get(f"{BASE}/overview")).status == 200
    file.write_text(good.split("[[readers]]")[0])
    assert (await client.get(f"{BASE}/overview")).status == 401


async def test_type_has_few_sizes_and_two_weights(client: Client) -> None:
    """Each pair of a size and a weight is a question to the system that a page's first paint waits for."""
    html = await (await client.get(f"{BASE}/overview")).text()
    (style,) = re.findall(r'href="(/static/hc.css\?v=\w+)"', html)
    css = (await (await client.get(style)).text()).split("@media print")[0]
    assert set(re.findall(r"font-weight: ([^;}]+)", css)) == {"400", "600"}
    assert len(set(re.findall(r"font-size: ([^;}]+)", css))) <= 13


async def test_what_did_not_change_is_not_sent_again(client: Client) -> None:
    """Pages, files and static files have ETags; static addresses name their content and never expire."""
    html = await (await client.get(f"{BASE}/overview")).text()
    (style,) = re.findall(r'href="(/static/hc.css\?v=\w+)"', html)
    for path in (f"{BASE}/overview", f"{BASE}/overview/active.csv", style, "/favicon.ico"):
        answer = await client.get(path)
        again = await client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
        assert (answer.status, again.status, await again.read()) == (200, 304, b"")
    assert "immutable" in (await client.get(style)).headers["Cache-Control"]


async def test_a_page_names_its_style_sheet_before_itself(client: Client) -> None:
    """A page's header leads to its style sheet, which is compressed for who can read that and the same for all."""
    answer = await client.get(f"{BASE}/overview")
    (style,) = re.findall(r'href="(/static/hc.css\?v=\w+)"', await answer.text())
    assert answer.headers["Link"] == f"<{style}>; rel=preload; as=style"
    packed = await client.get(style, headers={"Accept-Encoding": "gzip"})
    plain = await client.get(style, headers={"Accept-Encoding": "identity"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert await packed.read() == await plain.read()
    assert int(packed.headers["Content-Length"]) < int(plain.headers["Content-Length"]) / 3


async def test_many_readers_at_once(client: Client) -> None:
    """Pages asked for together all come, and alike."""
    answers = await asyncio.gather(*(client.get(f"{BASE}/overview") for _ in range(8)))
    assert len({answer.headers["ETag"] for answer in answers}) == 1
