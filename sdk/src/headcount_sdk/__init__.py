"""Counts heads, never faces: what an app embeds.

``Headcount`` is the one object an app holds; ``Status`` is what ``consent.status()`` says of a purpose, ``Signal``
what can say no from outside, ``Severity`` how bad a reported problem is; ``Surprise`` lists what ``health`` counts.
"""

from __future__ import annotations

from headcount_wire.facts import Severity

from headcount_sdk.client import Headcount
from headcount_sdk.consent import Consent, Signal, Status
from headcount_sdk.facts import DeviceFacts
from headcount_sdk.health import Health, Surprise
from headcount_sdk.sealing import Outgoing

__all__ = ["Consent", "DeviceFacts", "Headcount", "Health", "Outgoing", "Severity", "Signal", "Status", "Surprise"]
