"""What became of every report that was read: counted, or dropped as a repeat. Nothing else, and nothing in silence.

By app and day of creation, so that one app's loss cannot hide behind another's gain. No Customer and no id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

AppDay = tuple[int, int]
"""``(app code, UTC day of creation)``."""


@dataclass(slots=True)
class Account:
    """Reports by app and day: ``read`` out of segments, ``counted`` in units, ``repeated``."""

    read: Counter[AppDay] = field(default_factory=Counter)
    counted: Counter[AppDay] = field(default_factory=Counter)
    repeated: Counter[AppDay] = field(default_factory=Counter)

    def add(self, other: Account) -> None:
        """Add another account's reports to this one."""
        self.read.update(other.read)
        self.counted.update(other.counted)
        self.repeated.update(other.repeated)

    def forget(self, before: int) -> None:
        """Let go of reports created before a day."""
        for side in (self.read, self.counted, self.repeated):
            for key in [key for key in side if key[1] < before]:
                del side[key]

    def unexplained(self) -> dict[AppDay, int]:
        """Reports that were read and are neither counted nor repeats (negative: counted and never read)."""
        every = {*self.read, *self.counted, *self.repeated}
        found = {key: self.read[key] - self.counted[key] - self.repeated[key] for key in sorted(every)}
        return {key: n for key, n in found.items() if n}

    def to_plain(self) -> list[list[int]]:
        """``[app, day, read, counted, repeated]`` for each app and day."""
        every = sorted({*self.read, *self.counted, *self.repeated})
        return [[*key, self.read[key], self.counted[key], self.repeated[key]] for key in every]

    @classmethod
    def from_plain(cls, plain: Iterable[Any]) -> Account:
        """An account out of what ``to_plain`` made."""
        found = cls()
        for app, day, read, counted, repeated in plain:
            for side, n in ((found.read, read), (found.counted, counted), (found.repeated, repeated)):
                if n:
                    side[app, day] = n
        return found
