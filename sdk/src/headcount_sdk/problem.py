"""A problem the user chose to report: shown first, counted only when the user says send."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from headcount_wire.facts import Severity


@dataclass
class Preview:
    """Exactly what would be counted. Show it, then ``send`` it; a preview that is not sent leaves nothing.

    ``category`` and ``screen`` are values of the catalog's lists, or ``other``; ``context``: the fields that would go
    with it. There is no text, no picture and no log: what cannot be added up is not asked for.
    """

    category: str
    severity: Severity | None
    screen: str
    context: Mapping[str, str]
    _send: Callable[[], bool] = field(repr=False)
    sent: bool = False

    def send(self) -> bool:
        """Count it; whether it was counted. A second call does nothing."""
        if self.sent:
            return False
        self.sent = self._send()
        return self.sent
