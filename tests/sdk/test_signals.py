"""Outside signals: what each takes for a no, and that nothing unreadable passes for a yes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import pytest
from headcount_sdk import Signal, Status, Surprise
from headcount_sdk.signals import ConsentPlatform, DoNotTrack, GlobalPrivacyControl, PlatformLimit, stored_tcf

from tests.sdk import bridges
from tests.sdk.bridges import Bridge, leaves
from tests.sdk.conftest import MakeFull

ALL = ("usage", "diagnostics", "context")
KEY = "IABTCF_PurposeConsents"


def broken() -> Any:
    raise OSError("the web view is gone")


def refused(full: MakeFull, *signals: Signal) -> set[str]:
    """The purposes that are refused though the user granted them all."""
    client = full(*ALL, signals=signals)
    found = {name for name, status in client.consent.status().items() if status is Status.REFUSED}
    client.shutdown()
    return found


@pytest.mark.parametrize(
    ("said", "no"),
    [(True, True), ("1", True), (" True ", True), (False, False), ("0", False), ("false", False)],
)
def test_global_privacy_control(full: MakeFull, said: bool | str, no: bool) -> None:
    """Its header and its property say no when they are on, and nothing when they are off."""
    assert refused(full, GlobalPrivacyControl(lambda: said)) == (set(ALL) if no else set())


@pytest.mark.parametrize("said", [None, "", "2", "yes", 1, 0, b"0", [], "undefined"])
def test_an_answer_that_nobody_knows_is_a_no(full: MakeFull, said: Any) -> None:
    """What a browser or a platform's switch answers beyond on and off refuses everything, and is counted."""
    client = full(*ALL, signals=(GlobalPrivacyControl(lambda: said),))
    assert set(client.consent.status().values()) == {Status.REFUSED}
    assert client.health.counts[Surprise.SIGNAL] >= 1
    assert client.consent.refused_by("usage") == "Global Privacy Control"
    client.consent.heed(PlatformLimit("family setting", lambda: said))
    assert "family setting" in client._device.state.refusing


@pytest.mark.parametrize(
    "signal",
    [
        GlobalPrivacyControl(broken),
        PlatformLimit("limit", broken),
        ConsentPlatform(lambda _: broken()),
        ConsentPlatform.tcf({"usage": (1,), "diagnostics": (1,), "context": (1,)}, broken),
    ],
    ids=lambda signal: signal.name,
)
def test_a_broken_reader_is_a_no_to_all(full: MakeFull, signal: Signal) -> None:
    """A reader that raises refuses everything, raises nothing into the app, and is counted."""
    client = full(*ALL, signals=(signal,))
    assert set(client.consent.status().values()) == {Status.REFUSED}
    assert client.health.counts[Surprise.SIGNAL] >= 1


def test_a_signal_for_some_purposes(full: MakeFull) -> None:
    """A signal that the app ties to some purposes refuses these and no others."""
    assert refused(full, GlobalPrivacyControl(lambda: True, ("usage", "no such purpose"))) == {"usage"}


def test_a_platforms_switch(full: MakeFull) -> None:
    """A platform's switch is read anew at each return to the front, and lifting it lifts its no."""
    limited = True
    client = full(*ALL, signals=(PlatformLimit("family setting", lambda: limited, ["context"]),))
    assert client.consent.refused_by("context") == "family setting"
    assert client.consent.refused_by("usage") is None
    limited = False
    client.on_foreground()
    assert client.consent.refused_by("context") is None


@pytest.mark.parametrize(
    ("value", "no"), [("1", True), ("true", True), ("yes", True), ("0", False), ("", False), ("False", False)]
)
def test_do_not_track(full: MakeFull, monkeypatch: pytest.MonkeyPatch, value: str, no: bool) -> None:
    """DO_NOT_TRACK in the environment says no when it is set to anything but 0 or false."""
    monkeypatch.setenv("DO_NOT_TRACK", value)
    assert refused(full, DoNotTrack()) == (set(ALL) if no else set())


def test_do_not_track_unset(full: MakeFull) -> None:
    """A variable that is not there says nothing."""
    assert refused(full, DoNotTrack({})) == set()


def test_a_consent_platform_decides_purpose_by_purpose(full: MakeFull) -> None:
    """Only a clear yes is no no: a missing decision and an odd answer are denied, each for its purpose."""
    answers: Mapping[str, Any] = {"usage": True, "diagnostics": None, "context": "yes"}
    assert refused(full, ConsentPlatform(answers.get)) == {"diagnostics", "context"}


MAPPING: Mapping[str, Collection[int]] = {"usage": (8,), "diagnostics": (8, 10), "context": ()}


@pytest.mark.parametrize(
    ("bits", "denied"),
    [
        ("0000000101", set[str]()),
        ("0000000100", {"diagnostics"}),
        ("00000001", {"diagnostics"}),
        ("1111111010", {"usage", "diagnostics"}),
        ("", {"usage", "diagnostics"}),
        (None, {"usage", "diagnostics"}),
        ("CPzHq4APzHq4AEs", set(ALL)),
        (10, set(ALL)),
    ],
)
def test_the_bits_of_a_tcf_platform(full: MakeFull, bits: Any, denied: set[str]) -> None:
    """Bit n-1 is purpose n, a missing bit a no, a purpose without numbers not the platform's; nonsense denies all."""
    assert refused(full, ConsentPlatform.tcf(MAPPING, lambda: bits)) == denied


def test_a_purpose_that_is_not_mapped_is_denied(full: MakeFull) -> None:
    """A purpose that the catalog has and the mapping forgot is denied, as are numbers that the TCF does not have."""
    assert refused(full, ConsentPlatform.tcf({"usage": (1,)}, lambda: "11")) == {"diagnostics", "context"}
    assert refused(full, ConsentPlatform.tcf({"usage": (0,), "context": (1,)}, lambda: "11")) == {
        "usage",
        "diagnostics",
    }


def test_stored_bits_on_android(monkeypatch: pytest.MonkeyPatch, full: MakeFull) -> None:
    """On Android the bits are read from the app's own settings, and that one key only."""
    context = bridges.CHAQUOPY
    stored = f"{context}.getSharedPreferences('example.meet_preferences', 0).getString('{KEY}', '')"
    answers = {**bridges.android(context), stored: "0000000101"}
    bridge = Bridge(monkeypatch, "java", "jclass", answers)
    monkeypatch.setenv("ANDROID_ARGUMENT", "1")
    assert refused(full, ConsentPlatform.tcf(MAPPING)) == set()
    assert leaves(bridge.touched) == {f"{context}.getPackageName()", stored}


@pytest.mark.parametrize(
    ("name", "opening", "answers"),
    [
        (
            "rubicon.objc",
            "ObjCClass",
            {f"NSUserDefaults.standardUserDefaults.stringForKey_('{KEY}').UTF8String": b"11"},
        ),
        ("pyobjus", "autoclass", {f"NSUserDefaults.standardUserDefaults().stringForKey_('{KEY}').UTF8String()": "11"}),
        ("pyobjus", "autoclass", {f"NSUserDefaults.standardUserDefaults().stringForKey_('{KEY}')": None}),
    ],
)
def test_stored_bits_on_ios(monkeypatch: pytest.MonkeyPatch, name: str, opening: str, answers: dict[str, Any]) -> None:
    """On iOS the bits are read from the app's own defaults; where nothing is stored, nothing is consented to."""
    Bridge(monkeypatch, name, opening, answers)
    assert stored_tcf() == (None if None in answers.values() else "11")


def test_stored_bits_without_a_bridge_deny(monkeypatch: pytest.MonkeyPatch, full: MakeFull) -> None:
    """Where no bridge leads to the platform's settings, they cannot be read, and so say no."""
    bridge = Bridge(monkeypatch, "java", "jclass", {})
    monkeypatch.setitem(bridges.sys_modules(), "java", None)
    assert refused(full, ConsentPlatform.tcf(dict.fromkeys(ALL, (1,)))) == set(ALL)
    assert bridge.touched == []


def test_two_signals_of_one_name_add_up(full: MakeFull) -> None:
    """A second signal of a name that is taken cannot lift the first one's no, nor that of restricted mode."""
    limits: list[Callable[[], bool]] = [lambda: True, lambda: False]
    assert refused(full, *(PlatformLimit("limit", limit) for limit in limits)) == set(ALL)
    client = full(*ALL, signals=(PlatformLimit("restricted mode", lambda: False),))
    client.consent.restrict(True)
    client.on_foreground()
    assert client.consent.status()["usage"] is Status.REFUSED
    client.consent.restrict(False)
    assert client.consent.status()["usage"] is Status.GRANTED
