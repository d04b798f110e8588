"""What is read on iOS and iPadOS, and the user's language on macOS, through rubicon-objc or pyobjus."""

from __future__ import annotations

from typing import Any

from headcount_sdk.bridges import objc_class, text_of, value_of
from headcount_sdk.facts import DeviceFacts, language_of, major_of, spared, zone_of

_SYSTEMS = {"iOS": "ios", "iPhone OS": "ios", "iPadOS": "ipados"}
_IDIOMS = {0: "phone", 1: "tablet", 2: "tv", 3: "car", 5: "desktop"}


class IosFacts(DeviceFacts):
    """The facts of an iPhone or an iPad."""

    def os(self) -> str | None:
        """iOS or iPadOS, as the system calls itself."""
        return spared(lambda: _SYSTEMS.get(text_of(value_of(_device().systemName)) or "")) or "ios"

    def os_version(self) -> str | None:
        """The major release: ``18``."""
        return spared(lambda: major_of(text_of(value_of(_device().systemVersion))))

    def language(self) -> str | None:
        """The first of the languages that the user prefers."""
        return preferred_language()

    def time_zone(self) -> str | None:
        """The IANA name of the device's time zone."""
        return spared(lambda: zone_of(text_of(value_of(value_of(objc_class("NSTimeZone").localTimeZone).name))))

    def app_version(self) -> str | None:
        """The app's version: as the app gave it, or as its bundle does."""
        return self._app_version or spared(_bundle_version)

    def device_class(self) -> str | None:
        """Phone, tablet, television, car or desktop, by the idiom of the interface."""
        return self._device_class or spared(lambda: _IDIOMS.get(value_of(_device().userInterfaceIdiom)))


def preferred_language() -> str | None:
    """The first of the languages that the user of an Apple device prefers."""
    return spared(
        lambda: language_of(text_of(value_of(value_of(objc_class("NSLocale").preferredLanguages).firstObject)))
    )


def _device() -> Any:
    return value_of(objc_class("UIDevice").currentDevice)


def _bundle_version() -> str | None:
    bundle = value_of(objc_class("NSBundle").mainBundle)
    return text_of(bundle.objectForInfoDictionaryKey_("CFBundleShortVersionString"))
