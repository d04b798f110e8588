"""What goes into the disclosure log: releases, readers, readings, exports, policies, deletions; once, whatever dies."""

from __future__ import annotations

import html
import json
import random
import shutil
from collections import Counter
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from headcount.command import app as command
from headcount_aggregator.disclosure.against import faults_against
from headcount_aggregator.disclosure.entry import Entry, Event
from headcount_aggregator.disclosure.log import DisclosureLog, audit
from headcount_aggregator.evidence import EVIDENCE, Criterion
from headcount_aggregator.sealed_chain import record_of
from headcount_aggregator.sealed_reader import SealedReader
from headcount_aggregator.settings import StoreSettings
from headcount_aggregator.store import Store
from headcount_aggregator.web.app import Tenancy, create_app
from headcount_wire.clock import ManualClock
from typer.testing import CliRunner

from tests.aggregator.conftest import CUT_CATALOG, ORGANISATION, TODAY, Spooled, spool
from tests.aggregator.conftest import record_of as made
from tests.aggregator.test_web import BEARER, READERS
from tests.attacks.suite import ATTACKS

DAY = 86_400.0


@pytest.fixture
def settings(tmp_path: Path) -> StoreSettings:
    (tmp_path / "catalog.toml").write_text(CUT_CATALOG)
    (tmp_path / "organisation.toml").write_text(ORGANISATION + READERS)
    settings = StoreSettings(organisation=tmp_path / "organisation.toml", data=tmp_path / "data")
    settings.spool.mkdir(parents=True)
    return settings


def run(settings: StoreSettings, clock: ManualClock, days: int = 6) -> None:
    """A store that counts and seals for some days."""
    draw, count = random.Random(1), Spooled()
    store = Store(settings, clock)
    for day in range(days):
        records = [(draw.randbytes(16), made(draw, day=TODAY + day)) for _ in range(40)]
        spool(settings.spool, records, count=count)
        store.tick()
        clock.advance(DAY)
    store.tick()
    store.close()


def again(settings: StoreSettings, clock: ManualClock) -> None:
    """The store starts anew."""
    store = Store(settings, clock)
    store.tick()
    store.close()


def entries(settings: StoreSettings) -> list[Entry]:
    found = audit(settings.disclosures)
    assert found.faults == []
    return found.entries


def kinds(settings: StoreSettings) -> Counter[Event]:
    return Counter(entry.event for entry in entries(settings))


def test_every_release_is_logged_with_its_hash_once(settings: StoreSettings, clock: ManualClock) -> None:
    """Each sealed file stands in the log with the hash it was sealed with; a new start adds nothing."""
    run(settings, clock)
    sealed = record_of(settings.releases / "11-3")
    logged = {e.about["file"]: e.about["hash"] for e in entries(settings) if e.event is Event.RELEASED}
    assert len(sealed) > 2
    assert logged == sealed
    before = kinds(settings)
    again(settings, clock)
    assert kinds(settings) == before
    assert faults_against(entries(settings), settings.releases) == []


def test_what_a_crash_kept_from_the_log_is_logged_by_the_next_start(
    settings: StoreSettings, clock: ManualClock
) -> None:
    """A store that died after sealing and before logging: the next one logs what it finds."""
    run(settings, clock)
    path = settings.disclosures / "log.jsonl"
    whole = path.read_bytes().split(b"\n")
    first = next(at for at, line in enumerate(whole) if b'"released"' in line)
    for cut in range(first, len(whole) - 1):
        path.write_bytes(b"\n".join(whole[:cut]) + b"\n")
        (settings.disclosures / "head").unlink()
        again(settings, clock)
        assert {e.about["file"] for e in entries(settings) if e.event is Event.RELEASED} == set(
            record_of(settings.releases / "11-3")
        )


def test_policies_readers_and_their_changes_are_logged(settings: StoreSettings, clock: ManualClock) -> None:
    """What the organisation file declares is logged, and each change of it; the same again is not."""
    store = Store(settings, clock)
    store.tick()
    assert kinds(settings) == {Event.POLICY_DECLARED: 1, Event.READER_DECLARED: 2}
    text = settings.organisation.read_text("utf-8")
    changed = text.replace("version = 1, purposes", "version = 2, purposes").replace('partner = "north"\npol', "pol")
    settings.organisation.write_text(changed.replace('name = "pm"', 'name = "boss"') + "\n# later\n")
    store.tick()
    store.tick()
    store.close()
    assert kinds(settings) == {Event.POLICY_DECLARED: 2, Event.READER_DECLARED: 3, Event.READER_WITHDRAWN: 1}
    policies = [e.about for e in entries(settings) if e.event is Event.POLICY_DECLARED]
    assert [about["policy"] for about in policies] == [1, 2]
    assert [about["partner"] for about in policies] == ["north", ""]


def test_what_retention_dropped_is_logged(settings: StoreSettings, clock: ManualClock) -> None:
    """Each line of the record of what was dropped becomes an entry, once, and explains what is missing."""
    run(settings, clock)
    first = min(record_of(settings.releases / "11-3"))
    (settings.releases / "11-3" / first).unlink()
    assert faults_against(entries(settings), settings.releases) == [f"11-3/{first} was released, and is not there"]
    line = {"day": "2026-01-01", "event": "dropped", "customer": 11, "kind": "releases", "what": f"11-3/{first[:6]}"}
    (settings.data / "retention.jsonl").write_text(json.dumps(line) + "\n")
    again(settings, clock)
    again(settings, clock)
    (deleted,) = [e.about for e in entries(settings) if e.event is Event.DELETED]
    assert deleted == {**line, "line": 0}
    assert faults_against(entries(settings), settings.releases) == []


async def test_readers_and_exports_are_logged_before_they_are_answered(
    settings: StoreSettings, clock: ManualClock
) -> None:
    """A page or question is logged once a day for each reader, an export each time; a refusal is none."""
    run(settings, clock)
    log = DisclosureLog(settings.disclosures, clock)
    app = create_app(Tenancy(settings.organisation), SealedReader(settings.releases, clock), disclosures=log)
    async with TestClient[web.Request, web.Application](TestServer(app)) as client:
        for _ in range(3):
            for path in ("/api/v1/numbers", "/api/v1/releases", "/c/acme/meet/overview", "/api/v1/customers"):
                assert (await client.get(path, headers=BEARER)).status == 200
        page = await (await client.get("/c/acme/meet/overview", headers=BEARER)).text()
        assert (await client.get("/c/nobody/meet/overview", headers=BEARER)).status == 404
        assert (await client.get("/c/acme/meet/overview")).status == 401
        link = html.unescape(next(part for part in page.split('"') if ".csv" in part))
        for _ in range(2):
            assert (await client.get(link, headers=BEARER)).status == 200
        clock.advance(DAY)
        assert (await client.get("/api/v1/numbers", headers=BEARER)).status == 200
    read = [(e.about["by"], e.about["what"]) for e in entries(settings) if e.event is Event.READ]
    assert sorted(read) == [
        ("api", "numbers"),
        ("api", "numbers"),
        ("api", "releases"),
        ("dashboard", "overview"),
    ]
    exported = [e.about for e in entries(settings) if e.event is Event.EXPORTED]
    assert len(exported) == 2
    assert {(about["reader"], about["customer"], about["form"]) for about in exported} == {("pm", "acme", "csv")}


async def test_what_cannot_be_logged_is_not_answered(settings: StoreSettings, clock: ManualClock) -> None:
    """With a log that cannot be added to, no number leaves: the answer is a fault without one."""
    run(settings, clock)
    with (settings.disclosures / "log.jsonl").open("ab") as file:
        file.write(b"no entry\n")
    log = DisclosureLog(settings.disclosures, clock)
    app = create_app(Tenancy(settings.organisation), SealedReader(settings.releases, clock), disclosures=log)
    async with TestClient[web.Request, web.Application](TestServer(app)) as client:
        answer = await client.get("/api/v1/numbers", headers=BEARER)
        assert answer.status == 500
        assert "numbers" not in await answer.json()


def invoke(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(command, arguments, env={"COLUMNS": "300"})
    return result.exit_code, result.output


def test_the_command_verifies_exports_and_notices(settings: StoreSettings, clock: ManualClock) -> None:
    """``headcount audit log`` says that all is well, writes the log out, and ends with 1 once anything is not."""
    run(settings, clock)
    config = settings.data.parent / "headcount.toml"
    config.write_text('organisation = "organisation.toml"\ndata = "data"\n')
    code, output = invoke("audit", "log", "--config", str(config), "--export", str(settings.data / "out.jsonl"))
    assert code == 0, output
    assert "entries: whole, in order, and as released" in output
    assert (settings.data / "out.jsonl").read_bytes() == (settings.disclosures / "log.jsonl").read_bytes()
    head = output.rpartition("Head, to note elsewhere: ")[2].strip()
    assert invoke("audit", "log", "--config", str(config), "--since", head)[0] == 0
    assert invoke("audit", "log", "--config", str(config), "--since", "0 " + "0" * 64)[0] == 1
    csv = settings.data / "out.csv"
    assert invoke("audit", "log", "--config", str(config), "--export", str(csv), "--format", "csv")[0] == 0
    assert len(csv.read_text().splitlines()) == len(entries(settings)) + 1
    path = min((settings.releases / "11-3").glob("*.json"))
    shutil.copy(path, settings.data / "copy")
    path.write_bytes(path.read_bytes().replace(b'"k":20', b'"k":21'))
    code, output = invoke("audit", "log", "--config", str(config))
    assert (code, f"11-3/{path.name} is not what was released" in output) == (1, True)
    shutil.copy(settings.data / "copy", path)
    assert invoke("audit", "log", "--config", str(config))[0] == 0


def test_a_release_shows_its_rule_and_the_evidence(settings: StoreSettings, clock: ManualClock) -> None:
    """``headcount release show`` prints rule, threshold, hashes and evidence; a changed file ends in 1."""
    run(settings, clock)
    config = settings.data.parent / "headcount.toml"
    config.write_text('organisation = "organisation.toml"\ndata = "data"\n')
    path = min((settings.releases / "11-3").glob("*.json"))
    digest = record_of(path.parent)[path.name]
    for name in (path.stem, f"11-3/{path.stem}", digest[:12]):
        code, output = invoke("release", "show", name, "--config", str(config))
        assert code == 0, output
        assert "threshold, k = 20" in output
        assert f"{digest} (as recorded)" in output
        assert all((line.attack in output) == ("threshold" in line.outcomes) for line in EVIDENCE)
    assert invoke("release", "show", "000000-day-1", "--config", str(config))[0] == 1
    path.write_bytes(path.read_bytes().replace(b'"k":20', b'"k":21'))
    code, output = invoke("release", "show", path.stem, "--config", str(config))
    assert (code, "NOT what was sealed" in output) == (1, True)


def test_the_evidence_is_what_the_attacks_come_to() -> None:
    """Every attack stands in the report of its rule with the outcome that CI holds it to."""
    for rule in ("threshold", "dp", "customers"):
        said = {line.attack: line.outcomes[rule] for line in EVIDENCE if rule in line.outcomes}
        held = {
            attack.name: attack.targets[engine].value
            for attack in ATTACKS
            for engine in attack.targets
            if engine.value == rule
        }
        assert said == held
    assert {line.criterion for line in EVIDENCE} == set(Criterion)
