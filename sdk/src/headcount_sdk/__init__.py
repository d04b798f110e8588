"""Counts heads, never faces: what an app embeds.

``Headcount`` is the one object an app holds; ``Status`` is what ``consent.status()`` says of a purpose, ``Signal``
what can say no from outside, ``Severity`` how bad a reported problem is; ``Surprise`` lists what ``health`` counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headcount_wire.facts import Severity

from headcount_sdk.client import Headcount
from headcount_sdk.consent import Consent, Signal, Status
from headcount_sdk.facts import DeviceFacts
from headcount_sdk.health import Health, Surprise

if TYPE_CHECKING:
    from headcount_sdk.sealing import Outgoing

__all__ = ["Consent", "DeviceFacts", "Headcount", "Health", "Outgoing", "Severity", "Signal", "Status", "Surprise"]


def __getattr__(name: str) -> object:
    """``Outgoing`` comes with what seals reports: with the first of them, or who asks for it."""
    if name == "Outgoing":
        from headcount_sdk.sealing import Outgoing

        return Outgoing
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
