"""What the device knows of its own past. Pure; ``ages.py`` says what follows from it.

A marker is the last day of a measure that the server has acknowledged. Gap, age and first-in-
period facts are made when a report is sealed, day after day, relative to the markers; they move
only when the report is acknowledged.
"""

from __future__ import annotations

from headcount_wire.record import Record, made

Context = tuple[tuple[str, str], ...]
"""Context fields as sorted ``(name, value)`` pairs."""


class Markers(Record):
    """``last``: each measure's last acknowledged day. ``first_use``: the day of first use."""

    last: dict[int, int] = made(factory=dict)
    first_use: int | None = None
    origin: Context = ()

    def copy(self) -> Markers:
        """A copy to work ahead on while a report is sealed."""
        return Markers(dict(self.last), self.first_use, self.origin)

    def advance(self, measure: int, day: int) -> None:
        """The server has this day of the measure."""
        self.last[measure] = max(day, self.last.get(measure, day))

    def forget_after(self, day: int) -> bool:
        """Reset what lies after a day, which a wrong clock must have made; whether anything did."""
        ahead = [measure for measure, last in self.last.items() if last > day]
        for measure in ahead:
            del self.last[measure]
        wrong_start = self.first_use is not None and self.first_use > day
        if wrong_start:
            self.first_use = None
        return bool(ahead) or wrong_start
