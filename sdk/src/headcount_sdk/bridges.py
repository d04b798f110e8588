"""The ways from Python into Android's and Apple's own libraries, each looked for only when it is used.

Android: Chaquopy's ``java`` (Briefcase, Kotlin apps) or PyJNIus (python-for-android, Flet). Apple: rubicon-objc
(Toga) or pyobjus (kivy-ios, Flet). None of them is a dependency; where none is there, these functions raise
``ImportError``, and what a bridge throws is raised as it is.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from typing import Any

KIVY_ACTIVITY = "org.kivy.android.PythonActivity"
KIVY_SERVICE = "org.kivy.android.PythonService"
FLET_ACTIVITY_IN = "MAIN_ACTIVITY_HOST_CLASS_NAME"
"""The environment variable in which Flet says what its activity is called."""


def java_class(name: str) -> Any:
    """A Java class by its full name, an inner one after ``$``."""
    try:
        bridge = importlib.import_module("java")
    except ImportError:
        return importlib.import_module("jnius").autoclass(name)
    return bridge.jclass(name)


def android_context() -> Any:
    """The Android context that this process runs in: the application, the activity or the service."""
    try:
        bridge = importlib.import_module("java")
    except ImportError:
        activity = java_class(os.environ.get(FLET_ACTIVITY_IN) or KIVY_ACTIVITY).mActivity
        return activity if activity is not None else java_class(KIVY_SERVICE).mService
    return bridge.jclass("com.chaquo.python.Python").getPlatform().getApplication()


def leave_java() -> None:
    """Let a thread that Python started end after it asked Java something: Android ends an app whose threads do not.

    Chaquopy does it by itself; PyJNIus attaches a thread anew with its next question.
    """
    if threading.current_thread() is not threading.main_thread() and "jnius" in sys.modules:
        sys.modules["jnius"].detach()


def objc_class(name: str) -> Any:
    """An Objective-C class by its name."""
    try:
        bridge = importlib.import_module("rubicon.objc")
    except ImportError:
        return importlib.import_module("pyobjus").autoclass(name)
    return bridge.ObjCClass(name)


def value_of(member: Any) -> Any:
    """The value of a property: one bridge gives it as an attribute, the other often as a method."""
    return member() if callable(member) else member


def text_of(string: Any) -> str | None:
    """The text of an ``NSString``; nothing for nil."""
    if string is None or isinstance(string, str):
        return string
    found = value_of(string.UTF8String)
    return found.decode() if isinstance(found, bytes) else str(found)
