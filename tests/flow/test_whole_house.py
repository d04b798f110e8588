"""A number travels the whole way: from simulated devices through the real SDK to sealed releases and the API."""

from __future__ import annotations

import http.client
import json
import re
from pathlib import Path

from headcount.demo.developer import try_out
from headcount.demo.drive import Drive
from headcount.demo.ground import CUSTOMERS, prepare
from headcount.demo.population import people, use_of
from headcount.demo.show import demo_settings
from headcount.file_clock import FileClock
from headcount.settings import Settings
from headcount.stack import Stack, free_port
from headcount_aggregator.cell_reader import read_cells
from headcount_aggregator.cells import CellQuery
from headcount_aggregator.sealed_reader import verify
from headcount_wire import days
from headcount_wire.facts import Fact

FIRST, SPAN, PEOPLE, SEED = days.parse("2026-03-02"), 12, 90, 3
DAY = 86_400.0


def settings_on_free_ports(settings: Settings) -> Settings:
    ports = {name: free_port() for name in ("edge_port", "admin_port", "dashboard_port")}
    return settings.model_copy(update=ports)


def fetch(port: int, path: str, token: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def test_every_daily_number_is_that_of_the_people(tmp_path: Path) -> None:
    """Killed on the way again and again, the house ends with exactly the people who consented, each day."""
    ground = prepare(tmp_path / "demo")
    clock = FileClock.create(tmp_path / "clock", FIRST * DAY)
    settings = settings_on_free_ports(demo_settings(ground))
    persons = people(PEOPLE, SPAN, CUSTOMERS, SEED)
    persons = [person for person in persons if person.withdraws is None and person.offline == (0, 0)]
    with Stack(settings, clock_file=tmp_path / "clock", log=tmp_path / "log") as stack:
        stack.await_ready()
        drive = Drive(persons, ground, stack.edge, clock, FIRST, SEED)
        for day, _ in drive.days(SPAN):
            if day in (3, 6):
                stack.supervisor.kill("edge-0")
                stack.supervisor.kill("store")
                stack.await_ready()
            stack.await_settled(clock.now())
        clock.set_now((FIRST + SPAN + 12) * DAY)
        stack.await_settled(clock.now())
        drive.close()
        assert try_out(ground, stack.edge, clock)
        clock.set_now(clock.now() + 60.0)  # what was settled before says nothing of this report
        stack.await_settled(clock.now())
        token = ground.readers["aurora"]
        page = fetch(settings.dashboard_port, "/c/aurora/meet/overview", token)
        debug = fetch(settings.dashboard_port, "/c/aurora/meet/debug", token)
        numbers = json.loads(fetch(settings.dashboard_port, "/api/v1/numbers?statistic=people&period=day", token))

    truth = {
        (name, FIRST + day): sum(
            person.customer == name and person.consents() and use_of(person, day, FIRST, SEED) is not None
            for person in persons
        )
        for name, _ in CUSTOMERS
        for day in range(SPAN)
    }
    cells = read_cells(settings.data / "warehouse")
    query = CellQuery(FIRST, FIRST + SPAN, ("customer", "day"), measures=(1,), labels=(0,), facts=(int(Fact.GAP),))
    found = {(row.customer, row.day): row.n for row in cells.sums(query)}
    cells._warehouse.close()
    codes = {name: code for code, (name, _) in enumerate(CUSTOMERS, 11)}
    assert found == {(codes[name], day): n for (name, day), n in truth.items() if n}

    shown = {number["first"]: number["value"] for number in numbers["numbers"] if _whole(number)}
    expected = {days.text(day): (n if n >= 20 else None) for (name, day), n in truth.items() if name == "aurora" and n}
    assert {day: shown[day] for day in expected} == expected
    assert re.search("people used Meet in the 28 days", page)
    assert "entry: link \N{MULTIPLICATION SIGN} 47, calendar \N{MULTIPLICATION SIGN} 3" in debug
    assert "1 device reached the daily cap of 50" in debug
    assert verify(settings.data / "releases/11-1") > SPAN
    _nothing_is_left_of_people(tmp_path, settings.data)


def _whole(number: dict[str, object]) -> bool:
    return number["measure"] == "active" and number["breakdown"] == ""


def _nothing_is_left_of_people(folder: Path, data: Path) -> None:
    """No key, no address, no user agent in what the tiers keep and say."""
    written = b"".join(path.read_bytes() for path in data.rglob("*") if path.is_file()) + (folder / "log").read_bytes()
    for needle in (b"hc_live_", b"hc_debug_", b"hc_read_", b"User-Agent", b"127.0.0.1:", b"Python-urllib"):
        assert needle not in written, needle
