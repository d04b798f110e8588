"""Notes and saved views: declared in a file, shown to whom they belong to, and read again when they change."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from headcount_aggregator.web.app import create_app
from headcount_aggregator.web.desk import DeskError, DeskFile, Sends, parse_desk
from headcount_wire import days

from tests.aggregator.made_up_releases import TOKENS
from tests.aggregator.product_world import ProductReleases, World, write_product

Client = TestClient[web.Request, web.Application]
DESK = """\
address = "https://numbers.example/"
[[notes]]
day = 2026-11-04
text = "Campaign in <Germany>, and more of it"
customer = "acme"
[[notes]]
day = 2026-10-28
text = "Outage."
[[notes]]
day = 2026-11-05
text = "What only the rival knows"
customer = "rival"
[[views]]
name = "Sharing on Android"
page = "explore"
state = "measure=screen_share.used&range=90"
[[views]]
name = "The rival's"
page = "overview"
customer = "rival"
[[webhooks]]
name = "channel"
reader = "acme-pm"
url = "https://chat.example/hooks/secret-part"
"""


@pytest.fixture(scope="module")
def product() -> ProductReleases:
    return ProductReleases(World(count=300, length=60))


@pytest.fixture
async def client(tmp_path: Path, product: ProductReleases) -> AsyncIterator[Client]:
    (tmp_path / "dashboard.toml").write_text(DESK)
    app = create_app(write_product(tmp_path), product, desk=DeskFile(tmp_path / "dashboard.toml"))
    async with TestClient(TestServer(app), headers={"Authorization": f"Bearer {TOKENS['own']}"}) as found:
        yield found


async def test_notes_stand_on_every_chart_of_their_days(client: Client) -> None:
    """A chart over time has a mark on the row of a note's day, and its words beneath; others' are not there."""
    text = await (await client.get("/c/acme/meet/overview")).text()
    assert "Campaign in &lt;Germany&gt;, and more of it." in text
    assert text.count('class="flag"') >= 2
    assert "rival" not in text
    for by, row in (("day", "2026-11-04"), ("week", "2026-11-02"), ("month", "2026-11-01")):
        answer = await client.get(f"/c/acme/meet/overview/active.json?range=90&by={by}")
        body = await answer.json()
        rows = {cell["row"] for cell in body["cells"]}
        if row in rows:
            assert [row, "Campaign in <Germ…"] in body["markers"]
        assert by == "month" or row in rows
        assert not any("rival" in text for _, text in body["markers"])
    earlier = await (await client.get("/c/acme/meet/overview/active.json?from=2026-10-01&to=2026-10-20")).json()
    assert [marker for marker in earlier["markers"] if "Outage" in marker[1]] == []
    # How much later somebody was back is no day of the calendar.
    curve = await (await client.get("/c/acme/meet/retention/curve.json?by=day")).json()
    assert curve["cells"]
    assert curve["markers"] == []


async def test_saved_views_are_one_click_away(client: Client) -> None:
    """Every page links to the saved views of its Customer's app, and each of them answers."""
    text = await (await client.get("/c/acme/meet/health")).text()
    address = "/c/acme/meet/explore?measure=screen_share.used&range=90"
    assert f'<a href="{address.replace("&", "&amp;")}">Sharing on Android</a>' in text
    assert (await client.get(address)).status == 200
    assert "The rival" not in text


async def test_the_api_tells_them_alike(client: Client) -> None:
    """/notes and /views tell what belongs to the reader's Customer, and nothing of webhooks."""
    notes = await (await client.get("/api/v1/notes")).json()
    assert [note["day"] for note in notes] == ["2026-10-28", "2026-11-04"]
    views = await (await client.get("/api/v1/views")).json()
    assert views == [
        {"name": "Sharing on Android", "address": "/c/acme/meet/explore?measure=screen_share.used&range=90"}
    ]
    for name in ("notes", "views"):
        assert (
            await client.get(f"/api/v1/{name}", headers={"Authorization": f"Bearer {TOKENS['product']}"})
        ).status == 403
        assert (await client.get(f"/api/v1/{name}?customer=rival")).status == 404


def noted(desk: DeskFile) -> list[int]:
    """The days of the notes in force."""
    return [note.day for note in desk.desk.notes]


def test_a_file_is_read_again_when_it_changes(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A changed file is in force at once; a faulty one, or none, leaves the one before, and is logged."""
    file = tmp_path / "dashboard.toml"
    desk = DeskFile(file)
    assert noted(desk) == []
    file.write_text(DESK)
    assert noted(desk)[:2] == [days.parse("2026-11-04"), days.parse("2026-10-28")]
    file.write_text(DESK + "[[notes]]\n")
    assert len(noted(desk)) == 3
    file.unlink()
    assert len(noted(desk)) == 3
    logged = capfd.readouterr().out
    assert "dashboard_file_faulty" in logged
    assert "dashboard_file_gone" in logged
    assert "secret-part" not in logged
    file.write_text('[[notes]]\nday = 2026-01-01\ntext = "x"\n')
    assert noted(desk) == [days.parse("2026-01-01")]
    assert DeskFile(None).desk.views == ()


@pytest.mark.parametrize(
    ("wrong", "line", "word"),
    [
        ('[[notes]]\nday = "soon"\ntext = "x"', 2, "date"),
        ('[[notes]]\ntext = "x"', 1, "day is missing"),
        (f'[[notes]]\nday = 2026-01-01\ntext = "{"x" * 201}"', 3, "200"),
        ('[[notes]]\nday = 2026-01-01\ntext = "a\\nb"', 3, "one line"),
        ('[[notes]]\nday = 2026-01-01\ntext = "x"\nwho = "me"', 4, "not known"),
        ('[[views]]\nname = "x"\npage = "../admin"', 3, "page"),
        ('[[views]]\nname = "x"\npage = "explore"\nstate = "?range=28"', 4, "question mark"),
        ('[[webhooks]]\nname = "x"\nreader = "r"\nurl = "http://elsewhere.example"', 4, "https"),
        ('[[webhooks]]\nname = "x"\nreader = "r"\nurl = "https://a.example"\nsend = ["all"]', 5, "weekly, changes"),
        ('[[webhooks]]\nname = "x"\nreader = "r"\nurl = "https://a.example"\nlanguage = "xx"', 5, "en, de"),
        ('address = "numbers.example"', 1, "https://numbers.example"),
        ("not toml", 1, "TOML"),
    ],
)
def test_each_fault_is_named_with_its_line(wrong: str, line: int, word: str) -> None:
    """Whoever wrote the file is sent to the place."""
    with pytest.raises(DeskError) as caught:
        parse_desk(wrong)
    assert (line, True) in {(finding.line, word in str(finding)) for finding in caught.value.findings}


def test_secrets_are_not_shown() -> None:
    """Neither a webhook's address nor its secret is in what a log or a traceback would show."""
    (hook,) = parse_desk(DESK + 'secret = "hush"\n').webhooks
    assert hook.sends == tuple(Sends)
    assert "secret-part" not in repr(hook)
    assert "hush" not in repr(hook)
