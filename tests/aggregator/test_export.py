"""Figures as files: every form holds the chart's very numbers, and says by which rule."""

from __future__ import annotations

import asyncio
import csv
import io
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import orjson
import pyarrow.parquet as pq
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from headcount_aggregator.released import State
from headcount_aggregator.web.app import create_app
from headcount_aggregator.web.dashboard.export import WHY
from headcount_aggregator.web.dashboard.pages import PAGES

from tests.aggregator.made_up_releases import TOKENS, MadeUpReleases, write_organisation
from tests.aggregator.product_world import ProductReleases, World, write_product

Client = TestClient[web.Request, web.Application]
STATE = "?range=90&compare=before"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def product() -> ProductReleases:
    return ProductReleases(World(count=500, length=110))


@pytest.fixture
async def client(tmp_path: Path, product: ProductReleases) -> AsyncIterator[Client]:
    app = create_app(write_product(tmp_path), product)
    async with TestClient(TestServer(app), headers={"Authorization": f"Bearer {TOKENS['own']}"}) as found:
        yield found


def written(value: object) -> str:
    """A value as CSV writes it."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


async def links(client: Client, page: str) -> list[str]:
    """The files that a page offers."""
    answer = await client.get(f"/c/acme/meet/{page}{STATE}")
    text = (await answer.text()).replace("&amp;", "&")
    return re.findall(r'href="(/c/acme/meet/[^"]*\.(?:csv|json|svg|parquet)[^"]*)"', text)


async def every_file(client: Client) -> dict[str, dict[str, bytes]]:
    """Every file of every page, by its address without the form."""
    found: dict[str, dict[str, bytes]] = {}
    for page in PAGES:
        for link in await links(client, page):
            answer = await client.get(link)
            assert answer.status == 200, link
            path, _, _ = link.partition("?")
            name, _, form = path.rpartition(".")
            assert (form == "json") == ("Content-Disposition" not in answer.headers)
            found.setdefault(name, {})[form] = await answer.read()
    return found


async def test_every_form_of_every_figure_says_the_same(client: Client) -> None:
    """CSV, JSON and Parquet hold the same cells; each line says its rule, its interval, and why it is hidden."""
    files = await every_file(client)
    assert len(files) > 20
    hidden = 0
    for name, forms in files.items():
        assert {"csv", "json", "parquet"} <= set(forms), name
        body: dict[str, Any] = orjson.loads(forms["json"])
        lines = list(csv.DictReader(io.StringIO(forms["csv"].decode())))
        table = pq.read_table(io.BytesIO(forms["parquet"]))
        rows = table.to_pylist()
        assert len(lines) == len(rows) == len(body["cells"])
        for cell, line, row in zip(body["cells"], lines, rows, strict=True):
            for field, value in cell.items():
                assert row[field] == value
                assert line[field] == written(value)
            assert (row["rule"], row["k"], line["rule"], line["k"]) == (body["rule"], 20, body["rule"], "20")
            assert (cell["value"] is None) == (cell["state"] != "shown") == bool(cell["why"])
        assert body["hidden"] == sum(cell["value"] is None for cell in body["cells"])
        assert table.schema.metadata[b"rule"].decode() == body["rule"]
        hidden += body["hidden"]
    assert hidden


async def test_a_grid_has_all_its_cohorts_in_its_files(tmp_path: Path) -> None:
    """A page and its drawing show as many first days as fit, and say so; the files of numbers hold every one."""
    large = create_app(write_organisation(tmp_path), MadeUpReleases(count=3600, length=60))
    async with TestClient(TestServer(large), headers={"Authorization": f"Bearer {TOKENS['own']}"}) as client:
        await every_cohort(client)


async def every_cohort(client: Client) -> None:
    address, state = "/c/acme/meet/retention", "?by=day&range=90"
    page = await (await client.get(address + state)).text()
    note = "The newest 45 are shown; the CSV and the JSON have all."
    assert note in page
    grid = page.split('<table class="grid')[1].split("</table>")[0]
    shown = re.findall(r'<th scope="row">([^<]+)</th>', grid)
    lines = list(csv.DictReader(io.StringIO(await (await client.get(f"{address}/grid.csv{state}")).text())))
    body = orjson.loads(await (await client.get(f"{address}/grid.json{state}")).read())
    named = list(dict.fromkeys(line["name"] for line in lines))
    assert named[-len(shown) :] == shown
    assert len(named) > len(shown) == 45
    assert list(dict.fromkeys(cell["name"] for cell in body["cells"])) == named
    assert note not in body["notes"]
    drawing = await (await client.get(f"{address}/grid.svg{state}")).text()
    assert shown[0] in drawing
    assert named[0] not in drawing


async def test_a_grid_begins_where_its_numbers_do(tmp_path: Path) -> None:
    """First days of which everything is hidden do not stand before the first numbers; how many, is said once.

    The files hold them, and a hidden day between shown ones stays where it is.
    """
    address, state = "/c/acme/meet/retention", "?by=day&range=28"
    small = create_app(write_organisation(tmp_path), MadeUpReleases(count=900, length=60))
    async with TestClient(TestServer(small), headers={"Authorization": f"Bearer {TOKENS['own']}"}) as client:
        page = await (await client.get(address + state)).text()
        drawing = await (await client.get(f"{address}/grid.svg{state}")).text()
        lines = list(csv.DictReader(io.StringIO(await (await client.get(f"{address}/grid.csv{state}")).text())))
    grid = page.split('<table class="grid')[1].split("</table>")[0]
    shown = re.findall(r'<th scope="row">([^<]+)</th><td class="cohort">([^<]*)', grid)
    sizes = {line["name"]: line["value"] for line in lines if line["series"] == "0"}
    first = next(at for at, value in enumerate(sizes.values()) if value)
    assert first > 1
    assert [name for name, _ in shown] == list(sizes)[first:]
    assert f"{first} earlier rows are left out: all of each is hidden." in page
    assert f"{first} earlier rows are left out" in drawing
    assert not set(list(sizes)[:first]) & set(re.findall(r">([^<]+)</text>", drawing))
    assert "are shown; the CSV" not in page
    assert not all(list(sizes.values())[first:])


async def test_a_grid_of_nothing_but_hidden_numbers_is_a_sentence(client: Client) -> None:
    """Where no first day has enough people, the page says so once and leads on; the files hold what they held."""
    address, state = "/c/acme/meet/retention", "?by=day&range=90"
    page = await (await client.get(address + state)).text()
    assert '<table class="grid' not in page
    said = re.search(r"All [\d,]+ numbers (that are not 0|of these days) are hidden: fewer than 20 people", page)
    assert said
    assert "The newest 45 are shown" not in page
    lines = list(csv.DictReader(io.StringIO(await (await client.get(f"{address}/grid.csv{state}")).text())))
    assert len({line["name"] for line in lines}) > 45


async def test_a_drawing_stands_alone(client: Client) -> None:
    """Each SVG is whole XML of fixed size, needs no style sheet, script or other host, and has its rule."""
    files = {name: forms["svg"] for name, forms in (await every_file(client)).items() if "svg" in forms}
    assert len(files) > 15
    for name, data in files.items():
        root = ElementTree.fromstring(data)  # noqa: S314  # our own answer
        assert root.tag == f"{SVG}svg"
        width, height = (float(root.attrib[side]) for side in ("width", "height"))
        assert root.attrib["viewBox"] == f"0 0 {root.attrib['width']} {root.attrib['height']}"
        assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
            "svg",
            "g",
            "title",
            "desc",
            "defs",
            "pattern",
            "path",
            "rect",
            "text",
        }, name
        for element in root.iter():
            assert not {"class", "style", "href"} & set(element.attrib), name
            links = [value for value in element.attrib.values() if value.startswith("url(")]
            assert all(link.startswith("url(#hatch") for link in links), name
            for side in ("width", "height", "x", "y"):
                value = element.attrib.get(side, "0")
                assert value.endswith("%") or -1 <= float(value) <= max(width, height), (name, element.attrib)
        words = " ".join(element.text or "" for element in root.iter(f"{SVG}text"))
        assert "Rule: " in words
        assert "Acme, Meet: " in words
        assert b"http" not in data.replace(b"http://www.w3.org/2000/svg", b"")
        title = root.find(f"{SVG}title")
        assert title is not None
        assert title.text


async def test_what_is_no_file_is_not_found(client: Client) -> None:
    """A figure that is not there, a form that is none, a drawing of a plain table: 404 and no number."""
    for name in ("overview/none.csv", "overview/active.xlsx", "none/active.csv"):
        assert (await client.get(f"/c/acme/meet/{name}")).status == 404


async def test_the_library_for_parquet_keeps_nobody_waiting(client: Client) -> None:
    """While the first Parquet file loads its library, other answers go out."""
    (first,) = [link for link in await links(client, "overview") if ".parquet" in link][:1]
    waiting = asyncio.create_task(client.get(first))
    began = time.monotonic()
    assert (await client.get("/livez")).status == 200
    assert time.monotonic() - began < 5
    assert (await waiting).status == 200


async def test_a_file_says_why_in_the_readers_language(client: Client) -> None:
    """The sentences of files are the API's own, and each is said in the reader's language."""
    assert {state: state.sentence for state in State if state is not State.SHOWN} == WHY
    answer = await client.get("/c/acme/meet/retention/grid.csv?lang=de")
    hidden = {line["why"] for line in csv.DictReader(io.StringIO(await answer.text())) if line["state"] != "shown"}
    assert hidden
    assert all("verborgen" in why and "hidden" not in why for why in hidden)
