"""Which app versions are kept apart: the one open field of a report, made a closed list as it is used.

Each Customer's app has at most ``limits.LIVE_APP_VERSIONS`` of them, and developers' keys a list of
their own; what one sends moves nobody else's. While there is room a version is kept apart from its
first report on. After that it has to be reported more than twice as often as the least reported one,
whose place it then takes; reports weigh half after each week, and a version that was not seen for
``limits.TALLY_PAST_DAYS`` days is forgotten. So made-up versions of a few reports give way to real ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from headcount_wire import limits
from headcount_wire.dimensions import OTHER_VALUE, UNKNOWN, Dimension
from headcount_wire.segment import Values
from headcount_wire.segment_slices import Source

HALF_AFTER_DAYS = 7
TIMES_AS_OFTEN = 2
WAITING = 3 * limits.LIVE_APP_VERSIONS
"""Versions that are not kept apart, but counted in case they come to be."""

_PLACE = Dimension.APP_VERSION - 1

Whose = tuple[int, int, int]
"""``(stream, customer, app)``."""


@dataclass(frozen=True, slots=True)
class Version:
    """How often a version was lately reported, as it weighed on the last day it was; whether it is kept apart."""

    day: int
    weight: float
    live: bool = False

    def on(self, today: int) -> float:
        """Its weight today."""
        return float(self.weight * 0.5 ** (max(0, today - self.day) / HALF_AFTER_DAYS))


Versions = dict[Whose, dict[str, Version]]


class AppVersions:
    """The versions of every Customer's app; ``kept`` is changed in place."""

    def __init__(self, kept: Versions) -> None:
        self.kept = kept

    def count(self, sources: Iterable[tuple[Source, int]], today: int) -> None:
        """Count the versions of reports that are about to be added, how many of each source, and decide which stay."""
        said: dict[Whose, Counter[str]] = {}
        for source, reports in sources:
            for values in (source.context, source.origin):
                version = values[_PLACE] if values else UNKNOWN
                if version not in (UNKNOWN, OTHER_VALUE):
                    said.setdefault((source.stream, source.customer, source.app), Counter())[version] += reports
        for whose, versions in said.items():
            mine = dict(self.kept.get(whose, {}))
            for version, reports in versions.items():
                before = mine.get(version, Version(today, 0.0))
                mine[version] = replace(before, day=max(today, before.day), weight=before.on(today) + reports)
            self.kept[whose] = settled(mine, today)

    def seen(self, source: Source, values: Values) -> Values:
        """A source's values, its app version ``other`` unless it is kept apart."""
        version = values[_PLACE]
        if version in (UNKNOWN, OTHER_VALUE):
            return values
        found = self.kept.get((source.stream, source.customer, source.app), {}).get(version)
        if found is not None and found.live:
            return values
        return (*values[:_PLACE], OTHER_VALUE, values[5])  # type: ignore[return-value]  # six values still


def settled(versions: dict[str, Version], today: int) -> dict[str, Version]:
    """The same versions, with those kept apart that should be, and no more of the others than can be watched."""
    known = {name: found for name, found in versions.items() if found.day >= today - limits.TALLY_PAST_DAYS}
    live = {name: found for name, found in known.items() if found.live}
    waiting = sorted((name for name in known if name not in live), key=lambda name: (-known[name].on(today), name))
    for name in waiting:
        if len(live) >= limits.LIVE_APP_VERSIONS:
            least = min(live, key=lambda mine: (live[mine].on(today), mine))
            if known[name].on(today) <= TIMES_AS_OFTEN * live[least].on(today):
                break
            del live[least]
        live[name] = known[name]
    rest = sorted((name for name in known if name not in live), key=lambda name: (-known[name].on(today), name))
    return {name: replace(known[name], live=name in live) for name in (*live, *rest[:WAITING])}


def to_plain(versions: Versions) -> list[Any]:
    """Versions as JSON holds them."""
    return [
        [*whose, [[name, found.day, found.weight, found.live] for name, found in sorted(mine.items())]]
        for whose, mine in sorted(versions.items())
    ]


def from_plain(plain: list[Any]) -> Versions:
    """Versions out of what ``to_plain`` made; those of an older form are learned again."""
    return {tuple(whose): dict(_named(mine)) for *whose, mine in plain if len(whose) == 3}


def _named(plain: list[Any]) -> Iterator[tuple[str, Version]]:
    for name, day, weight, live in plain:
        yield name, Version(day, weight, live)
