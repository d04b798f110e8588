"""What alike reports say is judged once, under each account by itself, while its organisation is in force."""

from __future__ import annotations

from pathlib import Path

import pytest
from headcount_ingest import decode, standing
from headcount_ingest.decode import decode_body
from headcount_ingest.keyring import Keyring
from headcount_ingest.metrics import Metrics
from headcount_ingest.outcomes import Refused
from headcount_ingest.said import Said
from headcount_ingest.standing import Standing, forget_standings, standing_of
from headcount_wire import codec
from headcount_wire.problems import Problem
from headcount_wire.report import ReportDay, Tally

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
    found = standing_of(account, said)
    assert isinstance(found, Standing)
    assert found.whose.account is account
    return found


def test_each_account_has_its_own(tmp_path: Path) -> None:
    """One text under two keys is judged twice, once for each, and then remembered for each."""
    keys, said = keyring(tmp_path), shared()
    live, debug = stands(keys, world.ACTIVE, said), stands(keys, world.DEBUG, said)
    assert live is not debug
    assert stands(keys, world.ACTIVE, said) is live
    assert stands(keys, world.DEBUG, said) is debug


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
    found = standing_of(account, said)
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
