"""Names that a catalog gives, as words."""

from __future__ import annotations

from headcount_wire.catalog import Measure


def title_of(measure: Measure) -> str:
    """A measure's name as words: ``meeting.joined`` is Meeting joined."""
    return measure.name.replace(".", " ").replace("_", " ").capitalize()
