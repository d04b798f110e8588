"""Names that a catalog gives, as words."""

from __future__ import annotations

from headcount_wire.catalog import Measure


def title_of(measure: Measure) -> str:
    """A measure's name as words: ``meeting.joined`` is Meeting joined."""
    return words_of(measure.name)


def words_of(name: str) -> str:
    """A measure's name as words."""
    return name.replace(".", " ").replace("_", " ").capitalize()
