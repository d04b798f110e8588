"""Sums over Customers in a running house: from spooled reports to a product reader's page, logged and chained."""

from __future__ import annotations

import random
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from headcount_aggregator.disclosure.against import faults_against
from headcount_aggregator.disclosure.entry import Event
from headcount_aggregator.disclosure.log import DisclosureLog, audit
from headcount_aggregator.retention.requests import Requests
from headcount_aggregator.scopes import PRODUCT
from headcount_aggregator.sealed_chain import verify
from headcount_aggregator.sealed_reader import SealedReader
from headcount_aggregator.settings import StoreSettings
from headcount_aggregator.store import Store
from headcount_aggregator.web.app import Tenancy, create_app
from headcount_wire import days
from headcount_wire.app_key import fingerprint, new_key
from headcount_wire.clock import ManualClock

from tests.aggregator.conftest import CUT_CATALOG, ORGANISATION, TODAY, Spooled, record_of, spool

DAY = 86_400.0
CUSTOMERS = range(21, 28)
TOKEN = new_key("read")


async def test_a_house_of_seven_customers_tells_their_sum_and_says_so(tmp_path: Path, clock: ManualClock) -> None:
    """Shares are drawn, sums sealed and logged; a product reader sees people of all; erasing one takes its share."""
    customer = 'partner = "north"\npolicy = { version = 1, purposes = ["usage", "context"] }\n'
    text = ORGANISATION + "".join(f"[customers.c{code}]\ncode = {code}\n{customer}" for code in CUSTOMERS)
    text += f'[[readers]]\nname = "team"\nscope = "product"\nfingerprint = "{fingerprint(TOKEN)}"\n'
    (tmp_path / "catalog.toml").write_text(CUT_CATALOG)
    (tmp_path / "organisation.toml").write_text(text)
    settings = StoreSettings(organisation=tmp_path / "organisation.toml", data=tmp_path / "data")
    settings.spool.mkdir(parents=True)
    store, draw, count = Store(settings, clock), random.Random(1), Spooled()
    for day in range(2):
        for code in CUSTOMERS:
            records = [(draw.randbytes(16), record_of(draw, day=TODAY + day, customer=code)) for _ in range(90)]
            spool(settings.spool, records, count=count)
        store.tick()
        clock.advance(DAY)
    clock.advance(3 * DAY)
    store.tick()
    store.tick()
    assert verify(settings.releases / f"{PRODUCT}-3") >= 2
    log = audit(settings.disclosures)
    assert log.faults == []
    assert f"{PRODUCT}-3" in {e.about["folder"] for e in log.entries if e.event is Event.RELEASED}
    assert faults_against(log.entries, settings.releases) == []
    disclosures = DisclosureLog(settings.disclosures, clock)
    app = create_app(Tenancy(settings.organisation), SealedReader(settings.releases, clock), disclosures=disclosures)
    async with TestClient[web.Request, web.Application](TestServer(app)) as client:
        asked = {"measure": "active", "statistic": "people", "period": "day", "from": days.text(TODAY)}
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = await client.get("/api/v1/numbers", params=asked, headers=headers)
        assert answer.status == 200, await answer.text()
        body = await answer.json()
        total = next(n for n in body["numbers"] if not n["breakdown"] and n["first"] == days.text(TODAY))
        assert (await client.get("/c/all-customers/meet/overview", headers=headers)).status == 200
    assert total["low"] <= 7 * 90 <= total["high"] or abs(total["value"] - 630) < 300
    assert {e.about["customer"] for e in audit(settings.disclosures).entries if e.event is Event.READ} == {
        "all-customers"
    }
    assert (settings.shares / "23-3").exists()
    Requests(settings.data / "erase").ask(23)
    store.erase_requested()
    assert not (settings.shares / "23-3").exists()
    assert (settings.shares / "24-3").exists()
    store.close()
