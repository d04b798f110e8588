"""What is read on Android, through whichever bridge the app has; without one, only the system's name."""

from __future__ import annotations

from headcount_sdk.bridges import android_context, java_class
from headcount_sdk.facts import DeviceFacts, language_of, major_of, spared, zone_of

TABLET_FROM_DP = 600
"""The smallest width, in density-independent pixels, at which Android itself lays out for tablets."""
UI_MODE_TYPE_MASK = 0x0F
_UI_MODES = {3: "car", 4: "tv", 6: "watch"}


class AndroidFacts(DeviceFacts):
    """The facts of an Android device."""

    def os(self) -> str | None:
        """The operating system's name."""
        return "android"

    def os_version(self) -> str | None:
        """The major release: ``14``. The name of a preview release is none."""
        return spared(lambda: major_of(java_class("android.os.Build$VERSION").RELEASE))

    def language(self) -> str | None:
        """The user's language; Python's own ``locale`` does not know it on Android."""
        return spared(lambda: language_of(java_class("java.util.Locale").getDefault().getLanguage()))

    def time_zone(self) -> str | None:
        """The IANA name of the device's time zone."""
        return spared(lambda: zone_of(java_class("java.util.TimeZone").getDefault().getID()))

    def app_version(self) -> str | None:
        """The app's version: as the app gave it, or as its manifest does."""
        return self._app_version or spared(_version_name)

    def device_class(self) -> str | None:
        """Car, television or watch by the mode of the interface; else phone or tablet by the smallest width."""
        return self._device_class or spared(_device_class)


def _version_name() -> str | None:
    context = android_context()
    name = context.getPackageManager().getPackageInfo(context.getPackageName(), 0).versionName
    return str(name) if name else None


def _device_class() -> str | None:
    configuration = android_context().getResources().getConfiguration()
    mode = _UI_MODES.get(configuration.uiMode & UI_MODE_TYPE_MASK)
    if mode is not None:
        return mode
    width = configuration.smallestScreenWidthDp
    if width <= 0:
        return None
    return "tablet" if width >= TABLET_FROM_DP else "phone"
