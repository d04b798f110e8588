"""Bridges to Android and Apple as tests see them: in the shapes of the real ones, noting every member touched.

A path is what stands in the source of an app: ``java.util.Locale.getDefault().getLanguage()``. What a bridge does
not answer it does not have, and asking for it raises as the real one does.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

Answers = dict[str, Any]


class Member:
    """One step into a foreign library: the path so far, and what may follow."""

    def __init__(self, path: str, answers: Answers, touched: list[str]) -> None:
        self._path, self._answers, self._touched = path, answers, touched

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return reached(f"{self._path}.{name}", self._answers, self._touched)

    def __enter__(self) -> Member:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Method(Member):
    """A step that is called."""

    def __call__(self, *arguments: object) -> Any:
        shown = ", ".join("context" if isinstance(one, Member) else repr(one) for one in arguments)
        return reached(f"{self._path}({shown})", self._answers, self._touched)


def reached(path: str, answers: Answers, touched: list[str]) -> Any:
    """What stands at a path: its answer, raised if it is an exception, or the next step."""
    touched.append(path)
    if path in answers:
        answer = answers[path]
        if isinstance(answer, Exception):
            raise answer
        return answer
    if any(known.startswith(f"{path}(") for known in answers):
        return Method(path, answers, touched)
    if any(known.startswith(f"{path}.") for known in answers):
        return Member(path, answers, touched)
    raise AttributeError(path)


def leaves(touched: list[str]) -> set[str]:
    """What was read in the end: the paths that lead nowhere further."""
    found = set(touched)
    return {path for path in found if not any(other.startswith((f"{path}.", f"{path}(")) for other in found)}


class Bridge:
    """One of the four, put into ``sys.modules``; the others are made absent."""

    NAMES = ("java", "jnius", "rubicon", "rubicon.objc", "pyobjus")

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str, opening: str, answers: Answers) -> None:
        self.answers = answers
        self.touched: list[str] = []
        for other in self.NAMES:
            monkeypatch.setitem(sys_modules(), other, None)
        module = ModuleType(name)
        setattr(module, opening, self._class)
        if "." in name:
            monkeypatch.setitem(sys_modules(), name.partition(".")[0], ModuleType(name.partition(".")[0]))
        monkeypatch.setitem(sys_modules(), name, module)

    def _class(self, name: str) -> Any:
        if not any(known.startswith((f"{name}.", f"{name}(")) for known in self.answers):
            raise LookupError(name)
        return reached(name, self.answers, self.touched)


def sys_modules() -> dict[str, Any]:
    """The loaded modules, as something that also holds ``None``: a module that cannot be imported."""
    modules: dict[str, Any] = sys.modules
    return modules


RELEASE = "android.os.Build$VERSION.RELEASE"
LANGUAGE = "java.util.Locale.getDefault().getLanguage()"
ZONE = "java.util.TimeZone.getDefault().getID()"
CHAQUOPY = "com.chaquo.python.Python.getPlatform().getApplication()"
KIVY = "org.kivy.android.PythonActivity.mActivity"


def android(context: str, **changes: object) -> Answers:
    """A telephone: Android 14, German, Zurich, version 3.1.4 of the app."""
    found: Answers = {
        RELEASE: "14",
        LANGUAGE: "de",
        ZONE: "Europe/Zurich",
        f"{context}.getPackageName()": "example.meet",
        f"{context}.getPackageManager().getPackageInfo('example.meet', 0).versionName": "3.1.4",
        f"{context}.getResources().getConfiguration().uiMode": 0x21,
        f"{context}.getResources().getConfiguration().smallestScreenWidthDp": 411,
    }
    ends = {path.rpartition(".")[2]: path for path in found}
    return {**found, **{ends[end]: value for end, value in changes.items()}}


RUBICON: Answers = {
    "UIDevice.currentDevice.systemName.UTF8String": b"iPadOS",
    "UIDevice.currentDevice.systemVersion.UTF8String": b"18.1.1",
    "UIDevice.currentDevice.userInterfaceIdiom": 1,
    "NSLocale.preferredLanguages.firstObject.UTF8String": b"de-CH",
    "NSTimeZone.localTimeZone.name.UTF8String": b"Europe/Zurich",
    "NSBundle.mainBundle.objectForInfoDictionaryKey_('CFBundleShortVersionString').UTF8String": b"3.1.4",
}
"""rubicon-objc: a declared property is an attribute, text is bytes."""

PYOBJUS: Answers = {
    "UIDevice.currentDevice().systemName.UTF8String()": "iPadOS",
    "UIDevice.currentDevice().systemVersion.UTF8String()": "18.1.1",
    "UIDevice.currentDevice().userInterfaceIdiom": 1,
    "NSLocale.preferredLanguages().firstObject().UTF8String()": "de-CH",
    "NSTimeZone.localTimeZone().name().UTF8String()": "Europe/Zurich",
    "NSBundle.mainBundle().objectForInfoDictionaryKey_('CFBundleShortVersionString').UTF8String()": "3.1.4",
}
"""pyobjus: what the class itself declares as a property is an attribute, all else is a method."""


def plain(path: str) -> str:
    """A path as the documents write it: without what differs from bridge to bridge."""
    path = path.replace(".UTF8String", "").replace(CHAQUOPY, "context").replace(KIVY, "context")
    return path.replace("'example.meet'", "context.getPackageName()") if "getPackageInfo" in path else path
