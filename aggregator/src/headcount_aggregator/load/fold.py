"""Tallies into sums, by the catalog's breakdowns. Pure: the day is an argument.

Devices say the same few thousand tallies again and again. So nothing is decoded or added up for each of them. How often
the reports of one source said the same bytes is counted first; what that adds up to is added to the finest cuts only;
and of what they hold, the coarser cuts and the total are made once, at the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from headcount_wire.catalog import Catalog
from headcount_wire.facts import FACT_RULES
from headcount_wire.organisation import Organisation
from headcount_wire.segment_slices import FACT_AT, Source, source_of, split_sum, split_tallies

from headcount_aggregator.load.groups import WHOLE, Cuts, Sums, add
from headcount_aggregator.load.versions import AppVersions

Breakdown = tuple[int, int, int | None]
"""``(breakdown code, place of its first dimension in a record's values, of its second or None)``."""

Places = tuple[Breakdown, ...]

SUMS_MOST = 250_000
"""Sums held while one group is folded; more are handed over in parts. About 150 bytes each, and coarser ones later."""
_LOOK_EVERY = 200_000
_MET_MOST = 100_000

_ORIGIN_FACTS = frozenset(int(fact) for fact, rule in FACT_RULES.items() if rule.origin)


@dataclass(slots=True)
class Part:
    """Some of a group's tallies: how many there were, what their ``n`` come to, and their sums."""

    tallies: int = 0
    total: int = 0
    cuts: Cuts = field(default_factory=dict)


class Folder:
    """Adds up the tallies of a group; ``versions`` knows which app versions are kept apart."""

    def __init__(self, organisation: Organisation, versions: AppVersions, sums_most: int = SUMS_MOST) -> None:
        self._catalogs = {app.code: app.catalogs for app in organisation.apps.values()}
        self._kinds: dict[tuple[int, int], _Kinds] = {}
        self._versions = versions
        self._sums_most = sums_most

    def fold(self, told: Mapping[bytes, Iterable[bytes]]) -> Iterator[Part]:
        """The sums of one group's tallies, given by source, in parts of bounded size."""
        part, fine = Part(), _Fine()
        since_look = 0
        for source, tallies in told.items():
            said = Counter(split_tallies(b"".join(tallies)))
            part.tallies += said.total()
            part.total += self._add(fine, source_of(source), said)
            since_look += len(said)
            if since_look > min(_LOOK_EVERY, self._sums_most):
                since_look = 0
                if fine.size > self._sums_most:
                    part.cuts = fine.completed()
                    yield part
                    part, fine = Part(), _Fine()
        part.cuts = fine.completed()
        yield part

    def _add(self, fine: _Fine, source: Source, said: Mapping[bytes, int]) -> int:
        """Add what the reports of a source said, and return what it comes to."""
        kinds = self._kinds_of(source.app, source.catalog)
        context = self._versions.seen(source, source.context)
        origin = context if source.origin is None else self._versions.seen(source, source.origin)
        total = 0
        for (places, by_origin), sums in kinds.sums_of(said):
            fine.add(places, origin if by_origin else context, sums)
            total += sum(sums.values())
        return total

    def _kinds_of(self, app: int, version: int) -> _Kinds:
        found = self._kinds.get((app, version))
        if found is None:
            found = self._kinds[app, version] = _Kinds(places_of(self._catalogs.get(app, ()), version))
        return found


class _Fine:
    """Sums by the finest cuts, those that no other holds, apart for tallies that are cut by other breakdowns."""

    def __init__(self) -> None:
        self._held: dict[Places, Cuts] = {}

    @property
    def size(self) -> int:
        """How many sums there are."""
        return sum(len(sums) for cuts in self._held.values() for sums in cuts.values())

    def add(self, places: Places, values: Sequence[str], sums: Sums) -> None:
        """Add sums that stand under these values."""
        cuts = self._held.setdefault(places, {})
        for code, first, second in finest(places):
            add(cuts, (code, values[first], "" if second is None else values[second]), sums)
        if not places:
            add(cuts, WHOLE, sums)

    def completed(self) -> Cuts:
        """The same with the coarser cuts and the total, each made of the smallest cut that holds it. Ends this."""
        found: Cuts = {}
        for places, cuts in self._held.items():
            for code, side, of in coarser(places):
                for (its, *values), sums in list(cuts.items()):
                    if its == of:
                        add(cuts, (code, values[side], "") if code else WHOLE, sums)
            for cut, sums in cuts.items():
                add(found, cut, sums)
        self._held.clear()
        return found


@lru_cache(256)
def finest(places: Places) -> Places:
    """The breakdowns that no other holds: those by two dimensions, and those by one that is in none of them."""
    within = {place for _, *both in places if both[1] is not None for place in both}
    return tuple(one for one in places if one[2] is not None or one[1] not in within)


@lru_cache(256)
def coarser(places: Places) -> tuple[tuple[int, int, int], ...]:
    """The other breakdowns, and the total (0) last: ``(its code, by which value, of the cuts of which code)``."""
    pairs = [one for one in places if one[2] is not None]
    found: list[tuple[int, int, int]] = []
    for code, first, second in places:
        holds = next((pair for pair in pairs if first in pair[1:]), None)
        if second is None and holds is not None:
            found.append((code, holds[1:].index(first), holds[0]))
    smallest = [code for code, *_ in found] or [code for code, *_ in places]
    return (*found, (0, 0, smallest[0])) if places else ()


class _Kinds:
    """How a catalog's tallies are cut, and what they add; what was met before costs one look-up."""

    def __init__(self, places: Mapping[int, Places]) -> None:
        self._places = places
        self._kinds: list[tuple[Places, bool]] = []
        self._met: dict[bytes, tuple[int, bytes, int]] = {}

    def sums_of(self, said: Mapping[bytes, int]) -> list[tuple[tuple[Places, bool], Sums]]:
        """Tallies added up, apart by what they are cut by: breakdowns, and whether by first use."""
        met = self._met
        if len(met) > _MET_MOST:
            met.clear()
        found: list[Sums] = [{} for _ in self._kinds]
        for line, times in said.items():
            known = met.get(line)
            if known is None:
                known = met[line] = self._look_at(line)
                found += [{} for _ in self._kinds[len(found) :]]
            kind, what, n = known
            sums = found[kind]
            sums[what] = sums.get(what, 0) + n * times
        return [(kind, sums) for kind, sums in zip(self._kinds, found, strict=True) if sums]

    def _look_at(self, line: bytes) -> tuple[int, bytes, int]:
        what, n = split_sum(line)
        kind = self._places.get(int.from_bytes(line[:2], "little"), ()), line[FACT_AT] in _ORIGIN_FACTS
        if kind not in self._kinds:
            self._kinds.append(kind)
        return self._kinds.index(kind), what, n


def places_of(catalogs: Sequence[Catalog], version: int) -> Mapping[int, Places]:
    """The declared breakdowns of each measure, by the record's catalog or else the newest."""
    catalog = next((found for found in catalogs if found.version == version), catalogs[0] if catalogs else None)
    if catalog is None:
        return {}
    return {
        measure.code: tuple(
            (breakdown.code, breakdown.first - 1, breakdown.second - 1 if breakdown.second else None)
            for breakdown in measure.breakdowns
        )
        for measure in catalog.measures.values()
    }
