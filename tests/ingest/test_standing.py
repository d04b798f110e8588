"""What alike reports say is judged once under the same conditions, while its organisation is in force."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from headcount_ingest import decode, standing
from headcount_ingest.admit import Admitted, admit
from headcount_ingest.decode import decode_body
from headcount_ingest.keyring import Keyring
from headcount_ingest.metrics import Metrics
from headcount_ingest.outcomes import Refused
from headcount_ingest.own import Owned
from headcount_ingest.said import Said
from headcount_ingest.standing import Standing, forget_standings, standing_of
from headcount_ingest.strip import strip
from headcount_wire import codec
from headcount_wire.app_key import fingerprint
from headcount_wire.problems import Problem
from headcount_wire.report import ReportDay, Tally
from headcount_wire.segment import FRAME_BYTES, Record, Stream, decode_payload

from tests.ingest import world
from tests.ingest.conftest import TODAY
from tests.ingest.world import sound

SHARED = Tally(world.SHARED, 0, 2, 0, 1)


def keyring(folder: Path) -> Keyring:
    return Keyring(world.write_organisation(folder), Metrics())


def shared(**changes: object) -> Said:
    """What reports that are alike share."""
    body = codec.encode_json(sound(**changes))
    decode_body(body, "json")
    said = decode_body(body, "json").said
    assert said is decode_body(body, "json").said
    return said


def stands(keys: Keyring, key: str, said: Said) -> Standing:
    account = keys.find(key)
    assert account is not None
    found = standing_of(account.conditions, said)
    assert isinstance(found, Standing)
    return found


def test_the_same_conditions_are_judged_once(tmp_path: Path) -> None:
    """Accounts with the same app and policy share it, whoever they are of; under another policy it is judged anew."""
    file = world.write_organisation(tmp_path)
    alike, key = "[customers.alike]\ncode = 18\npolicy = { version = 4, consent_since = 2,", world.UNKNOWN
    policy = ' purposes = ["usage", "context"], context = ["os", "app_version"] }\n'
    named = f'[[keys]]\nfingerprint = "{fingerprint(key)}"\ncustomer = "alike"\napp = "meet"\n'
    text = file.read_text("utf-8").replace("[apps.meet]", alike + policy + "[apps.meet]") + named
    file.write_text(text, "utf-8")
    keys, said = Keyring(file, Metrics()), shared()
    live = stands(keys, world.ACTIVE, said)
    assert stands(keys, world.DEBUG, said) is stands(keys, key, said) is live
    assert stands(keys, world.STRICT, shared(policy=9, purposes={"usage": 9})) is not live
    conditions = {account.conditions for account in map(keys.find, (world.ACTIVE, world.STRICT, key)) if account}
    assert len(conditions) == 2


def test_what_is_shared_names_nobody(tmp_path: Path) -> None:
    """Of two keys whose reports stand alike, each one's record says whose it is, and the rest is the same."""
    keys = keyring(tmp_path)
    found: dict[str, Record] = {}
    for key in (world.ACTIVE, world.DEBUG):
        account = keys.find(key)
        assert account is not None
        admitted = admit(Owned(bytes(16), account, decode_body(codec.encode_json(sound()), "json")), TODAY)
        assert isinstance(admitted, Admitted)
        found[key] = decode_payload(strip(admitted).framed[FRAME_BYTES:])
    assert found[world.ACTIVE].stream is Stream.LIVE
    assert found[world.ACTIVE].customer == world.ACME
    assert found[world.DEBUG] == replace(found[world.ACTIVE], stream=Stream.DEBUG)


def test_it_does_not_matter_in_which_form_it_is_said(tmp_path: Path) -> None:
    """MessagePack, and a report of two days, say around their tallies what another says: they share it."""
    said = shared()
    two_days = sound(days=(ReportDay(TODAY - 1, (SHARED,)), ReportDay(TODAY, (SHARED,))))
    assert decode_body(codec.encode_msgpack(sound()), "msgpack").said is said
    assert decode_body(codec.encode_json(two_days), "json").said is said
    assert shared(policy=3) is not said


def test_what_is_said_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many contexts devices make up, no more are remembered, and each is read right."""
    monkeypatch.setattr(decode, "SAID_MOST", 8)
    decode._saids.clear()
    for n in range(40):
        context = {"app_version": f"2.{n}"}
        assert decode_body(codec.encode_msgpack(sound(context=context)), "msgpack").said.context == context
        assert 0 < len(decode._saids) <= 8


def test_another_organisation_judges_anew(tmp_path: Path) -> None:
    """What was remembered ends with the organisation it was worked out of."""
    keys, said = keyring(tmp_path), shared()
    stands(keys, world.ACTIVE, said)
    file = tmp_path / "organisation.toml"
    file.write_text(file.read_text("utf-8").replace('"app_version"] }', '"app_version"], paused = true }'), "utf-8")
    assert keys.reload_if_changed(force=True)
    account = keys.find(world.ACTIVE)
    assert account is not None
    assert len(standing._standings) == 0
    found = standing_of(account.conditions, said)
    assert isinstance(found, Refused)
    assert found.problem is Problem.PAUSED


def test_what_is_remembered_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many contexts devices make up, no more are remembered."""
    monkeypatch.setattr(standing, "STANDINGS_MOST", 8)
    forget_standings()
    keys = keyring(tmp_path)
    for n in range(40):
        stands(keys, world.ACTIVE, shared(context={"app_version": f"1.{n}"}))
        assert 0 < len(standing._standings) <= 8
