"""Outside signals that can say no, for ``Headcount(signals=...)`` and ``Consent.heed``.

Deny wins: a signal never says yes, and whatever the user granted, its no stands. What it cannot read is a no too: these
classes raise on every answer they do not know, and what raises counts as a no to everything. Each has a name, which
``consent.refused_by`` and the receipt give.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping

from headcount_sdk.bridges import android_context, objc_class, text_of, value_of

TCF_PURPOSES = "IABTCF_PurposeConsents"
"""Where consent platforms store the bits of their purposes, by the IAB's in-app specification of the TCF, version 2."""

_SAID = {"1": True, "true": True, "0": False, "false": False}


class GlobalPrivacyControl:
    """The browser's Global Privacy Control (https://w3c.github.io/gpc).

    ``read`` gives what a web view says of ``navigator.globalPrivacyControl``, or the value of the header ``Sec-GPC``:
    ``True`` or ``"1"`` is a no. ``None`` is one too, as nobody can tell a browser without it from one that did not
    answer: give ``headers.get("Sec-GPC", "0")`` where a missing header shall say nothing.
    ``purposes``: those it says no to; all, if not given.
    """

    name = "Global Privacy Control"

    def __init__(self, read: Callable[[], bool | str | None], purposes: Collection[str] | None = None) -> None:
        self._read = read
        self._purposes = purposes

    def denied(self, purposes: Collection[str]) -> Collection[str]:
        """Nothing where it is known to be off."""
        said = self._read()
        on = _SAID[said.strip().lower()] if isinstance(said, str) else _known(said)
        return _of(purposes, self._purposes) if on else ()


class PlatformLimit:
    """A switch of the platform or of whoever manages the device, as the app reads it.

    ``limited`` answers ``True`` or ``False`` and needs no identifier for it: a supervised device's restrictions, a
    family setting, an enterprise policy. ``name``: what the user is told about it.
    """

    def __init__(self, name: str, limited: Callable[[], bool], purposes: Collection[str] | None = None) -> None:
        self.name = name
        self._limited = limited
        self._purposes = purposes

    def denied(self, purposes: Collection[str]) -> Collection[str]:
        """Nothing where the switch is known to be off."""
        return _of(purposes, self._purposes) if _known(self._limited()) else ()


class DoNotTrack:
    """The variable ``DO_NOT_TRACK`` of command lines and desktops (https://consoledonottrack.com).

    Set to anything but ``0``, ``false`` or nothing, it says no to everything.
    """

    name = "DO_NOT_TRACK"

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment

    def denied(self, purposes: Collection[str]) -> Collection[str]:
        """Nothing where it is not set."""
        set_to = self._environment.get(self.name, "").strip().lower()
        return () if set_to in ("", "0", "false") else purposes


class ConsentPlatform:
    """A consent management platform that asks the user for the whole app.

    ``decided`` answers for a purpose of the catalog: ``True``, ``False``, or ``None`` where the user has not decided;
    all but ``True`` is a no. The user's decision in Headcount is needed all the same: this can only take away.
    """

    def __init__(self, decided: Callable[[str], bool | None], name: str = "consent platform") -> None:
        self.name = name
        self._decided = decided

    def denied(self, purposes: Collection[str]) -> Collection[str]:
        """What is not decided, or decided against."""
        return [purpose for purpose in purposes if self._decided(purpose) is not True]

    @classmethod
    def tcf(
        cls,
        mapping: Mapping[str, Collection[int]],
        read: Callable[[], str | None] | None = None,
        name: str = "consent platform (TCF)",
    ) -> ConsentPlatform:
        """A platform of the IAB's Transparency and Consent Framework, version 2.

        ``mapping``: for each purpose of the catalog the numbers of the TCF's purposes that must all be consented to; a
        purpose that it does not have is denied, and one with ``()`` is not the platform's to decide. ``read`` gives
        the bits that the platform stored, such as ``1010000000``; ``stored_tcf``, if not given.
        """
        reader = read or stored_tcf
        wanted = {purpose: tuple(numbers) for purpose, numbers in mapping.items()}

        def decided(purpose: str) -> bool:
            if purpose not in wanted:
                return False
            if not wanted[purpose]:
                return True
            bits = reader() or ""
            if set(bits) - {"0", "1"}:
                raise ValueError("no string of bits")
            return all(bits[number - 1 : number] == "1" for number in wanted[purpose])

        return cls(decided, name)


def stored_tcf() -> str | None:
    """The bits that a consent platform stored on this device, from the app's own settings on Android or iOS.

    Raises ``ImportError`` where there is no bridge to them, and what the bridge raises.
    """
    from headcount_sdk.facts_here import is_android

    if is_android():
        context = android_context()
        settings = context.getSharedPreferences(f"{context.getPackageName()}_preferences", 0)
        return text_of(settings.getString(TCF_PURPOSES, ""))
    settings = value_of(objc_class("NSUserDefaults").standardUserDefaults)
    return text_of(settings.stringForKey_(TCF_PURPOSES))


def _known(answer: object) -> bool:
    """A yes or a no; raises on anything else."""
    if answer is True or answer is False:
        return answer
    raise TypeError("the answer is neither yes nor no")


def _of(purposes: Collection[str], chosen: Collection[str] | None) -> Collection[str]:
    return purposes if chosen is None else [purpose for purpose in purposes if purpose in chosen]
