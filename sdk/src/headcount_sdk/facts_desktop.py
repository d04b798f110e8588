"""What is read on Linux, macOS and Windows, with the standard library alone."""

from __future__ import annotations

import os
import sys

from headcount_sdk.facts import DeviceFacts, language_of, major_of, spared, zone_of

LOCALTIME = "/etc/localtime"
LINKS_FOLLOWED = 4
WINDOWS_ZONE = r"SYSTEM\CurrentControlSet\Control\TimeZoneInformation"
WINDOWS_11_FROM_BUILD = 22_000


class DesktopFacts(DeviceFacts):
    """The facts of a desktop computer with a POSIX system, Linux among them; its version means nothing and is not read.

    ``device_class``: state ``server`` where no person sits in front of it.
    """

    def __init__(self, app_version: str = "", device_class: str = "desktop") -> None:
        super().__init__(app_version, device_class)

    def language(self) -> str | None:
        """The language of messages, as the environment has it."""
        return spared(_environment_language)

    def time_zone(self) -> str | None:
        """The IANA name of the time zone, from the environment or the system's link."""
        return spared(_posix_zone)


class MacFacts(DesktopFacts):
    """The facts of a Mac."""

    def os_version(self) -> str | None:
        """The major release: ``15``."""

        def read() -> str | None:
            import platform

            return major_of(platform.mac_ver()[0])

        return spared(read)

    def language(self) -> str | None:
        """The first language that the user prefers or, without a bridge to ask with, the environment's."""
        from headcount_sdk.facts_apple import preferred_language  # on a Mac only

        return preferred_language() or super().language()


class WindowsFacts(DesktopFacts):
    """The facts of a computer with Windows."""

    def os_version(self) -> str | None:
        """10 or 11, which Windows itself tells apart by the build only."""
        return spared(_windows_version)

    def language(self) -> str | None:
        """The language of the user's interface."""
        return spared(_windows_language)

    def time_zone(self) -> str | None:
        """The IANA name that CLDR gives to the Windows name of the time zone."""
        return spared(_windows_zone)


def _environment_language() -> str | None:
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        found = os.environ.get(variable)
        if found:
            return language_of(found)
    return None


def _posix_zone() -> str | None:
    stated = os.environ.get("TZ")
    path = _where_it_leads(LOCALTIME) if stated is None else stated.removeprefix(":")
    before, found, name = path.partition("zoneinfo/")
    if found:
        return zone_of(name.removeprefix("posix/").removeprefix("right/"))
    return None if before.startswith("/") else zone_of(before)


def _windows_version() -> str | None:
    if sys.platform != "win32":
        return None
    version = sys.getwindowsversion()
    return "11" if version.major == 10 and version.build >= WINDOWS_11_FROM_BUILD else str(version.major)


def _windows_language() -> str | None:
    if sys.platform != "win32":
        return None
    import ctypes
    from locale import windows_locale

    return language_of(windows_locale.get(ctypes.windll.kernel32.GetUserDefaultUILanguage()))


def _windows_zone() -> str | None:
    if sys.platform != "win32":
        return None
    import winreg

    from headcount_sdk.windows_zones import iana_name

    with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, WINDOWS_ZONE) as key:
        padded = str(winreg.QueryValueEx(key, "TimeZoneKeyName")[0])
    return zone_of(iana_name(padded.partition("\0")[0]))


def _where_it_leads(link: str) -> str:
    """What a link says, through others if need be. A file outside the app's folder is not looked up."""
    path = link
    for _ in range(LINKS_FOLLOWED):
        try:
            path = os.path.join(os.path.dirname(path), os.readlink(path))
        except OSError:
            break
        if "zoneinfo/" in path:
            break
    return path
