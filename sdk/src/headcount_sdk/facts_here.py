"""Which facts can be read here: the one place that tells platforms apart."""

from __future__ import annotations

import os
import sys

from headcount_sdk.facts import DeviceFacts


def facts_here(app_version: str = "") -> DeviceFacts:
    """The facts of the platform that this runs on. Nothing is read, and no bridge loaded, before a method is called."""
    if is_android():
        from headcount_sdk.facts_android import AndroidFacts

        return AndroidFacts(app_version)
    if is_ios():
        from headcount_sdk.facts_apple import IosFacts

        return IosFacts(app_version)
    if sys.platform in ("linux", "darwin", "win32"):
        from headcount_sdk.facts_desktop import DesktopFacts, MacFacts, WindowsFacts

        return {"darwin": MacFacts, "win32": WindowsFacts}.get(sys.platform, DesktopFacts)(app_version)
    return DeviceFacts(app_version)


def is_android() -> bool:
    """Whether this is Android, where ``sys.platform`` was ``linux`` before Python 3.13."""
    return sys.platform == "android" or hasattr(sys, "getandroidapilevel") or "ANDROID_ARGUMENT" in os.environ


def is_ios() -> bool:
    """Whether this is iOS or iPadOS, where ``sys.platform`` was ``darwin`` with Kivy before Python 3.13."""
    return sys.platform == "ios" or os.environ.get("KIVY_BUILD") == "ios"
