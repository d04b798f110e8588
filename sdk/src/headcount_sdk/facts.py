"""Reading the coarse facts a report may carry, one method a field, each called only when granted.

What is read here is all that is ever read: no model, no host name, no full version, no locale
beyond the language.
"""

from __future__ import annotations

import sys

_SYSTEMS = {"darwin": "macos", "win32": "windows", "linux": "linux", "android": "android", "ios": "ios"}
LINKS_FOLLOWED = 4


class DeviceFacts:
    """The facts of a desktop Python; every method returns ``None`` for what it cannot tell."""

    def __init__(self, app_version: str = "", device_class: str = "desktop") -> None:
        self._app_version = app_version
        self._device_class = device_class

    def os(self) -> str | None:
        """The operating system's name."""
        return _SYSTEMS.get(sys.platform)

    def os_version(self) -> str | None:
        """The operating system's major version, where it means something."""
        import platform

        if sys.platform == "darwin":
            return platform.mac_ver()[0].split(".")[0] or None
        if sys.platform == "win32":
            return platform.release().split(".")[0]
        return None

    def language(self) -> str | None:
        """The user's language, two letters."""
        import locale

        name = locale.getlocale()[0]
        return name[:2].lower() if name and name[:2].isalpha() and name != "C" else None

    def time_zone(self) -> str | None:
        """The IANA name of the device's time zone."""
        import os

        path = "/etc/localtime"
        for _ in range(LINKS_FOLLOWED):
            try:
                # Where a link leads is all that is asked: a file outside the app's container is not looked up.
                path = os.path.join(os.path.dirname(path), os.readlink(path))
            except OSError:
                return None
            if "zoneinfo/" in path:
                return path.partition("zoneinfo/")[2]
        return None

    def app_version(self) -> str | None:
        """The app's version, as the app gave it."""
        return self._app_version or None

    def device_class(self) -> str | None:
        """Phone, tablet, desktop, ..."""
        return self._device_class
