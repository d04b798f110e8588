"""Tallies into sums, by the catalog's breakdowns. Pure: the day is an argument.

Devices say the same few thousand tallies again and again. So a tally is never decoded here: how often its
bytes were said is counted, for the total and for each cut, and ``groups.sums_of`` multiplies at the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from headcount_wire.catalog import Catalog
from headcount_wire.facts import FACT_RULES
from headcount_wire.organisation import Organisation
from headcount_wire.segment_slices import FACT_AT, Source, source_of, split_tallies

from headcount_aggregator.load.groups import WHOLE, Counts
from headcount_aggregator.load.versions import AppVersions

Places = tuple[tuple[int, int, int | None], ...]
"""``(breakdown code, place of its first dimension in a record's values, of its second or None)``."""

CELLS_MOST = 500_000
"""Counts held while one group is folded; more are handed over in parts. About 150 bytes each."""
_LOOK_EVERY = 200_000
_MET_MOST = 100_000

_ORIGIN_FACTS = frozenset(int(fact) for fact, rule in FACT_RULES.items() if rule.origin)


class Folder:
    """Counts the tallies of a group; ``versions`` knows which app versions are kept apart."""

    def __init__(self, organisation: Organisation, versions: AppVersions, cells_most: int = CELLS_MOST) -> None:
        self._catalogs = {app.code: app.catalogs for app in organisation.apps.values()}
        self._kinds: dict[tuple[int, int], _Kinds] = {}
        self._versions = versions
        self._cells_most = cells_most

    def fold(self, told: Mapping[bytes, Iterable[bytes]]) -> Iterator[Counts]:
        """The counts of one group's tallies, given by source, in parts of bounded size."""
        counts: Counts = {WHOLE: Counter()}
        since_look = 0
        for source, tallies in told.items():
            lines = split_tallies(b"".join(tallies))
            self._add(counts, source_of(source), lines)
            since_look += len(lines)
            if since_look > min(_LOOK_EVERY, self._cells_most):
                since_look = 0
                if sum(map(len, counts.values())) > self._cells_most:
                    yield counts
                    counts = {WHOLE: Counter()}
        yield counts

    def _add(self, counts: Counts, source: Source, lines: Sequence[bytes]) -> None:
        kinds = self._kinds_of(source.app, source.catalog)
        kinds.shrink()
        lines = kinds.met(lines)
        counts[WHOLE].update(lines)
        context = self._versions.seen(source, source.context)
        origin = context if source.origin is None else self._versions.seen(source, source.origin)
        for places, by_origin, same in kinds.split(lines, apart=origin != context):
            values = origin if by_origin else context
            for code, first, second in places:
                cut = (code, values[first], "" if second is None else values[second])
                held = counts.get(cut)
                if held is None:
                    held = counts[cut] = Counter()
                held.update(same)

    def _kinds_of(self, app: int, version: int) -> _Kinds:
        found = self._kinds.get((app, version))
        if found is None:
            found = self._kinds[app, version] = _Kinds(places_of(self._catalogs.get(app, ()), version))
        return found


class _Kinds:
    """How a catalog's tallies are cut; what was met before costs one look-up.

    A tally's kind is twice the place of its breakdowns in ``cuts``, and one more where they are cut by first use.
    """

    def __init__(self, places: Mapping[int, Places]) -> None:
        self._cuts: list[Places] = [()]
        self._of_measure: dict[int, int] = {}
        for measure, found in places.items():
            if found not in self._cuts:
                self._cuts.append(found)
            self._of_measure[measure] = self._cuts.index(found)
        self._same: dict[bytes, bytes] = {}
        self._kind: dict[bytes, int] = {}
        self._met: set[int] = set()

    def met(self, lines: Sequence[bytes]) -> list[bytes]:
        """The same tallies, equal ones as one object: they are found in a counter without being compared."""
        try:
            return list(map(self._same.__getitem__, lines))
        except KeyError:
            return [self._same.get(line) or self._look_at(line) for line in lines]

    def split(self, lines: Sequence[bytes], *, apart: bool) -> Iterator[tuple[Places, bool, Sequence[bytes]]]:
        """Tallies (of ``met``) that are cut alike: by which breakdowns, whether by first use, and they.

        Not ``apart``: first use and now are one context, and nothing is split by it.
        """
        if not apart and len(self._met) == 1:
            (place,) = self._met
            yield self._cuts[place], False, lines
            return
        kinds = [self._kind[line] if apart else self._kind[line] & ~1 for line in lines]
        for kind in set(kinds):
            same = [line for line, its in zip(lines, kinds, strict=True) if its == kind]
            yield self._cuts[kind >> 1], bool(kind & 1), same

    def _look_at(self, line: bytes) -> bytes:
        place = self._of_measure.get(int.from_bytes(line[:2], "little"), 0)
        self._met.add(place)
        self._kind[line] = place * 2 + (line[FACT_AT] in _ORIGIN_FACTS)
        self._same[line] = line
        return line

    def shrink(self) -> None:
        """Forget what was met, when it is much."""
        if len(self._same) > _MET_MOST:
            self._same.clear()
            self._kind.clear()
            self._met.clear()


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
