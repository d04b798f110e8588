"""What a report says around its tallies, by its text: devices that are alike say the same, and it is not decoded again.

Catalog, context, consents and day of a report are the same for all devices of one kind on one day. So the text before
and behind the tallies of a report that was decoded once is remembered with what it says; of a report in another form,
of more days, or of longer texts nothing is.
"""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")

Text = tuple[bytes, bytes]
"""What stands before a report's tallies, and behind them."""

AROUND_MOST = 4096
"""Texts that are remembered, 3.2 kB each with the longest context and origin; then all are forgotten."""
AROUND_BYTES = 1024
"""The longest that is."""


def parted(plain: bytes) -> tuple[Text, bytes] | None:
    """The JSON of a report of one day as the text around its tallies and theirs; nothing where it is not written so."""
    at, until = plain.find(b",[[") + 1, plain.rfind(b"]]]]") + 2
    return ((plain[:at], plain[until:]), plain[at:until]) if 0 < at < until else None


class Arounds(Generic[T]):
    """What was said by texts that were met before."""

    def __init__(self) -> None:
        self._said: dict[Text, T] = {}
        self.get = self._said.get

    def learn(self, text: Text, said: T) -> None:
        """Remember what a text says, whatever tallies stand in it."""
        if len(text[0]) + len(text[1]) > AROUND_BYTES:
            return
        if len(self._said) >= AROUND_MOST:
            self._said.clear()
        self._said[text] = said
