"""Counts heads, never faces: what an app embeds.

``Headcount`` is the one object an app holds; ``Status`` is what ``consent.status()`` says of a
purpose; ``Surprise`` lists what ``health`` counts.
"""

from __future__ import annotations

from headcount_sdk.client import Headcount
from headcount_sdk.consent import Consent, Status
from headcount_sdk.facts import DeviceFacts
from headcount_sdk.health import Health, Surprise

__all__ = ["Consent", "DeviceFacts", "Headcount", "Health", "Status", "Surprise"]
