"""What is read on each platform: the right thing, and not one thing more."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from babel.core import get_global
from headcount_sdk.facts import DeviceFacts, language_of, major_of, zone_of
from headcount_sdk.facts_android import AndroidFacts
from headcount_sdk.facts_apple import IosFacts
from headcount_sdk.facts_desktop import DesktopFacts, MacFacts, WindowsFacts
from headcount_sdk.facts_here import facts_here
from headcount_sdk.windows_zones import iana_name
from headcount_wire.dimensions import DIMENSIONS, canonical

from tests.sdk import bridges
from tests.sdk.bridges import Bridge, Member, leaves, plain, reached
from tests.sdk.conftest import MakeFull

FIELDS = tuple(DIMENSIONS)
PHONE = ("android", "14", "de", "Europe/Zurich", "3.1.4", "phone")
PAD = ("ipados", "18", "de", "Europe/Zurich", "3.1.4", "tablet")


def told(facts: DeviceFacts) -> tuple[str | None, ...]:
    return tuple(getattr(facts, field)() for field in FIELDS)


def chaquopy(monkeypatch: pytest.MonkeyPatch, **changes: object) -> Bridge:
    return Bridge(monkeypatch, "java", "jclass", bridges.android(bridges.CHAQUOPY, **changes))


def pyjnius(monkeypatch: pytest.MonkeyPatch, context: str = bridges.KIVY, **changes: object) -> Bridge:
    return Bridge(monkeypatch, "jnius", "autoclass", bridges.android(context, **changes))


def rubicon(monkeypatch: pytest.MonkeyPatch) -> Bridge:
    return Bridge(monkeypatch, "rubicon.objc", "ObjCClass", dict(bridges.RUBICON))


def pyobjus(monkeypatch: pytest.MonkeyPatch) -> Bridge:
    return Bridge(monkeypatch, "pyobjus", "autoclass", dict(bridges.PYOBJUS))


Opened = Callable[[pytest.MonkeyPatch], Bridge]


@pytest.mark.parametrize("opened", [chaquopy, pyjnius])
def test_android_is_read_through_either_bridge(monkeypatch: pytest.MonkeyPatch, opened: Opened) -> None:
    """Chaquopy and PyJNIus tell the same six facts."""
    opened(monkeypatch)
    assert told(AndroidFacts()) == PHONE


@pytest.mark.parametrize("opened", [rubicon, pyobjus])
def test_ios_is_read_through_either_bridge(monkeypatch: pytest.MonkeyPatch, opened: Opened) -> None:
    """rubicon-objc and pyobjus tell the same six facts."""
    opened(monkeypatch)
    assert told(IosFacts()) == PAD


def test_flet_names_its_activity_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The context is that of Flet's activity, where Flet says what it is called."""
    monkeypatch.setenv("MAIN_ACTIVITY_HOST_CLASS_NAME", "com.flet.Host")
    pyjnius(monkeypatch, "com.flet.Host.mActivity")
    assert told(AndroidFacts()) == PHONE


def test_a_service_has_no_activity(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a service of python-for-android the context is the service."""
    pyjnius(monkeypatch, "org.kivy.android.PythonService.mService").answers[bridges.KIVY] = None
    assert told(AndroidFacts()) == PHONE


def recorded(monkeypatch: pytest.MonkeyPatch, opened: Opened, facts: DeviceFacts) -> dict[str, set[str]]:
    """What each method reads in the end, as the documents write it."""
    found = read_apart(facts, opened(monkeypatch).touched)
    return {field: {plain(path) for path in paths} for field, paths in found.items()}


def recorded_posix(monkeypatch: pytest.MonkeyPatch, facts: DeviceFacts) -> dict[str, set[str]]:
    """What each method of a Linux machine or a Mac asks the interpreter, the environment and the system."""
    bridge = rubicon(monkeypatch)
    touched = bridge.touched
    del bridge.answers["NSLocale.preferredLanguages.firstObject.UTF8String"]
    bridge.answers["NSLocale.preferredLanguages.firstObject"] = None

    class Environment(dict[str, str]):
        def get(self, name: str, default: Any = None) -> Any:
            touched.append(f"the variable {name}")
            return super().get(name, default)

    class Interpreter:
        def __getattr__(self, name: str) -> Any:
            touched.append(f"sys.{name}")
            return getattr(sys, name)

    def readlink(path: str) -> str:
        touched.append(f"the link {path}")
        return "/usr/share/zoneinfo/Europe/Zurich"

    def mac_ver() -> tuple[str, ...]:
        touched.append("platform.mac_ver()[0]")
        return ("15.1",)

    with monkeypatch.context() as patch:
        patch.setattr(os, "environ", Environment())
        patch.setattr(os, "readlink", readlink)
        patch.setattr(platform, "mac_ver", mac_ver)
        patch.setattr("headcount_sdk.facts.sys", Interpreter())
        return read_apart(facts, touched)


def read_apart(facts: DeviceFacts, touched: list[str]) -> dict[str, set[str]]:
    """What each method reads in the end."""
    found: dict[str, set[str]] = {}
    for field in FIELDS:
        touched.clear()
        getattr(facts, field)()
        found[field] = leaves(touched)
    return found


class Windows:
    """A computer with Windows, as the interpreter sees it."""

    KEY = r"SYSTEM\CurrentControlSet\Control\TimeZoneInformation"

    def __init__(self, monkeypatch: pytest.MonkeyPatch, build: int = 22_631, zone: str = "W. Europe Standard Time"):
        self.touched: list[str] = []
        answers: dict[str, Any] = {
            "sys.getwindowsversion().major": 10,
            "sys.getwindowsversion().build": build,
            "ctypes.windll.kernel32.GetUserDefaultUILanguage()": 0x0807,
        }
        registry = ModuleType("winreg")
        registry.HKEY_LOCAL_MACHINE = "HKEY_LOCAL_MACHINE"  # type: ignore[attr-defined]
        registry.OpenKey = lambda *path: Member("\\".join(path), {}, self.touched)  # type: ignore[attr-defined]
        registry.QueryValueEx = self._value  # type: ignore[attr-defined]
        self.zone = zone
        monkeypatch.setitem(sys.modules, "winreg", registry)
        monkeypatch.setattr(sys, "platform", "win32")
        version = reached("sys.getwindowsversion", answers, self.touched)
        monkeypatch.setattr(sys, "getwindowsversion", version, raising=False)
        import ctypes

        monkeypatch.setattr(ctypes, "windll", reached("ctypes.windll", answers, self.touched), raising=False)

    def _value(self, key: Member, name: str) -> tuple[str, int]:
        self.touched.append(f"{key._path}\\{name}")
        return self.zone, 1

    def recorded(self, facts: DeviceFacts) -> dict[str, set[str]]:
        return {**read_apart(facts, self.touched), "os": {"sys.platform"}}


ANDROID_READS = {
    "os": set[str](),
    "os_version": {"android.os.Build$VERSION.RELEASE"},
    "language": {"java.util.Locale.getDefault().getLanguage()"},
    "time_zone": {"java.util.TimeZone.getDefault().getID()"},
    "app_version": {
        "context.getPackageName()",
        "context.getPackageManager().getPackageInfo(context.getPackageName(), 0).versionName",
    },
    "device_class": {
        "context.getResources().getConfiguration().uiMode",
        "context.getResources().getConfiguration().smallestScreenWidthDp",
    },
}
IOS_READS = {
    "os": {"UIDevice.currentDevice.systemName"},
    "os_version": {"UIDevice.currentDevice.systemVersion"},
    "language": {"NSLocale.preferredLanguages.firstObject"},
    "time_zone": {"NSTimeZone.localTimeZone.name"},
    "app_version": {"NSBundle.mainBundle.objectForInfoDictionaryKey_('CFBundleShortVersionString')"},
    "device_class": {"UIDevice.currentDevice.userInterfaceIdiom"},
}


@pytest.mark.parametrize("opened", [chaquopy, pyjnius])
def test_nothing_else_is_read_on_android(monkeypatch: pytest.MonkeyPatch, opened: Opened) -> None:
    """Each method touches its own members of Android and no others: no model, no identifier, no carrier."""
    assert recorded(monkeypatch, opened, AndroidFacts()) == ANDROID_READS


@pytest.mark.parametrize("opened", [rubicon, pyobjus])
def test_nothing_else_is_read_on_ios(monkeypatch: pytest.MonkeyPatch, opened: Opened) -> None:
    """Each method touches its own members of UIKit and Foundation and no others."""
    found = recorded(monkeypatch, opened, IosFacts())
    assert {field: {path.replace("()", "") for path in paths} for field, paths in found.items()} == IOS_READS


def test_what_the_app_states_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A version and a device class that the app gives are taken instead of being read."""
    for facts, bridge in (
        (AndroidFacts("2.0", "tv"), chaquopy(monkeypatch)),
        (IosFacts("2.0", "tv"), rubicon(monkeypatch)),
    ):
        assert (facts.app_version(), facts.device_class()) == ("2.0", "tv")
        assert bridge.touched == []


@pytest.mark.parametrize(
    ("mode", "width", "found"),
    [(0x11, 599, "phone"), (0x11, 600, "tablet"), (0x14, 960, "tv"), (6, 200, "watch"), (3, 700, "car"), (1, 0, None)],
)
def test_android_device_classes(monkeypatch: pytest.MonkeyPatch, mode: int, width: int, found: str | None) -> None:
    """The mode of the interface tells cars, televisions and watches; 600 dp tell a tablet; no width tells nothing."""
    chaquopy(monkeypatch, uiMode=mode, smallestScreenWidthDp=width)
    assert AndroidFacts().device_class() == found


@pytest.mark.parametrize(
    ("idiom", "found"), [(0, "phone"), (1, "tablet"), (2, "tv"), (3, "car"), (6, None), (-1, None)]
)
def test_ios_device_classes(monkeypatch: pytest.MonkeyPatch, idiom: int, found: str | None) -> None:
    """Each idiom of the interface that the list has is its device class; others are not told."""
    rubicon(monkeypatch).answers["UIDevice.currentDevice.userInterfaceIdiom"] = idiom
    assert IosFacts().device_class() == found


@pytest.mark.parametrize("facts", [AndroidFacts, IosFacts])
def test_without_a_bridge_only_the_system_is_known(
    monkeypatch: pytest.MonkeyPatch, facts: Callable[[], DeviceFacts]
) -> None:
    """An app without any bridge loses the facts and nothing else."""
    bridge = chaquopy(monkeypatch)
    monkeypatch.setitem(bridges.sys_modules(), "java", None)
    assert told(facts())[1:] == (None,) * 5
    assert told(facts())[0] in ("android", "ios")
    assert bridge.touched == []


@pytest.mark.parametrize("opened", [chaquopy, pyjnius])
def test_a_bridge_that_throws_is_not_felt(monkeypatch: pytest.MonkeyPatch, opened: Opened) -> None:
    """What Java throws ends at the fact that it was thrown for."""
    bridge = opened(monkeypatch)
    bridge.answers[bridges.LANGUAGE] = RuntimeError("java.lang.SecurityException")
    bridge.answers[bridges.ZONE] = None
    assert told(AndroidFacts()) == ("android", "14", None, None, "3.1.4", "phone")


def test_nil_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """An iOS app without languages or version in its bundle tells neither."""
    bridge = rubicon(monkeypatch)
    bridge.answers.clear()
    bridge.answers["NSLocale.preferredLanguages.firstObject"] = None
    bridge.answers["NSBundle.mainBundle.objectForInfoDictionaryKey_('CFBundleShortVersionString')"] = None
    assert told(IosFacts()) == ("ios", None, None, None, None, None)


def test_only_granted_fields_are_read(monkeypatch: pytest.MonkeyPatch, full: MakeFull) -> None:
    """Without a yes to its purpose nothing is touched; with it, the catalog's fields and no others."""
    bridge = chaquopy(monkeypatch)
    client = full("usage", facts=AndroidFacts())
    client.track("share.used")
    assert bridge.touched == []
    client.consent.grant("context")
    client.track("share.used")
    assert {plain(path) for path in leaves(bridge.touched)} == ANDROID_READS["app_version"] | ANDROID_READS["os"]


# -- what the documents say -------------------------------------------------------------------


def documented() -> dict[str, dict[str, set[str]]]:
    """The table of docs/platforms.md: platform, field, what is read."""
    text = (Path(__file__).parents[2] / "docs/platforms.md").read_text("utf-8")
    (table,) = re.findall(r"^\| platform \| field \|.*?\n\n", text, re.MULTILINE | re.DOTALL)
    found: dict[str, dict[str, set[str]]] = {}
    for systems, field, reads in re.findall(r"^\| ([A-Za-z, ]+) \| `([a-z_]+)` \| (.+) \|$", table, re.MULTILINE):
        for system in systems.split(", "):
            assert field not in found.setdefault(system, {}), f"{system} has {field} twice"
            found[system][field] = set(re.findall(r"`([^`]+)`", reads))
    return found


def test_the_documents_list_what_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table of docs/platforms.md is what the methods were seen to read, platform by platform, field by field."""
    found = {
        "Android": recorded(monkeypatch, chaquopy, AndroidFacts()),
        "iOS": recorded(monkeypatch, rubicon, IosFacts()),
        "macOS": {
            field: {plain(path) for path in paths} for field, paths in recorded_posix(monkeypatch, MacFacts()).items()
        },
        "Linux": recorded_posix(monkeypatch, DesktopFacts()),
        "Windows": Windows(monkeypatch).recorded(WindowsFacts()),
    }
    assert documented() == found


# -- desktops ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({"LANG": "de_CH.UTF-8"}, "de"),
        ({"LANG": "de_CH.UTF-8", "LC_MESSAGES": "fr_CH", "LC_ALL": ""}, "fr"),
        ({"LANG": "de_CH.UTF-8", "LC_ALL": "C"}, None),
        ({"LANG": "fil_PH"}, "other"),
        ({}, None),
    ],
)
def test_the_language_of_a_desktop(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], found: str | None
) -> None:
    """The language is that of messages, in the order in which the system itself looks."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert DesktopFacts().language() == found


@pytest.mark.parametrize(
    ("zone", "found"),
    [
        ("Europe/Zurich", "Europe/Zurich"),
        (":Asia/Tokyo", "Asia/Tokyo"),
        ("/usr/share/zoneinfo/posix/Asia/Tokyo", "Asia/Tokyo"),
        ("CET-1CEST", "other"),
        ("/home/me/my-zone", None),
        ("", None),
    ],
)
def test_the_time_zone_of_a_desktop(monkeypatch: pytest.MonkeyPatch, zone: str, found: str | None) -> None:
    """The environment's zone is told by its IANA name, and a zone of one's own by none."""
    monkeypatch.setenv("TZ", zone)
    assert DesktopFacts().time_zone() == found


def test_the_time_zone_of_the_system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a stated zone it is the one that the system's link leads to, and none where it is no link."""
    monkeypatch.delenv("TZ", raising=False)
    link = tmp_path / "localtime"
    link.symlink_to("/var/db/timezone/zoneinfo/Europe/Zurich")
    monkeypatch.setattr("headcount_sdk.facts_desktop.LOCALTIME", str(link))
    assert DesktopFacts().time_zone() == "Europe/Zurich"
    link.unlink()
    link.write_bytes(b"TZif2")
    assert DesktopFacts().time_zone() is None


def test_this_desktop(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the machine that runs the tests every fact is of its list, or not told."""
    monkeypatch.delenv("ANDROID_ARGUMENT", raising=False)
    facts = facts_here("3.1")
    assert facts.os() in ("linux", "macos", "windows")
    assert (facts.app_version(), facts.device_class()) == ("3.1", "desktop")
    for field, value in zip(FIELDS, told(facts), strict=True):
        assert value is None or value == canonical(DIMENSIONS[field], value), field


def test_a_mac_without_a_bridge_asks_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Mac's language is the first preferred one; without a bridge, the environment's."""
    monkeypatch.setattr(platform, "mac_ver", lambda: ("15.1", ("", "", ""), "arm64"))
    monkeypatch.setenv("LC_ALL", "fr_FR.UTF-8")
    bridge = rubicon(monkeypatch)
    assert (MacFacts().os_version(), MacFacts().language()) == ("15", "de")
    monkeypatch.setitem(bridges.sys_modules(), "rubicon.objc", None)
    assert MacFacts().language() == "fr"
    assert leaves(bridge.touched) == {"NSLocale.preferredLanguages.firstObject.UTF8String"}


@pytest.mark.parametrize(("build", "version"), [(19_045, "10"), (22_000, "11"), (26_100, "11")])
def test_windows(monkeypatch: pytest.MonkeyPatch, build: int, version: str) -> None:
    """Windows 10 and 11 are told apart by the build; the zone's Windows name, padded or not, becomes the IANA one."""
    Windows(monkeypatch, build, "W. Europe Standard Time\0\0padding")
    assert told(WindowsFacts("3.1")) == ("windows", version, "de", "Europe/Berlin", "3.1", "desktop")


def test_windows_elsewhere_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no Windows to ask, and for a zone that CLDR does not list, nothing is told."""
    monkeypatch.setattr(sys, "platform", "linux")
    assert told(WindowsFacts())[1:4] == (None, None, None)
    Windows(monkeypatch, zone="Customized Zone")
    assert WindowsFacts().time_zone() is None


def test_windows_zones_are_those_of_cldr() -> None:
    """The table equals CLDR's, as Babel carries it."""
    expected = get_global("windows_zone_mapping")
    assert {name: iana_name(name) for name in expected} == dict(expected)
    assert iana_name("Customized Zone") is None


# -- which facts ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("system", "environment", "found"),
    [
        ("android", {}, AndroidFacts),
        ("linux", {"ANDROID_ARGUMENT": "/data/app"}, AndroidFacts),
        ("ios", {}, IosFacts),
        ("darwin", {"KIVY_BUILD": "ios"}, IosFacts),
        ("darwin", {}, MacFacts),
        ("win32", {}, WindowsFacts),
        ("linux", {}, DesktopFacts),
        ("emscripten", {}, DeviceFacts),
    ],
)
def test_each_platform_has_its_facts(
    monkeypatch: pytest.MonkeyPatch, system: str, environment: dict[str, str], found: type[DeviceFacts]
) -> None:
    """The platform decides which facts are asked; choosing them reads none of them."""
    bridge = chaquopy(monkeypatch)
    for name in ("ANDROID_ARGUMENT", "KIVY_BUILD"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", system)
    facts = facts_here("3.1")
    assert type(facts) is found
    assert facts.app_version() == "3.1"
    assert bridge.touched == []


def test_a_browser_is_the_web(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python in a browser tells that it is the web, and nothing more."""
    monkeypatch.setattr(sys, "platform", "emscripten")
    assert told(facts_here()) == ("web", None, None, None, None, None)


@pytest.mark.parametrize(
    ("tag", "found"),
    [
        ("de-CH", "de"),
        ("iw", "he"),
        ("in_ID", "id"),
        ("PT_BR.utf8", "pt"),
        ("haw", "other"),
        ("POSIX", None),
        (7, None),
    ],
)
def test_a_language_is_two_letters(tag: object, found: str | None) -> None:
    """Of a locale two letters are kept, in today's spelling, and a longer code becomes other."""
    assert language_of(tag) == found


def test_versions_and_zones_are_cut() -> None:
    """Of a version the major number is kept; a zone that is not listed becomes other."""
    assert [major_of(one) for one in ("18.1.1", "9", "Tiramisu", "", "123.4", None)] == [
        "18",
        "9",
        None,
        None,
        None,
        None,
    ]
    assert [zone_of(one) for one in ("Asia/Tokyo", "GMT+02:00", "", None)] == ["Asia/Tokyo", "other", None, None]
