"""The coarse facts a report may carry, one method a field, each called only when granted.

What these methods read is all that is ever read, on any platform: no model, no identifier, no carrier, no place, no
host name, no full version, no locale beyond the language. ``docs/platforms.md`` lists every call.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

from headcount_wire.dimensions import OTHER_VALUE, Dimension, canonical

_SYSTEMS = {
    "darwin": "macos",
    "win32": "windows",
    "linux": "linux",
    "android": "android",
    "ios": "ios",
    "emscripten": "web",
}
_RENAMED = {"iw": "he", "in": "id", "ji": "yi"}
"""Languages that Java calls by their names of before 1989."""
_MAJOR = re.compile(r"\A[0-9]{1,2}(?![0-9])")


class DeviceFacts:
    """The system's name and what the app states; what a platform can tell beyond that is read by its own class.

    Every method returns ``None`` for what it cannot tell, and raises nothing. An app may give its own to
    ``Headcount(facts=...)``.
    """

    def __init__(self, app_version: str = "", device_class: str = "") -> None:
        self._app_version = app_version
        self._device_class = device_class

    def os(self) -> str | None:
        """The operating system's name."""
        return _SYSTEMS.get(sys.platform)

    def os_version(self) -> str | None:
        """The operating system's major version, where it means something."""
        return None

    def language(self) -> str | None:
        """The user's language, two letters."""
        return None

    def time_zone(self) -> str | None:
        """The IANA name of the device's time zone."""
        return None

    def app_version(self) -> str | None:
        """The app's version, as the app gave it."""
        return self._app_version or None

    def device_class(self) -> str | None:
        """Phone, tablet, desktop, ..."""
        return self._device_class or None


def spared(read: Callable[[], str | None]) -> str | None:
    """What a reading tells, or nothing: a platform that fails to answer must not be felt by the app."""
    try:
        return read()
    except Exception:  # a bridge to another language raises whatever that language throws
        return None


def major_of(version: object) -> str | None:
    """``14`` of ``14.7.1``; nothing of what does not begin with a number."""
    found = _MAJOR.match(version) if isinstance(version, str) else None
    return found.group() if found else None


def language_of(tag: object) -> str | None:
    """``de`` of ``de-CH`` or ``de_CH.UTF-8``; ``other`` for a language that has no two letters."""
    if not isinstance(tag, str):
        return None
    first = re.split(r"[-_.@]", tag, maxsplit=1)[0].lower()
    if first in ("", "c", "posix", "und") or not (first.isascii() and first.isalpha()):
        return None
    return _RENAMED.get(first, first) if len(first) == 2 else OTHER_VALUE


def zone_of(name: object) -> str | None:
    """A time zone of the list; ``other`` for any other name."""
    if not isinstance(name, str) or not name:
        return None
    return canonical(Dimension.TIME_ZONE, name)
