"""Webhooks: what is sealed is told once, to whom may see it, however often the other end or we ourselves fail."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from headcount_aggregator.disclosure.log import DisclosureLog
from headcount_aggregator.periods import PeriodKind, period_of
from headcount_aggregator.released import Freshness
from headcount_aggregator.web.desk import DeskFile
from headcount_aggregator.web.hooks.changes import moved
from headcount_aggregator.web.hooks.outbox import Outbox
from headcount_aggregator.web.hooks.rounds import GIVEN_UP_SECONDS, Hooks
from headcount_aggregator.web.tenancy import Tenancy
from headcount_wire import days
from headcount_wire.clock import ManualClock

from tests.aggregator.made_up_releases import TODAY
from tests.aggregator.product_world import SEALED, ProductReleases, World, write_product

NOW = TODAY * 86_400.0


@dataclass
class Channel:
    """Somebody's end of a webhook, on loopback: keeps what came, answers as it is told."""

    answers: list[int] = field(default_factory=list)
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        """Keep a message."""
        self.came.append((dict(request.headers), await request.read()))
        status = self.answers.pop(0) if self.answers else 200
        return web.Response(status=status, headers={"Location": "/elsewhere"} if status == 302 else {})

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """What came, decoded."""
        return [json.loads(body) for _, body in self.came]


class Until(ProductReleases):
    """The product's releases as they were when an earlier day was the newest sealed one."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.sealed = SEALED

    async def freshness(self, customer: int, app: int) -> Freshness:
        """How far the releases had come."""
        found = await super().freshness(customer, app)
        return Freshness(self.sealed if found.sealed_through else None, self.sealed + 4, found.first_day)


@dataclass
class House:
    """A dashboard's webhooks with everything around them."""

    folder: Path
    released: Until
    clock: ManualClock
    channel: Channel
    url: str
    log: DisclosureLog

    def declare(self, *, secret: str = "", reader: str = "acme-pm", more: str = "") -> None:
        """Write the dashboard's file."""
        text = f'address = "https://numbers.example"\n[[webhooks]]\nname = "channel"\nreader = "{reader}"\n'
        text += f'url = "{self.url}"\n'
        (self.folder / "dashboard.toml").write_text(text + f'secret = "{secret}"\n{more}')

    def hooks(self) -> Hooks:
        """The webhooks, as a process that starts has them."""
        tenancy, desk = Tenancy(self.folder / "organisation.toml"), DeskFile(self.folder / "dashboard.toml")
        outbox = Outbox(self.folder / "outgoing")
        return Hooks(tenancy, self.released, desk, outbox, self.clock, self.log, random.Random(1))

    async def round(self, hooks: Hooks | None = None) -> None:
        """One round."""
        hooks = hooks or self.hooks()
        async with aiohttp.ClientSession() as session:
            await hooks.make()
            await hooks.send(session)


@pytest.fixture(scope="module")
def product() -> Until:
    return Until(World(count=300, length=75))


@pytest.fixture
async def house(tmp_path: Path, product: Until) -> AsyncIterator[House]:
    channel = Channel()
    app = web.Application()
    app.router.add_post("/hook", channel.take)
    server = TestServer(app)
    await server.start_server()
    write_product(tmp_path)
    clock = ManualClock(NOW)
    log = DisclosureLog(tmp_path / "disclosures", clock)
    product.sealed = SEALED
    house = House(tmp_path, product, clock, channel, str(server.make_url("/hook")), log)
    house.declare()
    yield house
    await server.close()


async def test_a_sealed_week_is_told_once(house: House) -> None:
    """The newest whole week comes in the dashboard's words, once over rounds and restarts."""
    for _ in range(3):
        await house.round()
    weekly = [body for body in house.channel.bodies if body["kind"] == "weekly"]
    assert len(weekly) == 1
    week = period_of(PeriodKind.WEEK, SEALED)
    week = week if week.last <= SEALED else period_of(PeriodKind.WEEK, week.first - 1)
    (body,) = weekly
    assert (body["first"], body["last"]) == (days.text(week.first), days.text(week.last))
    assert (body["customer"], body["app"], body["k"]) == ("acme", "meet", 20)
    assert body["rule"] in body["text"]
    told = [(one, one["lead"] + " " + one["number"] if one["lead"] else one["number"]) for one in body["sentences"]]
    begun = [f"{begins[:1].upper()}{begins[1:]} {one['sentence']}" for one, begins in told]
    lines = body["text"].split("\n")[1 : 1 + len(begun)]
    assert all(line.startswith(begins) for line, begins in zip(lines, begun, strict=True)), lines
    assert body["link"].startswith("https://numbers.example/c/acme/meet/weekly?")
    assert list((house.folder / "outgoing").rglob("*.json")) == []


async def test_a_message_outlives_failures_and_restarts(house: House) -> None:
    """Refusals, errors and redirects are tried again, more and more rarely; nothing is lost, and nothing doubled."""
    house.channel.answers = [500, 429, 302, 403, 500]
    tried: list[int] = []
    hooks = house.hooks()
    for number in range(60):
        hooks = hooks if number % 8 else house.hooks()  # a process that was started again
        await house.round(hooks)
        tried.append(len(house.channel.came))
        house.clock.advance(60.0)
    names = [headers["Headcount-Message"] for headers, _ in house.channel.came]
    assert names.count(names[0]) <= 6
    assert tried[-1] == len(house.channel.came) == len(set(names)) + 5
    assert {body for _, body in house.channel.came[:1]} <= {body for _, body in house.channel.came[1:]}
    assert house.channel.answers == []


@pytest.mark.parametrize(("answer", "outcome"), [(410, "gone"), (404, "gone"), (500, "given_up")])
async def test_what_cannot_be_delivered_ends(house: House, answer: int, outcome: str) -> None:
    """An address that is gone ends it at once, one that fails for a week ends it then; its content leaves the disk."""
    house.channel.answers = [answer] * 10_000
    await house.round()
    if outcome == "given_up":
        house.clock.advance(GIVEN_UP_SECONDS)
        await house.round()
    marks = list((house.folder / "outgoing/channel").glob("*.over"))
    assert marks
    assert {json.loads(mark.read_bytes())["outcome"] for mark in marks} == {outcome}
    assert list((house.folder / "outgoing").rglob("*.json")) == []
    count = len(house.channel.came)
    await house.round()
    assert len(house.channel.came) == count


async def test_a_message_is_signed(house: House) -> None:
    """With a secret, the signature is over the moment and the very bytes; without one there is none."""
    house.declare(secret="hush")
    await house.round()
    headers, body = house.channel.came[0]
    moment, _, code = headers["Headcount-Signature"].removeprefix("t=").partition(",v1=")
    assert moment == str(int(NOW))
    assert hmac.new(b"hush", f"{moment}.".encode() + body, hashlib.sha256).hexdigest() == code


@pytest.mark.parametrize("reader", ["nobody", "north", "product"])
async def test_a_reader_is_told_what_it_sees_and_nothing_else(house: House, reader: str) -> None:
    """No message for a reader that is not declared, or whose scope sees no Customer; nor for another's Customer."""
    house.declare(reader=reader)
    await house.round()
    house.declare(more='customer = "rival"\n')
    await house.round()
    assert house.channel.came == []


async def test_a_reader_that_was_withdrawn_is_told_no_more(house: House) -> None:
    """What waits when its reader is taken from the organisation file is not sent, and leaves the disk."""
    house.channel.answers = [500] * 100
    await house.round()
    assert list((house.folder / "outgoing").rglob("*.json"))
    tried = len(house.channel.came)
    organisation = house.folder / "organisation.toml"
    organisation.write_text(organisation.read_text().replace('name = "acme-pm"', 'name = "somebody-else"'))
    house.clock.advance(86_400.0)
    await house.round()
    assert len(house.channel.came) == tried
    assert list((house.folder / "outgoing").rglob("*.json")) == []


async def test_every_message_is_in_the_disclosure_log_before_it_leaves(house: House) -> None:
    """Who was told what stands in the log once a message, however often it is tried."""
    house.channel.answers = [500, 500]
    for _ in range(8):
        await house.round()
        house.clock.advance(120.0)
    told = [e for e in entries(house.folder / "disclosures") if e["about"].get("by") == "webhook"]
    names = {headers["Headcount-Message"] for headers, _ in house.channel.came}
    assert sorted(entry["about"]["what"] for entry in told) == sorted(names)
    assert {entry["about"]["reader"] for entry in told} == {"acme-pm"}


async def test_over_weeks_each_is_told_in_turn(house: House) -> None:
    """Day after day of seals: one summary a week, none twice; a change is told once in a fortnight."""
    hooks = house.hooks()
    for sealed in range(SEALED - 20, SEALED + 1):
        house.released.sealed = sealed
        house.clock.advance(86_400.0)
        await house.round(hooks)
    weeks = [body["first"] for body in house.channel.bodies if body["kind"] == "weekly"]
    assert len(weeks) == len(set(weeks)) in (3, 4)
    assert weeks == sorted(weeks)
    changed = [body for body in house.channel.bodies if body["kind"] == "change"]
    changes = [(b["measure"], b["share"] > 0, days.parse(b["last"]) // 14) for b in changed]
    assert len(changes) == len(set(changes)) > 0
    for body in changed:
        assert body["text"].count(body["title"].partition(": ")[0]) >= 1
        assert body["now"] > body["before"] or body["share"] < 0


def entries(folder: Path) -> list[dict[str, Any]]:
    """The lines of a disclosure log."""
    return [json.loads(line) for path in sorted(folder.rglob("*")) if path.is_file() for line in lines_of(path)]


def lines_of(path: Path) -> list[bytes]:
    """The lines of a file that are JSON."""
    return [line for line in path.read_bytes().splitlines() if line.startswith(b"{")]


WEEKEND = (1.0, 1.02, 0.99, 1.0, 0.97, 0.3, 0.25)


def series(draw: random.Random, mean: float, factor: Callable[[int], float]) -> dict[int, int | None]:
    """A year of counts with weekends and overdispersion, times a factor that may change."""
    found: dict[int, int | None] = {}
    for day in range(365):
        expected = mean * WEEKEND[day % 7] * factor(day) * draw.lognormvariate(0, 0.05)
        found[day] = max(0, round(draw.gauss(expected, expected**0.5)))
    return found


def told(values: dict[int, int | None]) -> list[int]:
    """The days on which a change is told, once in a fortnight and direction."""
    found, seen = [], set()
    for day in range(30, 365):
        change = moved(values, day)
        if change and (key := (change.up, day // 14)) not in seen:
            seen.add(key)
            found.append(day)
    return found


def test_noise_is_seldom_told_and_a_change_is() -> None:
    """Of steady numbers, whatever their size, less than one in four years; most rises by 30 % in two weeks."""
    draw = random.Random(5)
    false = [len(told(series(draw, mean, lambda _: 1.0))) for mean in (30, 200, 5000) for _ in range(60)]
    assert sum(false) / len(false) < 0.25
    caught = 0
    for _ in range(60):
        days_told = told(series(draw, 400, lambda day: 1.3 if day >= 200 else 1.0))
        caught += any(200 <= day <= 214 for day in days_told)
    assert caught >= 45


def test_hidden_days_are_no_change() -> None:
    """Where most days are hidden nothing is told."""
    values = series(random.Random(1), 400, lambda day: 2.0 if day >= 200 else 1.0)
    hidden = {day: value if day % 3 else None for day, value in values.items()}
    assert all(moved({**hidden, **dict.fromkeys(range(day - 6, day - 2))}, day) is None for day in range(200, 215))
