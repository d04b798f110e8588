"""Ready-made conditions for ``Headcount(may_upload=...)``: what to wait for before anything is sent.

What is asked here decides when an upload happens and nothing else: it is neither kept nor sent.
"""

from __future__ import annotations

from collections.abc import Callable

from headcount_sdk.bridges import android_context, leave_java
from headcount_sdk.facts_here import is_android

LEAST_PERCENT = 20
BATTERY_PROPERTY_CAPACITY = 4


def unmetered_and_charged() -> bool:
    """On Android: a network that nobody counts, and a battery on the charger or with a fifth left.

    What cannot be told stands in nobody's way, nor does any other system: then it is ``True``. The network needs the
    app's permission ``ACCESS_NETWORK_STATE``, which is granted without a question; without it only the battery counts.
    """
    if not is_android():
        return True
    try:
        return _fine(_unmetered) and _fine(_charged)
    finally:
        _fine(leave_java)


def _unmetered() -> bool:
    return not android_context().getSystemService("connectivity").isActiveNetworkMetered()


def _charged() -> bool:
    battery = android_context().getSystemService("batterymanager")
    return bool(battery.isCharging() or battery.getIntProperty(BATTERY_PROPERTY_CAPACITY) >= LEAST_PERCENT)


def _fine(ask: Callable[[], bool | None]) -> bool:
    try:
        return ask() is not False
    except Exception:  # a bridge raises whatever Java throws, and uploads must not stop for ever over it
        return True
