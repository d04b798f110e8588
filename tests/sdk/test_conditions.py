"""When an upload may happen: on a phone's own word, and never stopped by what cannot be told."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from headcount_sdk import Surprise
from headcount_sdk.conditions import unmetered_and_charged
from headcount_sdk.testing import ManualClock, MemoryTransport

from tests.sdk import bridges
from tests.sdk.bridges import Bridge, leaves
from tests.sdk.conftest import DAY, MakeFull

BRIDGES = [("java", "jclass", bridges.CHAQUOPY), ("jnius", "autoclass", bridges.KIVY)]


def phone(
    monkeypatch: pytest.MonkeyPatch, bridge: tuple[str, str, str], metered: Any, charging: Any, percent: Any
) -> tuple[Bridge, list[threading.Thread]]:
    """An Android phone on a network and a charger; and the threads that PyJNIus was left by."""
    name, opening, context = bridge
    connectivity = f"{context}.getSystemService('connectivity').isActiveNetworkMetered()"
    battery = f"{context}.getSystemService('batterymanager')"
    answers = {
        connectivity: metered,
        f"{battery}.isCharging()": charging,
        f"{battery}.getIntProperty(4)": percent,
    }
    monkeypatch.setenv("ANDROID_ARGUMENT", "1")
    found, left = Bridge(monkeypatch, name, opening, answers), list[threading.Thread]()
    if name == "jnius":
        monkeypatch.setattr(
            bridges.sys_modules()["jnius"], "detach", lambda: left.append(threading.current_thread()), raising=False
        )
    else:
        monkeypatch.delitem(bridges.sys_modules(), "jnius")
    return found, left


DENIED = RuntimeError("java.lang.SecurityException: ACCESS_NETWORK_STATE")


@pytest.mark.parametrize("bridge", BRIDGES, ids=lambda bridge: bridge[0])
@pytest.mark.parametrize(
    ("metered", "charging", "percent", "good"),
    [
        (False, True, 3, True),
        (False, False, 20, True),
        (False, False, 19, False),
        (True, True, 100, False),
        (DENIED, False, 80, True),
        (DENIED, False, 5, False),
        (False, DENIED, 5, True),
    ],
)
def test_a_phone(
    monkeypatch: pytest.MonkeyPatch, bridge: tuple[str, str, str], metered: Any, charging: Any, percent: Any, good: bool
) -> None:
    """An unmetered network and enough battery are a good moment; what cannot be told stands in nobody's way."""
    phone(monkeypatch, bridge, metered, charging, percent)
    assert unmetered_and_charged() is good


def test_only_network_and_battery_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the network is metered, whether the battery charges and how full it is: no name of any network."""
    bridge, _ = phone(monkeypatch, BRIDGES[0], False, False, 50)
    unmetered_and_charged()
    asked = {path.removeprefix(f"{bridges.CHAQUOPY}.getSystemService") for path in leaves(bridge.touched)}
    assert asked == {
        "('connectivity').isActiveNetworkMetered()",
        "('batterymanager').isCharging()",
        "('batterymanager').getIntProperty(4)",
    }


def test_elsewhere_every_moment_is_good(monkeypatch: pytest.MonkeyPatch) -> None:
    """Off Android, and on one without a bridge, nothing is waited for."""
    bridge, _ = phone(monkeypatch, BRIDGES[0], True, False, 1)
    monkeypatch.delenv("ANDROID_ARGUMENT")
    assert unmetered_and_charged()
    assert bridge.touched == []
    monkeypatch.setenv("ANDROID_ARGUMENT", "1")
    monkeypatch.setitem(bridges.sys_modules(), "java", None)
    assert unmetered_and_charged()


def test_the_uploading_thread_leaves_java(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread of Python's that asked Java lets go of it, or Android would end the app with it; the main one stays."""
    _, left = phone(monkeypatch, BRIDGES[1], False, True, 100)
    unmetered_and_charged()
    assert left == []
    thread = threading.Thread(target=unmetered_and_charged)
    thread.start()
    thread.join()
    assert left == [thread]


def test_a_client_waits(
    monkeypatch: pytest.MonkeyPatch, full: MakeFull, clock: ManualClock, network: MemoryTransport
) -> None:
    """A report that is due waits while the network is metered, and is sent on the next free one."""
    bridge, _ = phone(monkeypatch, BRIDGES[0], False, True, 100)
    client = full("usage", may_upload=unmetered_and_charged)
    client.track("share.used")
    clock.advance(DAY)
    client.pump()
    metered = next(path for path in bridge.answers if "Metered" in path)
    bridge.answers[metered] = True
    clock.advance(5 * 3600.0)
    client.pump()
    assert not network.reports
    bridge.answers[metered] = False
    client.pump()
    assert network.reports
    assert client.health.counts[Surprise.CALLBACK] == 0
