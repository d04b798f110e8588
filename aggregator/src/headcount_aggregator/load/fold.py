"""Records into sums, by the catalog's breakdowns. Pure: the day is an argument."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headcount_wire.catalog import TOTAL, Catalog
from headcount_wire.facts import FACT_RULES, Fact
from headcount_wire.organisation import Organisation
from headcount_wire.segment import Record

from headcount_aggregator.load.groups import Group, GroupKey, Groups
from headcount_aggregator.load.versions import AppVersions
from headcount_aggregator.periods import day_frozen_from

Cuts = tuple[tuple[int, int, int | None], ...]
"""``(breakdown code, place of its first dimension in a record's values, of its second or None)``."""

_ORIGIN_FACTS = frozenset(int(fact) for fact, rule in FACT_RULES.items() if rule.origin)


class Folder:
    """Adds records to groups; ``versions`` knows which app versions are kept apart."""

    def __init__(self, organisation: Organisation, versions: AppVersions) -> None:
        self._catalogs = {app.code: app.catalogs for app in organisation.apps.values()}
        self._cuts: dict[tuple[int, int], Mapping[int, Cuts]] = {}
        self._versions = versions

    def add(self, groups: Groups, record: Record, today: int) -> None:
        """Add one record's tallies, each to its total and to its measure's declared breakdowns."""
        cuts = self._cuts_of(record.app, record.catalog)
        context = self._versions.seen(record, record.context)
        origin = context if record.origin is None else self._versions.seen(record, record.origin)
        seen: set[int] = set()
        for day, measure, label, fact, slot, n in record.tallies:
            late = int(today >= day_frozen_from(day))
            key = GroupKey(record.stream, record.partner, record.customer, record.app, day, late)
            group = groups.get(key)
            if group is None:
                group = groups[key] = Group()
            if day not in seen:
                seen.add(day)
                group.reports += 1
            sums = group.sums
            total = (measure, label, fact, slot, TOTAL, "", "")
            sums[total] = sums.get(total, 0) + n
            values = origin if fact in _ORIGIN_FACTS else context
            for code, first, second in cuts.get(measure, ()):
                cell = (measure, label, fact, slot, code, values[first], "" if second is None else values[second])
                sums[cell] = sums.get(cell, 0) + n

    def _cuts_of(self, app: int, version: int) -> Mapping[int, Cuts]:
        found = self._cuts.get((app, version))
        if found is None:
            found = self._cuts[app, version] = cuts_of(self._catalogs.get(app, ()), version)
        return found


def cuts_of(catalogs: Sequence[Catalog], version: int) -> Mapping[int, Cuts]:
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


assert Fact.AGE in _ORIGIN_FACTS
